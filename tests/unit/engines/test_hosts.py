"""The facts of a host, from engines that say what no engine here can be made to say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from fairway.engines.docker.hosts import DockerHost, clock, read
from fairway.engines.docker.hosts_running import endless
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, EngineUnreachable
from fairway.model.host_facts import HostFacts
from fairway.model.host_findings import judge_host

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
SLOW: Any = object()
"""An answer that does not come."""


def told(moment: float) -> str:
    """As Docker writes it, to the nanosecond."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f123Z")


ANSWERS: Json = {
    "version": {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "20.10.24"},
    "info": {"ID": "A", "Name": "h", "ServerVersion": "20.10.24", "Driver": "overlay2", "NCPU": 2, "MemTotal": 1 << 30},
    "containers/json": [],
    "system/df": {"LayersSize": 100, "Containers": [], "Volumes": [], "BuildCache": []},
}


@asynccontextmanager
async def engine(directory: Path, **changed: Any) -> AsyncIterator[str]:
    """A server that answers as an engine; `changed` by the last word of the path."""
    over = asyncio.Event()
    answers = {path: changed.get(path.rpartition("/")[2], answer) for path, answer in ANSWERS.items()}

    async def answer(request: web.Request) -> web.Response:
        path = request.path.lstrip("/")
        path = path.partition("/")[2] if path.startswith("v1.") else path
        body = answers.get(path)
        if body is SLOW:
            await over.wait()
        if body is None:
            return web.json_response({"message": "no such thing"}, status=404)
        return web.json_response(body() if callable(body) else body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    socket = str(directory / "s")
    await web.UnixSite(runner, socket).start()
    try:
        yield f"unix://{socket}"
    finally:
        over.set()
        await runner.cleanup()


async def facts(directory: Path, patience: float = 3.0, **changed: Any) -> HostFacts:
    async with engine(directory, **changed) as address:
        return await DockerHost(Environment("shop", "test"), address, patience=patience).facts()


async def test_an_engine_that_tells_little_is_not_accused(tmp_path: Path) -> None:
    found = await facts(tmp_path)
    assert (found.engine, found.api, found.cpus, found.disk_used) == ("20.10.24", "1.41", 2.0, 100)
    assert found.running
    assert found.running.memory_used == 0
    assert set(found.unknown) == {"disk", "clock"}
    assert judge_host(found) == ()


@pytest.mark.parametrize("ahead", [0.0, 30.0, -7200.0])
async def test_a_clock_that_is_off(tmp_path: Path, ahead: float) -> None:
    info = lambda: {**ANSWERS["info"], "SystemTime": told(time.time() + ahead)}
    found = await facts(tmp_path, info=info)
    assert found.clock
    assert abs(found.clock.ahead - ahead) <= found.clock.within + 1e-3
    assert [finding.key for finding in judge_host(found)] == (["clock"] if ahead else [])


def test_the_time_may_have_been_read_at_any_moment_of_the_round_trip() -> None:
    began = 1_800_000_000.0
    for read_at in (0.0, 2.0, 4.0):
        found = clock({"SystemTime": told(began + read_at)}, began, 4.0)
        assert found
        assert abs(found.ahead) <= found.within + 1e-3 == 2.001
        assert found.surely <= 1e-3


def test_a_time_zone_is_no_skew() -> None:
    found = clock({"SystemTime": "2027-01-15T10:00:00.5+02:00"}, 1_800_000_000.5, 0.0)
    assert found
    assert found.ahead == 0.0


async def test_an_engine_that_is_too_old(tmp_path: Path) -> None:
    old = {"ApiVersion": "1.40", "MinAPIVersion": "1.12", "Version": "19.03.15"}
    with pytest.raises(EngineError, match="is too old") as caught:
        await facts(tmp_path, version=old)
    assert caught.value.hint == "Docker 20.10 or newer"


async def test_an_engine_that_is_newer_than_we_are(tmp_path: Path) -> None:
    found = await facts(tmp_path, version={"ApiVersion": "1.60", "MinAPIVersion": "1.44", "Version": "31.0"})
    assert found.api == "1.51"


async def test_disk_usage_that_takes_too_long_is_not_known_and_the_rest_is(tmp_path: Path) -> None:
    found = await facts(tmp_path, patience=0.9, df=SLOW)
    assert (found.engine, found.disk_used) == ("20.10.24", None)
    assert found.unknown["disk_used"] == "Docker does not tell it in time"
    assert found.running


async def test_an_engine_that_hangs(tmp_path: Path) -> None:
    with pytest.raises(EngineUnreachable) as caught:
        await facts(tmp_path, patience=0.9, version=SLOW)
    assert caught.value.why == "no answer within 0.3 s"


async def test_what_is_no_answer_of_docker_s(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="does not answer as Docker does"):
        await facts(tmp_path, info=[])
    found = await facts(tmp_path, df=["x"], json=[{}])
    assert (found.disk_used, found.running) == (None, None)
    assert found.unknown["running"] == "KeyError: 'State'"


async def test_disk_usage_counts_layers_once_and_nothing_that_is_not_known(tmp_path: Path) -> None:
    df = {
        "LayersSize": 1000,
        "Containers": [{"SizeRw": 10}, {"SizeRootFs": 99}],
        "Volumes": [{"UsageData": {"Size": 5}}, {"UsageData": {"Size": -1}}, {"UsageData": None}],
        "BuildCache": [{"Size": 3, "Shared": False}, {"Size": 50, "Shared": True}],
    }
    assert (await facts(tmp_path, df=df)).disk_used == 1018
    (tmp_path / "s").unlink(missing_ok=True)
    assert (await facts(tmp_path, df={"LayersSize": 7, "Containers": None})).disk_used == 7


def test_what_docker_info_says() -> None:
    found = read(
        {
            "Labels": ["rack=7", "bare"],
            "CgroupVersion": "2",
            "LiveRestoreEnabled": False,
            "SwapLimit": False,
            "Swarm": {"LocalNodeState": "active"},
            "Warnings": ["WARNING: x"],
        },
        "1.41",
    )
    assert (found.labels, found.cgroup) == ({"rack": "7", "bare": ""}, "2")
    assert (found.live_restore, found.swap_limit, found.clustered, found.warnings) == (
        False,
        False,
        True,
        ("WARNING: x",),
    )


@pytest.mark.parametrize(
    ("log", "for_ever"),
    [
        ({"Type": "json-file", "Config": {}}, True),
        ({"Type": "json-file", "Config": None}, True),
        ({"Type": "json-file", "Config": {"max-size": "-1"}}, True),
        ({"Type": "json-file", "Config": {"max-size": "10m"}}, False),
        ({"Type": "local", "Config": {}}, False),
        ({"Type": "none"}, False),
        (None, False),
    ],
)
def test_which_logs_grow_for_ever(log: Json | None, for_ever: bool) -> None:
    assert endless({"LogConfig": log}) is for_ever
