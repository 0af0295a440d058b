"""The bridge that joins the hosts of a lab, and its way out to the package archive."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.shell import LabError, attempt, run

BLOCKS = range(100, 250)


@dataclass(frozen=True)
class Seat:
    """A network namespace with nothing in it; `cable` is the outer end of its way to the bridge."""

    netns: str
    cable: str

    @property
    def here(self) -> list[str]:
        """What a command begins with that is run there."""
        return ["nsenter", f"--net=/run/netns/{self.netns}"]

    def unplug(self) -> None:
        run("ip", "link", "set", self.cable, "down")

    def mute(self, address: str) -> None:
        """Nothing arrives at that address any more, and nobody is told."""
        run(*self.here, "iptables", "-w", "-A", "OUTPUT", "-d", address, "-j", "DROP")


@dataclass(frozen=True)
class Network:
    """A block 10.B.0.0/16. Its first /24 is the bridge's; the rest is for the networks inside the hosts.

    name   of the bridge; the namespaces are called NAME-HOST
    block  the second byte of every address
    """

    name: str
    block: int

    @property
    def subnet(self) -> str:
        return f"10.{self.block}.0.0/24"

    @property
    def gateway(self) -> str:
        """The root namespace's address on the bridge."""
        return f"10.{self.block}.0.1"

    def address(self, number: int) -> str:
        return f"10.{self.block}.0.{10 + number}"

    def create(self) -> None:
        """The bridge, NAT to the outside and leave to forward: a Docker in the root namespace may drop the rest."""
        run("ip", "link", "add", self.name, "type", "bridge")
        run("ip", "address", "add", f"{self.gateway}/24", "dev", self.name)
        run("ip", "link", "set", self.name, "up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        Path(f"/proc/sys/net/ipv4/conf/{self.name}/route_localnet").write_text("1")  # for a name server on the loopback
        for table, chain, *match in self._rules():
            run("iptables", "-w", "-t", table, "-I", chain, *match)

    def destroy(self) -> None:
        for name in namespaces(self.name):
            for pid in run("ip", "netns", "pids", name).split():
                attempt("kill", "-KILL", pid)
            run("ip", "netns", "delete", name)
        for table in ("nat", "filter"):
            for rule in run("iptables", "-w", "-t", table, "-S").splitlines():
                if self.name in rule.split():
                    attempt("iptables", "-w", "-t", table, "-D", *rule.split()[1:])
        attempt("ip", "link", "delete", self.name)

    @property
    def resolvers(self) -> list[str]:
        """The machine's name servers as its hosts reach them: one on the loopback by the bridge's address."""
        return [self.gateway if local(address) else address for address in resolvers()]

    def add_namespace(self, name: str, number: int) -> str:
        """A namespace with an address on the bridge and a way out of it; returns the outer end of its cable."""
        cable = f"{self.name}-v{number}"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", cable, "master", self.name, "up")
        run("ip", "-n", name, "address", "add", f"{self.address(number)}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "route", "add", "default", "via", self.gateway)
        return cable

    def seat(self, name: str, number: int) -> Seat:
        """A place on the bridge for somebody who works with the hosts from a machine of their own."""
        return Seat(name, self.add_namespace(name, number))

    def _rules(self) -> list[list[str]]:
        return [
            ["nat", "POSTROUTING", "-s", self.subnet, "!", "-o", self.name, "-j", "MASQUERADE"],
            ["filter", "FORWARD", "-i", self.name, "-j", "ACCEPT"],
            ["filter", "FORWARD", "-o", self.name, "-j", "ACCEPT"],
            *(
                ["nat", "PREROUTING", "-i", self.name, "-d", self.gateway, "-p", protocol, *("--dport", "53"), *to]
                for to in [["-j", "DNAT", "--to-destination", address] for address in resolvers() if local(address)][:1]
                for protocol in ("udp", "tcp")
            ),
        ]


def namespaces(prefix: str) -> list[str]:
    names = [line.split()[0] for line in run("ip", "netns", "list").splitlines()]
    return [name for name in names if name.startswith(f"{prefix}-")]


def free_block(seed: int) -> int:
    """The first block from `seed` on that overlaps neither a route of this machine nor a name server."""
    words = run("ip", "-4", "route", "show", "table", "all").split() + resolvers()
    taken = [network for word in words if (network := _network(word)) and network.prefixlen > 0]
    for offset in range(len(BLOCKS)):
        block = BLOCKS[(seed + offset) % len(BLOCKS)]
        if not any(network.overlaps(ipaddress.IPv4Network(f"10.{block}.0.0/16")) for network in taken):
            return block
    raise LabError("every block from 10.100.0.0/16 to 10.249.0.0/16 is in use")


def resolvers() -> list[str]:
    """The machine's IPv4 name servers; systemd-resolved's upstream rather than its stub, which hears the loopback only."""
    upstream = Path("/run/systemd/resolve/resolv.conf")
    file = upstream if upstream.exists() else Path("/etc/resolv.conf")
    found = [line.split()[1] for line in file.read_text().splitlines() if line.startswith("nameserver ")]
    return [address for address in found if _network(address)]


def local(address: str) -> bool:
    return address.startswith("127.")


def _network(word: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(word, strict=False)
    except ValueError:
        return None
