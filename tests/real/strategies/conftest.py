from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.real.deploy.site import Site, make_site


@pytest.fixture
def site(tmp_path: Path, docker_host: Host, base_image: str) -> Iterator[Site]:
    made = make_site(tmp_path / "site", docker_host)
    yield made
    made.down()
