"""One Docker host: a dockerd that believes it has a machine to itself."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.shell import LabError, alive, attempt, kill, run, spawn, wait_until
from tests.lab.tools import TOOLS, load_tools

CHECKOUT = Path(__file__).parents[2]
DOCKER = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"

DISK = "4g"


@dataclass
class Host:
    """A running Docker host.

    name       its host name, and the name of its network namespace (see `netns`)
    address    its IPv4 address, reachable from the root namespace and from the other hosts
    directory  what it keeps: docker.sock, tls/, etc/ (its /etc/docker), data/, log
    small      its disk is one of its own, in memory, that `fill` makes full
    """

    name: str
    address: str
    cable: str
    bridge_address: str
    pools: str
    plain_registry: str
    directory: Path
    keep: bool = False
    small: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def netns(self) -> str:
        return self.name

    @property
    def socket(self) -> Path:
        return self.directory / "docker.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def tls_url(self) -> str:
        """The engine on TCP; clients need ca.pem, cert.pem and key.pem from `tls`."""
        return f"tcp://{self.address}:2376"

    @property
    def tls(self) -> Path:
        return self.directory / "tls"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def pid(self) -> int:
        """The first process inside, to enter its namespaces with nsenter; raises LabError when the host is down."""
        parent = alive(self.directory / "pid")
        children = Path(f"/proc/{parent}/task/{parent}/children")
        if not parent or not (found := children.read_text().split()):
            raise LabError(f"{self.name} is down")
        return int(found[0])

    @property
    def environment(self) -> dict[str, str]:
        """For a docker command line that talks to this host, with a client configuration of its own."""
        return {"DOCKER_HOST": self.url, "DOCKER_CONFIG": str(self.directory / "client"), "DOCKER_BUILDKIT": "1"}

    def start(self) -> None:
        """Boot, and return once the engine answers; images and containers of an earlier boot are there again."""
        boot = [
            "nsenter",
            f"--net=/run/netns/{self.netns}",
            *("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("sh", str(Path(__file__).with_name("boot.sh")), str(self.directory), self.name, *self._arguments()),
        ]
        self.socket.unlink(missing_ok=True)
        self.process = spawn(boot, self.log, self.directory / "pid", keep=self.keep)
        wait_until(self._answers, 30, f"{self.name} to answer; its log is {self.log}")

    def stop(self) -> None:
        """Pull the plug: every process of the host is gone when this returns."""
        kill(self.directory / "pid")
        if self.process:
            self.process.wait()
        clear_cgroups(self.name)

    def kill_engine(self) -> None:
        """dockerd alone dies, and nobody starts it again: its containers go on, as on a machine whose init is stuck. Then `reboot`."""
        first = self.pid
        os.kill(first, signal.SIGSTOP)
        for child in Path(f"/proc/{first}/task/{first}/children").read_text().split():
            if Path(f"/proc/{child}/comm").read_text().strip() == "dockerd":
                os.kill(int(child), signal.SIGKILL)

    def destroy(self) -> None:
        """Stop it, and remove its namespace and its files."""
        self.stop()
        attempt("ip", "netns", "delete", self.netns)
        unmount(self.directory)
        shutil.rmtree(self.directory)

    def reboot(self) -> None:
        self.stop()
        self.start()

    def unplug(self) -> None:
        """Lose the network, not the power."""
        run("ip", "link", "set", self.cable, "down")

    def plug(self) -> None:
        run("ip", "link", "set", self.cable, "up")

    def fill(self) -> None:
        """No byte more fits on its small disk, until `empty`."""
        disk = os.statvfs(self.directory / "data")
        self._resize(f"{(disk.f_blocks - disk.f_bfree) * disk.f_frsize}")

    def empty(self) -> None:
        self._resize(DISK)

    def _resize(self, size: str) -> None:
        run("mount", "-o", f"remount,size={size}", str(self.directory / "data"))

    def docker(
        self, *arguments: str, check: bool = True, stdin: str | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the docker command line against this host; with `check`, a failure raises LabError with its words."""
        done = subprocess.run(
            [DOCKER, *arguments],
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, **self.environment, **(env or {})},
        )
        if check and done.returncode:
            raise LabError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
        return done

    def inside(self, *command: str) -> list[str]:
        """The command line that runs `command` inside the host's namespaces."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--uts", "--ipc", "--pid", *command]

    def load_base_image(self) -> str:
        """Make sure debian:bookworm-slim is there; returns its name."""
        script = CHECKOUT / "scripts" / "base-image"
        done = subprocess.run(
            [script, "--load"], check=False, capture_output=True, text=True, env={**os.environ, **self.environment}
        )
        if done.returncode:
            raise LabError(done.stderr.strip())
        return "debian:bookworm-slim"

    def load_tools(self) -> str:
        """Make sure that TOOLS is there: Python with aiohttp, and curl; returns its name."""
        load_tools(self)
        return TOOLS

    def _arguments(self) -> list[str]:
        return [
            f"--data-root={self.directory / 'data'}",
            f"--host={self.url}",
            "--host=unix:///var/run/docker.sock",
            f"--host=tcp://{self.address}:2376",
            "--tlsverify",
            *(f"--tls{part}={self.tls / part}.pem" for part in ("cert", "key")),
            f"--tlscacert={self.tls / 'ca.pem'}",
            f"--bip={self.bridge_address}",
            f"--default-address-pool=base={self.pools},size=24",
            f"--insecure-registry={self.plain_registry}",
            f"--cgroup-parent=/{self.name}",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            "--log-level=warn",
        ]

    def _answers(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise LabError(f"{self.name} died at boot:\n{tail(self.log)}")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.recv(64)
            except OSError:
                return False


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def prepare(host: Host, resolv: str, registry_ca: Mapping[str, Path]) -> None:
    """Lay out a host's directory; `registry_ca` maps a registry's address to the authority it is trusted by."""
    for part in ("data", "etc", "client"):
        (host.directory / part).mkdir(parents=True)
    if host.small:
        run("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(host.directory / "data"))
    (host.directory / "resolv.conf").write_text(resolv)
    for registry, certificate in registry_ca.items():
        trusted = host.directory / "etc" / "certs.d" / registry
        trusted.mkdir(parents=True)
        shutil.copy(certificate, trusted / "ca.crt")


def unmount(directory: Path) -> None:
    """Everything that is mounted below a directory, the deepest first."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for path in sorted((path for path in mounted if Path(path).is_relative_to(directory)), reverse=True):
        run("umount", "--lazy", path)


def clear_cgroups(name: str) -> None:
    """Remove the groups that a host's killed containers leave behind, in version 1's hierarchies or version 2's one.

    A group is busy until the kernel is done with the last process that was killed in it.
    """
    root = Path("/sys/fs/cgroup")
    until = time.monotonic() + 5
    while (tops := [*root.glob(f"*/{name}"), *root.glob(name)]) and time.monotonic() < until:
        for top in tops:
            for group, _, _ in os.walk(top, topdown=False):
                with suppress(OSError):
                    Path(group).rmdir()
        time.sleep(0.02)
