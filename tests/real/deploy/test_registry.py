"""With a registry: what passed is pushed, and any other machine deploys it by its digest."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.lab.registry import Registry
from tests.real.deploy.site import SETTINGS, Site, commit, make_site


@pytest.fixture
def site(tmp_path: Path, docker_host: Host, base_image: str, tls_registry: Registry) -> Iterator[Site]:
    made = make_site(tmp_path / "site", docker_host, settings=SETTINGS + f"registry: {tls_registry.address}/team\n")
    config = tmp_path / "docker"
    config.mkdir()
    entry = base64.b64encode(f"{tls_registry.user}:{tls_registry.password}".encode()).decode()
    (config / "config.json").write_text(json.dumps({"auths": {tls_registry.address: {"auth": entry}}}))
    made.variables |= {"DOCKER_CONFIG": str(config)}
    if tls_registry.ca:
        made.variables |= {"SSL_CERT_FILE": str(tls_registry.ca)}
    yield made
    made.down()


def test_another_machine_deploys_what_was_pushed_by_its_digest(
    site: Site, tmp_path: Path, tls_registry: Registry
) -> None:
    site.fairway("ship", "production")
    built = site.json("build", "production")["images"]["web"]
    assert built["digest"].startswith("sha256:")
    site.down()
    for reference in (built["reference"], f"{built['reference'].rpartition(':')[0]}:newest"):
        site.host.docker("rmi", "--force", reference)
    other = Site(tmp_path / "other", site.host, site.app, site.variables)
    subprocess.run(["git", "clone", "-q", site.directory, other.directory], check=True)
    done = other.fairway("deploy", "production")
    assert "serves in production" in done.stdout
    web = next(name for name in other.replicas() if "web" in name)
    image = site.host.docker("inspect", "--format", "{{.Config.Image}}", web).stdout.strip()
    assert image == f"{built['reference'].rpartition(':')[0]}@{built['digest']}"


def test_what_was_never_pushed_is_refused(site: Site) -> None:
    (site.directory / "web" / "more").write_text("more")
    commit(site.directory)
    refused = site.fairway("deploy", "production", check=False)
    assert refused.returncode == 6
    assert "nothing has been built of" in refused.stderr
