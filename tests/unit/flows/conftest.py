from __future__ import annotations

import pytest

from tests.unit.conduct.conftest import house, no_needless_waiting
from tests.unit.conduct.ports import House
from tests.unit.flows.place import Place

__all__ = ["house", "no_needless_waiting"]


@pytest.fixture
def place(house: House) -> Place:
    return Place(house)
