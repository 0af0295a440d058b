"""How hosts are shown, and what the command ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairway.cli import hosts as cli
from fairway.cli.entry import run
from fairway.cli.main import called
from fairway.flows.hosts import Known, Report
from fairway.model.errors import EngineUnreachable
from fairway.model.host_facts import Clock, HostFacts, Room, Running
from fairway.model.host_findings import judge_host, unreached

WELL = HostFacts(
    hostname="one",
    engine="20.10.24",
    api="1.41",
    os="Debian GNU/Linux 12 (bookworm)",
    kernel="6.1.0",
    arch="x86_64",
    storage_driver="overlay2",
    cgroup="2",
    cpus=4.0,
    memory=8 << 30,
    running=Running(ours=6, others=2, cpus=1.5, memory=3 << 29, memory_used=300 << 20),
    disk_used=3 << 30,
    disk=Room(free=30 << 30, size=40 << 30),
    clock=Clock(ahead=0.012, within=0.01),
    live_restore=False,
)
BARE = HostFacts(live_restore=False, unknown={"disk": "it is not told", "running": "it takes too long"})
DEAD = EngineUnreachable("No Docker engine answers at tcp://h:1", why="no answer within 5 s", hint="check the firewall")


def report(name: str, facts: HostFacts | None = None, **said: object) -> Report:
    findings = judge_host(facts) if facts else (unreached(DEAD),)
    known = {"address": f"ssh://{name}", "labels": {}, "edge": False, **said}
    return Report(name=name, facts=facts, findings=findings, **known)  # type: ignore[arg-type]


def test_the_whole_of_it() -> None:
    shown = cli._text("production", (report("a", WELL, edge=True), report("b", BARE), report("c")))
    assert [line.rstrip() for line in shown.splitlines()] == [
        "production: 2 of 3 hosts answer",
        "",
        "HOST  ADDRESS  EDGE  ENGINE     API   SYSTEM                          KERNEL  ARCH    STORAGE   CGROUP",
        "a     ssh://a  edge  20.10.24   1.41  Debian GNU/Linux 12 (bookworm)  6.1.0   x86_64  overlay2  v2",
        "b     ssh://b        ?          ?     ?                               ?       ?       ?         ?",
        "c     ssh://c        no answer",
        "",
        "HOST  CPUS  RESERVED  MEMORY   RESERVED  USED       OURS  OTHERS  STOPPED  DOCKER'S DATA  FREE                  CLOCK",
        "a     4     1.5       8.0 GiB  1.5 GiB   300.0 MiB  6     2       0        3.0 GiB        30.0 GiB of 40.0 GiB  +0.01 s ± 0.01",
        "b     ?     ?         ?        ?         ?          ?     ?       ?        ?              ?                     ?",
        "",
        "? b: free space: it is not told",
        "? b: containers: it takes too long",
        "",
        "✗ c: No Docker engine answers at tcp://h:1",
        "    why: no answer within 5 s",
        "    → check the firewall",
        "! a, b: live-restore is off",
        "    why: when Docker is restarted or upgraded, every container stops",
        '    → put "live-restore": true into /etc/docker/daemon.json, then `systemctl reload docker`',
    ]


def test_labels_have_a_column_where_there_are_any() -> None:
    shown = cli._text("p", (report("a", WELL, labels={"zone": "a", "disk": "ssd"}), report("b", WELL)))
    assert "LABELS" in shown
    assert "disk=ssd zone=a" in shown


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ([WELL], "p: its host answers"),
        ([None], "p: its host does not answer"),
        ([WELL, WELL], "p: both hosts answer"),
        ([WELL] * 3, "p: all 3 hosts answer"),
    ],
)
def test_how_many_answer(facts: list[HostFacts | None], said: str) -> None:
    assert cli._text("p", tuple(report(f"h{i}", each) for i, each in enumerate(facts))).splitlines()[0] == said


class Reader:
    def __init__(self, facts: HostFacts | None) -> None:
        self.answer = facts

    async def facts(self) -> HostFacts:
        if self.answer is None:
            raise DEAD
        return self.answer


SICK = HostFacts(storage_driver="vfs")


@pytest.mark.parametrize(
    ("hosts", "status"),
    [([WELL, BARE], 0), ([WELL, None], 4), ([WELL, SICK], 4), ([SICK], 4), ([None], 1), ([None, None], 1)],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_exit_statuses(
    hosts: list[HostFacts | None],
    status: int,
    form: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = [
        Known(name=f"h{index}", address=f"ssh://h{index}", reader=Reader(facts)) for index, facts in enumerate(hosts)
    ]

    async def all_of_them(*_: object) -> list[Known]:
        return known

    monkeypatch.setattr(cli, "known", all_of_them)
    (tmp_path / "fairway.yaml").write_text("app: shop\nenvironments: {production: {}}\n")
    assert run(called, ["hosts", "-C", str(tmp_path), *form]) == status
    printed = capsys.readouterr()
    assert printed.err == ""
    if form:
        said = json.loads(printed.out)
        assert (said["environment"], [host["facts"] is not None for host in said["hosts"]]) == (
            "production",
            [bool(facts) for facts in hosts],
        )


def test_a_timeout_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fairway.yaml").write_text("app: shop\nenvironments: {production: {}}\n")
    assert run(called, ["hosts", "-C", str(tmp_path), "--timeout", "0"]) == 2
    assert "--timeout is too short" in capsys.readouterr().err
