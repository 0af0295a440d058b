"""Removes what is left of releases that nobody goes back to, and never what a rollback would need."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from fairway.flows.context import Target
from fairway.model.errors import Refused
from fairway.model.events import Emit, TaskEnded, TaskStarted
from fairway.model.garbage import Garbage, Kept, Retention
from fairway.model.release import Release
from fairway.ports import Collector
from fairway.rollout.retention import sort


class Pruned(Struct, frozen=True, kw_only=True):
    """`removed`, or, in a dry run, what would be; `stays`: what turned out to be in use. `releases` are no longer on record."""

    removed: tuple[Garbage, ...] = ()
    stays: tuple[Garbage, ...] = ()
    releases: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()


async def prune(
    target: Target, collectors: Sequence[Collector], retention: Retention, emit: Emit, *, dry_run: bool = False
) -> Pruned:
    """Raises Locked, and what the collectors raise; what was removed until then is gone, and the next call goes on."""
    if dry_run:
        kept = await _sorted(target, retention)
        found = await _found(collectors, kept)
        return _pruned([garbage for _, garbage in found], [], kept)
    async with target.leases.hold(target.doing, target.wait):
        kept = await _sorted(target, retention)
        removed: list[Garbage] = []
        stays: list[Garbage] = []
        for collector, garbage in await _found(collectors, kept):
            gone = await _removed(collector, garbage, emit)
            (removed if gone else stays).append(garbage)
        if target.files is not None:
            await target.files.keep(kept.kept)
        await target.ledger.forget(_gone(kept, stays))
    return _pruned(removed, stays, kept)


async def tidy(target: Target, collectors: Sequence[Collector], retention: Retention, emit: Emit) -> Pruned | None:
    """As `prune`, where the last release has made an older one superfluous; None where it has not."""
    if target.lost() or not (await _sorted(target, retention)).dropped:
        return None
    return await prune(target, collectors, retention, emit)


async def _sorted(target: Target, retention: Retention) -> Kept:
    lost = target.lost()
    if lost:
        raise Refused(
            f"nothing is removed while {' and '.join(sorted(lost))} cannot be asked",
            why="what runs there may need it",
            hint="bring it back, or take it out of `hosts`",
        )
    return sort(await target.ledger.read(), await target.engine.observe(), retention, target.seconds)


async def _found(collectors: Sequence[Collector], kept: Kept) -> list[tuple[Collector, Garbage]]:
    return [(collector, garbage) for collector in collectors for garbage in await collector.find(kept)]


async def _removed(collector: Collector, garbage: Garbage, emit: Emit) -> bool:
    key = f"prune:{garbage.where}:{garbage.id}"
    emit(TaskStarted(key, f"Removing the {garbage.kind} {garbage.name or garbage.id[:19]} of {garbage.where}"))
    gone = await collector.remove(garbage)
    emit(TaskEnded(key, True, 0.0, "" if gone else "it is in use"))
    return gone


def _gone(kept: Kept, stays: Sequence[Garbage]) -> tuple[Release, ...]:
    """Those of which nothing has stayed: the others are looked at again next time."""
    left = {garbage.id for garbage in stays}
    return tuple(
        release for release in kept.dropped if not left & {image.id for image in release.images.values() if image.id}
    )


def _pruned(removed: Sequence[Garbage], stays: Sequence[Garbage], kept: Kept) -> Pruned:
    return Pruned(
        removed=tuple(removed),
        stays=tuple(stays),
        releases=tuple(release.number for release in _gone(kept, stays)),
        kept=tuple(release.number for release in kept.kept),
    )
