from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.lab.registry import Registry
from tests.real.errors.shop import PORT, Shop, make_shop

SETTINGS = """app: %(app)s
registry: %(registry)s/team
sign: keys/ci.pem
test:
  unit: {service: web, command: "true"}
environments:
  staging:
    hosts: {local: "%(url)s"}
    services: {web: {route: {host: staging.%(app)s.test}}}
  production:
    hosts: {local: "%(url)s"}
    require:
      signed_by: keys/ci.pem.pub
      clean: true
      branch: main|release/*
      promoted_from: staging
      approvals: {keys: [keys/ann.pub, keys/bob.pub]}
      override: approvals
gateway: {http: %(port)d}
services:
  web:
    route: {host: %(app)s.test}
    ready: {http: /up, deadline: 5s}
    rollout: {drain_timeout: 1s}
"""


def keys(shop: Shop) -> None:
    """Those of CI, of two people, and of somebody who is trusted with nothing."""
    (shop.directory / "keys").mkdir()
    for name in ("ci.pem", "ann", "bob", "eve"):
        shop.fairway("evidence", "keygen", f"keys/{name}").expect(0, "BEGIN PUBLIC KEY", f"keys/{name}.pub, key id ")
        if name != "ci.pem":
            shutil.move(shop.directory / "keys" / name, shop.directory.parent / name)
    shop.write(".gitignore", "keys/*.pem\n")


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, docker_host: Host, base_image: str, registry: Registry
) -> Iterator[Shop]:
    """With a registry that has no referrers API, a staging and a production; the module's tests are one story."""
    made = make_shop(tmp_path_factory.mktemp("evidence") / "shop", docker_host)
    keys(made)
    values = {"app": made.app, "url": docker_host.url, "port": PORT, "registry": registry.address}
    made.write("fairway.yaml", SETTINGS % values)
    made.commit()
    yield made
    for environment in ("staging", "production"):
        made.fairway("down", environment, "--yes", "--volumes").expect(0)


def private(shop: Shop, name: str) -> Path:
    return shop.directory.parent / name
