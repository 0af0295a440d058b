"""What the replicas of an environment use, on all hosts side by side, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

from msgspec import structs

from fairway.flows.context import Target
from fairway.model.errors import UsageError
from fairway.model.fleet import Fleet, Replica, State
from fairway.model.release import Release, Revision, promoted
from fairway.model.usage import Sample, Usage, cpu_share

EVERY = 1.0
"""Seconds between two looks: Docker's own command line takes as long."""


async def stats(
    target: Target, service: str | None = None, every: float = EVERY
) -> AsyncGenerator[tuple[Usage, ...], None]:
    """By service and replica: the first after two looks, then after each. Raises UsageError for a service without replicas."""
    watch = _Watch(target, service)
    fleet = await watch.look()
    if service and not fleet.replicas and not target.lost():
        known = ", ".join(sorted({one.revision.service for one in (await target.engine.observe()).replicas})) or "none"
        raise UsageError(f"no replica of {service!r} is here", hint=f"services with replicas: {known}")
    before = await target.console.sample(_running(fleet))
    while True:
        await asyncio.sleep(every)
        fleet = await watch.look()
        after = await target.console.sample(_running(fleet))
        rows = [*(_usage(one, before, after) for one in fleet.replicas), *await watch.lost(fleet)]
        yield tuple(sorted(rows, key=lambda row: (row.service, row.replica)))
        before = after


class _Watch:
    """Remembers which replica was where, for when its host is lost."""

    def __init__(self, target: Target, service: str | None) -> None:
        self.target = target
        self.service = service
        self.homes: dict[tuple[Revision, int], str] = {}
        self.release: Release | None = None

    async def look(self) -> Fleet:
        fleet = await self.target.engine.observe()
        wanted = tuple(one for one in fleet.replicas if self.service in (None, one.revision.service))
        self.homes |= {(one.revision, one.index): one.host for one in wanted}
        return structs.replace(fleet, replicas=wanted)

    async def lost(self, fleet: Fleet) -> list[Usage]:
        """Replicas of the release that are nowhere to be seen while hosts are lost: they may run there still."""
        gone = sorted(self.target.lost())
        if not gone:
            return []
        self.release = self.release or promoted(await self.target.ledger.read())
        return list(_missing(self.release, fleet, self.homes, gone, self.service)) if self.release else []


def _missing(
    release: Release, fleet: Fleet, homes: Mapping[tuple[Revision, int], str], gone: list[str], service: str | None
) -> Iterator[Usage]:
    for name, revision in release.revisions.items():
        if service not in (None, name):
            continue
        there = {one.index for one in fleet.of(revision)}
        for index in range(1, release.replicas(name) + 1):
            home = homes.get((revision, index), "")
            if index not in there and (home in gone or not home):
                host = home or (gone[0] if len(gone) == 1 else "?")
                replica = f"{release.environment.key}-{revision.name}-{index}"
                yield Usage(service=name, replica=replica, host=host, state="lost")


def _running(fleet: Fleet) -> list[Replica]:
    return [replica for replica in fleet.replicas if replica.state is State.RUNNING]


def _usage(replica: Replica, before: Mapping[str, Sample], after: Mapping[str, Sample]) -> Usage:
    found = after.get(replica.id)
    state = replica.state.value if found or replica.state is not State.RUNNING else "gone"
    told: dict[str, Any] = {"service": replica.revision.service, "replica": replica.name, "host": replica.host}
    if found and found.why:
        return Usage(**told, state="unseen", why=found.why)
    if found:
        told |= {name: value for name, value in structs.asdict(found).items() if name in Usage.__struct_fields__}
        told["cpu"] = cpu_share(before.get(replica.id), found)
    return Usage(**told, state=state)
