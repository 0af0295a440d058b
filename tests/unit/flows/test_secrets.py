"""Which versions there are, which releases pin them, and what prune must leave."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.flows.secrets import Row, listed, needed, pinned
from fairway.model.app import Service
from fairway.model.files import FileMount
from fairway.model.release import Record, Release
from fairway.model.secret import Entry
from tests.unit.secrets.test_stores import SHOP, Counted, pinning

pytestmark = pytest.mark.anyio

STORE = Counted({"the-token": [b"1", b"2", b"3"], "other": [b"x"]})


def release(number: int, counted: str, **values: bytes) -> Release:
    return replace(pinning({"token": counted} if counted else {}, **values), number=number)


RELEASES = (
    release(1, "1", token=b"1", word=b"w"),
    release(2, "3", token=b"3", word=b"w"),
    release(3, "3", token=b"3", word=b"v"),
    release(4, "9", token=b"9", word=b"v"),
)


async def test_versions_and_the_releases_that_pin_them() -> None:
    rows = await pinned(STORE, [Record(release=one) for one in RELEASES], SHOP)
    told = [(row.name, row.number or "-", row.releases, row.state) for row in rows]
    assert told == [
        ("the-token", "9", (4,), "gone"),
        ("the-token", "3", (2, 3), ""),
        ("the-token", "2", (), ""),
        ("the-token", "1", (1,), ""),
        ("word", "-", (3, 4), ""),
        ("word", "-", (1, 2), ""),
    ]
    assert rows[4].identity == RELEASES[3].secrets["word"]
    assert {row.name for row in await pinned(STORE, [], SHOP, "other")} == {"other"}


async def test_what_prune_leaves() -> None:
    found = await needed(STORE, RELEASES[:2])
    assert found["the-token"] == {"1", "3"}
    old = replace(RELEASES[0], secret_numbers={})
    assert (await needed(STORE, [old]))["the-token"] == {"1", "2", "3"}, "it may be any of them"


def test_what_there_is() -> None:
    mounts = tuple(FileMount(source=key, target=f"/run/secrets/{key}") for key in ("token", "word"))
    app = replace(SHOP, services={"web": Service(name="web", secrets=mounts)})
    rows = listed(app, [Entry(name="other", number="4", by="ann")], "a file")
    assert rows == (
        Row(name="other", number="4", by="ann", where="a file"),
        Row(name="the-token", number="missing", services=("web",), where="a file"),
        Row(name="word", services=("web",), where="$THE_WORD"),
    )
