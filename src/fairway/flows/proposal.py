"""What a deployment would do: the release that is proposed, what is there, and the steps between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from fairway.conduct.routing import seen
from fairway.flows.context import Target
from fairway.model.fleet import Fleet
from fairway.model.release import Progress, Record, Release, promoted
from fairway.model.steps import Step
from fairway.rollout.changes import Change, changes
from fairway.rollout.course import Course, course
from fairway.rollout.lead import lead
from fairway.rollout.preview import preview
from fairway.rollout.propose import Ingredients, again, propose

Propose = Callable[[tuple[Record, ...], Fleet], Release]


class Proposal(Struct, frozen=True, kw_only=True):
    """`base` is what serves now (the last promoted release); `steps` is the plan, empty where nothing has to be done."""

    release: Release
    base: Release | None
    records: tuple[Record, ...]
    fleet: Fleet
    course: Course
    steps: tuple[Step, ...]
    led: Release
    """What it is led to: the release, without what can only wait for its data."""
    waits: Mapping[str, str] = {}
    """Those services, and the hosts that have the data and do not answer."""

    @property
    def mends(self) -> bool:
        """The release was promoted: what is to be done is to make it whole again."""
        return self.base == self.release

    @property
    def progress(self) -> Progress:
        """How far an earlier deployer had come with this very release."""
        known = (record.progress for record in self.records if record.release.number == self.release.number)
        return next(known, Progress())

    @property
    def changes(self) -> tuple[Change, ...]:
        """What differs from `base`, service by service."""
        return changes(self.base, self.release)


def of(ingredients: Ingredients) -> Propose:
    return lambda records, fleet: propose(ingredients, records, fleet)


async def back_to(release: Release, target: Target, override: str = "") -> Propose:
    """The proposal that brings an earlier release back. Raises ImageNotFound where one of its images is gone."""
    await target.engine.pin({service: image.pinned for service, image in release.images.items()})
    reason = f"rollback to {release.number}"
    return lambda records, fleet: again(
        release, records, fleet, created=target.clock(), by=target.by, reason=reason, override=override
    )


async def look(target: Target, wanted: Propose) -> Proposal:
    """What would be done: nothing is changed."""
    records, fleet, live, last = await asyncio.gather(
        target.ledger.read(), target.engine.observe(), target.traffic.observe(), _last_line(target)
    )
    release = wanted(records, fleet)
    if last and all(record.release.number != release.number for record in records):
        release = replace(release, audit=last)
    fleet = seen(fleet, live, release)
    way = course(records, release, target.seconds)
    base = promoted(records)
    waits = {
        service: host for service, host in (await target.waiting(release)).items() if _same(service, release, base)
    }
    led = resting(release, waits)
    return Proposal(
        release=release,
        base=base,
        records=records,
        fleet=fleet,
        course=way,
        steps=preview(lead(fleet, led, way)),
        led=led,
        waits=waits,
    )


def _same(service: str, release: Release, base: Release | None) -> bool:
    """Only what would stay as it is may be passed over: a new version cannot come while nobody has its data."""
    return base is not None and base.revisions.get(service) == release.revisions[service]


def resting(release: Release, services: Collection[str]) -> Release:
    """The same, and these services have no replicas for now."""
    if not services:
        return release
    rests = {
        name: replace(one, deploy=replace(one.deploy, replicas=0)) if name in services else one
        for name, one in release.app.services.items()
    }
    return replace(release, app=replace(release.app, services=rests))


async def _last_line(target: Target) -> str:
    """Of the audit trail."""
    return await target.trail.head() if target.trail else ""
