"""From a commit to images: each service that has `build:`, in parallel where they do not depend on each other."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from fairway.model.app import App
from fairway.model.build import Build, Commit, ImageRef, Provenance
from fairway.model.errors import BuildFailed, FairwayError, Refused
from fairway.model.events import Emit, Note
from fairway.pipeline.jobs import Job, definition, plan_jobs
from fairway.pipeline.naming import labels, tags
from fairway.pipeline.notary import Notary
from fairway.pipeline.telling import discreet, now, task
from fairway.ports.making import Builder, BuildRequest, Builds

AT_ONCE = 4


async def build(
    app: App,
    commit: Commit,
    builder: Builder,
    builds: Builds,
    *,
    emit: Emit,
    registry: str | None = None,
    secrets: Mapping[str, bytes] | None = None,
    dirty: bool = False,
    notary: Notary | None = None,
) -> Build:
    """The images of this commit, saved without evidence; those that were made before, with theirs, where they are still there.

    `dirty` allows a tree that differs from its commit. Raises Refused, InvalidFiles, BuildFailed, EngineUnreachable.
    """
    refuse_dirty(commit, dirty)
    jobs = await plan_jobs(app, commit, builder, registry)
    made_of = definition(jobs)
    if known := await _known(builds, commit, made_of, builder):
        emit(Note(f"The images of {commit.tag} are there already: nothing to build"))
        if notary:
            await notary.witness(known)
        return known
    started = now()
    work = _Work(app, commit, builder, secrets or {}, emit)
    result = Build(
        commit=commit,
        created=now(),
        images=await work.all(jobs),
        tags=tags(commit),
        extra={"definition": made_of},
    )
    if notary:
        with task(emit, "evidence", "Writing down what was built"):
            await notary.witness(result, await _made_with(jobs, builder), started)
    builds.save(result)
    return result


async def _made_with(jobs: tuple[Job, ...], builder: Builder) -> dict[str, Provenance]:
    found = await asyncio.gather(*(builder.provenance(job.service) for job in jobs))
    return {name: one for job, one in zip(jobs, found, strict=True) for name in job.services}


def refuse_dirty(commit: Commit, allowed: bool) -> None:
    if commit.dirty and not allowed:
        raise Refused(
            "The checkout differs from its commit, so nobody could say later what is in the images",
            where=commit.short,
            why=f"changed: {', '.join(commit.changes)}",
            hint="Commit the changes, or say --dirty: the images' tag will be marked.",
        )


async def _known(builds: Builds, commit: Commit, made_of: str, builder: Builder) -> Build | None:
    known = None if commit.dirty else builds.load(commit.tag)
    if not known or known.commit.sha != commit.sha or known.extra.get("definition") != made_of:
        return None
    there = await asyncio.gather(*(builder.present(image) for image in known.images.values()))
    return replace(known, commit=commit) if all(there) else None  # it may have got a tag since


class _Work:
    """The jobs under way: each waits for those that it needs, and at most AT_ONCE build."""

    def __init__(
        self, app: App, commit: Commit, builder: Builder, secrets: Mapping[str, bytes], emit: Emit
    ) -> None:  # fmt: skip
        self.app, self.commit, self.builder, self.secrets = app, commit, builder, secrets
        self.emit = discreet(emit, secrets)
        self.slots = asyncio.Semaphore(AT_ONCE)

    async def all(self, jobs: tuple[Job, ...]) -> dict[str, ImageRef]:
        tasks: dict[str, asyncio.Task[ImageRef]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                for job in jobs:
                    needed = [tasks[name] for name in job.needs]
                    one = group.create_task(self.one(job, needed))
                    tasks |= dict.fromkeys(job.services, one)
        except* FairwayError as failures:
            raise failures.exceptions[0] from None
        return {
            name: ImageRef(reference=job.references[name], id=tasks[name].result().id)
            for job in jobs
            for name in job.services
        }

    async def one(self, job: Job, needed: list[asyncio.Task[ImageRef]]) -> ImageRef:
        for other in needed:
            await other
        name = job.service.name
        request = BuildRequest(
            service=job.service,
            tags=job.tags,
            labels=labels(self.app, self.commit, job.services[:1]),
            secrets=self.secrets,
        )
        async with self.slots:
            with task(self.emit, f"build:{name}", f"Building {', '.join(job.services)}"):
                try:
                    return await self.builder.build(request, self.emit)
                except BuildFailed as error:
                    error.where = error.where or self.app.where("services", name, "build")
                    raise
