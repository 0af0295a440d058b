from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.real.fleet.site import FleetSite, make_fleet


@pytest.fixture
def fleet_site(tmp_path: Path, fleet: Callable[[int], list[Host]]) -> Iterator[FleetSite]:
    made = make_fleet(tmp_path / "site", fleet(3))
    yield made
    made.site.down()
