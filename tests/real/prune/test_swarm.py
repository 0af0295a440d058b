"""The images of dropped releases go from the nodes of a Swarm, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Registry, Swarm
from tests.lab.host import Host
from tests.real.engines import thorough
from tests.real.errors.shop import Shop, make_shop
from tests.real.prune.test_prune import release

pytestmark = [thorough, pytest.mark.timeout(600)]


def make(directory: Path, swarm: Swarm, registry: str = "") -> Shop:
    made = make_shop(directory, swarm.hosts[0])
    hosts = json.dumps({host.name: host.url for host in swarm.hosts})
    environment = f"{{engine: swarm, hosts: {hosts}}}"
    staging = f"{{engine: swarm, hosts: {hosts}, services: {{web: {{route: {{host: {made.app}.staging.test}}}}}}}}"
    text = made.settings.read_text()
    head, tail = text.split("  production:\n")[0], text.partition("}\n")[2]
    text = f"{head}  staging: {staging}\n  production: {environment}\n{tail}".replace("deadline: 5s", "deadline: 30s")
    kept = "keep_releases: 2\nprune: {younger_than: 0s, after_deploy: false}\n"
    made.settings.write_text(text + kept + (f"registry: {registry}\n" if registry else ""))
    made.edit("compose.yaml", "    deploy:\n", "    deploy:\n      mode: global\n")  # each node has had every image
    return made


@pytest.fixture
def shop(tmp_path: Path, swarm: Swarm) -> Iterator[Shop]:
    made = make(tmp_path / "shop", swarm)
    yield made
    for environment in ("production", "staging"):
        made.fairway("down", environment, "--yes", "--volumes")
    swarm.empty()


def images(host: Host, repository: str) -> set[str]:
    return set(host.docker("images", "--quiet", "--no-trunc", repository).stdout.split())


def counts(swarm: Swarm, repository: str) -> list[int]:
    return [len(images(host, repository)) for host in swarm.hosts]


def test_old_images_go_from_every_node_and_a_rollback_finds_its_own(shop: Shop, swarm: Swarm) -> None:
    repository = f"{shop.app}/web"
    release(shop, 1)
    (first,) = images(swarm.hosts[0], repository)
    only = ("--constraint", f"node.hostname=={swarm.hosts[0].name}", "--no-resolve-image")
    swarm.manager.docker("service", "create", "--detach", "--name", "somebody", *only, first)
    for number in range(2, 5):
        release(shop, number)
    for number in (1, 2, 3):
        release(shop, 4 + number, "staging")
    assert counts(swarm, repository) == [7, 7, 7]

    dry = shop.json("prune", "production", "--dry-run")
    assert {(one["where"], one["kind"]) for one in dry["removed"] if one["kind"] != "evidence"} == {
        (host.name, "image") for host in swarm.hosts
    }
    done = shop.json("prune", "production")
    assert (done["removed"], done["in_use"]) == (dry["removed"], [])
    assert counts(swarm, repository) == [6, 6, 6]  # that of the other service stays where it does not run now, too
    assert all(first in images(host, repository) for host in swarm.hosts)

    swarm.manager.docker("service", "rm", "somebody")
    shop.fairway("prune", "staging").expect(0)
    for number in (2, 1):
        shop.fairway("rollback", "staging", str(number)).expect(0 if number == 2 else 2)
    shop.fairway("prune", "production").expect(0)
    assert counts(swarm, repository) == [4, 4, 4]
    shop.fairway("rollback", "production").expect(0)
    assert shop.answer() == "this is v3"


def test_images_from_a_registry_go_from_the_nodes(tmp_path: Path, swarm: Swarm, registry: Registry) -> None:
    shop = make(tmp_path / "shop", swarm, registry.address)
    repository = f"{registry.address}/{shop.app}-web"
    try:
        for number in range(1, 5):
            release(shop, number)
        before = counts(swarm, repository)
        shop.fairway("prune", "production").expect(0)
        assert (before, counts(swarm, repository)) == ([4, 4, 4], [2, 2, 2])
        shop.fairway("rollback", "production").expect(0)
        assert shop.answer() == "this is v3"
        shop.edit("fairway.yaml", "after_deploy: false", "after_deploy: true")
        release(shop, 6)
        assert counts(swarm, repository) == [2, 2, 2]
    finally:
        shop.fairway("down", "production", "--yes", "--volumes")
        swarm.empty()
