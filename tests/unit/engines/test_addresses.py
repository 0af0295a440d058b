"""Subnets that overlap with nothing, addresses that nobody has."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from fairway.engines.docker.addresses import POOL, free, pools, private_v6, subnets

networks = st.builds(
    lambda number, prefix: str(IPv4Network((number, prefix), strict=False)),
    st.integers(int(IPv4Address("10.209.0.0")), int(IPv4Address("10.212.0.0"))),
    st.integers(14, 28),
)


@given(st.lists(networks, max_size=6))
def test_a_subnet_overlaps_with_nothing_that_is_taken(taken: list[str]) -> None:
    for found in subnets([*taken, "fd00::/64"]):
        subnet = IPv4Network(found["subnet"])
        assert subnet.subnet_of(IPv4Network(POOL))
        assert not any(subnet.overlaps(IPv4Network(other)) for other in taken)
        assert IPv4Network(found["ip_range"]).subnet_of(subnet)
        assert IPv4Address(found["gateway"]) in subnet


def shown(**pool: object) -> dict[str, object]:
    return {"IPAM": {"Config": [pool]}}


@given(st.sets(st.integers(2, 600), max_size=520), st.integers(1, 4))
def test_addresses_are_the_lowest_that_nobody_has(numbers: set[int], count: int) -> None:
    first = next(iter(subnets([])))
    network = shown(Subnet=first["subnet"], IPRange=first["ip_range"], Gateway=first["gateway"])
    base = int(IPv4Network(first["subnet"]).network_address)
    used = {str(IPv4Address(base + number)) for number in numbers}
    found = free(network, used, count)
    assert len(set(found)) == len(found)
    assert not set(found) & (used | {first["gateway"]})
    assert all(IPv4Address(address) not in IPv4Network(first["ip_range"]) for address in found)
    wanted = [n for n in range(2, 512) if n not in numbers][:count]
    assert found == [str(IPv4Address(base + number)) for number in wanted]


def test_where_the_user_keeps_no_range_the_highest_are_taken() -> None:
    network = shown(Subnet="10.9.0.0/29", Gateway="10.9.0.1", AuxiliaryAddresses={"router": "10.9.0.6"})
    assert free(network, ["10.9.0.5"], 9) == ["10.9.0.4", "10.9.0.3", "10.9.0.2"]


def test_networks_without_addresses() -> None:
    assert free({"IPAM": {"Config": None}}, [], 2) == []
    assert free(shown(Subnet="fd00::/64"), [], 2) == []
    assert pools({}) == []


def test_a_private_v6_subnet_belongs_to_its_name() -> None:
    assert private_v6("a") == private_v6("a") != private_v6("b")
    assert private_v6("a")["subnet"].startswith("fd")
