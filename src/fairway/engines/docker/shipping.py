"""Carries an image from the engine that has it to those that lack it, without a registry: only what is missing travels."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from fairway.engines.common.together import together
from fairway.engines.docker import images
from fairway.engines.docker.delivery import SILENCE, Cargo, Carrier, Delivery, Shipped, asked, in_containerd
from fairway.engines.docker.errors import explained, hint
from fairway.engines.docker.lanes import Patience, deal
from fairway.engines.docker.saved import SavedLayers
from fairway.engines.docker.tarstream import TarError, TarReader
from fairway.model.build import ImageRef
from fairway.model.errors import EngineError, FairwayError, ImageNotFound
from fairway.model.events import Emit

__all__ = ["PATIENT", "Carrier", "Patience", "Shipped", "ship"]

PATIENT = Patience()


async def ship(
    image: ImageRef, source: Carrier, targets: Sequence[Carrier], emit: Emit, *, patience: Patience = PATIENT
) -> Mapping[str, Shipped | FairwayError]:
    """What became of the image on each target, by host. All are served side by side, from one reading of the source.

    A target gets the layers that it lacks, and all names that the image has on the source. It gets everything where its engine
    or the source's keeps images in containerd, and where it is not certain which file holds which layer. Nothing of an image
    is there before all of it is; names are moved once the image is seen to be the same. A target that keeps others waiting for
    too long (`patience`), or whose engine does not take the image without the layers that it has, is served in a second reading,
    the last one.

    Nothing is written to this machine's disk. Memory, whatever the image's size: 4 MiB for each target, and 2 MiB.
    Raises ImageNotFound, EngineUnreachable or EngineError where the source cannot be asked; if it fails later, that is what
    became of the image on each target that was not done. Cancelled, it closes all its connections; an engine that has
    been sent everything may still load the image, without a name.
    """
    cargo = await _cargo(image, source)
    deliveries = [Delivery(cargo, target, emit) for target in targets]
    try:
        async with asyncio.TaskGroup() as group:
            looks = {group.create_task(delivery.look()): delivery for delivery in deliveries}
            looked = (await asyncio.wait(looks, timeout=patience.behind))[0] if looks else ()
            await _serve(source, cargo, [looks[look] for look in looked], patience)
        await _serve(source, cargo, deliveries, patience, last=True)
    finally:
        for delivery in deliveries:
            if delivery.result is None:
                delivery.end(
                    EngineError(f"{cargo.name} was not sent", where=delivery.target.host, why="it was cancelled")
                )
    return {delivery.target.host: delivery.result for delivery in deliveries if delivery.result}


async def _cargo(image: ImageRef, source: Carrier) -> Cargo:
    name = image.reference or image.id
    async with asked(source, f"{name} could not be looked for"):
        found = await images.local(source.docker, source.host, image.id or image.reference)
        if found is None:
            raise ImageNotFound(
                f"There is no image {name} to be sent", where=source.host, hint="build it, or pull it, there"
            )
        whole = await in_containerd(source.docker)
    return Cargo(
        id=found["Id"],
        name=name,
        references=tuple(sorted({*_tagged(image.reference), *(found.get("RepoTags") or ())})),
        layers=tuple((found.get("RootFS") or {}).get("Layers") or ()),
        fingerprint=images.fingerprint(found),
        whole=whole,
    )


def _tagged(reference: str) -> list[str]:
    """The reference with its tag, unless it is a digest or none at all."""
    if not reference or "@" in reference or reference.startswith("sha256:"):
        return []
    return [reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"]


async def _serve(
    source: Carrier, cargo: Cargo, deliveries: Sequence[Delivery], patience: Patience, *, last: bool = False
) -> None:
    """One reading of the source for all that have no result yet."""
    waiting = [delivery for delivery in deliveries if delivery.result is None]
    if not waiting:
        return
    for delivery in waiting:
        delivery.prepare(patience, last=last)
    try:
        await together([_pour(source, cargo, waiting), *(delivery.receive() for delivery in waiting)])
    except FairwayError as error:  # the source's: a target's error is its result
        for delivery in waiting:
            if delivery.result is None:
                delivery.end(error)


async def _pour(source: Carrier, cargo: Cargo, waiting: Sequence[Delivery]) -> None:
    """Reads the source once, to its end, or until nobody listens."""
    reader, saved = TarReader(), SavedLayers(cargo.layers)
    lanes = [delivery.lane for delivery in waiting]
    with explained(source.host, f"{cargo.name} could not be read"), _whole(source, cargo):
        async with source.docker.open("GET", f"images/{cargo.id}/get") as answer:
            async for chunk in answer.chunks(silence=SILENCE):
                for piece in reader.feed(chunk):
                    saved.look(piece)
                    layer = saved.layer(piece.member)
                    await deal(piece.data, [each.lane for each in waiting if each.wants(layer)], lanes)
                if not any(lane.open for lane in lanes):
                    return
        reader.close()
    await asyncio.gather(*(lane.finish() for lane in lanes))


@contextmanager
def _whole(source: Carrier, cargo: Cargo) -> Iterator[None]:
    try:
        yield
    except TarError as error:
        why = str(error)
        raise EngineError(
            f"The engine did not give out all of {cargo.name}", where=source.host, why=why, hint=hint(why)
        ) from error
