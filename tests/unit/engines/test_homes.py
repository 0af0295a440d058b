"""Whose data is where is known while its host is lost, and when nobody names that host any more."""

from __future__ import annotations

import pytest

from fairway.engines.docker.fleet.homes import Homes, settled
from fairway.rollout.placement import place
from tests.unit.rollout.placing import DRAINED, LOST, host, shown, told, wants
from tests.unit.wiring.test_edge import Kept

pytestmark = pytest.mark.anyio

DB = wants("db", data=["data"])


def layout(*hosts: object, homes: dict[str, str]) -> tuple[str, list[str]]:
    found = place([DB], settled(hosts, homes), [])  # type: ignore[arg-type]
    return shown(found), told(found)


def test_data_of_a_lost_host_is_waited_for() -> None:
    assert layout(host("a"), host("b", state=LOST), homes={"data": "b"}) == (
        "",
        ["no host for db: 1 host is lost, 1 host is not b, where its data is"],
    )
    assert layout(host("a"), homes={"data": "b"})[0] == "", "taken out of the settings it is as lost as before"
    assert layout(host("a"), homes={"data": "b"})[1][0].endswith("1 host is not b, where its data is")
    assert layout(host("a"), host("b", state=LOST), homes={})[0] == "db: a", "what never was is nowhere"
    assert layout(host("a", None, "data"), host("b", state=LOST), homes={"data": "b"})[1] == [
        "no host for db: 2 hosts may hold its data: name one in a constraint"
    ]


def test_what_a_host_really_has_counts_more_than_what_was_written_down() -> None:
    assert layout(host("a", None, "data"), host("b"), homes={"data": "b"})[0] == "db: a"
    assert layout(host("a"), host("b"), homes={"data": "b"})[0] == "db: b", "a directory is not listed"
    assert layout(host("a"), host("b", state=DRAINED), homes={"data": "b"})[0] == ""


async def test_it_is_written_down_and_forgotten() -> None:
    shelf = Kept()
    homes = Homes(shelf)
    await homes.note(["data", "more"], "a")
    written = dict(shelf.kept)
    await homes.note(["data"], "a")
    assert shelf.kept == written, "nothing is written twice"
    await homes.note(["data"], "b")
    assert await Homes(shelf).read() == {"data": "b", "more": "a"}
    await homes.forget("a")
    assert await Homes(shelf).read() == {"data": "b"}
    shelf.kept["homes.1.json"] = b'{"sequ'
    assert await Homes(shelf).read() == {"data": "b", "more": "a"}, "a writer was killed: what was before it counts"
    await homes.clear()
    assert await homes.read() == {}
