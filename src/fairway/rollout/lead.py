"""Leads a fleet to a release. Undo is the same walk towards the release before, from the fleet as it then is.

New replicas start in the order of their dependencies and must be ready before any traffic moves; one routing table moves
the traffic of all services at once; only then is anything old drained and retired. A service that cannot run twice makes
way first, in its turn. With `surge` the walk is done in batches. Whatever happens, the walk can be begun anew at any step.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

from fairway.model.fleet import Fleet, Weights
from fairway.model.release import Release
from fairway.model.steps import (
    AwaitExit,
    AwaitReady,
    Drain,
    Ensure,
    Hold,
    Outcome,
    Retire,
    Shift,
    Step,
    Strategy,
    Verdict,
    Want,
)
from fairway.rollout.moves import Move, moves, strays, target_weights
from fairway.rollout.order import awaited, levels

Walk = Generator[Step, Outcome, bool]
"""A part of a strategy: True where every step of it succeeded."""


def lead(fleet: Fleet, release: Release) -> Strategy:
    """Yields no step where the fleet already is what the release asks for. Ends FAILED at the first step that fails.

    Once all traffic is the release's, what is left to do is to remove what is old: where that fails, nothing is undone.
    """
    way = moves(fleet, release)
    if not (yield from _start(release, way)):
        return Verdict.FAILED
    live = fleet.weights
    batches = max((move.batches for move in way), default=1)
    for number in range(1, batches + 1):
        weights = _weights(release, way, number)
        if not (yield from _batch(release, way, number, live, weights)):
            return Verdict.FAILED
        live = weights
        if number < batches and not (yield from _remove(_shrinking(way, number))):
            return Verdict.FAILED
    leftovers = (Want(move.new, move.replicas) for move in way if move.surplus)
    gone = (Want(revision, 0) for revision in strays(fleet, release))
    if (yield from _remove(_shrinking(way, batches))):
        yield from _remove((*leftovers, *gone))
    return Verdict.PROMOTED


def _start(release: Release, way: Sequence[Move]) -> Walk:
    """The first batch of every service that grows, dependencies first."""
    growing = {move.service: move for move in way if move.grows}
    waiting: list[Move] = []
    for level in levels(release.app):
        here = [growing[service] for service in level if service in growing]
        if not here:
            continue
        if not (yield from _await_dependencies(release, here, waiting)):
            return False
        if not (yield from _make_way([move for move in here if move.recreate])):
            return False
        if not (yield from _do(Ensure(tuple(Want(move.new, move.batch(1)) for move in here)))):
            return False
        waiting.extend(here)
    return (yield from _await(waiting, 1))


def _await_dependencies(release: Release, here: Iterable[Move], waiting: list[Move]) -> Walk:
    conditions = awaited(release.app, [move.service for move in here])
    due = [move for move in waiting if move.service in conditions]
    for move in due:
        waiting.remove(move)
    return (yield from _await(due, 1))


def _batch(release: Release, way: Sequence[Move], number: int, live: Weights, weights: Weights) -> Walk:
    """One batch: new replicas (the first have started already) and their share of the traffic."""
    grown = [move for move in way if _grows_in(move, number)]
    if number > 1 and grown:
        if not (yield from _do(Ensure(tuple(Want(move.new, move.batch(number)) for move in grown)))):
            return False
        if not (yield from _await(grown, number)):
            return False
    reroute = weights != live or any(move.service in weights for move in grown)
    if reroute and not (yield from _do(Shift(weights))):
        return False
    return (yield from _watch(release, grown, number))


def _grows_in(move: Move, number: int) -> bool:
    return move.grows if number == 1 else move.batch(number) > move.batch(number - 1)


def _weights(release: Release, way: Sequence[Move], number: int) -> Weights:
    """Traffic in proportion to the replicas that stay: never more than is ready."""
    weights = dict(target_weights(release))
    for move in way:
        if move.service in weights:
            new = move.batch(number)
            kept = {old.revision.name: serving for old, serving in move.keep(new) if serving}
            weights[move.service] = {move.new.name: new, **kept}
    return weights


def _shrinking(way: Sequence[Move], number: int) -> tuple[Want, ...]:
    """What of the old goes in this batch."""
    wants = []
    for move in way:
        if move.recreate and move.grows:
            continue  # it made way before its successor started
        before = move.keep(move.batch(number - 1)) if number > 1 else ()
        stood = {old: old.kept(serving) for old, serving in before}
        for old, serving in move.keep(move.batch(number)):
            if old.kept(serving) < stood.get(old, old.replicas):
                wants.append(Want(old.revision, old.kept(serving)))
    return tuple(wants)


def _watch(release: Release, grown: Sequence[Move], number: int) -> Walk:
    """New replicas are watched with their traffic before anything old goes; between two batches there may be a pause."""
    watched = [move for move in grown if not move.job]
    rollouts = {move: release.policy(move.service).rollout for move in watched}
    monitor = max((rollouts[move].monitor for move in watched), default=0.0)
    pause = max((rollouts[move].pause for move in watched if number < move.batches), default=0.0)
    if not max(monitor, pause):
        return True
    wants = tuple(Want(move.new, move.batch(number)) for move in watched)
    return (yield from _do(Hold(max(monitor, pause), wants, "monitor" if monitor >= pause else "pause")))


def _make_way(recreated: Sequence[Move]) -> Walk:
    """What cannot run beside its successor goes before it."""
    return (yield from _remove(tuple(Want(old.revision, 0) for move in recreated for old in move.old)))


def _remove(wants: tuple[Want, ...]) -> Walk:
    if not wants:
        return True
    if not (yield from _do(Drain(wants))):
        return False
    return (yield from _do(Retire(wants)))


def _await(grown: Sequence[Move], number: int) -> Walk:
    ready = tuple(Want(move.new, move.batch(number)) for move in grown if not move.job)
    if ready and not (yield from _do(AwaitReady(ready))):
        return False
    ended = tuple(Want(move.new, move.batch(number)) for move in grown if move.job)
    return not ended or (yield from _do(AwaitExit(ended)))


def _do(step: Step) -> Walk:
    outcome = yield step
    return outcome.ok
