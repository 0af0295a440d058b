"""The host lacks something that a release needs, or has something that is in its way."""

from __future__ import annotations

import pytest

from tests.real.errors.shop import COMPOSE, Shop
from tests.real.errors.test_gateway import taken

CACHE = "  cache:\n    image: debian:bookworm-slim\n    stop_signal: SIGKILL\n    command: [sleep, infinity]\n"
TAKEN = 7777


def add(shop: Shop, service: str, rest: str = "") -> None:
    """One more service, `cache`, with this."""
    shop.edit("compose.yaml", COMPOSE, f"{COMPOSE}{CACHE}    {service}\n{rest}")
    shop.commit()


def failed(shop: Shop, *said: str, **variables: str) -> None:
    """Shipping fails, and what served before goes on as if nothing had been."""
    done = shop.fairway("ship", **variables)
    done.expect(1, " failed; release 1 serves as before\n  because of this:\n  error: ", *said)
    assert shop.json("releases")[0]["outcome"] == "failed"


def test_a_published_port_is_taken(running: Shop) -> None:
    add(running, f'ports: ["{TAKEN}:80"]')
    with taken(running.host, TAKEN):
        failed(running, "could not be started\n", f"0.0.0.0:{TAKEN}: bind: address already in use", "→ stop what holds")


def test_an_external_volume_is_missing(running: Shop) -> None:
    add(running, "volumes: [data:/data]", "volumes: {data: {external: true, name: nobodys}}\n")
    failed(
        running,
        "error: compose.yaml:18: There is no volume nobodys\n"
        "    why: the volume 'data' is external, so it has to be there before\n"
        "    → docker volume create nobodys\n",
    )


def test_an_external_network_is_missing(running: Shop) -> None:
    add(running, "networks: [shared]", "networks: {shared: {external: true, name: nobodys}}\n")
    failed(
        running,
        "error: compose.yaml:18: There is no network nobodys\n"
        "    why: the network 'shared' is external, so it has to be there before\n"
        "    → docker network create nobodys\n",
    )


def test_a_host_directory_is_missing(running: Shop) -> None:
    add(running, "volumes: [{type: bind, source: /nowhere/data, target: /data, bind: {create_host_path: false}}]")
    failed(running, "bind source path does not exist: /nowhere/data", "→ make the directory on that host, or use")


def test_a_command_that_the_image_lacks(running: Shop) -> None:
    add(running, "entrypoint: [no-such-program]")
    failed(running, "cache-r", "→ check `command` and `entrypoint`: the image has no such program")


@pytest.mark.parametrize("restart", ["no", "always"])
def test_a_replica_that_its_memory_limit_kills(running: Shop, restart: str) -> None:
    running.edit("compose.yaml", "    init: true\n", f'    init: true\n    restart: "{restart}"\n')
    running.commit()
    failed(
        running,
        "failed before it was ready\n",
        "why: it was killed by its memory limit: raise deploy.resources.limits.memory",
        "│ eating\n",
        FAULT="hungry",
    )


@pytest.mark.parametrize(("restart", "why"), [("no", "it ended with exit status 7"), ("always", "it crashed and was")])
def test_a_replica_that_crashes(running: Shop, restart: str, why: str) -> None:
    running.edit("compose.yaml", "    init: true\n", f'    init: true\n    restart: "{restart}"\n')
    running.commit()
    failed(running, "failed before it was ready\n", why, "│ no mood today\n", FAULT="crash")


def test_a_replica_that_is_never_ready(running: Shop) -> None:
    running.edit("fairway.yaml", "http: /up, deadline: 5s", "http: /nowhere, deadline: 2s")
    running.commit()
    failed(
        running,
        "was not ready within 2 s\n",
        "why: GET /nowhere answered 404\n",
        "→ raise `ready.deadline` if it needs longer to start\n",
        VERSION="v2",
    )


def test_the_first_release_fails_and_leaves_nothing(shop: Shop) -> None:
    shop.fairway("ship", FAULT="crash").expect(1, "error: release 1 failed; nothing of it is left\n")
    assert not [trace for trace in shop.traces() if not trace.startswith("network")]
    assert shop.answer() == "No application answers at this address."
