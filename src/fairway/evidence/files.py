"""Envelopes that a checkout keeps: `.fairway/evidence/SHA256/NAME.json`, for this user alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from fairway.attest import dsse, statement
from fairway.model.build import ImageRef
from fairway.model.evidence import Envelope


class FileEvidence:
    """ports.evidence.EvidenceStore in `root`, which is the checkout's `.fairway`."""

    def __init__(self, root: Path) -> None:
        self.root = root / "evidence"
        self.place = str(self.root)

    async def find(self, image: ImageRef) -> tuple[Envelope, ...]:
        return await asyncio.to_thread(self._find, image)

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        await asyncio.to_thread(self._keep, image, envelopes)

    def _find(self, image: ImageRef) -> tuple[Envelope, ...]:
        """One that cannot be read is none: whatever is needed of it is missed."""
        found: list[Envelope] = []
        for digest in statement.digests(image):
            for path in sorted((self.root / digest).glob("*.json")):
                try:
                    found.append(dsse.decode(path.read_bytes()))
                except (OSError, ValueError):
                    continue
        return tuple(dict.fromkeys(found))

    def _keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        folder = self.root / statement.digests(image)[0]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for envelope in envelopes:
            path = folder / f"{dsse.name(envelope)}.json"
            written = path.with_suffix(f".{os.getpid()}.tmp")
            written.touch(0o600)
            written.write_bytes(dsse.encode(envelope))
            written.replace(path)
