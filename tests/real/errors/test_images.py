"""Images that are not there, registries that do not answer or refuse, and a disk that is full."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.lab.registry import Registry
from tests.real.errors.shop import COMPOSE, Shop, make_shop
from tests.real.pipeline.test_full_disk import small_host  # noqa: F401  (a fixture)

CACHE = "  cache:\n    image: %s\n    command: [sleep, infinity]\n"


def want(shop: Shop, image: str) -> None:
    shop.edit("compose.yaml", COMPOSE, COMPOSE + CACHE % image)
    shop.commit()


def push_to(shop: Shop, registry: str) -> str:
    """Let the shop's images go there; the name of the next one."""
    shop.edit("fairway.yaml", "environments:", f"registry: {registry}/team\nenvironments:")
    shop.commit()
    return f"{registry}/team/{shop.app}-web:{shop.git('rev-parse', '--short=12', 'HEAD').strip()}"


def login(shop: Shop, registry: Registry, password: str) -> dict[str, str]:
    """Docker's configuration of a user who has said this password."""
    folder = shop.directory.parent / "docker-config"
    folder.mkdir()
    said = base64.b64encode(f"{registry.user}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": said}}}))
    return {"DOCKER_CONFIG": str(folder)}


def test_an_image_that_does_not_exist(running: Shop, registry: Registry) -> None:
    name = f"{registry.address}/team/nothing:1"
    want(running, name)
    running.fairway("ship").expect(
        1,
        f"error: local: There is no image {name}, and it cannot be pulled\n",
        "manifest unknown",
        "  → check the name and the tag; an image of your own needs `build:`\n",
    )


def test_an_image_of_a_registry_that_is_down(running: Shop) -> None:
    down = f"{running.host.address}:5999"
    want(running, f"{down}/team/cache:1")
    running.fairway("ship").expect(
        1,
        f"error: local: There is no image {down}/team/cache:1, and it cannot be pulled\n",
        "connection refused",
        f"  → check that {down} can be reached from the host\n",
    )


def test_an_image_of_a_registry_that_refuses_the_password(running: Shop, tls_registry: Registry) -> None:
    want(running, f"{tls_registry.address}/team/cache:1")
    running.fairway("ship", **login(running, tls_registry, "guessed")).expect(
        1,
        f"error: local: There is no image {tls_registry.address}/team/cache:1, and it cannot be pulled\n",
        "unauthorized",
        f"  → check the name, and the password for {tls_registry.address}\n",
    )
    shutil.rmtree(running.directory.parent / "docker-config")


def test_the_registry_is_down(running: Shop) -> None:
    down = f"{running.host.address}:5999"
    name = push_to(running, down)
    running.fairway("ship").expect(
        1,
        f"error: {name}: The registry {down} does not answer\n",
        "connection refused",
        "  → Is it running, and does its name resolve on the engine's host?\n",
    )


def test_the_registry_refuses_the_password(running: Shop, tls_registry: Registry) -> None:
    name = push_to(running, tls_registry.address)
    done = running.fairway("ship", **login(running, tls_registry, "guessed"))
    done.expect(
        1,
        f"error: {name}: The registry {tls_registry.address} refuses the password, or got none\n",
        f"  → docker login {tls_registry.address}\n",
    )
    assert "guessed" not in done.text
    shutil.rmtree(running.directory.parent / "docker-config")


@pytest.fixture
def cramped(small_host: Host, tmp_path: Path) -> Iterator[Shop]:  # noqa: F811
    """A shop on a host whose disk has 320 MB."""
    yield make_shop(tmp_path / "shop", small_host)


def test_the_disk_is_full_while_building(cramped: Shop) -> None:
    cramped.edit("web/Dockerfile", "CMD", "RUN dd if=/dev/zero of=/big bs=1M count=999\nCMD")
    cramped.commit()
    cramped.fairway("build").expect(
        1,
        "The engine's disk is full: web could not be built\n",
        "No space left on device",
        "  → Make room on it: docker builder prune, docker image prune; or give its data root more.\n",
    )
    assert not cramped.traces()
    assert not cramped.host.docker("images", "-q", f"{cramped.app}/web").stdout


def test_the_disk_is_full_while_the_hosts_own_image_is_made(cramped: Shop) -> None:
    """Fairway's image holds Envoy: about 300 MB."""
    cramped.fairway("ship").expect(
        1,
        "cannot be built: the host's disk is full\n",
        "no space left on device\n",
        "  → Make room on it: docker system df, docker image prune. ",
    )
    assert not cramped.traces()
