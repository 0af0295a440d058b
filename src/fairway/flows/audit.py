"""What is wrong with the safety of an environment: its files, its images, its hosts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import date

from msgspec import Struct, field
from msgspec.structs import replace

from fairway.model.app import App
from fairway.model.build import ImageRef
from fairway.model.errors import FairwayError
from fairway.model.events import Emit, TaskEnded, TaskStarted
from fairway.model.policy import ServicePolicy
from fairway.model.security import Acceptance, Audit, Unseen
from fairway.model.security_facts import FileFacts, HostSecurity, ImageFacts, Maintained, Recipe
from fairway.ports.auditing import Inspector, Inspectors
from fairway.security.audit import audit
from fairway.security.harden import Whole, harden
from fairway.security.rule import Case


class Papers(Struct, frozen=True, kw_only=True):
    """What this machine knows of an environment. `references` are the images of services, as an engine finds them."""

    app: App
    known: Maintained
    today: date
    policies: Mapping[str, ServicePolicy] = field(default_factory=dict)
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FileFacts, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()


async def inspect(papers: Papers, hosts: Mapping[str, Inspectors] | None, emit: Emit) -> Audit:
    """Without hosts (None), only what the files say. What cannot be asked is told, and the rest is looked at all the same."""
    unseen: list[Unseen] = []
    facts: dict[str, HostSecurity] = {}
    images: dict[str, ImageFacts] = {}
    if hosts is None:
        unseen.append(Unseen("hosts and images", "only files were looked at"))
    else:
        async with AsyncExitStack() as stack:
            open_ = await _open(hosts, stack, unseen)
            facts = await _hosts(open_, unseen)
            images = await _images(papers, open_, unseen, emit)
    return audit(
        Case(
            app=_hardened(papers, images).app,
            known=papers.known,
            today=papers.today,
            policies=papers.policies,
            images=images,
            recipes=papers.recipes,
            hosts=facts,
            files=papers.files,
        ),
        papers.acceptances,
        unseen,
    )


async def hardened(papers: Papers, hosts: Mapping[str, Inspectors]) -> tuple[Whole, tuple[Unseen, ...]]:
    """The application as it would be deployed, and what could not be asked: who an image runs as is known from it alone."""
    unseen: list[Unseen] = []
    async with AsyncExitStack() as stack:
        images = await _images(papers, await _open(hosts, stack, unseen), unseen, lambda event: None, files=False)
    return _hardened(papers, images), tuple(unseen)


def _hardened(papers: Papers, images: Mapping[str, ImageFacts]) -> Whole:
    """Of an image that is not known, its Dockerfile tells who runs."""
    of_recipes = {
        name: ImageRef(reference=recipe.file, user=recipe.user or "") for name, recipe in papers.recipes.items()
    }
    of_images = {
        name: ImageRef(reference=image.reference, user=image.user, volumes=image.volumes)
        for name, image in images.items()
    }
    return harden(papers.app, of_recipes | of_images, papers.policies)


async def _open(hosts: Mapping[str, Inspectors], stack: AsyncExitStack, unseen: list[Unseen]) -> dict[str, Inspector]:
    """Those that answer."""

    async def one(name: str) -> Inspector | FairwayError:
        try:
            return await stack.enter_async_context(hosts[name].open())
        except FairwayError as error:
            return error

    found: dict[str, Inspector] = {}
    for name, said in zip(hosts, await asyncio.gather(*map(one, hosts)), strict=True):
        if isinstance(said, FairwayError):
            unseen.append(Unseen(f"host {name}", _why(said)))
        else:
            found[name] = said
    return found


async def _hosts(hosts: Mapping[str, Inspector], unseen: list[Unseen]) -> dict[str, HostSecurity]:
    found: dict[str, HostSecurity] = {}
    told = await asyncio.gather(*(host.host() for host in hosts.values()), return_exceptions=True)
    for name, said in zip(hosts, told, strict=True):
        if isinstance(said, FairwayError):
            unseen.append(Unseen(f"host {name}", _why(said)))
        elif isinstance(said, BaseException):
            raise said
        else:
            found[name] = said
    return found


async def _images(
    papers: Papers, hosts: Mapping[str, Inspector], unseen: list[Unseen], emit: Emit, *, files: bool = True
) -> dict[str, ImageFacts]:
    """By service. An image is read once, on the first host that has it: two services may be of one."""
    read: dict[str, ImageFacts | None] = {}
    for service in papers.app.services:
        reference = papers.references.get(service)
        if reference and reference not in read:
            read[reference] = await _image(service, reference, hosts, unseen, emit, files=files)
        if hosts and not (reference and read[reference]):
            why = "no host has it" if reference else "nothing has been built of this commit here"
            unseen.append(Unseen(f"the image of {service}", why))
    return {
        service: replace(found, reference=papers.app.services[service].image or found.reference)
        for service, reference in papers.references.items()
        if (found := read.get(reference))
    }


async def _image(
    service: str, reference: str, hosts: Mapping[str, Inspector], unseen: list[Unseen], emit: Emit, *, files: bool
) -> ImageFacts | None:
    key, began, found = f"image:{reference}", time.monotonic(), None
    emit(TaskStarted(key, f"Looking into the image of {service}"))
    for name, host in hosts.items():
        try:
            found = found or await host.image(reference, files=files)
        except FairwayError as error:
            unseen.append(Unseen(f"the image of {service} on {name}", _why(error)))
    emit(TaskEnded(key, found is not None, time.monotonic() - began))
    return found


def _why(error: FairwayError) -> str:
    return f"{error.what}: {error.why}" if error.why else error.what
