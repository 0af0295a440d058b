from __future__ import annotations

import signal

import pytest

pytest_plugins = ["tests.lab.fixtures"]

# A shell that starts the tests in its background has them ignore the interrupt, and so do all programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
