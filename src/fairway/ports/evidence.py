"""What the adapters fulfil that sign statements about images, and keep them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fairway.model.build import ImageRef
from fairway.model.evidence import Envelope, PublicKey


class Signer(Protocol):
    """Signs with one key. Raises FairwayError where it cannot."""

    @property
    def key(self) -> PublicKey: ...

    async def sign(self, message: bytes) -> bytes: ...


class EvidenceStore(Protocol):
    """Envelopes by the images that they are about: beside a checkout, in a registry, in an environment's ledger.

    Nobody trusts a store: what is in an envelope counts by its signatures.
    """

    @property
    def place(self) -> str:
        """For people: where it is."""

    async def find(self, image: ImageRef) -> tuple[Envelope, ...]:
        """All that are kept for the image. Raises FairwayError where the store does not answer."""

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        """Beside those that are there already; those that are there once again change nothing."""
