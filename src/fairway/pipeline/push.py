"""What has passed its tests goes to the registry; nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from fairway.model.build import Build, ImageRef
from fairway.model.errors import FairwayError, Refused
from fairway.model.events import Emit
from fairway.pipeline.naming import NEWEST
from fairway.pipeline.notary import Notary
from fairway.pipeline.telling import task
from fairway.ports.making import Builder, Builds


async def push(
    build: Build,
    builder: Builder,
    builds: Builds,
    *,
    required: Sequence[str],
    registry: str | None,
    emit: Emit,
    notary: Notary | None = None,
) -> Build:
    """The build with the digests of its images; `newest` moves last, when every image is there, and never to a dirty tree.

    Without a registry only `newest` is moved, on the engine. Raises Refused, RegistryError.
    """
    refuse_untested(build, required)
    images = dict(build.images)
    if registry:
        images = await _all(build, builder, build.tags, emit)
        if notary:
            with task(emit, "evidence", "Attaching the evidence"):
                await notary.published(build, images)
    if not build.commit.dirty:
        if registry:
            await _all(build, builder, (NEWEST,), emit)
        else:
            for image in images.values():
                await builder.tag(image, f"{image.repository}:{NEWEST}")
    result = replace(build, images=images, pushed=bool(registry))
    builds.save(result)
    return result


def refuse_untested(build: Build, required: Sequence[str]) -> None:
    missing = [stage for stage in required if not build.passed((stage,))]
    if missing:
        raise Refused(
            f"{build.commit.tag} has not passed {', '.join(missing)}",
            where=build.commit.tag,
            hint="Only builds that passed all their stages leave this machine: fairway test.",
        )


async def _all(build: Build, builder: Builder, tags: Sequence[str], emit: Emit) -> dict[str, ImageRef]:
    async def one(image: ImageRef) -> ImageRef:
        digest = image.digest
        for tag in tags:
            reference = f"{image.repository}:{tag}"
            with task(emit, f"push:{reference}", f"Pushing {reference}"):
                digest = await builder.push(image, reference, emit)
        return replace(image, digest=digest)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(one(image)) for name, image in build.images.items()}
    except* FairwayError as failures:
        raise failures.exceptions[0] from None
    return {name: task.result() for name, task in tasks.items()}
