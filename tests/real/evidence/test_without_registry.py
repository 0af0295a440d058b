"""Without a registry, evidence is in the ledgers: of where images run, and of where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.real.errors.shop import PORT, Shop, make_shop
from tests.real.evidence.conftest import SETTINGS, keys
from tests.real.evidence.test_story import clone, statements


@pytest.fixture
def local(tmp_path: Path, docker_host: Host, base_image: str) -> Iterator[Shop]:
    made = make_shop(tmp_path / "shop", docker_host)
    keys(made)
    settings = SETTINGS % {"app": made.app, "url": docker_host.url, "port": PORT, "registry": "none"}
    lines = [line for line in settings.splitlines() if "approvals" not in line and not line.startswith("registry")]
    made.write("fairway.yaml", "\n".join(lines) + "\n")
    made.commit()
    yield made
    for environment in ("staging", "production"):
        made.fairway("down", environment, "--yes", "--volumes").expect(0)


def test_another_operator_promotes_by_what_the_ledgers_know(local: Shop, tmp_path: Path) -> None:
    local.fairway("ship", "staging").expect(0)
    other = clone(local, tmp_path)
    other.fairway("promote", "staging", "production").expect(0, "release 1 serves in production")
    told = statements(other, "1", "--environment", "production")
    assert set(told) == {"build", "test unit", "contents"}
    assert {one["standing"] for one in told.values()} == {"trusted"}
    other.fairway("evidence", "1", "--environment", "production", "--verify").expect(0)
    other.fairway("check", "production").expect(0)
    other.edit("fairway.yaml", "signed_by: keys/ci.pem.pub", "signed_by: keys/none.pub")
    other.fairway("check", "production").expect(2, "keys/none.pub: The key cannot be read")
