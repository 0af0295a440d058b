"""Requests at the first host's gateway, answered by replicas on both hosts."""

from __future__ import annotations

import asyncio

import pytest

from fairway.model.policy import Ready
from tests.load.http import parse
from tests.real.peers.sides import Sides

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("ready", [Ready(), Ready(http="/up")], ids=["unchecked", "checked"])
async def test_each_replica_gets_as_much_wherever_it_is(sides: Sides, ready: Ready) -> None:
    await sides.start(0, 3)
    await sides.apply(ready)
    assert await sides.ask(200) == {"there": 200}
    sides.first.endpoints = await sides.first.start("here")
    await sides.apply(ready)
    found = await sides.ask(2000)
    print(f"1 here : 3 there: {found}")
    assert sum(found.values()) == found["here"] + found["there"] == 2000
    assert 0.23 < found["here"] / 2000 < 0.27


async def test_a_request_arrives_as_the_user_sent_it_and_no_header_chooses_a_replica(sides: Sides) -> None:
    await sides.start(0, 1)
    await sides.apply()
    forged = "X-Fairway-Peer-Cluster: peer.other\r\nX-Fairway-Peer-Check: true\r\n"
    async with sides.user() as user:
        user.writer.write(
            f"GET /headers?a=%2Fb HTTP/1.1\r\nHost: {sides.first.name}\r\nX-Own: 1\r\n{forged}\r\n".encode()
        )
        head = parse(await user.reader.readuntil(b"\r\n\r\n"))
        seen = (await user.body(head)).decode().lower()
        me = user.writer.get_extra_info("sockname")[0]
    assert seen.startswith("get /headers?a=%2fb http/1.1\r\n")
    assert f"host: {sides.first.name}\r\n" in seen
    assert f"x-forwarded-for: {me}\r\n" in seen
    assert "x-own: 1\r\n" in seen
    assert "fairway" not in seen.replace(sides.first.name, "")
    assert not any("fairway" in name for name in head.headers)


async def test_a_host_whose_replicas_take_no_connection_costs_nobody_a_request(sides: Sides) -> None:
    """Its gateway says that no replica has seen the request, so the first one tries it elsewhere."""
    await sides.start(1, 2)
    await sides.apply()
    for endpoint in sides.second.endpoints:
        assert await sides.second.traffic.probe(endpoint, "/deaf?s=10") == 200
    assert await sides.ask(300) == {"here": 300}


async def test_a_request_never_hops_twice(sides: Sides) -> None:
    """Each of the two believes that the other one has the replicas."""
    await sides.start(0, 0)
    for side in sides.all:
        await side.traffic.apply(sides.view(side, counted=2))
    async with asyncio.timeout(10):
        assert await sides.ask(20) == {"503": 20}
