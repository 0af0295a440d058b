"""Containers find services by their names, whichever host runs them."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from msgspec.structs import replace

from fairway.engines.docker.down import down
from fairway.gateway import container
from fairway.gateway.container import NAME, ROLE
from fairway.model.errors import GatewayRejected
from fairway.render import envoy_listener, envoy_tcp
from fairway.render.envoy_tls import DIRECTORY
from tests.real.names.town import ROUTE, Town
from tests.real.peers.sides import Side

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


async def test_what_is_open_stays_open_and_nothing_fails_while_everything_changes(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, replicas, and both gateways; the connection that stays is to a replica on the other host."""
    first, second = town.sides.all
    [there] = await town.start(second, "there")
    await town.apply(db={"db-r1": (100, [], [there])})
    async with town.staying(first, "db") as report:
        (here,), (more,) = await asyncio.gather(town.start(first, "here"), town.start(second, "more"))
        await town.apply(db={"db-r1": (75, [], [there, more]), "db-r2": (25, [here], [])})
        await asyncio.sleep(0.5)
        await town.apply(db={"db-r1": (0, [], [there, more]), "db-r2": (100, [here], [])})
        await asyncio.sleep(0.5)
        await town.apply(db={"db-r1": (90, [], [there, more]), "db-r2": (10, [here], [])})
        await town.apply(db={"db-r1": (90, [], [there, replace(more, draining=True)]), "db-r2": (10, [here], [])})
        await asyncio.sleep(0.3)  # what was open to it for a moment has ended
        await town.apply(db={"db-r1": (90, [], [there]), "db-r2": (10, [here], [])})
        await second.replicas.stop(replace(more, port=8000))
        gateways = [gateway(side) for side in town.sides.all]
        monkeypatch.setattr(envoy_listener, "_BUCKETS", (5, 500))  # another gateway takes over, as after an upgrade
        for side in town.sides.all:
            await side.traffic.start()
        assert not set(gateways) & {gateway(side) for side in town.sides.all}
        await town.apply(
            db={"db-r1": (50, [], [there]), "db-r2": (50, [here], [])}, cache={"cache-r1": (1, [here], [])}
        )
        await asyncio.sleep(0.5)
    print(f"changes: {report.said}")
    report.nothing_failed()
    assert report.version == "there"
    assert set(report.said["found"]) == {"there", "here", "more"}
    monkeypatch.setattr(container, "SUCCESSION", 1)
    await second.traffic.start()
    for _ in range(50):
        if len(second.host.docker("ps", "-q", "--filter", f"label={ROLE}").stdout.split()) == 1:
            break
        await asyncio.sleep(0.2)
    assert (await town.new(second, "cache", 3))["found"] == {"here": 3}, "the pipes are there after their first Envoy"


def gateway(side: Side) -> str:
    return side.host.docker("inspect", "-f", "{{.Id}}", NAME).stdout.strip()


async def test_new_connections_go_elsewhere_when_a_host_is_lost(town: Town) -> None:
    first, second = town.sides.all
    here, there = await asyncio.gather(town.start(first, "here"), town.start(second, *["there"] * 3))
    await town.apply(db={"db-r1": (100, here, there)})
    assert set((await town.new(first, "db", 8))["found"]) == {"here", "there"}
    second.host.unplug()
    try:
        lost = await town.new(first, "db", 50)
    finally:
        second.host.plug()
    plugged = time.monotonic()
    while "there" not in (await town.new(first, "db", 4))["found"]:
        assert time.monotonic() - plugged < 30, "the host gets nothing, though it is back"
    print(f"lost: {lost}, back {time.monotonic() - plugged:.1f} s after the plug")
    assert lost["failed"] == []
    assert lost["found"] == {"here": 50}
    assert lost["slowest"] < 15, "the checks are faster than what TCP gives up after"
    assert lost["last"] < lost["slowest"]


