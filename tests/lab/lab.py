"""A lab: a network, an authority, and the hosts and registries of one process."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.lab import machine as machines
from tests.lab import registry as registries
from tests.lab.acme import AcmeServer
from tests.lab.certificates import Authority
from tests.lab.host import Host, clear_cgroups, prepare, unmount
from tests.lab.machine import Machine
from tests.lab.network import Network, Seat, free_block
from tests.lab.registry import Registry
from tests.lab.shell import LabError, alive, kill, started
from tests.lab.swarm import Swarm, make_swarm

LABS = Path("/var/tmp/fairway-lab")  # paths of sockets are short, and it is a disk
REGISTRY_NUMBER = 240
ACME_NUMBER = 241
SEAT_NUMBER = 200  # and those after it
PLAIN_PORT, TLS_PORT = 5000, 5443
INOTIFY_INSTANCES = 1024  # one user is root on all the lab's hosts, and each gateway takes three


class Lab:
    """Owns what it makes; `close` removes all of it, and so does the next lab when this process was killed.

    With `keep`, the lab outlives the process and stays until `Lab.find(name)` is closed.
    """

    def __init__(self, directory: Path, network: Network, *, keep: bool) -> None:
        self.directory = directory
        self.network = network
        self.keep = keep
        self.authority = Authority(directory / "authority")
        self._hosts = 0
        self._seats = 0

    @classmethod
    def open(cls, *, keep: bool = False) -> Self:
        check_machine()
        with locked():
            sweep()
            name = f"fl{secrets.token_hex(3)}"  # short: a bridge's name has at most 15 characters
            network = Network(name, free_block(seed=secrets.randbelow(1000)))
            directory = LABS / network.name
            directory.mkdir()
            (directory / "block").write_text(str(network.block))
            (directory / "owner").write_text("keep" if keep else f"{os.getpid()} {started(os.getpid())}")
            network.create()
        lab = cls(directory, network, keep=keep)
        lab.authority.create()
        return lab

    @classmethod
    def find(cls, name: str) -> Self:
        directory = LABS / name
        if not directory.is_dir():
            raise LabError(f"there is no lab {name!r}")
        return cls(directory, Network(name, int((directory / "block").read_text())), keep=True)

    def close(self) -> None:
        with locked():
            destroy(self.directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _resolv(self) -> str:
        return "".join(f"nameserver {address}\n" for address in self.network.resolvers)

    @property
    def plain_registry(self) -> str:
        return f"{self.network.address(REGISTRY_NUMBER)}:{PLAIN_PORT}"

    @property
    def tls_registry(self) -> str:
        return f"{self.network.address(REGISTRY_NUMBER)}:{TLS_PORT}"

    def host(self, *, small: bool = False) -> Host:
        """Boot one more host, with an empty engine; a small one has a disk of its own, which can be full."""
        self._hosts += 1
        number = self._hosts
        name = f"{self.network.name}-h{number}"
        host = Host(
            name=name,
            address=self.network.address(number),
            cable=self.network.add_namespace(name, number),
            bridge_address=f"10.{self.network.block}.{number}.1/24",
            pools=f"10.{self.network.block}.128.0/17",
            plain_registry=self.plain_registry,
            directory=self.directory / f"h{number}",
            keep=self.keep,
            small=small,
        )
        prepare(host, self._resolv, {self.tls_registry: self.authority.certificate})
        self.authority.issue(host.tls, name, host.address)
        host.start()
        return host

    def swarm(self, count: int = 3, *, workers: int = 0) -> Swarm:
        """Boot so many hosts that are managers of one Swarm, and so many that are its workers, with the base image."""
        hosts = [self.host() for _ in range(count + workers)]
        for host in hosts:
            host.load_base_image()
        return make_swarm(hosts, f"10.{self.network.block}.64.0/18", workers)

    def seat(self) -> Seat:
        """One more place from which the hosts are reached, as a deployer's machine is."""
        self._seats += 1
        return self.network.seat(f"{self.network.name}-s{self._seats}", SEAT_NUMBER + self._seats)

    def machine(self) -> Machine:
        """Boot a bare Debian, without Docker."""
        self._hosts += 1
        name = f"{self.network.name}-h{self._hosts}"
        machine = Machine(name, self.network.address(self._hosts), self.directory / f"h{self._hosts}", self.keep)
        machines.prepare(machine, self._resolv)
        self.network.add_namespace(name, self._hosts)
        machine.start()
        return machine

    def registry(self, *, tls: bool = False) -> Registry:
        """Start the lab's plain registry, or the one with TLS and a password; each once."""
        netns = f"{self.network.name}-registry"
        if not Path(f"/run/netns/{netns}").exists():
            self.network.add_namespace(netns, REGISTRY_NUMBER)
        if tls:
            directory = self.directory / "tls-registry"
            certificates = directory / "certificates"
            self.authority.issue(certificates, "registry", self.network.address(REGISTRY_NUMBER))
            made = Registry(
                self.tls_registry, netns, directory, certificates, registries.USER, registries.PASSWORD, self.keep
            )
        else:
            made = Registry(self.plain_registry, netns, self.directory / "registry", keep=self.keep)
        made.start()
        return made

    def acme(self) -> AcmeServer:
        """The lab's ACME server, to be started; once."""
        netns, address = f"{self.network.name}-acme", self.network.address(ACME_NUMBER)
        self.network.add_namespace(netns, ACME_NUMBER)
        certificates = self.directory / "acme-certificates"
        self.authority.issue(certificates, "acme", address)
        return AcmeServer(address, netns, self.directory / "acme", certificates, self.keep)


def check_machine() -> None:
    if os.geteuid():
        raise LabError("the lab needs root: it makes network namespaces and starts Docker engines")
    root = Path("/sys/fs/cgroup")
    if not (root / "cgroup.controllers").exists() and not (root / "memory").is_dir():
        raise LabError(
            f"no cgroups are mounted at {root}, so Docker cannot start a container here: "
            "in a bare container or chroot, run it privileged and mount them (package cgroupfs-mount)"
        )
    watches = Path("/proc/sys/fs/inotify/max_user_instances")
    if int(watches.read_text()) < INOTIFY_INSTANCES:
        watches.write_text(f"{INOTIFY_INSTANCES}\n")


@contextmanager
def locked() -> Iterator[None]:
    """One lab at a time looks for a free block or sweeps."""
    LABS.mkdir(parents=True, exist_ok=True)
    with (LABS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def labs() -> list[Path]:
    return sorted(path.parent for path in LABS.glob("*/owner"))


def sweep() -> None:
    """Destroy the labs whose process was killed before it could."""
    for directory in labs():
        owner = directory / "owner"
        if owner.read_text() != "keep" and not alive(owner):
            destroy(directory)


def destroy(directory: Path) -> None:
    """Everything that is named after the lab: processes, control groups, namespaces, bridge, rules, files."""
    for pid_file in directory.glob("*/pid"):
        kill(pid_file)
    for host in directory.glob("h*/"):
        clear_cgroups(f"{directory.name}-{host.name}")
    unmount(directory)
    block = directory / "block"
    if block.exists():  # else somebody was ended while he removed the files of this lab
        Network(directory.name, int(block.read_text())).destroy()
    for place in directory.glob("*/"):
        shutil.rmtree(place)
    shutil.rmtree(directory)
