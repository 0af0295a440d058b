"""Somebody signs that they want certain images in an environment: bound to the images by digest, and to the environment."""

from __future__ import annotations

from fairway.attest import dsse, said, statement
from fairway.flows.context import Target
from fairway.model.build import Build, ImageRef
from fairway.model.evidence import Signature
from fairway.ports.evidence import EvidenceStore, Signer


async def approve(target: Target, build: Build, signer: Signer, kept: EvidenceStore) -> tuple[str, ...]:
    """What was approved of, for people: each image by its digest."""
    images = tuple({image.pinned: image for image in build.images.values()}.values())
    environment = target.environment
    told = said.approved(
        environment.app, environment.name, images, commit=build.commit.tag, when=target.clock(), by=target.by
    )
    payload = statement.encode(told)
    raw = await signer.sign(dsse.signed(dsse.envelope(payload).kind, payload))
    envelope = dsse.envelope(payload, (Signature(keyid=signer.key.id, sig=dsse.packed(raw)),))
    for image in images:
        await kept.keep(image, [envelope])
    return tuple(_name(image) for image in images)


def _name(image: ImageRef) -> str:
    return f"{image.repository}@{image.digest or image.id}"
