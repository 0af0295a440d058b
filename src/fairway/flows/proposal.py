"""What a deployment would do: the release that is proposed, what is there, and the steps between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

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


async def back_to(release: Release, target: Target) -> Propose:
    """The proposal that brings an earlier release back. Raises ImageNotFound where one of its images is gone."""
    await target.engine.pin({service: image.pinned for service, image in release.images.items()})
    reason = f"rollback to {release.number}"
    return lambda records, fleet: again(release, records, fleet, created=target.clock(), by=target.by, reason=reason)


async def look(target: Target, wanted: Propose) -> Proposal:
    """What would be done: nothing is changed."""
    records, fleet, live = await asyncio.gather(target.ledger.read(), target.engine.observe(), target.traffic.observe())
    release = wanted(records, fleet)
    fleet = seen(fleet, live, release)
    way = course(records, release, target.seconds)
    steps = preview(lead(fleet, release, way))
    return Proposal(release=release, base=promoted(records), records=records, fleet=fleet, course=way, steps=steps)
