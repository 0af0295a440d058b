from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.lab.fixtures"]

# A shell that starts the tests in its background has them ignore the interrupt, and so do all programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says nothing on a machine that does other things, too. The suite tries the same examples each time,
# so that what has passed passes; FAIRWAY_EXAMPLES=2000 looks for others, at random.
settings.register_profile(
    "house",
    deadline=None,
    derandomize="FAIRWAY_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
