"""fairway hosts bootstrap, on a machine with systemd and sshd. Each test goes on where the one before has ended."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.shell import wait_until
from tests.real.bootstrap.conftest import Bare, did

NOTHING = {step: ["nothing"] for step in ("system", "engine", "daemon", "access", "clock", "gateway")}


@contextmanager
def file(bare: Bare, path: str, text: str) -> Iterator[None]:
    """The machine has it, for as long as the context is open."""
    place = bare.machine.root / path
    before = place.read_text() if place.exists() else None
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    try:
        yield
        assert place.read_text() == text
    finally:
        place.unlink() if before is None else place.write_text(before)


def untouched(bare: Bare) -> bool:
    left = bare.machine.run("ls /etc/docker /run/fairway* /usr/sbin/dockerd 2>/dev/null", check=False).split()
    return left in ([], ["/etc/docker:"], ["/etc/docker:", "daemon.json"])


@pytest.mark.parametrize("text", ['ID=alpine\nPRETTY_NAME="Alpine Linux"\n', 'ID=debian\nVERSION_ID="10"\n'])
def test_another_system_is_refused(bare: Bare, text: str) -> None:
    with file(bare, "usr/lib/os-release", text):
        bare.bootstrap().expect(1, "only Debian 11, Ubuntu 22.04, or newer, can be set up", "→ install one of them")
    assert untouched(bare)


def test_who_may_not_become_root_is_refused(bare: Bare) -> None:
    said = bare.bootstrap(user="stranger")
    said.expect(1, f"error: stranger may not become root on {bare.machine.address}", "password", "NOPASSWD: ALL")
    assert untouched(bare)


def test_no_way_by_ssh(bare: Bare) -> None:
    bare.bootstrap(user="nobody").expect(1, f"No way to {bare.machine.address} by ssh", "Permission denied", "ssh-add")
    elsewhere = subprocess.run(
        [*bare.words()[:3], f"{bare.address()}:9"], env=bare.environment, capture_output=True, text=True
    )
    assert elsewhere.returncode == 1
    assert "Connection refused\n  → check that sshd runs there, and the port" in elsewhere.stderr


def test_a_broken_daemon_json_is_refused_with_its_line(bare: Bare) -> None:
    with file(bare, "etc/docker/daemon.json", '{\n  "debug": true,\n  "labels": [}\n'):
        said = bare.bootstrap(user="deploy")
    said.expect(2, f"{bare.machine.address}:/etc/docker/daemon.json:3: is no JSON", "nothing was changed")
    assert untouched(bare)


def test_an_open_api_is_refused(bare: Bare) -> None:
    with file(bare, "etc/docker/daemon.json", '{"hosts": ["fd://", "tcp://0.0.0.0:2375"]}'):
        bare.bootstrap().expect(6, "is open at tcp://0.0.0.0:2375", "root on the host", "--tlsverify")
    with file(bare, "etc/default/docker", 'DOCKER_OPTS="-H tcp://0.0.0.0:2375"\n'):
        bare.bootstrap().expect(6, "is open at tcp://0.0.0.0:2375")
    assert untouched(bare)


def test_a_dry_run_changes_nothing(bare: Bare) -> None:
    told = bare.told(0, "--dry-run", user="deploy")
    assert did(told) == NOTHING | {step: ["would"] for step in ("engine", "daemon", "access", "gateway")}
    assert told["report"] is None
    bare.bootstrap("--dry-run").expect(0, "~ engine   would: installs docker.io\n")
    assert untouched(bare)


def test_bare_to_working_though_it_is_killed_and_the_power_fails(bare: Bare, foreign: dict[str, Any]) -> None:
    bare.daemon.parent.mkdir(exist_ok=True)
    bare.daemon.write_text(json.dumps(foreign))
    killed = subprocess.Popen(bare.words(user="deploy"), env=bare.environment)
    wait_until(lambda: bool(running(bare, "dpkg") and unfinished(bare)), 60, "packages to be unpacked")
    killed.kill()
    for pid in running(bare, "apt-get") + running(bare, "dpkg"):
        os.kill(pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert unfinished(bare)
    with packages_locked(bare, 3):
        told = bare.told(user="deploy")

    assert did(told) == NOTHING | {"engine": ["done"], "daemon": ["done"], "access": ["done"], "gateway": ["done"]}
    assert told["report"]["facts"]["live_restore"] is True
    assert [each for each in told["report"]["findings"] if each["level"] == "problem"] == []
    assert bare.config == {
        "registry-mirrors": foreign["registry-mirrors"],
        "labels": ["rack=7"],
        "log-opts": {"max-size": "50m", "max-file": "3"},
        "live-restore": True,
        "no-new-privileges": True,
        "userland-proxy": False,
        "log-driver": "json-file",
    }
    assert bare.daemon.stat().st_mode & 0o777 == 0o644
    assert json.loads((bare.daemon.parent / "daemon.json.before-fairway").read_text()) == foreign
    assert bare.docker("ps", "--format", "{{.Names}}") == "fairway-gateway"
    assert "docker" in bare.machine.run("id -nG deploy").split()
    assert bare.machine.run("dpkg --audit; ls /etc/docker/daemon.json.fairway* 2>/dev/null", check=False) == ""


@contextmanager
def packages_locked(bare: Bare, seconds: float) -> Iterator[None]:
    """Somebody else installs packages, as unattended-upgrades does on a machine that has just booted."""
    with (bare.machine.root / "var/lib/dpkg/lock-frontend").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        timer = threading.Timer(seconds, fcntl.lockf, (lock, fcntl.LOCK_UN))
        timer.start()
        yield
        timer.join()


def unfinished(bare: Bare) -> str:
    return bare.machine.run("dpkg --audit", check=False)


def running(bare: Bare, name: str) -> list[int]:
    """The processes of the machine that are called so, as this machine numbers them."""
    pids = subprocess.run(["ip", "netns", "pids", bare.machine.name], capture_output=True, text=True).stdout.split()
    return [int(pid) for pid in pids if comm(pid) == name]


def comm(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_a_second_run_changes_nothing(bare: Bare) -> None:
    def state() -> tuple[object, ...]:
        etc = sorted((path.name, path.stat().st_mtime_ns) for path in bare.daemon.parent.iterdir())
        return etc, bare.daemon.read_bytes(), bare.engine, bare.docker("ps", "--quiet", "--no-trunc")

    before = state()
    assert did(bare.told(user="deploy")) == NOTHING
    assert state() == before


@pytest.fixture(scope="module")
def sleeper(bare: Bare) -> str:
    """Which process a container is."""
    bare.docker(
        "run", "--detach", "--init", "--name=sleeper", "--publish=8080:80", "debian:bookworm-slim", "sleep", "infinity"
    )
    return process(bare)


def process(bare: Bare) -> str:
    return bare.docker("inspect", "--format", "'{{.State.Pid}} {{.State.StartedAt}} {{.State.Running}}'", "sleeper")


def without(bare: Bare, *keys: str) -> None:
    bare.daemon.write_text(json.dumps({key: value for key, value in bare.config.items() if key not in keys}))


def test_with_live_restore_a_restart_stops_no_container(bare: Bare, sleeper: str) -> None:
    before = bare.engine
    without(bare, "userland-proxy")
    assert did(bare.told()) == NOTHING | {"daemon": ["done"]}
    assert bare.config["userland-proxy"] is False
    assert bare.engine != before
    assert process(bare) == sleeper


def test_without_live_restore_containers_are_not_stopped_either(bare: Bare) -> None:
    without(bare, "live-restore", "userland-proxy")
    bare.machine.run("systemctl reset-failed docker; systemctl restart docker")
    bare.docker("start", "sleeper")
    before, sleeper = bare.engine, process(bare)
    said = bare.bootstrap()
    said.expect(0, "live-restore, userland-proxy added; Docker has read it again", "not all of /etc/docker/daemon.json")
    assert (bare.engine, process(bare)) == (before, sleeper)
    assert bare.docker("info", "--format", "{{.LiveRestoreEnabled}}") == "true"

    bare.bootstrap().expect(0, "+ daemon   Docker restarted")
    assert bare.engine != before
    assert process(bare) == sleeper
    bare.bootstrap().expect(0, "nothing was changed")


def test_what_the_engine_does_not_come_up_with_is_put_back(bare: Bare) -> None:
    """The unit has an option that the running engine does not know of yet."""
    sleeper = process(bare)
    unit = "[Service]\nEnvironment=MORE=--no-new-privileges\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// $MORE\n"
    without(bare, "no-new-privileges")
    text = bare.daemon.read_text()
    with file(bare, "etc/systemd/system/docker.service.d/more.conf", unit):
        bare.machine.run("systemctl daemon-reload")
        said = bare.bootstrap()
        said.expect(1, "no-new-privileges", "daemon.json was put back, and the engine runs with the old one")
        assert bare.daemon.read_text() == text
        assert process(bare) == sleeper
        assert did(bare.told()) == NOTHING
    bare.machine.run("systemctl daemon-reload")


def test_what_was_set_on_purpose_is_told_and_left(bare: Bare) -> None:
    changed = {**bare.config, "live-restore": False, "log-driver": "gelf"}
    bare.daemon.write_text(json.dumps({**changed, "no-new-privileges": True}))
    text = bare.daemon.read_text()
    said = bare.bootstrap("--dry-run")
    said.expect(
        0, '! daemon   "live-restore" is false in /etc/docker/daemon.json, and is left so', '"log-driver" is "gelf"'
    )
    assert bare.daemon.read_text() == text


def test_an_engine_that_does_not_run_is_started(bare: Bare) -> None:
    bare.machine.run("systemctl stop docker.socket docker.service")
    without(bare, "live-restore", "log-driver")
    assert did(bare.told())["engine"] == ["done"]
    assert bare.config["live-restore"] is True
