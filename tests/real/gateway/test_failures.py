"""What goes wrong with the gateway, and that users do not notice, and that operators are told."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from fairway.gateway.container import NAME
from fairway.model.environment import Environment
from fairway.model.errors import GatewayError, GatewayRejected
from fairway.model.routes import Endpoint, RoutedService, RoutingTable
from tests.load.load import CHECKOUT
from tests.real.gateway.place import GATEWAY_PORT, Place
from tests.real.gateway.replicas import backend

pytestmark = pytest.mark.anyio


def files(place: Place) -> str:
    """What Envoy reads, and what else lies beside it."""
    return place.host.docker("exec", NAME, "sh", "-c", "cd /etc/fairway; ls; cat cds.json rds.json").stdout


async def serving(place: Place) -> tuple[Endpoint, RoutingTable]:
    """One replica, v1, with all the traffic."""
    [endpoint] = await place.start("v1")
    table = place.table(place.service(backend("web-r1", endpoint)))
    await place.traffic.apply(table)
    await place.until_it_answers("v1")
    return endpoint, table


def refused_path(place: Place, endpoint: Endpoint) -> RoutedService:
    return place.service(backend("web-r2", endpoint), path="/a?b")


def refused_address(place: Place, endpoint: Endpoint) -> RoutedService:
    return place.service(backend("web-r2", endpoint, Endpoint("nowhere", 1)))


@pytest.mark.parametrize(
    ("broken", "words"), [(refused_path, "PathSeparatedPrefix"), (refused_address, "malformed IP address: nowhere")]
)
async def test_what_envoy_refuses_changes_nothing_and_its_words_are_told(
    place: Place, broken: Callable[[Place, Endpoint], RoutedService], words: str
) -> None:
    endpoint, table = await serving(place)
    before = files(place)
    with place.load(keep_alive=4, one_shot=2, slow=2) as load:
        with pytest.raises(GatewayRejected, match="the old ones keep serving") as error:
            await place.traffic.apply(place.table(broken(place, endpoint)))
        assert words in error.value.why
        assert error.value.where == place.host.name
        assert files(place) == before
        assert await place.traffic.observe() == table
        await place.traffic.apply(place.table(place.service(backend("web-r3", endpoint))))
    assert load.report.failed == 0, load.report.summary()
    assert load.report.websockets.closes == {"stopped": 1}


async def test_a_taken_port_is_named_and_nothing_is_left_behind(
    place: Place, no_gateway: Callable[[], None], taken_port: int
) -> None:
    no_gateway()
    with pytest.raises(GatewayError, match=f"port {taken_port}") as error:
        await place.gateway(place.environment, taken_port).start()
    assert f"ss -ltnp sport = :{taken_port}" in error.value.hint
    assert "cannot bind" in error.value.why or "in use" in error.value.why
    assert not place.host.docker("ps", "-aq", "--filter", f"name={NAME}").stdout


async def test_a_gateway_that_serves_does_not_move_to_a_taken_port(place: Place, taken_port: int) -> None:
    _, table = await serving(place)
    with pytest.raises(GatewayError, match=f"port {taken_port}"):
        await place.gateway(place.environment, taken_port).start()
    assert await place.get() == (200, "v1")
    assert await place.traffic.observe() == table


async def test_another_port_is_refused_while_others_are_reached_on_this_one(place: Place) -> None:
    await serving(place)
    another = place.gateway(Environment(f"{place.environment.app}-b", "test"), GATEWAY_PORT + 1)
    with pytest.raises(GatewayError, match=f"port {GATEWAY_PORT}") as error:
        await another.start()
    assert str(place.environment) in error.value.what
    assert error.value.hint
    assert await place.get() == (200, "v1")


async def test_without_a_gateway_nothing_is_observed_and_a_change_says_so(
    place: Place, no_gateway: Callable[[], None]
) -> None:
    no_gateway()
    assert await place.traffic.observe() is None
    with pytest.raises(GatewayError, match="no gateway") as error:
        await place.traffic.apply(place.table())
    assert error.value.hint


async def test_removed_and_started_again_it_has_its_routes(place: Place, no_gateway: Callable[[], None]) -> None:
    _, table = await serving(place)
    no_gateway()
    await place.traffic.start()
    assert await place.get() == (200, "v1")
    assert await place.traffic.observe() == table


async def test_envoy_killed_comes_back_by_itself_and_takes_changes(place: Place) -> None:
    endpoint, _ = await serving(place)
    place.host.docker("exec", NAME, "sh", "-c", "kill -9 $(pidof envoy || cat /proc/1/task/1/children)", check=False)
    await place.until_it_answers("v1")
    await place.traffic.apply(place.table(place.service(backend("web-r2", endpoint))))
    assert await place.get() == (200, "v1")


async def test_after_docker_kill_the_next_deployment_brings_it_back(place: Place) -> None:
    endpoint, _ = await serving(place)
    place.host.docker("kill", NAME)
    await place.traffic.start()
    assert await place.get() == (200, "v1")
    await place.traffic.apply(place.table(place.service(backend("web-r2", endpoint))))
    assert await place.get() == (200, "v1")


async def test_a_deployer_killed_in_a_change_blocks_nobody_and_breaks_nothing(place: Place) -> None:
    endpoint, _ = await serving(place)
    module = ["-m", "tests.real.gateway.applying"]
    command = [sys.executable, *module, place.host.url, place.environment.app, endpoint.address]
    with place.load(keep_alive=4, one_shot=2, slow=2, websockets=0, streams=0) as load:
        for count in range(4):
            deployer = await asyncio.create_subprocess_exec(*command, cwd=CHECKOUT, stdout=subprocess.PIPE)
            assert deployer.stdout
            assert await deployer.stdout.readline() == b"0\n"
            await asyncio.sleep(0.008 * count)
            deployer.kill()
            await deployer.communicate()
            mine = place.table(place.service(backend(f"mine-r{count}", endpoint)))
            another = place.gateway(place.environment)
            await another.apply(mine)
            assert await another.observe() == mine
    assert load.report.failed == 0, load.report.summary()
    assert files(place).split("{")[0].split() == ["cds.json", "kept", "lds.json", "lock", "rds.json"]


async def test_two_environments_change_at_once(place: Place) -> None:
    endpoint, _ = await serving(place)
    other = place.gateway(Environment(f"{place.environment.app}-b", "test"))

    def theirs(*names: str) -> RoutingTable:
        services = tuple(place.service(backend(f"{name}-r1", endpoint), name=name) for name in names)
        return RoutingTable(environment=other.environment, services=services)

    async def ours() -> RoutingTable:
        for count in range(10):
            table = place.table(place.service(backend(f"web-r{count + 2}", endpoint)))
            await place.traffic.apply(table)
        return table

    async def others() -> RoutingTable:
        for count in range(10):
            table = theirs(f"blog{count}")
            await other.apply(table)
        return table

    with place.load(keep_alive=4, one_shot=2, slow=2) as load:
        wanted = await asyncio.gather(ours(), others())
        seen = await asyncio.gather(place.traffic.observe(), other.observe())
    assert seen == list(wanted)
    assert await place.get(service="blog9") == (200, "v1")
    assert load.report.failed == 0, load.report.summary()
    await other.apply(theirs())
    assert await other.observe() is None


async def test_two_environments_that_want_one_place_are_told(place: Place) -> None:
    _, table = await serving(place)
    other = place.gateway(Environment(f"{place.environment.app}-b", "test"))
    with pytest.raises(GatewayError, match=f"web of {place.environment} .*both want {place.name}/"):
        await other.apply(RoutingTable(environment=other.environment, services=table.services))
    assert await place.get() == (200, "v1")
    assert await other.observe() is None
