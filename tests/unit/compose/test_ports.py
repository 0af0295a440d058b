"""Ports in short and in long form."""

from __future__ import annotations

import pytest

from fairway.model.app import Port

from .parts import web, web_problems


@pytest.mark.parametrize(
    ("short", "ports"),
    [
        ("3000", [Port(target=3000)]),
        ("'3000'", [Port(target=3000)]),
        ("3000-3002", [Port(target=3000), Port(target=3001), Port(target=3002)]),
        ("8000:80", [Port(target=80, published=8000)]),
        ("22:22", [Port(target=22, published=22)]),
        ("9090-9091:8080-8081", [Port(target=8080, published=9090), Port(target=8081, published=9091)]),
        ("8000-9000:80", [Port(target=80, published=8000, published_to=9000)]),
        ("127.0.0.1:8001:8001", [Port(target=8001, published=8001, host_ip="127.0.0.1")]),
        ("127.0.0.1::80", [Port(target=80, host_ip="127.0.0.1")]),
        ("'[::1]:6001:6001'", [Port(target=6001, published=6001, host_ip="::1")]),
        ("'::1:6000:6000'", [Port(target=6000, published=6000, host_ip="::1")]),
        ("6060:6060/udp", [Port(target=6060, published=6060, protocol="udp")]),
        ("53/UDP", [Port(target=53, protocol="udp")]),
        ("0:80", [Port(target=80)]),
        ("{target: 80}", [Port(target=80)]),
        ("{target: '80', published: 8080, mode: host}", [Port(target=80, published=8080, mode="host")]),
        (
            "{name: web, target: 80, host_ip: 127.0.0.1, published: 8083-9000, app_protocol: http}",
            [Port(name="web", target=80, host_ip="127.0.0.1", published=8083, published_to=9000, app_protocol="http")],
        ),
    ],
)
def test_ports(short: str, ports: list[Port]) -> None:
    assert list(web(f"ports: [{short}]").ports) == ports


@pytest.mark.parametrize(
    ("short", "fault"),
    [
        ("'80:'", "`` is no port and no range of ports"),
        ("web", "`web` is no port and no range of ports"),
        ("70000", "`70000` is no port: ports go from 1 to 65535, and ranges upwards"),
        ("90-80", "`90-80` is no port: ports go from 1 to 65535, and ranges upwards"),
        ("8000-8001:80-82", "the range `8000-8001` has 2 ports, and the container's has 3"),
        ("256.0.0.1:80:80", "`256.0.0.1` is no IP address"),
        ("example.com:80:80", "`example.com` is no IP address"),
        ("80.5", "`80.5` is no port and no range of ports"),
    ],
)
def test_wrong_ports(short: str, fault: str) -> None:
    assert web_problems(f"ports: [{short}]") == [f"4: services.web.ports.0: {fault}"]


def test_wrong_long_ports() -> None:
    assert web_problems("ports:\n- {published: 80}\n- {target: 0}\n- {target: 80, mode: hots}") == [
        "5: services.web.ports.0: `target` is missing",
        "6: services.web.ports.1.target: `0` is no port: ports go from 1 to 65535",
        "7: services.web.ports.2.mode: `hots` is not `ingress` or `host`",
    ]


def test_protocols_and_addresses_of_ports() -> None:
    assert [port.protocol for port in web("ports: [80/sctp, '81:81/UDP', {target: 82, protocol: TCP}]").ports] == [
        "sctp",
        "udp",
        "tcp",
    ]
    assert web_problems("ports: [{target: 81, protocol: x}, 80/icmp, '1.2.3.4:80']") == [
        "4: services.web.ports.0.protocol: `x` is not `tcp`, `udp` or `sctp`",
        "4: services.web.ports.1: `icmp` is not `tcp`, `udp` or `sctp`",
        "4: services.web.ports.2: `1.2.3.4:80` has an address and only one port: write `1.2.3.4::80`",
    ]
