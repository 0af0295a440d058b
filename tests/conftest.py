from __future__ import annotations

import signal

import pytest

LONGEST = ("real/strategies/", "real/deploy/", "real/engine/", "real/")

pytest_plugins = ["tests.lab.fixtures"]

# A shell that starts the tests in its background has them ignore the interrupt, and so do all programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process waits for another's last one."""
    items.sort(key=lambda item: next((n for n, part in enumerate(LONGEST) if part in item.nodeid), len(LONGEST)))
