"""The story of a bootstrap, where the machine of the real tests cannot play it: it is a container, and always of our architecture."""

from __future__ import annotations

import platform
from collections.abc import Mapping

import pytest

from fairway.flows.bootstrap import Did, Story, Told
from fairway.model.errors import GatewayError
from fairway.render.daemon import merge

pytestmark = pytest.mark.anyio

SYSTEM = {
    "os": "ubuntu",
    "version": "24.04",
    "name": "Ubuntu 24.04",
    "arch": platform.machine(),
    "user": "joe",
    "root": "yes",
}
READY = {
    "systemd": "yes",
    "free": str(1 << 30),
    "dockerd": "/usr/sbin/dockerd",
    "engine": "Docker version 27.5.1",
    "answers": "yes",
    "info": "true 0 inactive",
    "configured": "yes",
    "config": merge(None, where="").text,
    "member": "yes",
    "gateway": "true",
    "clock": "chronyd",
}


class Fake:
    """A machine that answers as it is told to."""

    def __init__(
        self, state: Mapping[str, str], system: Mapping[str, str] = SYSTEM, gateway: bool | GatewayError = False
    ):
        self.answers = {"system": system, "state": state, "clock": {"clock": "systemd-timesyncd"}}
        self.started = gateway
        self.asked: list[str] = []

    async def ask(self, step: str, values: Mapping[str, str] | None = None, *, sudo: bool = False) -> Mapping[str, str]:
        assert sudo is (step != "system")
        self.asked.append(step)
        return self.answers.get(step, {})

    async def gateway(self) -> bool:
        if isinstance(self.started, GatewayError):
            raise self.started
        return self.started


async def play(machine: Fake, *, dry_run: bool = False) -> dict[str, Told]:
    """The last that each step has told."""
    return {told.step: told async for told in Story("web", machine, dry_run=dry_run).run()}


async def test_where_all_is_well_nothing_is_asked_for() -> None:
    machine = Fake(READY)
    told = await play(machine)
    assert {each.did for each in told.values()} == {Did.NOTHING}
    assert machine.asked == ["system", "state"]


@pytest.mark.parametrize(
    ("state", "did", "what"),
    [
        ({"clock": ""}, Did.DONE, "systemd-timesyncd keeps the time"),
        ({"clock": "", "keeper": "chronyd"}, Did.ADVICE, "nothing keeps the time"),
        ({"clock": "", "systemd": ""}, Did.ADVICE, "nothing keeps the time"),
        ({"clock": "", "container": "yes"}, Did.NOTHING, "the time is that of"),
    ],
)
async def test_who_keeps_the_time(state: Mapping[str, str], did: Did, what: str) -> None:
    machine = Fake({**READY, **state})
    told = (await play(machine))["clock"]
    assert told.did is did
    assert told.what.startswith(what)
    assert ("clock" in machine.asked) == (did is Did.DONE)


async def test_a_gateway_that_does_not_start_is_a_problem_and_the_rest_is_done() -> None:
    told = await play(Fake(READY, gateway=GatewayError("no", why="port 80 is taken", hint="free it")))
    assert told["gateway"] == Told("gateway", Did.PROBLEM, "no", "port 80 is taken", "free it")


async def test_our_envoy_does_not_run_on_another_architecture() -> None:
    told = (await play(Fake(READY, {**SYSTEM, "arch": "riscv64"}, gateway=True)))["gateway"]
    assert told.did is Did.PROBLEM
    assert "web is riscv64" in told.what


async def test_what_a_restart_would_stop_waits() -> None:
    told = (await play(Fake({**READY, "info": "false 2 inactive", "config": "{}"})))["daemon"]
    assert told.did is Did.ADVICE
    assert "before Docker is restarted" in told.what


async def test_a_dry_run_only_looks() -> None:
    machine = Fake({"free": str(1 << 30), "systemd": "yes"})
    told = await play(machine, dry_run=True)
    assert [name for name, each in told.items() if each.did is Did.WOULD] == [
        "engine",
        "daemon",
        "access",
        "clock",
        "gateway",
    ]
    assert machine.asked == ["system", "state"]
