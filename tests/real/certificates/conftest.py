from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.acme import AcmeServer
from tests.lab.host import Host
from tests.real.certificates.town import Town, make_town
from tests.real.deploy.site import HTTP_PORT
from tests.real.edge.conftest import forget


@pytest.fixture
def town(tmp_path: Path, fleet: Callable[[int], list[Host]], acme: AcmeServer) -> Iterator[Town]:
    hosts = fleet(2)
    acme.start(http_port=HTTP_PORT)
    made = make_town(tmp_path / "site", hosts, acme)
    yield made
    acme.stop()
    made.fleet.site.down()
    for host in hosts:
        forget(host)
