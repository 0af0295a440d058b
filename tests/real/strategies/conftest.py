from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.deploy.site import Site
from tests.real.engines import site_on


@pytest.fixture
def site(tmp_path: Path, on_engine: str, request: pytest.FixtureRequest) -> Iterator[Site]:
    made = site_on(on_engine, tmp_path / "site", request)
    yield made
    made.down()
