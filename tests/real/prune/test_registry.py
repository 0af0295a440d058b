"""Old builds go from the registry, too, once they are archived; and what is kept can be pulled again."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.lab.host import Host
from tests.lab.registry import Registry
from tests.real.errors.shop import Shop, make_shop
from tests.real.prune.test_prune import release


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, docker_host: Host, base_image: str, registry: Registry
) -> Iterator[Shop]:
    docker_host.docker("container", "prune", "--force")  # what other tests have left would be found, too
    made = make_shop(tmp_path_factory.mktemp("pruned") / "shop", docker_host)
    made.settings.write_text(
        made.settings.read_text()
        + f"registry: {registry.address}/team\nkeep_releases: 2\n"
        + "prune: {younger_than: 0s, after_deploy: false, registry: true, archive: old}\n"
    )
    made.write(".gitignore", "old/\n")
    yield made
    made.fairway("down", "production", "--yes", "--volumes")


def tags(shop: Shop, registry: Registry) -> set[str]:
    said = httpx2.get(f"{registry.url}/v2/team/{shop.app}-web/tags/list").json()["tags"]
    return {tag for tag in said if not tag.startswith("sha256-")}


def used(registry: Registry) -> int:
    """Bytes of all blobs, once the registry has collected its garbage."""
    config = registry.directory / "config.yml"
    subprocess.run(["docker-registry", "garbage-collect", str(config)], check=True, capture_output=True)
    return sum(file.stat().st_size for file in registry.directory.rglob("data") if file.is_file())


def test_old_builds_go_and_the_kept_ones_are_pulled_again(shop: Shop, registry: Registry, tmp_path: Path) -> None:
    for number in range(1, 5):
        release(shop, number)
    before, all_tags = used(registry), tags(shop, registry)
    assert len(all_tags) == 5
    dry = shop.json("prune", "production", "--dry-run")
    assert {one["kind"] for one in dry["removed"]} == {"image", "manifest", "evidence"}
    assert tags(shop, registry) == all_tags

    done = shop.json("prune", "production")
    assert done["removed"] == dry["removed"]
    left = tags(shop, registry)
    assert len(left) == 3 and "newest" in left
    freed = before - used(registry)
    print(f"bytes in the registry: {before}, then {before - freed}; told: {done['bytes']}")
    assert freed > 2 << 18

    for image in shop.host.docker("images", "--quiet", f"{registry.address}/team/{shop.app}-web").stdout.split():
        shop.host.docker("rmi", "--force", image, check=False)
    shop.fairway("rollback", "production").expect(0)
    assert shop.answer() == "this is v3"

    archived = shop.directory / "old"
    index = json.loads((archived / "index.json").read_text())
    names = [one["annotations"]["org.opencontainers.image.ref.name"] for one in index["manifests"]]
    assert {name.rpartition(":")[2] for name in names} == all_tags - left
    for name in names:
        copied = tmp_path / name.rpartition(":")[2]
        subprocess.run(["skopeo", "copy", f"oci:{archived}:{name}", f"dir:{copied}"], check=True, capture_output=True)
        subprocess.run(["skopeo", "inspect", f"dir:{copied}"], check=True, capture_output=True)
    assert not list(archived.glob(".partial-*"))


def test_what_is_only_on_the_host_is_archived_from_there(shop: Shop, registry: Registry) -> None:
    shop.edit("fairway.yaml", "registry: true", "registry: false")
    shop.host.docker(
        "build", "--tag", f"{shop.app}/web:lost", "-", stdin="FROM debian:bookworm-slim\nRUN echo > /lost\n"
    )
    reference = f"{registry.address}/team/{shop.app}-web:lost"
    shop.host.docker("tag", f"{shop.app}/web:lost", reference)
    shop.host.docker("rmi", f"{shop.app}/web:lost")
    time.sleep(1.1)  # what is young stays, and a second is the smallest time
    shop.fairway("prune", "production").expect(0, "removed 1 things")
    said = subprocess.run(
        ["skopeo", "inspect", f"oci:{shop.directory / 'old'}:{reference}"], check=True, capture_output=True, text=True
    )
    assert len(json.loads(said.stdout)["Layers"]) == 2


def test_a_registry_that_allows_no_removal_is_an_error_with_what_to_do(shop: Shop, registry: Registry) -> None:
    shop.edit("fairway.yaml", "registry: false", "registry: true")
    release(shop, 5)
    release(shop, 6)
    config = registry.directory / "config.yml"
    allowed = json.loads(config.read_text())
    registry.stop()
    try:
        registry.deletes = False
        registry.start()
        shop.fairway("prune", "production").expect(1, "lets nobody remove anything", "storage.delete.enabled: true")
    finally:
        registry.stop()
        registry.deletes = True
        registry.start()
    assert allowed == json.loads(config.read_text())
    shop.fairway("prune", "production").expect(0)
