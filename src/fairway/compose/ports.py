"""Ports in short form: `[[ip:]host:]container[/protocol]`, each port or range."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address

from fairway.compose.node import Node
from fairway.compose.scalars import text
from fairway.compose.words import either

_MOST = 20_000
"""Of one service. Engines keep a rule, and often a process, for each port that they publish."""
_PROTOCOLS = ("tcp", "udp", "sctp")
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")


def expander() -> Callable[[Node], list[Node]]:
    """`expand` for the elements of one service's `ports`, which counts them."""
    left = _MOST

    def counted(node: Node) -> list[Node]:
        nonlocal left
        longs = expand(node, left)
        left -= len(longs)
        return longs

    return counted


def expand(node: Node, most: int = _MOST) -> list[Node]:
    """One element of `ports` as long forms, one for each container port. Raises ValueError."""
    if isinstance(node.value, dict):
        return [node]
    short, _, kind = text(node).strip().partition("/")
    rest, _, container = short.rpartition(":")
    ip, _, host = rest.rpartition(":")
    if "." in host:
        raise ValueError(f"`{short}` has an address and only one port: write `{host}::{container}`")
    targets = port_range(container)
    if len(targets) > most:
        raise ValueError(f"more than {_MOST:,} ports for one service")
    published = _published(host, len(targets))
    address = checked_ip(ip)
    fixed = {**({"host_ip": address} if address else {}), "protocol": protocol(node.put(kind))}
    longs: list[Node] = []
    for target, port in zip(targets, published, strict=True):
        fields: dict[str, str | int] = {"target": target, **({"published": port} if port else {}), **fixed}
        longs.append(node.put({key: node.put(value) for key, value in fields.items()}))
    return longs


def port_range(written: str) -> range:
    """`80` or `80-90`, both ends included. Raises ValueError."""
    found = _RANGE.fullmatch(written)
    if not found:
        raise ValueError(f"`{written}` is no port and no range of ports")
    first, last = int(found[1]), int(found[2] or found[1])
    if not 0 <= first <= last <= 65535:
        raise ValueError(f"`{written}` is no port: ports go from 1 to 65535, and ranges upwards")
    return range(first, last + 1)


def protocol(node: Node) -> str:
    """`tcp`, `udp` or `sctp`, in any case; nothing is tcp. Raises ValueError."""
    written = text(node).lower() or "tcp"
    if written not in _PROTOCOLS:
        raise ValueError(f"`{text(node)}` is not {either(f'`{one}`' for one in _PROTOCOLS)}")
    return written


def _published(host: str, count: int) -> list[str]:
    """What each of `count` container ports is published as; "" where the engine chooses."""
    if not host or host == "0":
        return [""] * count
    ports = port_range(host)
    if len(ports) == count:
        return [str(port) for port in ports]
    if count == 1:
        return [host]
    raise ValueError(f"the range `{host}` has {len(ports)} ports, and the container's has {count}")


def checked_ip(written: str) -> str:
    """An IP address in its canonical form, without brackets. Raises ValueError."""
    bare = written[1:-1] if written.startswith("[") and written.endswith("]") else written
    if not bare:
        return ""
    try:
        return str(ip_address(bare))
    except ValueError:
        raise ValueError(f"`{written}` is no IP address") from None
