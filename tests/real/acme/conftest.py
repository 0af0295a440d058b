from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.acme import AcmeServer


@pytest.fixture(scope="module")
def server(acme: AcmeServer) -> Iterator[AcmeServer]:
    """One that asks its own DNS server what host names answer."""
    acme.start(http_port=5002)
    yield acme
    acme.stop()
