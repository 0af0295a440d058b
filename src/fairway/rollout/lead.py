"""Leads a fleet to a release. Undo is the same walk towards the release before, from the fleet as it then is.

New replicas start in the order of their dependencies and must be ready before any traffic moves. Where a service has
phases, the release goes through them beside what is old. Then one routing table moves the traffic of all services at once;
only then is anything old drained and retired. A service that cannot run twice makes way first, in its turn. With `surge`
the walk is done in batches. Whatever happens, the walk can be begun anew at any step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from fairway.model.fleet import Fleet, Weights
from fairway.model.release import Release, Revision
from fairway.model.steps import AwaitExit, AwaitReady, Ensure, Hold, Shift, Strategy, Verdict, Want
from fairway.rollout import jobs
from fairway.rollout.course import Course
from fairway.rollout.moves import Move, moves, strays, target_weights
from fairway.rollout.order import awaited, levels
from fairway.rollout.phases import through
from fairway.rollout.trials import trial
from fairway.rollout.walk import Walk, do, remove


def lead(fleet: Fleet, release: Release, course: Course) -> Strategy:
    """Yields no step where the fleet already is what the release asks for. Ends FAILED at the first step that fails.

    Once all traffic is the release's, what is left to do is to remove what is old: where that fails, nothing is undone.
    """
    way = moves(fleet, release, course)
    relief = _relief(fleet, release, way, course)
    if relief and not (yield from do(Shift(relief, others=True))):
        return Verdict.FAILED
    way = tuple(replace(move, surge=move.replicas) if move.service in relief else move for move in way)
    if not (yield from _start(release, way, course)):
        return Verdict.FAILED
    if not (yield from through(release, way, course)):
        return Verdict.FAILED
    live, steered = fleet.weights, bool(fleet.steering)
    batches = max((move.batches for move in way), default=1)
    for number in range(1, batches + 1):
        weights = _weights(release, way, number)
        if not (yield from _batch(release, way, number, course, reroute=steered or weights != live)):
            return Verdict.FAILED
        live, steered = weights, False
        if number < batches and not (yield from remove(_shrinking(way, number))):
            return Verdict.FAILED
    leftovers = (Want(move.new, move.replicas) for move in way if move.surplus)
    gone = (Want(revision, 0) for revision in strays(fleet, release))
    if (yield from remove(_shrinking(way, batches))) and (yield from remove((*leftovers, *gone))):
        yield from jobs.after_keep(release, _staying(fleet, release, course), course)
    return Verdict.PROMOTED


def _staying(fleet: Fleet, release: Release, course: Course) -> frozenset[Revision]:
    """What is kept warm: nothing of what made way for its successor."""
    there = course.warm.intersection(fleet.revisions())
    return frozenset(old for old in there if not release.policy(old.service).rollout.recreates(back=course.back))


def _relief(fleet: Fleet, release: Release, way: Sequence[Move], course: Course) -> Weights:
    """Users leave at once what is not to serve them, where all that is to serve them is there and some of it can.

    On the way back, and where an earlier release was cut off: a replica of the good version that is ill, or has yet to
    start again, must not keep them with the bad one, nor lead them back to it: so what follows is not done in batches.
    The gateway has gone on checking those that had no traffic. Where all run, and it was told to forget some, they are
    back in a moment: so few as the others are not to carry the whole load meanwhile.
    """
    weights = {}
    for move in way:
        shares = fleet.weights.get(move.service, {})
        others = any(share for name, share in shares.items() if name != move.new.name)
        known = course.back or (shares.get(move.new.name) and (course.straight or move.new in course.proven))
        mine = fleet.of(move.new)
        able = [replica for replica in mine if replica.alive]
        served = [replica for replica in able if replica.id in fleet.serving]
        least = move.replicas - release.policy(move.service).rollout.spare
        fit = served and (len(served) >= least or len(able) < len(mine))
        if known and fit and len(mine) >= move.replicas > 0 and (others or move.service in fleet.steering):
            weights[move.service] = {move.new.name: move.replicas}
    return weights


def _start(release: Release, way: Sequence[Move], course: Course) -> Walk:
    """The first batch of every service that grows, or what its first phase needs; dependencies first."""
    growing = {move.service: move for move in way if move.grows}
    first = {move: move.first(course.phase) for move in growing.values()}
    waiting: list[Move] = []
    for level in levels(release.app):
        here = [growing[service] for service in level if service in growing]
        if not here:
            continue
        if not (yield from _await_dependencies(release, here, waiting, first)):
            return False
        if not (yield from jobs.before(release, [move.service for move in here], course)):
            return False
        if not (yield from remove(_making_way(here))):
            return False
        if not (yield from do(Ensure(tuple(Want(move.new, first[move]) for move in here)))):
            return False
        waiting.extend(here)
    return (yield from _await({move: first[move] for move in waiting}))


def _await_dependencies(release: Release, here: Iterable[Move], waiting: list[Move], first: dict[Move, int]) -> Walk:
    conditions = awaited(release.app, [move.service for move in here])
    due = [move for move in waiting if move.service in conditions]
    for move in due:
        waiting.remove(move)
    return (yield from _await({move: first[move] for move in due}))


def _batch(release: Release, way: Sequence[Move], number: int, course: Course, *, reroute: bool) -> Walk:
    """One batch: new replicas (the first have started already) and their share of the traffic."""
    grown = [move for move in way if _grows_in(move, number)]
    if number > 1 and grown:
        if not (yield from remove(_room(grown, number))):
            return False
        if not (yield from do(Ensure(tuple(Want(move.new, move.batch(number)) for move in grown)))):
            return False
        if not (yield from _await({move: move.batch(number) for move in grown})):
            return False
    weights = _weights(release, way, number)
    reroute = reroute or any(move.service in weights for move in grown)
    if reroute and not (yield from do(Shift(weights))):
        return False
    return (course.straight and not course.paced) or (yield from _watch(release, grown, number, course))


def _grows_in(move: Move, number: int) -> bool:
    return move.grows if number == 1 else move.batch(number) > move.batch(number - 1)


def _weights(release: Release, way: Sequence[Move], number: int) -> Weights:
    """Traffic in proportion to the replicas that stay: never more than is ready."""
    weights = dict(target_weights(release))
    for move in way:
        if move.service in weights:
            kept = {old.revision.name: serving for old, serving in move.beside(number) if serving}
            weights[move.service] = {move.new.name: move.batch(number), **kept}
    return weights


def _shrinking(way: Sequence[Move], number: int) -> tuple[Want, ...]:
    """What of the old goes once this batch serves. What stays warm stays whole."""
    wants = []
    for move in way:
        if move.recreate and move.grows:
            continue  # it made way before its successor started
        untouched = number == 1 and not (move.unavailable or move.shares_work)
        stood = {} if untouched else {old: old.kept(serving) for old, serving in move.room(number)}
        for old, serving in move.beside(number):
            if not old.warm and old not in move.unfinished and old.kept(serving) < stood.get(old, old.replicas):
                wants.append(Want(old.revision, old.kept(serving)))
    return tuple(wants)


def _watch(release: Release, grown: Sequence[Move], number: int, course: Course) -> Walk:
    """New replicas are watched with their traffic before anything old goes; between two batches there may be a pause."""
    watched = [move for move in grown if not (move.job or move.phases)]
    rollouts = {move: release.policy(move.service).rollout for move in watched}
    times = {move: rollouts[move].back if course.back else rollouts[move] for move in watched}
    monitor = max((times[move].monitor for move in watched), default=0.0)
    pause = max((times[move].pause for move in watched if number < move.batches), default=0.0)
    if not max(monitor, pause):
        return True
    wants = tuple(move.want(move.batch(number)) for move in watched)
    served = {move: move.control is not None and bool(dict(move.beside(number))[move.control]) for move in watched}
    judged = [] if course.back else watched
    trials = tuple(found for move in judged if (found := trial(release, move, compared=served[move])))
    return (yield from do(Hold(max(monitor, pause), wants, "monitor" if monitor >= pause else "pause", trials=trials)))


def _making_way(here: Sequence[Move]) -> tuple[Want, ...]:
    """What cannot run beside its successor goes before it, and so does what the first batch needs the room of."""
    recreated = (Want(old.revision, 0) for move in here if move.recreate for old in move.old)
    return (*recreated, *_room([move for move in here if not (move.recreate or move.phases)], 1))


def _room(grown: Sequence[Move], number: int) -> tuple[Want, ...]:
    """The old replicas that may be missing while batch `number` starts."""
    wants = []
    for move in grown:
        if not move.unavailable:
            continue
        stood = {old: old.kept(serving) for old, serving in move.beside(number - 1)} if number > 1 else {}
        for old, serving in move.room(number):
            if old.kept(serving) < stood.get(old, old.replicas):
                wants.append(Want(old.revision, old.kept(serving)))
    return tuple(wants)


def _await(grown: dict[Move, int]) -> Walk:
    ready = tuple(move.want(replicas) for move, replicas in grown.items() if not move.job)
    if ready and not (yield from do(AwaitReady(ready))):
        return False
    ended = tuple(Want(move.new, replicas) for move, replicas in grown.items() if move.job)
    return not ended or (yield from do(AwaitExit(ended)))
