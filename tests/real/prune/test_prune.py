"""What old releases have left is removed, and nothing that anybody may need."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.lab.host import Host
from tests.real.errors.shop import Shop, make_shop

BUILDS = int(os.environ.get("FAIRWAY_BUILDS", "5"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, docker_host: Host, base_image: str) -> Iterator[Shop]:
    docker_host.docker("container", "prune", "--force")  # what other tests have left would be found, too
    made = make_shop(tmp_path_factory.mktemp("pruned") / "shop", docker_host)
    staging = f"""  staging:
    hosts: {{local: "{docker_host.url}"}}
    services: {{web: {{route: {{host: {made.app}.staging.test}}}}}}
"""
    settings = made.settings.read_text().replace("environments:\n", f"environments:\n{staging}")
    made.settings.write_text(f"{settings}keep_releases: 2\nprune: {{younger_than: 0s, after_deploy: false}}\n")
    yield made
    for environment in ("production", "staging"):
        made.fairway("down", environment, "--yes", "--volumes")


def release(shop: Shop, number: int, environment: str = "production") -> None:
    """A build of its own, with a quarter of a megabyte that no other one has."""
    shop.write("web/data", os.urandom(1 << 18))
    shop.write("web/Dockerfile", 'FROM debian:bookworm-slim\nCOPY serve data /\nCMD ["perl", "/serve"]\n')
    shop.commit()
    shop.fairway("ship", environment, VERSION=f"v{number}").expect(0)


def evidence(shop: Shop) -> set[str]:
    """Digests of the images that the environment has statements about."""
    folder = f"/ledger/{shop.app}-production.evidence"
    listed = shop.host.docker("exec", "fairway-keeper", "ls", folder).stdout.split()
    return {name.partition(".")[0] for name in listed}


def images(shop: Shop) -> set[str]:
    return set(shop.host.docker("images", "--quiet", "--no-trunc", f"{shop.app}/web").stdout.split())


def test_old_releases_go_and_the_kept_ones_can_be_rolled_back_to(shop: Shop) -> None:
    shop.host.docker("tag", "debian:bookworm-slim", "somebody-else:1")
    for number in range(1, 5):
        release(shop, number)
    assert len(images(shop)) == 4
    network = ("--label", f"fairway.app={shop.app}", "--label", "fairway.environment=production")
    shop.host.docker("network", "create", *network, "--label", "fairway.kind=network", f"{shop.app}-old")

    dry = shop.json("prune", "production", "--dry-run")
    assert {one["kind"] for one in dry["removed"]} == {"image", "network", "evidence"}
    assert dry["releases"] == {"kept": [3, 4], "removed": [1, 2]}
    assert len(images(shop)) == len(evidence(shop)) == 4

    done = shop.json("prune", "production")
    assert (done["removed"], done["releases"], done["in_use"]) == (dry["removed"], dry["releases"], [])
    assert done["bytes"] > 2 << 18
    assert len(images(shop)) == len(evidence(shop)) == 2
    assert [one["release"] for one in shop.json("releases", "production")] == ["4", "3"]
    assert f"{shop.app}-old" not in shop.host.docker("network", "ls").stdout
    assert "somebody-else" in shop.host.docker("images").stdout
    shop.fairway("prune", "production").expect(0, "nothing to remove; kept: 3 to 4")

    shop.fairway("rollback", "production", "2").expect(2, "release 2 never served here", "these did: 3, 4")
    shop.fairway("rollback", "production").expect(0)
    assert shop.answer() == "this is v3"
    shop.host.docker("rmi", "somebody-else:1")


def test_what_another_environment_may_go_back_to_stays(shop: Shop) -> None:
    for number in (6, 7, 8):
        release(shop, number, "staging")
    shop.fairway("prune", "production").expect(0)
    assert [one["release"] for one in shop.json("releases", "staging")] == ["3", "2", "1"]
    for number in (2, 1):
        shop.fairway("rollback", "staging", str(number)).expect(0)


@pytest.mark.timeout(240 + 12 * BUILDS)
def test_each_deployment_removes_what_it_has_made_superfluous(shop: Shop) -> None:
    shop.edit("fairway.yaml", "after_deploy: false", "after_deploy: true")
    sizes, room = [], []
    for number in range(10, 10 + BUILDS):
        release(shop, number)
        sizes.append((len(images(shop)), len(shop.json("releases", "production"))))
        room.append(shop.host.docker("system", "df", "--format", "{{.Size}}").stdout.split()[0])
    print(
        f"images of the application, and releases on record, after each of {BUILDS} builds: {sizes}; images take {room}"
    )
    assert len(set(sizes[2:])) == 1
    kept = [one["release"] for one in shop.json("releases", "production")]
    assert len(kept) == 2
    shop.fairway("rollback", "production", kept[1]).expect(0)
    assert shop.answer() == f"this is v{8 + BUILDS}"


def test_somebody_who_deploys_is_not_disturbed(shop: Shop) -> None:
    deploying = shop.start("deploy", "production", BOOT="4")
    while not shop.json("status", "production")["holder"]:
        pass
    shop.fairway("prune", "production").expect(5, "is locked")
    assert deploying.wait(60) == 0
