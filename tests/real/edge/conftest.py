from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fairway.gateway.container import NAME, ROLE
from tests.lab.host import Host
from tests.real.edge.secure import Secure
from tests.real.gateway.conftest import docker, place, taken_port  # noqa: F401
from tests.real.gateway.place import Place


@pytest.fixture
async def secure(place: Place) -> AsyncIterator[Secure]:  # noqa: F811
    """A gateway that speaks plain HTTP alone at first, and none afterwards."""
    yield Secure(place)
    forget(place.host)


def forget(host: Host) -> None:
    """The gateway and all that it was told: other tests begin with none that speaks TLS."""
    host.docker("rm", "-f", *host.docker("ps", "-aq", "--filter", f"label={ROLE}").stdout.split())
    host.docker("volume", "rm", NAME)
