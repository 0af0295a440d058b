"""Containers find services by their names, whichever host runs them."""

from __future__ import annotations

import asyncio

import pytest

from tests.real.names.town import Town

pytestmark = pytest.mark.anyio


async def test_services_are_found_by_their_names_on_another_host(town: Town) -> None:
    """Two of them on the same ports; in HTTP, below port 1024, too; and who ends their own side is still answered."""
    first, second = town.sides.all
    [db], [cache] = await asyncio.gather(town.start(second, "db"), town.start(second, "cache"))
    await town.apply(db={"db-r1": (100, [], [db])}, cache={"cache-r1": (100, [], [cache])})
    for side in (first, second):
        assert (await town.new(side, "db", 5))["found"] == {"db": 5}
    assert (await town.new(first, "cache", 5))["found"] == {"cache": 5}
    asked = ("exec", town.client(first), "curl", "-s", "http://db/")
    assert first.host.docker(*asked).stdout == "db"
    assert await town.ask(first, "end", "db", "6379") == "ended"


async def test_each_revision_gets_its_share_of_the_connections(town: Town) -> None:
    """Three quarters for two replicas of the old one, on both hosts; a quarter for the new one's, on the other host."""
    first, second = town.sides.all
    (here,), (there, new) = await asyncio.gather(town.start(first, "here"), town.start(second, "there", "new"))
    await town.apply(db={"db-r1": (75, [here], [there]), "db-r2": (25, [], [new])})
    found = await town.new(first, "db", 400)
    print(f"weights 75 : 25, the first on both hosts: {found}")
    assert found["failed"] == []
    shares = {version: count / 400 for version, count in found["found"].items()}
    assert shares == pytest.approx({"here": 0.375, "there": 0.375, "new": 0.25}, abs=0.06)
