"""What is known of certain images, from everywhere it may be kept, and what each statement is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from fairway.attest.statement import BUILD, kind
from fairway.attest.weigh import Check, weigh
from fairway.flows.gate import look
from fairway.model.build import ImageRef
from fairway.model.errors import PolicyRefused, Problem
from fairway.model.events import Emit
from fairway.model.evidence import Attestation, PublicKey, Standing
from fairway.ports.evidence import EvidenceStore

FORGED = (Standing.BROKEN, Standing.ELSEWHERE, Standing.UNREADABLE)
"""What nobody has ever said like that."""


class Known(Struct, frozen=True, kw_only=True):
    service: str
    image: ImageRef
    found: tuple[Attestation, ...]

    @property
    def name(self) -> str:
        return f"{self.image.repository}@{self.image.digest or self.image.id}"


async def examine(
    images: Mapping[str, ImageRef],
    stores: Sequence[EvidenceStore],
    keys: Sequence[PublicKey],
    check: Check,
    emit: Emit,
) -> tuple[Known, ...]:
    return tuple(
        [
            Known(service=service, image=image, found=tuple(weigh(await look(stores, image, emit), image, keys, check)))
            for service, image in images.items()
        ]
    )


def refuse_doubtful(known: Iterable[Known]) -> None:
    """Raises PolicyRefused unless a trusted key says of each image how it was built, and nothing that was found is forged."""
    problems: list[Problem] = []
    for one in known:
        for doubt in one.found:
            if doubt.standing in FORGED:
                name = kind(doubt.statement) if doubt.statement else "an envelope"
                problems.append(Problem(f"{name}: {doubt.detail or doubt.standing.value}", one.name))
        if not any(a.standing is Standing.TRUSTED and a.statement and a.statement.kind == BUILD for a in one.found):
            problems.append(Problem("no trusted key says how it was built", one.name))
    if problems:
        raise PolicyRefused(
            f"the evidence does not hold ({len(problems)} problem{'s' if len(problems) > 1 else ''})", problems
        )