async def test_names_that_envoy_refuses_leave_everything_as_it_was(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = town.sides.all
    here = await town.start(first, "here")
    await town.apply(db={"db-r1": (100, here, [])})
    monkeypatch.setattr(envoy_tcp, "PIPES", "/nowhere")
    with pytest.raises(GatewayRejected, match="the old ones keep serving") as refused:
        await first.traffic.apply(town.tables(db={"db-r1": (100, here, [])}, cache={"cache-r1": (1, here, [])})[0])
    assert "/nowhere" in str(refused.value.why)
    monkeypatch.undo()
    assert (await town.new(first, "db", 3))["found"] == {"here": 3}
    await town.apply(db={"db-r1": (100, here, [])}, cache={"cache-r1": (1, here, [])})
    assert (await town.new(first, "cache", 3))["found"] == {"here": 3}


async def test_a_connection_waits_for_a_gateway_that_starts_again(town: Town) -> None:
    first, _ = town.sides.all
    here = await town.start(first, "here")
    await town.apply(db={"db-r1": (100, here, [])})
    await asyncio.to_thread(first.host.docker, "stop", "-t", "1", NAME)
    asking = asyncio.create_task(town.new(first, "db", 3))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(first.host.docker, "start", NAME)
    found = await asking
    print(f"the gateway started again: {found}")
    assert (found["found"], found["failed"]) == ({"here": 3}, [])


async def test_holders_are_made_once_and_replaced_for_another_port_and_go_with_everything(town: Town) -> None:
    first, _ = town.sides.all
    holders = town.holders[0]
    before = seen(town, first)
    assert [item["Name"] for item in before] == [f"/{first.environment.key}-{name}-name" for name in ("cache", "db")]
    await holders.ensure(town.release)
    assert seen(town, first) == before
    more = replace(ROUTE, names=(80, 443, 6379))
    start = time.monotonic()
    await holders.ensure(town.released({"db": more, "cache": replace(ROUTE, names=(80,))}))
    print(f"a holder replaced in {time.monotonic() - start:.2f} s")
    cache, db = seen(town, first)
    assert cache == before[0], "its ports may still be wanted"
    assert db["Id"] != before[1]["Id"]
    assert addresses(db) == addresses(before[1])
    await holders.tidy(town.released({"db": ROUTE}))
    assert [item["Id"] for item in seen(town, first)] == [db["Id"]]
    gone = await down(first.docker, first.environment, first.host.name, volumes=False)
    assert f"{first.environment.key}-db-name" in gone
    assert seen(town, first) == []


async def test_a_holder_has_no_keys_and_may_do_nothing(town: Town) -> None:
    first, _ = town.sides.all
    _, db = seen(town, first)
    assert [(mount["Name"], mount["RW"]) for mount in db["Mounts"]] == [("fairway-names", False)]
    for attempt in (
        f"ls {DIRECTORY}",
        "find / -xdev -name '*.pem' | grep fairway",
        "touch /run/fairway-names/x",
        "touch /x",
    ):
        assert first.host.docker("exec", db["Id"], "sh", "-c", attempt, check=False).returncode, attempt
    status = first.host.docker("exec", db["Id"], "cat", "/proc/1/status").stdout
    told = dict(line.split(":\t", 1) for line in status.splitlines())
    assert told["Uid"].split() == ["65534"] * 4
    assert {told[f"Cap{of}"] for of in ("Prm", "Eff", "Bnd")} == {"0" * 16}
    assert told["NoNewPrivs"] == "1"
    print(f"a holder of two ports: {told['VmRSS'].strip()} resident, {told['Threads']} threads")


def seen(town: Town, side: Side) -> list[dict[str, Any]]:
    """The holders on a host, by name, with what does not change while they run."""
    label = ["--filter", f"label=fairway.app={side.environment.app}", "--filter", "label=fairway.kind=name"]
    ids = side.host.docker("ps", "-aq", *label).stdout.split()
    found = json.loads(side.host.docker("inspect", *ids).stdout) if ids else []
    return sorted(found, key=lambda item: str(item["Name"]))


def addresses(container: dict[str, Any]) -> set[str]:
    return {join["IPAddress"] for join in container["NetworkSettings"]["Networks"].values()}
