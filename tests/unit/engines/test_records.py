"""Evidence and the audit trail beside a ledger, on one host and on several."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from fairway.attest import chain, statement
from fairway.engines.common.evidence import EvidenceCollector, LedgerEvidence
from fairway.engines.common.ledger_codec import encode, outcome_name, release_name
from fairway.engines.common.shelf import Files
from fairway.engines.common.trail import ShelfTrail
from fairway.engines.docker.fleet.shelf import FleetShelf
from fairway.model.audit import Entry
from fairway.model.garbage import Kept
from fairway.ports import Holder
from tests.unit.attest.parts import CI, IMAGE, OTHER, build, test
from tests.unit.rollout.parts import Spec, release

pytestmark = pytest.mark.anyio


@dataclass
class MemoryShelf:
    host: str = "local"
    kept: dict[str, bytes] = field(default_factory=dict)
    written: int = 0

    async def files(self) -> Files:
        await asyncio.sleep(0)
        return dict(self.kept)

    async def has(self, name: str) -> bool:
        return name in self.kept

    async def write(self, files: Files, *, new: bool = False) -> None:
        await asyncio.sleep(0)
        self.written += 1
        self.kept |= files

    async def remove(self, names: Collection[str]) -> None:
        for name in names:
            self.kept.pop(name, None)


class OneAtATime:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, doing: str, wait: float = 0.0) -> AsyncIterator[asyncio.Event]:
        async with self.lock:
            yield asyncio.Event()

    async def holder(self) -> Holder | None:
        return None


class Hosts:
    """Those of `names` that are not `away`."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.away: set[str] = set()

    async def each(self, call: Callable[[str], Coroutine[Any, Any, Any]]) -> Mapping[str, Any]:
        return {name: await call(name) for name in self.names if name not in self.away}


def entry(command: str, number: int = 0) -> Entry:
    return Entry(who="ann", machine="desk", command=command, outcome="done", release=number)


def trail(shelf: Any, ledger: Any) -> ShelfTrail:
    return ShelfTrail(shelf, ledger, OneAtATime(), clock=lambda: 0.0)


async def test_many_writers_make_one_chain() -> None:
    shelf = MemoryShelf()
    writing = trail(shelf, MemoryShelf())
    lines = await asyncio.gather(*(writing.append(entry(f"command {number}")) for number in range(20)))
    assert sorted(line.number for line in lines) == list(range(1, 21))
    assert chain.verify(*await writing.read()) == ()
    assert (await writing.head()).startswith("20:")


async def test_a_line_seals_the_record_of_its_release() -> None:
    record = encode(release({"web": Spec()}))
    ledger = MemoryShelf(kept={release_name(1): record, outcome_name(1, 5): b'{"outcome":"promoted","finished":"x"}'})
    writing = trail(MemoryShelf(), ledger)
    line = await writing.append(entry("deploy", 1))
    assert line.seal == chain.digest(record)
    assert line.at == "1970-01-01T00:00:00Z"
    ledger.kept[release_name(1)] = record.replace(b'"by":"', b'"by":"x')
    assert chain.verify(*await writing.read()) == ("the record of release 1 was changed since line 1",)


async def test_a_host_that_was_away_gets_the_lines_that_it_missed() -> None:
    hosts, shelves = Hosts("a", "b", "c"), {name: MemoryShelf(name) for name in "abc"}
    hosts.away = {"c"}
    ledger = MemoryShelf()
    await trail(FleetShelf(hosts, shelves), ledger).append(entry("one"))  # type: ignore[arg-type]
    hosts.away = set()
    await trail(FleetShelf(hosts, shelves), ledger).append(entry("two"))  # type: ignore[arg-type]
    assert shelves["c"].kept == shelves["a"].kept
    assert len(shelves["c"].kept) == 2


async def test_envelopes_are_found_by_their_image_and_written_once() -> None:
    shelf = MemoryShelf()
    kept = LedgerEvidence(shelf)
    envelopes = [CI.envelope(build()), CI.envelope(test())]
    for _ in range(2):
        await kept.keep(IMAGE, envelopes)
    assert set(await kept.find(IMAGE)) == set(envelopes)
    assert await kept.find(OTHER) == ()
    assert shelf.written == 1
    shelf.kept[f"{statement.digests(IMAGE)[0]}.cut.json"] = b'{"payload'
    assert len(await kept.find(IMAGE)) == 2


async def test_what_is_in_an_image_has_a_folder_of_its_own() -> None:
    from fairway.attest import said

    long = CI.envelope(said.contains(IMAGE, {"components": []}))
    for contents, found in ((False, [CI.envelope(build())]), (True, [long])):
        kept = LedgerEvidence(MemoryShelf(), contents=contents)
        await kept.keep(IMAGE, [CI.envelope(build()), long])
        assert list(await kept.find(IMAGE)) == found


async def test_what_is_said_of_images_that_nobody_goes_back_to_goes() -> None:
    next_one = replace(IMAGE, id="sha256:" + "3" * 64, digest="sha256:" + "c" * 64)
    first = release({"web": Spec()})
    shelves = (MemoryShelf(), MemoryShelf())
    for image in (IMAGE, OTHER, next_one):
        for shelf in shelves:
            await LedgerEvidence(shelf).keep(image, [CI.envelope(build(image)), CI.envelope(test(image=image))])
    dropped, stays = (replace(first, images={"web": image}) for image in (IMAGE, OTHER))
    collector = EvidenceCollector(shelves)

    assert await collector.find(Kept(kept=(dropped, stays), dropped=(dropped,), seconds=0)) == ()
    (found,) = await collector.find(Kept(kept=(stays,), dropped=(dropped,), seconds=0))
    assert (found.kind, found.name) == ("evidence", "d" * 12)
    assert await collector.remove(found)
    assert not await collector.remove(found)
    for shelf in shelves:
        assert not await LedgerEvidence(shelf).find(IMAGE)
        for image in (OTHER, next_one):
            assert len(await LedgerEvidence(shelf).find(image)) == 2
