from __future__ import annotations

from tests.lab import Swarm
from tests.lab.shell import wait_until

LISTEN = """
use Socket; socket(S, 2, 1, 6); bind(S, pack_sockaddr_in(80, INADDR_ANY)); listen(S, 9);
while (accept(C, S)) { syswrite(C, "ahoy"); close(C) }
"""
ASK = 'use IO::Socket::INET; my $s = IO::Socket::INET->new("echo:80") or exit 1; print <$s>'


def test_three_managers_are_ready_and_an_overlay_network_carries_traffic_between_them(swarm: Swarm) -> None:
    assert set(swarm.nodes().values()) == {"ready"}
    assert len(swarm.nodes()) == 3
    here, there = swarm.hosts[0], swarm.hosts[2]
    here.docker("network", "create", "--driver=overlay", "--attachable", "lab-overlay")
    try:
        here.docker(
            *("service", "create", "--detach", "--name=echo", "--endpoint-mode=dnsrr", "--network=lab-overlay"),
            *(f"--constraint=node.hostname=={there.name}", "--no-resolve-image"),
            *("debian:bookworm-slim", "perl", "-e", LISTEN),
        )

        def answered() -> bool:
            asking = ("run", "--rm", "--network=lab-overlay", "debian:bookworm-slim", "perl", "-e", ASK)
            return here.docker(*asking, check=False).stdout == "ahoy"

        wait_until(answered, 60, "the service on the other host")
    finally:
        swarm.empty()
