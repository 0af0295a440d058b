from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.real.names.town import Town
from tests.real.peers.conftest import sides, two_hosts  # noqa: F401
from tests.real.peers.sides import Sides


@pytest.fixture
async def town(sides: Sides) -> AsyncIterator[Town]:  # noqa: F811
    """Two services, `db` and `cache`, that are found by their names at both hosts; no replicas yet."""
    made = Town(sides)
    try:
        await made.prepare()
        yield made
    finally:
        await made.clear()
