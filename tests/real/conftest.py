from __future__ import annotations

import pytest

from tests.real.engines import wanted


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "on_engine" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker("engines") is not None
        metafunc.parametrize("on_engine", wanted(marked))
