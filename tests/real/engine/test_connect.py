"""The ways to an engine, and what is said when there is none."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from fairway.model.errors import EngineError, EngineUnreachable, UsageError
from fairway.net.docker import ahead, api_version, connect, host_time, negotiate
from fairway.net.tls import Tls
from tests.lab import Host, Lab
from tests.lab.certificates import Authority
from tests.real.engine.sshd import PORT, Sshd, configure, start

pytestmark = pytest.mark.anyio
CHECKOUT = Path(__file__).parents[3]


async def unreachable(address: str, tls: Tls | None = None, timeout: float = 5) -> EngineUnreachable:
    with pytest.raises(EngineUnreachable) as caught:
        async with connect(address, tls=tls, timeout=timeout):
            pass
    assert caught.value.why
    assert caught.value.hint
    assert caught.value.where
    return caught.value


def running(parent: int) -> list[str]:
    """The processes that it has started."""
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()


def alive(processes: list[str]) -> bool:
    return any(Path(f"/proc/{process}/exe").exists() for process in processes)


@pytest.fixture(autouse=True)
def own_temporary(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Others have tunnels at the same time."""
    tmp_path_factory.getbasetemp()  # once for all tests, and not in here
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield


def leftovers() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("fairway-ssh-*"))


async def test_a_unix_socket(docker_host: Host) -> None:
    async with connect(docker_host.url) as docker:
        assert api_version(docker) >= (1, 41)
        assert docker.api_version.startswith("v1.")
        assert (await docker.get("info"))["Name"]


async def test_no_docker_at_a_socket(tmp_path: Path) -> None:
    error = await unreachable(f"unix://{tmp_path}/none.sock")
    assert error.why == "there is no such socket"
    assert "start Docker" in error.hint


async def test_a_socket_that_nobody_listens_on(docker_host: Host, tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    assert (await unreachable(f"unix://{tmp_path}/dead.sock")).why == "nothing listens there"


def test_no_permission_on_the_socket(docker_host: Host) -> None:
    """As another user, in a process of its own."""
    script = f"""
import asyncio, os
from fairway.net.docker import connect
from fairway.model.errors import EngineUnreachable
os.setgid(65534); os.setuid(65534)
async def main():
    try:
        async with connect({docker_host.url!r}): print("connected")
    except EngineUnreachable as error: print(error.why, "|", error.hint)
asyncio.run(main())
"""
    opened = list(docker_host.socket.parents)[:-2]
    modes = {path: path.stat().st_mode for path in opened}
    docker_host.socket.chmod(0o660)
    try:
        for path in opened:
            path.chmod(modes[path] | 0o111)
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(CHECKOUT / "src")},
            check=False,
        )
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert done.stdout.strip() == (
        "this user may not use the socket | add the user to the group docker, or run as root"
    ), done.stderr


@pytest.mark.parametrize(
    "address", ["", "docker", "http//x", "ftp://x", "ssh://", "ssh://-oProxyCommand=x", "ssh://u:p@h", "tcp://", "tcp://h:x"]
)  # fmt: skip
async def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        async with connect(address):
            pass
    assert caught.value.hint


async def test_tcp_without_tls_is_for_this_machine_only() -> None:
    with pytest.raises(UsageError, match="needs TLS"):
        async with connect("tcp://192.0.2.1:2375"):
            pass
    assert (await unreachable("tcp://127.0.0.1:1")).why == "nothing listens there"


async def test_tls(docker_host: Host) -> None:
    async with connect(docker_host.tls_url, tls=Tls.of(docker_host.tls)) as docker:
        assert (await docker.get("info"))["Name"]


async def test_tls_with_a_server_that_we_do_not_trust(docker_host: Host, tmp_path: Path) -> None:
    other = Authority(tmp_path / "ca")
    other.create()
    other.issue(tmp_path / "tls", "client", "127.0.0.1")
    error = await unreachable(docker_host.tls_url, Tls.of(tmp_path / "tls"))
    assert "certificate is not to be trusted" in error.why
    assert "ca.pem" in error.hint


async def test_tls_with_a_client_that_is_not_trusted(docker_host: Host, tmp_path: Path) -> None:
    other = Authority(tmp_path / "ca")
    other.create()
    other.issue(tmp_path / "tls", "client", "127.0.0.1")
    shutil.copy(docker_host.tls / "ca.pem", tmp_path / "tls" / "ca.pem")
    error = await unreachable(docker_host.tls_url, Tls.of(tmp_path / "tls"))
    assert "does not accept our certificate" in error.why


