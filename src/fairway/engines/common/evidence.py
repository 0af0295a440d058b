"""Envelopes in the ledger's volume, so that what is known of the images is where they run: `ports.evidence.EvidenceStore`.

What is in the images (which is long) has a folder of its own: nobody needs it to decide whether they may run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fairway.attest import dsse, statement
from fairway.engines.common.shelf import Shelf
from fairway.model.build import ImageRef
from fairway.model.evidence import Envelope
from fairway.model.garbage import Garbage, Kept
from fairway.model.release import Release


class LedgerEvidence:
    """Each envelope is a file, named after its image and itself: to write it again changes nothing. `contents`: those alone."""

    def __init__(self, shelf: Shelf, *, contents: bool = False) -> None:
        self.shelf = shelf
        self.contents = contents
        self.place = f"the ledger of {shelf.host}"

    async def find(self, image: ImageRef) -> tuple[Envelope, ...]:
        """One that cannot be read is none: whatever is needed of it is missed."""
        wanted = tuple(f"{digest}." for digest in statement.digests(image))
        found = []
        for name, data in sorted((await self.shelf.files()).items()):
            if name.startswith(wanted):
                try:
                    found.append(dsse.decode(data))
                except ValueError:
                    continue
        return tuple(dict.fromkeys(found))

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        digest = statement.digests(image)[0]
        ours = [one for one in envelopes if self.contents == (_kind(one) == statement.CONTENTS)]
        if not ours:
            return
        there = await self.shelf.files()  # on several hosts, this is also how one that was away gets what it has missed
        files = {f"{digest}.{dsse.name(one)}.json": dsse.encode(one) for one in ours}
        if new := {name: data for name, data in files.items() if there.get(name) != data}:
            await self.shelf.write(new)


class EvidenceCollector:
    """Finds and removes what is written of images that only releases run to which nobody goes back: fulfils `ports.Collector`."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self.shelves = shelves

    async def find(self, kept: Kept) -> tuple[Garbage, ...]:
        """One thing an image. What no release has run yet is not touched: it may be what approves the next one."""
        gone = _images(kept.dropped) - _images(kept.kept)
        room: dict[tuple[str, str], int] = {}
        for shelf in self.shelves if gone else ():
            for name, data in (await shelf.files()).items():
                if (digest := name.partition(".")[0]) in gone:
                    room[shelf.host, digest] = room.get((shelf.host, digest), 0) + len(data)
        return tuple(
            Garbage(where=where, kind="evidence", name=digest[:12], id=digest, bytes=size, why="its image is not kept")
            for (where, digest), size in sorted(room.items())
        )

    async def remove(self, garbage: Garbage) -> bool:
        removed = False
        for shelf in self.shelves:
            names = [name for name in await shelf.files() if name.startswith(f"{garbage.id}.")]
            if names:
                await shelf.remove(names)
                removed = True
        return removed


def _images(releases: Collection[Release]) -> frozenset[str]:
    return frozenset(
        digest for release in releases for image in release.images.values() for digest in statement.digests(image)
    )


def _kind(envelope: Envelope) -> str:
    try:
        return statement.decode(dsse.payload(envelope)).kind
    except ValueError:
        return ""
