from __future__ import annotations

import pytest

pytest_plugins = ["tests.lab.fixtures"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
