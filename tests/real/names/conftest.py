from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.lab.host import Host
from tests.real.names.town import Town
from tests.real.peers.conftest import opened, two_hosts  # noqa: F401


@pytest.fixture(scope="module")
async def everybody(two_hosts: list[Host]) -> AsyncIterator[Town]:  # noqa: F811
    async with opened(two_hosts) as sides:
        made = Town(sides)
        try:
            yield made
        finally:
            await made.clear()


@pytest.fixture
async def town(everybody: Town) -> AsyncIterator[Town]:
    """Two services, `db` and `cache`, that are found by their names at both hosts; no replicas yet."""
    await everybody.prepare()
    yield everybody
    await everybody.forget()
