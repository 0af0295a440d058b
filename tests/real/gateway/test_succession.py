"""The gateway itself is replaced, because Fairway or its image is another one, and no user notices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from fairway.gateway.container import NAME, SUCCESSOR
from fairway.gateway.traffic import GatewayTraffic
from fairway.model.release import Revision
from fairway.net.hostimage import host_image
from fairway.render import envoy_listener
from tests.real.gateway.place import GATEWAY_PORT, Place
from tests.real.gateway.replicas import backend

pytestmark = pytest.mark.anyio
OTHER = "fairway-host:another"


@pytest.fixture
def other_image(place: Place) -> Iterator[str]:
    place.host.docker("tag", host_image(), OTHER)
    yield OTHER
    place.host.docker("rmi", OTHER, check=False)


def with_image(place: Place, image: str | None) -> GatewayTraffic:
    made = GatewayTraffic(place.docker, place.environment, image=image, http_port=GATEWAY_PORT, where=place.host.name)
    place.others.append(made)
    return made


def image_of_the_gateway(place: Place) -> str:
    return place.host.docker(
        "inspect", "-f", "{{.Config.Image}} {{.HostConfig.RestartPolicy.Name}}", NAME
    ).stdout.strip()


async def test_a_gateway_is_replaced_under_load(place: Place, other_image: str) -> None:
    one, two = await place.start("v1", "v2")
    table = place.table(place.service(backend("web-r1", one)))
    await place.traffic.apply(table)
    with place.load(slow=4, slow_path="/slow?s=3") as load:
        await asyncio.sleep(0.5)
        replaced = with_image(place, other_image)
        await replaced.start()
        assert image_of_the_gateway(place) == f"{other_image} always"
        assert await replaced.observe() == table
        await replaced.apply(place.table(place.service(backend("web-r2", two))))
        await asyncio.sleep(1)
    # A deployer whose shell is in the old container finds the new one.
    await place.traffic.apply(place.table(place.service(backend("web-r3", two))))
    report = load.report
    assert report.failed == 0, report.summary()
    assert set(report.versions) == {"v1", "v2"}
    assert report.websockets.closes == report.streams.closes == {"stopped": 1}
    assert await place.get() == (200, "v2")


async def test_a_fairway_with_other_parameters_takes_over_under_load(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade of Fairway that has other buckets for times: nothing is lost, and the counts are the new ones."""
    [one] = await place.start("v1")
    table = place.table(place.service(backend("web-r1", one)))
    await place.traffic.apply(table)
    monkeypatch.setattr(envoy_listener, "_BUCKETS", (5, 500))
    await place.gateway(place.environment).start()
    assert await place.get() == (200, "v1")
    older = place.host.docker("inspect", "-f", "{{.Id}}", NAME).stdout
    counted = {"web-r1": Revision("web", 1, backend("web-r1").digest)}
    assert [*(await place.traffic.counts(counted.values()))["web-r1"].times] == [5, 500, 3_600_000]
    monkeypatch.undo()
    with place.load(slow=4) as load:
        await asyncio.sleep(0.5)
        await place.traffic.start()
        await asyncio.sleep(1)
        counts = await place.traffic.counts(counted.values())
    assert load.report.failed == 0, load.report.summary()
    assert load.report.websockets.closes == load.report.streams.closes == {"stopped": 1}
    assert place.host.docker("inspect", "-f", "{{.Id}}", NAME).stdout != older
    assert len(counts["web-r1"].times) == len(envoy_listener._BUCKETS) + 1
    assert counts["web-r1"].counters["upstream_rq_2xx"] > 0


async def test_a_deployer_whose_shell_is_in_the_old_container_gets_the_counts_of_the_new_one(
    place: Place, other_image: str
) -> None:
    [one] = await place.start("v1")
    await place.traffic.apply(place.table(place.service(backend("web-r1", one))))
    revision = Revision("web", 1, backend("web-r1").digest)
    for _ in range(3):
        assert await place.get() == (200, "v1")
    assert (await place.traffic.counts([revision]))["web-r1"].counters["upstream_rq_2xx"] == 3
    await with_image(place, other_image).start()
    for _ in range(5):
        assert await place.get() == (200, "v1")
    assert (await place.traffic.counts([revision]))["web-r1"].counters["upstream_rq_2xx"] == 5


async def test_replaced_again_and_again_only_old_streams_are_cut(place: Place, other_image: str) -> None:
    """Envoy has one predecessor at a time: the one before it ends when the next takes over."""
    [one] = await place.start("v1")
    await place.traffic.apply(place.table(place.service(backend("web-r1", one))))
    with place.load(slow=0, websockets=0, streams=0) as load:
        for image in (other_image, None, other_image, None):
            await with_image(place, image).start()
            assert image_of_the_gateway(place) == f"{image or host_image()} always"
    assert load.report.failed == 0, load.report.summary()


async def test_a_successor_that_crashes_later_comes_back_by_itself(place: Place, other_image: str) -> None:
    [one] = await place.start("v1")
    await place.traffic.apply(place.table(place.service(backend("web-r1", one))))
    await with_image(place, other_image).start()
    place.host.docker("exec", NAME, "sh", "-c", "kill -9 $(cat /proc/1/task/1/children)", check=False)
    await asyncio.sleep(1)
    await place.until_it_answers("v1")
    await place.traffic.start()


async def test_a_deployer_that_died_before_the_successor_got_its_name(place: Place, other_image: str) -> None:
    [one] = await place.start("v1")
    await place.traffic.apply(place.table(place.service(backend("web-r1", one))))
    await with_image(place, other_image).start()
    place.host.docker("rename", NAME, SUCCESSOR)
    assert await place.get() == (200, "v1")
    with place.load() as load:
        await place.traffic.start()
    assert load.report.failed == 0, load.report.summary()
    assert image_of_the_gateway(place) == f"{host_image()} always"
    assert await place.get() == (200, "v1")


async def test_two_deployers_replace_it_at_once(place: Place, other_image: str) -> None:
    [one] = await place.start("v1")
    await place.traffic.apply(place.table(place.service(backend("web-r1", one))))
    with place.load() as load:
        await asyncio.gather(*(with_image(place, other_image).start() for _ in range(3)))
    assert load.report.failed == 0, load.report.summary()
    assert image_of_the_gateway(place) == f"{other_image} always"
    await place.traffic.start()


async def test_after_a_reboot_the_successor_serves_the_same_routes(place: Place, other_image: str) -> None:
    [one] = await place.start("v1")
    table = place.table(place.service(backend("web-r1", one)))
    await place.traffic.apply(table)
    await with_image(place, other_image).start()
    place.host.reboot()  # in this thread: the engine dies with the thread that started it
    place.host.docker("start", place.replicas.ids[one])
    await place.until_it_answers("v1")
    assert await place.traffic.observe() == table
    await place.traffic.apply(place.table(place.service(backend("web-r2", one))))
    assert await place.get() == (200, "v1")
