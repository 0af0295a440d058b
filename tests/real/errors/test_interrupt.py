"""Ctrl-C at any moment, as a terminal sends it: to the command and to every process that it has started."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.real.errors.shop import Said, Shop

UP = "test:\n  smoke: {up: true, http: {service: web, port: 8000, path: /up}}\nenvironments:"
JOB = "test:\n  unit: {service: web, command: [sh, -c, 'sleep 60; : %s']}\nenvironments:"


def interrupted(shop: Shop, at: str, *words: str, moment: float = 0.2, times: int = 1, **variables: str) -> Said:
    """What the command said when it was interrupted, `moment` seconds after a line that has `at`."""
    process = shop.start(*words, **variables)
    assert process.stderr and process.stdout
    lines = []
    for line in process.stderr:
        lines.append(line)
        if at in line:
            break
    time.sleep(moment)
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.05)
    out, rest = process.communicate(timeout=60)
    assert not processes(shop), "it has left processes"
    return Said(process.returncode, out, "".join(lines) + rest)


def test_while_building(running: Shop) -> None:
    running.edit("web/Dockerfile", "CMD", f"RUN : {running.app} && sleep 61\nCMD")
    running.commit()
    done = interrupted(running, "sleep 61", "ship", moment=1)
    done.expect(130)
    assert done.err.endswith("interrupted\n")
    assert not processes(running)
    assert not running.json("status")["under_way"]


@pytest.mark.parametrize("moment", [0.05, 0.3, 0.7, 1.5])
def test_while_a_test_has_the_application_up(running: Shop, moment: float) -> None:
    running.edit("fairway.yaml", "environments:", UP)
    running.commit()
    done = interrupted(running, "Testing: smoke", "ship", moment=moment, BOOT="20")
    done.expect(130)
    assert done.err.endswith("interrupted\n")


def test_while_a_test_command_runs(running: Shop) -> None:
    running.edit("fairway.yaml", "environments:", JOB % running.app)
    running.commit()
    done = interrupted(running, "Testing: unit", "ship", moment=1.5)
    done.expect(130)
    assert not processes(running)


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.4])
def test_while_replicas_start(running: Shop, moment: float) -> None:
    interrupted(running, "start web", "deploy", moment=moment, VERSION="v2", BOOT="3").expect(
        1, "failed; release 1 serves as before\n  because of this:\n  error: interrupted\n"
    )


def test_before_the_traffic_moves(running: Shop) -> None:
    interrupted(running, "wait until ready", "deploy", moment=0.5, VERSION="v2", BOOT="4").expect(
        1,
        "! interrupted: leading back to what served before (once more to stop at once)\n",
        "failed; release 1 serves as before\n  because of this:\n  error: interrupted\n",
    )
    assert running.json("releases")[0]["outcome"] == "failed"


def test_after_the_traffic_has_moved(running: Shop) -> None:
    running.edit("fairway.yaml", "drain_timeout: 1s", "drain_timeout: 1s, monitor: 20s")
    running.commit()
    running.fairway("build").expect(0)
    interrupted(running, "monitor: watch", "deploy", moment=0.3, VERSION="v2").expect(
        3, "failed; release 1 serves again\n  because of this:\n  error: interrupted\n"
    )
    assert running.json("releases")[0]["outcome"] == "rolled back"


def test_twice_it_stops_at_once_and_the_next_deployment_tidies_up(shop: Shop) -> None:
    shop.shipped()
    before = shop.state()
    interrupted(shop, "wait until ready", "deploy", moment=0.3, times=2, VERSION="v2", BOOT="4").expect(130)
    assert shop.answer() == "this is v1"
    assert shop.json("status")["holder"] is None
    shop.fairway("deploy").expect(0, "serves in production")
    assert shop.state() == before
    assert shop.json("status")["converged"]


def test_while_nothing_can_be_lost(running: Shop) -> None:
    """Ctrl-C is how one leaves `logs -f`."""
    done = interrupted_while_following(running)
    done.expect(130)
    assert done.err == "interrupted\n"


def interrupted_while_following(shop: Shop) -> Said:
    process = shop.start("logs", "-f")
    assert process.stdout
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return Said(process.returncode, out, err)


def processes(shop: Shop) -> list[str]:
    """The command lines of everything on this machine, its hosts' containers included, that names the application."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.append((process / "cmdline").read_text().replace("\0", " "))
    return [line for line in found if shop.app in line and not line.startswith(("perl ", "envoy "))]
