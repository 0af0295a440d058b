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
    """Yields no step where the fleet already is what the release asks for. Ends FAILED at the first step that fails."""
    way = moves(fleet, release)
    gone = strays(fleet, release)
    weights = target_weights(release)
    if not way and not gone and fleet.weights == weights:
        return Verdict.PROMOTED
    if not (yield from _start(release, way)):
        return Verdict.FAILED
    routed = bool(weights or fleet.weights)
    for batch in range(1, max((move.batches for move in way), default=1) + 1):
        if not (yield from _batch(release, way, weights if routed else None, batch)):
            return Verdict.FAILED
    leftovers = tuple(Want(move.new, move.replicas) for move in way if move.surplus)
    done = yield from _remove((*leftovers, *(Want(revision, 0) for revision in gone)))
    return Verdict.PROMOTED if done else Verdict.FAILED


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


def _batch(release: Release, way: Sequence[Move], weights: Weights | None, number: int) -> Walk:
    """One batch: new replicas (the first have started already), their share of the traffic, and as many old ones less."""
    if number > 1:
        more = [move for move in way if move.batch(number) > move.batch(number - 1)]
        if more and not (yield from _do(Ensure(tuple(Want(move.new, move.batch(number)) for move in more)))):
            return False
        if not (yield from _await(more, number)):
            return False
    if weights is not None and not (yield from _do(Shift(_shares(way, weights, number)))):
        return False
    if not (yield from _watch(release, way, number)):
        return False
    return (yield from _remove(_shrinking(way, number)))


def _shares(way: Sequence[Move], weights: Weights, number: int) -> Weights:
    """Traffic in proportion to the replicas that stay: never more than is ready."""
    shares = {service: dict(parts) for service, parts in weights.items()}
    for move in way:
        if move.service not in shares:
            continue
        new = move.batch(number)
        parts = {move.new.name: new, **{old.name: count for old, count in move.keep(new)}}
        shares[move.service] = {name: count for name, count in parts.items() if count}
    return shares


def _shrinking(way: Sequence[Move], number: int) -> tuple[Want, ...]:
    """What of the old goes in this batch."""
    wants = []
    for move in way:
        if move.recreate and move.grows:
            continue  # it made way before its successor started
        before = dict(move.keep(move.batch(number - 1))) if number > 1 else dict(move.old)
        wants += [Want(old, stays) for old, stays in move.keep(move.batch(number)) if stays < before[old]]
    return tuple(wants)


def _watch(release: Release, way: Sequence[Move], number: int) -> Walk:
    grown = [move for move in way if move.grows and not move.job and number <= move.batches]
    monitor = max((release.policy(move.service).rollout.monitor for move in grown), default=0.0)
    last = number >= max((move.batches for move in grown), default=0)
    pause = 0.0 if last else max((release.policy(move.service).rollout.pause for move in grown), default=0.0)
    if not max(monitor, pause):
        return True
    wants = tuple(Want(move.new, move.batch(number)) for move in grown)
    return (yield from _do(Hold(max(monitor, pause), wants, "monitor" if monitor >= pause else "pause")))


def _make_way(recreated: Sequence[Move]) -> Walk:
    """What cannot run beside its successor goes before it."""
    return (yield from _remove(tuple(Want(old, 0) for move in recreated for old, _ in move.old)))


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
