"""What an image's name says: which registry, which repository there, which tag or digest. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from msgspec import Struct

from fairway.registry.credentials import HUB

HUB_SERVER = "registry-1.docker.io"


class Reference(Struct, frozen=True):
    """`version` is a tag or a digest."""

    host: str
    repository: str
    version: str = "latest"

    @classmethod
    def parse(cls, text: str) -> Reference:
        name, _, digest = text.partition("@")
        head, slash, tail = name.rpartition("/")
        last, _, tag = tail.partition(":")
        host, repository = _split(f"{head}{slash}{last}")
        return cls(host, repository, digest or tag or "latest")

    @property
    def server(self) -> str:
        return HUB_SERVER if self.host == HUB else self.host


def _split(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        host = HUB if first in ("index.docker.io", HUB_SERVER) else first
        return host, f"library/{rest}" if host == HUB and "/" not in rest else rest
    return HUB, name if slash else f"library/{name}"


def may_be_plain(host: str, insecure: Collection[str]) -> bool:
    """Whether plain HTTP will do: on this machine, and where the engine's own list (names, addresses, networks) has it."""
    name = host.rpartition(":")[0].strip("[]") if ":" in host and not host.endswith("]") else host.strip("[]")
    if name == "localhost" or host in insecure or name in insecure:
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in _networks(insecure))


def _networks(insecure: Collection[str]) -> Iterator[IPv4Network | IPv6Network]:
    for item in insecure:
        try:
            yield ip_network(item)
        except ValueError:
            continue
