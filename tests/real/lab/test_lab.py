from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab import Host, Lab, LabError, Registry
from tests.lab.lab import LABS
from tests.lab.network import namespaces
from tests.lab.shell import wait_until


def test_a_container_reaches_the_package_archive(docker_host: Host, base_image: str) -> None:
    done = docker_host.docker("run", "--rm", base_image, "apt-get", "update", "-q")
    assert "Reading package lists" in done.stdout


def test_a_build_uses_the_base_image(docker_host: Host, base_image: str) -> None:
    docker_host.docker("build", "-t", "lab-test:1", "-", stdin=f"FROM {base_image}\nRUN echo made > /made\n")
    try:
        assert docker_host.docker("run", "--rm", "lab-test:1", "cat", "/made").stdout == "made\n"
    finally:
        docker_host.docker("image", "rm", "lab-test:1")


LISTEN = """
use Socket; socket(S, 2, 1, 6); bind(S, pack_sockaddr_in(80, INADDR_ANY)); listen(S, 9);
while (accept(C, S)) { syswrite(C, "ahoy"); close(C) }
"""


def test_a_published_port_is_reachable_from_here(docker_host: Host, base_image: str) -> None:
    docker_host.docker("run", "-d", "--name=lab-port", "-p", "8123:80", base_image, "perl", "-e", LISTEN)
    try:
        wait_until(lambda: answer(docker_host.address, 8123) == b"ahoy", 10, "the container to listen")
    finally:
        docker_host.docker("rm", "-f", "lab-port")


def answer(address: str, port: int) -> bytes:
    try:
        with socket.create_connection((address, port), timeout=5) as connection:
            return connection.recv(64)
    except ConnectionError:
        return b""


def test_the_engine_answers_over_tls_to_those_with_a_certificate(docker_host: Host) -> None:
    tls = {"DOCKER_HOST": docker_host.tls_url, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(docker_host.tls)}
    assert docker_host.docker("info", "--format", "{{.Name}}", env=tls).stdout.strip() == docker_host.name
    assert docker_host.docker("info", check=False, env={"DOCKER_HOST": docker_host.tls_url}).returncode


def test_the_plain_registry_takes_and_gives(docker_host: Host, base_image: str, registry: Registry) -> None:
    name = f"{registry.address}/lab/base:1"
    docker_host.docker("tag", base_image, name)
    docker_host.docker("push", name)
    docker_host.docker("image", "rm", name)
    docker_host.docker("pull", name)
    docker_host.docker("image", "rm", name)


def test_the_tls_registry_wants_a_password(docker_host: Host, base_image: str, tls_registry: Registry) -> None:
    name = f"{tls_registry.address}/lab/base:1"
    docker_host.docker("tag", base_image, name)
    assert "no basic auth" in docker_host.docker("push", name, check=False).stderr
    login = ["login", "-u", tls_registry.user, "--password-stdin", tls_registry.address]
    docker_host.docker(*login, stdin=tls_registry.password)
    docker_host.docker("push", name)
    docker_host.docker("logout", tls_registry.address)
    docker_host.docker("image", "rm", name)


def test_hosts_are_machines_of_their_own(make_host: Callable[[], Host]) -> None:
    one, two = make_host(), make_host()
    identities = {host.docker("info", "--format", "{{.ID}} {{.Name}}").stdout for host in (one, two)}
    assert len(identities) == 2
    assert subprocess.run(one.inside("test", "-S", "/var/run/docker.sock"), check=False).returncode == 0
    assert subprocess.run(one.inside("bash", "-c", f": </dev/tcp/{two.address}/2376"), check=False).returncode == 0


def test_a_host_keeps_its_images_over_a_reboot_and_loses_its_processes(make_host: Callable[[], Host]) -> None:
    host = make_host()
    image = host.load_base_image()
    host.docker("run", "-d", "--name=sleeper", image, "sleep", "1000")
    host.reboot()
    assert host.docker("inspect", "--format", "{{.State.Status}}", "sleeper").stdout.strip() == "exited"


def test_an_unplugged_host_is_not_reachable(make_host: Callable[[], Host]) -> None:
    host = make_host()
    ping = ["bash", "-c", f": </dev/tcp/{host.address}/2376"]
    assert subprocess.run(ping, check=False, timeout=5).returncode == 0
    host.unplug()
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(ping, check=False, timeout=1)
    host.plug()
    assert subprocess.run(ping, check=False, timeout=5).returncode == 0


def test_a_failing_command_line_says_why(docker_host: Host) -> None:
    with pytest.raises(LabError, match="No such container: nobody"):
        docker_host.docker("inspect", "--type=container", "nobody")


KILLED = """
from tests.lab import Lab
lab = Lab.open()
lab.registry()
host = lab.host()
host.docker("run", "-d", host.load_base_image(), "sleep", "1000")
print(lab.network.name, flush=True)
import os; os.kill(os.getpid(), 9)
"""


def test_a_lab_whose_removal_was_interrupted_is_swept(lab: Lab) -> None:
    rest = LABS / "flrest"
    (rest / "h1").mkdir(parents=True)
    (rest / "owner").write_text("1 0")
    Lab.open().close()
    assert not rest.exists()


def test_what_a_killed_run_left_is_swept_by_the_next(lab: Lab) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], check=False, capture_output=True, text=True)
    name = done.stdout.strip()
    assert name, done.stderr
    assert (LABS / name).exists()
    Lab.open().close()
    assert not (LABS / name).exists()
    assert not namespaces(name)
    groups = [path for path, _, _ in os.walk("/sys/fs/cgroup")]  # unlike rglob it bears that some vanish meanwhile
    assert not [path for path in groups if Path(path).name.startswith(name)]
    assert name not in Path("/proc/self/mountinfo").read_text()
    assert name not in subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    assert name not in subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