async def test_tls_files_that_are_missing_or_wrong(docker_host: Host, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no file .*ca\.pem"):
        async with connect(docker_host.tls_url, tls=Tls.of(tmp_path)):
            pass
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").write_text("nonsense")
    with pytest.raises(UsageError, match="cannot be used"):
        async with connect(docker_host.tls_url, tls=Tls.of(tmp_path)):
            pass


async def test_no_such_host(docker_host: Host) -> None:
    error = await unreachable("tcp://no-such-host.invalid:2376", Tls.of(docker_host.tls))
    assert error.why == "there is no such host"


async def test_a_host_that_does_not_answer(lab: Lab, docker_host: Host) -> None:
    gone = docker_host.address.rpartition(".")[0] + ".254"
    error = await unreachable(f"tcp://{gone}:2376", Tls.of(docker_host.tls), timeout=0.5)
    assert "check the address" in error.hint


class Impostor(BaseHTTPRequestHandler):
    answer = b"<html>"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def impostor() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Impostor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"tcp://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_what_answers_is_no_engine(impostor: str, docker_host: Host) -> None:
    error = await unreachable(impostor)
    assert "no Docker engine that answers" in error.what
    assert "<html>" in error.why
    assert "does not speak TLS" in (await unreachable(impostor, Tls.of(docker_host.tls))).why


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Sat, 21 Nov 2026 12:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2026 12:00:01 GMT", 0.0),
        ("Sat, 21 Nov 2026 12:10:00 GMT", 600.0),
        ("Sat, 21 Nov 2026 11:59:30 GMT", -30.0),
        ("", 0.0),
        ("yesterday", 0.0),
    ],
)
def test_how_far_a_hosts_clock_is_ahead(date: str, seconds: float) -> None:
    assert ahead(date, datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()) == pytest.approx(seconds, abs=0.6)


class Ahead(BaseHTTPRequestHandler):
    """Not a real engine: a host whose clock is wrong cannot be had beside one whose clock is right."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "x"}')

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() + 3600)

    def log_message(self, *_: object) -> None: ...


async def test_the_time_is_that_of_the_host() -> None:
    server = HTTPServer(("127.0.0.1", 0), Ahead)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    async with connect(f"tcp://127.0.0.1:{server.server_port}") as docker:
        assert host_time(docker) - time.time() == pytest.approx(3600, abs=1.5)
    server.shutdown()
    server.server_close()


def test_versions_are_negotiated() -> None:
    def offer(newest: str, oldest: str) -> str:
        return negotiate({"ApiVersion": newest, "MinAPIVersion": oldest, "Version": "x"}, "unix:///s")

    assert offer("1.41", "1.12") == "v1.41"
    assert offer("1.52", "1.44") == "v1.51"
    assert offer("1.99", "1.44") == "v1.51"
    with pytest.raises(EngineError, match="too old") as caught:
        offer("1.38", "1.12")
    assert "API 1.38" in caught.value.why
    with pytest.raises(EngineError, match="too new"):
        offer("2.1", "2.0")


@pytest.fixture
def sshd(docker_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    server = start(docker_host, tmp_path)
    monkeypatch.setenv("PATH", str(server.wrapper), prepend=":")
    yield server
    server.stop()


async def test_ssh(sshd: Sshd) -> None:
    before = leftovers()
    async with connect(sshd.address) as docker:
        (tunnel,) = set(leftovers()) - set(before)
        assert tunnel.stat().st_mode & 0o777 == 0o700
        await asyncio.gather(*(docker.get("info") for _ in range(20)))
    assert leftovers() == before


@pytest.fixture
def long_names(own_temporary: None, monkeypatch: pytest.MonkeyPatch) -> None:
    long = Path(tempfile.gettempdir(), "x" * 90)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))


async def test_ssh_where_temporary_files_have_long_names(sshd: Sshd, long_names: None) -> None:
    async with connect(sshd.address) as docker:
        await docker.get("info")


async def test_ssh_by_a_name_of_the_users_own_configuration(sshd: Sshd) -> None:
    configure(sshd.directory, "Host box", f"HostName {sshd.host.address}", f"Port {PORT}", "User root", "Host *")
    async with connect("ssh://box") as docker:
        assert await docker.get("info")


async def test_a_killed_deployer_takes_its_ssh_with_it(sshd: Sshd) -> None:
    script = "import asyncio, sys\nfrom fairway.net.docker import connect\n"
    script += "async def main():\n async with connect(sys.argv[1]): print('up', flush=True); await asyncio.sleep(600)\n"
    script += "asyncio.run(main())"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, sshd.address),
        env=os.environ | {"PYTHONPATH": str(CHECKOUT / "src")},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    assert await process.stdout.readline() == b"up\n"
    ssh = running(process.pid)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with asyncio.timeout(5):
        while alive(ssh):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    for left in leftovers():
        shutil.rmtree(left)


async def test_ssh_refuses_our_key(sshd: Sshd) -> None:
    (sshd.directory / "authorized").write_text("")
    error = await unreachable(sshd.address)
    assert "Permission denied" in error.why
    assert "ssh-add" in error.hint
    assert leftovers() == []


async def test_an_unknown_host_key(sshd: Sshd) -> None:
    (sshd.directory / "known").write_text("")
    error = await unreachable(sshd.address)
    assert "Host key verification failed" in error.why
    assert f"ssh {sshd.host.address}" in error.hint


async def test_no_sshd_and_no_such_host(sshd: Sshd) -> None:
    assert "Connection refused" in (await unreachable(f"ssh://root@{sshd.host.address}:1")).why
    assert "check the host's name" in (await unreachable("ssh://no-such-host.invalid")).hint


async def test_ssh_to_a_host_without_docker(sshd: Sshd) -> None:
    error = await unreachable(f"{sshd.address}/run/no-docker.sock")
    assert "open failed" in error.why
    assert "Docker runs there" in error.hint


async def test_an_sshd_that_forbids_forwarding(docker_host: Host, sshd: Sshd) -> None:
    sshd.restart("AllowStreamLocalForwarding=no")
    error = await unreachable(sshd.address)
    assert "AllowStreamLocalForwarding" in error.hint


async def test_no_ssh_on_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no ssh" in (await unreachable("ssh://box")).why
