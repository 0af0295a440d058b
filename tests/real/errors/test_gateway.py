"""The gateway's port is taken; Envoy refuses what it is told; another application is there already."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.host import Host
from tests.real.errors.shop import PORT, Shop, make_shop

LISTEN = """
import socket, sys
taken = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("taken", flush=True)
sys.stdin.read()
"""


@contextmanager
def taken(host: Host, port: int) -> Iterator[None]:
    """Another process on the host listens there; it ends with its standard input."""
    command = host.inside("python3", "-c", LISTEN, str(port))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin and other.stdout
        assert other.stdout.readline() == b"taken\n"
        yield
        other.stdin.close()


@pytest.fixture
def lonely(
    make_host: Callable[[], Host], tmp_path_factory: pytest.TempPathFactory, docker_host: Host
) -> Iterator[Shop]:
    """A shop on a host of its own, whose gateway may be broken. It has the session's images."""
    host = make_host()
    for image in ("debian:bookworm-slim", host_image(docker_host)):
        give(docker_host, host, image)
    yield make_shop(tmp_path_factory.mktemp("lonely") / "shop", host)


def host_image(host: Host) -> str:
    return host.docker("images", "fairway-host", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()[0]


def give(giver: Host, taker: Host, image: str) -> None:
    with subprocess.Popen(
        ["docker", "save", image], env={"PATH": "/usr/bin:/bin", **giver.environment}, stdout=subprocess.PIPE
    ) as saved:
        subprocess.run(
            ["docker", "load", "-q"],
            env={"PATH": "/usr/bin:/bin", **taker.environment},
            stdin=saved.stdout,
            check=True,
            capture_output=True,
        )


def test_the_gateways_port_is_taken(one_running: Shop, lonely: Shop) -> None:
    with taken(lonely.host, PORT):
        lonely.fairway("ship").expect(
            1,
            "error: release 1 failed; nothing of it is left",
            f"The gateway cannot listen on port {PORT}: something else on the host does",
            f"cannot bind '0.0.0.0:{PORT}': Address already in use",
            f"→ Find it with `ss -ltnp sport = :{PORT}` on the host and stop it, or give the gateway another port.",
        )
        assert not [trace for trace in lonely.traces() if trace.startswith(("container", "file"))]
        assert "fairway-gateway" not in lonely.host.docker("ps", "-a").stdout
    lonely.shipped()
    assert lonely.answer() == "this is v1"


def test_envoy_refuses_a_configuration_and_the_old_one_keeps_serving(running: Shop) -> None:
    """A duration beyond protobuf's largest: fairway.yaml takes it, Envoy does not."""
    running.edit("fairway.yaml", "route: {host: ", "route: {timeout: 4000000d, host: ")
    running.commit()
    done = running.fairway("ship", VERSION="v2")
    done.expect(
        1,
        "error: release 2 failed; release 1 serves as before",
        "error: local: Envoy refused the new routes; the old ones keep serving\n    why: ",
        "duration out of range",
    )
    assert "version_info" not in done.text


def test_a_timeout_of_weeks_is_none_of_envoys_troubles(shop: Shop) -> None:
    shop.edit("fairway.yaml", "route: {host: ", "route: {timeout: 14d, host: ")
    shop.commit()
    shop.shipped()
    assert shop.answer() == "this is v1"


def test_two_applications_want_the_same_address(running: Shop, shop: Shop) -> None:
    shop.edit("fairway.yaml", f"{shop.app}.test", f"{running.app}.test")
    shop.commit()
    shop.fairway("ship").expect(
        1,
        "error: release 1 failed; nothing of it is left",
        f"both want {running.app}.test/",
        f"web of {shop.app} production",
        f"web of {running.app} production",
        "→ Give one of them another host or path in its fairway.yaml, or take the other one down.",
    )


def test_two_applications_want_the_gateway_on_different_ports(running: Shop, shop: Shop) -> None:
    """There is one gateway on a host: to move it would take the first application off its port."""
    shop.edit("fairway.yaml", f"http: {PORT}", f"http: {PORT + 1}")
    shop.commit()
    shop.fairway("ship").expect(
        1,
        "error: release 1 failed; nothing of it is left",
        f"The gateway of this host listens on port {PORT}, not {PORT + 1}, and {running.app} production is served through it",
        f"→ Say `gateway: {{http: {PORT}}}` in fairway.yaml",
    )
