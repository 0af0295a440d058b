"""From a commit to images that may be deployed: build, test exactly those, push."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct

from fairway.model.app import App
from fairway.model.build import Build, Commit, ImageRef
from fairway.model.errors import Refused
from fairway.model.events import Emit, Note
from fairway.model.stage import Stage
from fairway.pipeline.build import build, refuse_dirty
from fairway.pipeline.naming import repository
from fairway.pipeline.notary import Notary
from fairway.pipeline.push import push, refuse_untested
from fairway.pipeline.test import run_tests
from fairway.ports.making import Builder, Builds, Registry, Source, TestBeds


class Workshop(Struct, frozen=True, kw_only=True):
    """Where images are made and tested. `registry` is the prefix of their names in a registry, None without one."""

    app: App
    source: Source
    builder: Builder
    builds: Builds
    testbeds: TestBeds
    registry: str | None
    registries: Registry
    stages: tuple[Stage, ...]
    required: tuple[str, ...]
    secrets: Mapping[str, bytes]
    dirty: bool = False
    notary: Callable[[], Notary] | None = None
    """Who writes down what is known of the images; made when there is something to write."""


async def make(shop: Workshop, emit: Emit) -> Build:
    """The images of the checked-out commit. Raises SourceError, Refused (a dirty tree), BuildFailed."""
    commit = await shop.source.commit()
    return await build(
        shop.app,
        commit,
        shop.builder,
        shop.builds,
        emit=emit,
        registry=shop.registry,
        secrets=shop.secrets,
        dirty=shop.dirty,
        notary=shop.notary() if shop.notary else None,
    )


async def prove(shop: Workshop, made: Build, emit: Emit, *, again: bool = False) -> Build:
    """The build with evidence of every stage; what these very images have passed before is not asked twice, but `again`."""
    due = [stage for stage in shop.stages if again or not made.passed((stage.name,))]
    if len(due) < len(shop.stages):
        passed = ", ".join(stage.name for stage in shop.stages if stage not in due)
        emit(Note(f"{made.commit.tag} has passed {passed} already"))
    return await run_tests(
        shop.app,
        made,
        due,
        shop.testbeds,
        shop.builds,
        secrets=shop.secrets,
        emit=emit,
        notary=shop.notary() if shop.notary else None,
    )


async def publish(shop: Workshop, proven: Build, emit: Emit) -> Build:
    """Raises Refused where a required stage has not passed, RegistryError."""
    if proven.pushed or not proven.images:
        refuse_untested(proven, shop.required)
        return proven
    return await push(
        proven,
        shop.builder,
        shop.builds,
        required=shop.required,
        registry=shop.registry,
        emit=emit,
        notary=shop.notary() if shop.notary else None,
    )


async def ship(shop: Workshop, emit: Emit) -> Build:
    """Build, test and push; what is done already is not done again."""
    return await publish(shop, await prove(shop, await make(shop, emit), emit), emit)


async def find(shop: Workshop, tag: str | None = None, *, untested: bool = False) -> Build | None:
    """What was built and passed, of `tag` or of the checked-out commit: on this machine, else in the registry.

    None where the application builds nothing. Raises Refused where nothing was built, or where a stage has not passed, but where
    somebody else judges that: `untested`.
    """
    built = [name for name, service in shop.app.services.items() if service.build]
    if not built:
        return None
    if tag is None:
        commit = await shop.source.commit()
        refuse_dirty(commit, shop.dirty)
        tag = commit.tag
    known = shop.builds.load(tag)
    if known is None and shop.registry:
        known = await _pushed(shop, built, tag)
    if known is None:
        raise Refused(f"nothing has been built of {tag}", hint="`fairway ship` builds, tests, pushes and deploys it")
    refuse_untested(known, () if untested or (known.pushed and not known.evidence) else shop.required)
    return known


async def _pushed(shop: Workshop, built: list[str], tag: str) -> Build | None:
    """Only what had passed was ever pushed: the registry is the witness."""
    names = {name: f"{repository(shop.app, shop.app.services[name], shop.registry)}:{tag}" for name in built}
    digests = await asyncio.gather(*(shop.registries.digest(name) for name in names.values()))
    found = {
        service: ImageRef(reference=name, digest=digest)
        for (service, name), digest in zip(names.items(), digests, strict=True)
        if digest
    }
    if len(found) < len(built):
        return None
    return Build(commit=Commit(sha=tag, describe=tag), created="", images=found, tags=(tag,), pushed=True)
