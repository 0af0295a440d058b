"""Takes what serves in one environment to another: the very same images, with the other's configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from fairway.flows.gate import look
from fairway.model.app import App
from fairway.model.build import Build, ImageRef
from fairway.model.errors import Refused
from fairway.model.events import Emit
from fairway.model.evidence import Envelope
from fairway.model.release import Record, Release, promoted
from fairway.ports.evidence import EvidenceStore


class Carried(Struct, frozen=True):
    """What to run: `build` has the images that were built, as they serve; `others` are those that come from elsewhere, pinned."""

    origin: Release
    build: Build | None
    others: Mapping[str, ImageRef]


class Brought(Struct, frozen=True):
    """ports.evidence.EvidenceStore: what is known of the images where they come from. Nothing is kept there."""

    place: str
    found: Mapping[str, tuple[Envelope, ...]]
    """By each image's `pinned`."""

    async def find(self, image: ImageRef) -> tuple[Envelope, ...]:
        return self.found.get(image.pinned, ())

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        raise NotImplementedError


async def bring(carried: Carried, origin: str, stores: Sequence[EvidenceStore], emit: Emit) -> Brought:
    """`stores` are those of the environment that the images come from."""
    images = carried.build.images.values() if carried.build else ()
    return Brought(f"the ledger of {origin}", {image.pinned: await look(stores, image, emit) for image in images})


def carried(app: App, records: tuple[Record, ...], origin: str) -> Carried:
    """`app` is the application in the environment that they go to. Raises Refused where nothing serves, or something is missing.

    An image from elsewhere that has another name there is what the file says: it was meant to differ.
    """
    serving = promoted(records)
    if serving is None:
        raise Refused(f"nothing serves in {origin}", hint=f"`fairway ship {origin}` first")
    built = [name for name, service in app.services.items() if service.build]
    missing = [name for name in built if name not in serving.images]
    if missing:
        raise Refused(
            f"{', '.join(missing)} does not run in {origin}, so there is no image to take from there",
            hint=f"`fairway ship {origin}` first, with the same services",
        )
    images = {name: serving.images[name] for name in built}
    others = {
        name: serving.images[name]
        for name, service in app.services.items()
        if name not in images and _same_name(serving, name, service.image)
    }
    build = replace(serving.build, images=images) if serving.build and images else None
    return Carried(serving, build, others)


def _same_name(serving: Release, name: str, reference: str | None) -> bool:
    there = serving.app.services.get(name)
    return there is not None and name in serving.images and there.image == reference
