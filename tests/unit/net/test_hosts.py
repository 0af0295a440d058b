"""How many hosts there are, and how many may be lost."""

from __future__ import annotations

from typing import Any

import pytest

from fairway.model.errors import EngineUnreachable, HostLost
from fairway.net.hosts import Budget, Hosts

pytestmark = pytest.mark.anyio

GONE = EngineUnreachable("b does not answer", where="b")
THERE: Any = object()


async def test_a_host_that_is_known_to_be_dead_is_not_counted() -> None:
    lost = Hosts({"a": THERE}, {"b": GONE}, Budget(0))
    assert lost.size == 2
    with pytest.raises(HostLost) as caught:
        lost.reckon()
    assert "`fairway hosts remove b --lost`" in caught.value.hint
    dead = Hosts({"a": THERE}, {"b": GONE}, Budget(0), without=["b"])
    assert dead.size == 1
    dead.reckon()
    both = Hosts({"a": THERE}, {"b": GONE, "c": GONE}, Budget(0), without=["b"])
    assert both.size == 2
    with pytest.raises(HostLost, match=r"^c does not answer"):
        both.reckon()


async def test_everybody_is_told_of_too_many_losses_until_somebody_goes_on_without_them() -> None:
    hosts = Hosts({"a": THERE}, {"b": GONE}, Budget(0))
    for _ in range(2):
        with pytest.raises(HostLost):
            hosts.reckon()
    hosts.accept()
    hosts.reckon()
