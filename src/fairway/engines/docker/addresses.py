"""Which subnet a network gets, and which address a replica: pure arithmetic over what the host has."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from itertools import islice
from typing import Any

POOL = "10.210.0.0/15"
PREFIX = 22
"""Of a network: its lower half holds 510 fixed addresses, its upper half is for whoever asks for none."""

Subnet = Mapping[str, str]


def subnets(taken: Iterable[str], pool: str = POOL) -> Iterator[Subnet]:
    """`ipam.config` entries that overlap with nothing taken, lowest first."""
    others = [net for net in map(ip_network, taken) if isinstance(net, IPv4Network)]
    for candidate in IPv4Network(pool).subnets(new_prefix=PREFIX):
        if not any(candidate.overlaps(other) for other in others):
            _, upper = candidate.subnets(prefixlen_diff=1)
            yield {"subnet": str(candidate), "ip_range": str(upper), "gateway": str(candidate[1])}


def private_v6(name: str) -> Subnet:
    """A unique local subnet, the same for one name on every host."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    subnet = IPv6Network(f"fd{digest[:2]}:{digest[2:6]}:{digest[6:10]}:1::/64")
    return {"subnet": str(subnet), "gateway": str(subnet[1])}


def pools(network: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The address pools of a network, as the engine describes it."""
    return list((network.get("IPAM") or {}).get("Config") or ())


def taken_subnets(networks: Iterable[Mapping[str, Any]]) -> list[str]:
    return [pool["Subnet"] for network in networks for pool in pools(network) if pool.get("Subnet")]


def free(network: Mapping[str, Any], used: Collection[str], count: int) -> list[str]:
    """The lowest `count` addresses that nobody has, outside the range that the engine gives away itself.

    Where that range is the whole subnet, the highest ones: the engine starts from below. Fewer, where there are fewer.
    """
    for pool in pools(network):
        subnet = ip_network(pool["Subnet"])
        if isinstance(subnet, IPv4Network):
            return list(islice(_candidates(subnet, pool, set(used)), count))
    return []


def _candidates(subnet: IPv4Network, pool: Mapping[str, Any], used: set[str]) -> Iterator[str]:
    reserved = {pool.get("Gateway", "").partition("/")[0], str(subnet[1]), *used}
    reserved |= set((pool.get("AuxiliaryAddresses") or pool.get("AuxAddress") or {}).values())
    dynamic = IPv4Network(pool["IPRange"]) if pool.get("IPRange") else subnet
    first, last = int(subnet.network_address) + 1, int(subnet.broadcast_address) - 1
    whole = dynamic == subnet
    numbers = range(last, first, -1) if whole else range(first, last + 1)
    for number in numbers:
        address = IPv4Address(number)
        if (whole or address not in dynamic) and str(address) not in reserved:
            yield str(address)
