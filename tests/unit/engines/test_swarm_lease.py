"""How long a holder may believe that a lease is his, where answers are lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest

from fairway.engines.swarm.lease import BEATS, SwarmLeases, _Lease
from fairway.model.environment import Environment
from fairway.net.client import DockerError
from fairway.net.managers import Managers

pytestmark = pytest.mark.anyio


class Store(Managers):
    """Keeps configs as managers do. What is in `silent` is done, but not answered; in `refused`, neither."""

    def __init__(self) -> None:
        super().__init__({})
        self.config: dict[str, Any] | None = None
        self.silent = self.refused = False

    async def call(self, method: str, path: str, params: Mapping[str, Any], body: Any = None, **_options: Any) -> Any:
        if self.refused:
            raise TimeoutError
        if method == "GET":
            return [self.config] if self.config else []
        before = self.config["Version"]["Index"] if self.config else 0
        if params.get("version", 0) != before:
            raise DockerError(500, "rpc error: update out of sequence")
        self.config = {"ID": "c", "Version": {"Index": before + 1}, "Spec": body}
        if self.silent:
            self.refused = True
            raise TimeoutError
        return {}


@pytest.fixture
def store() -> Store:
    return Store()


def lease(store: Store) -> _Lease:
    return _Lease(SwarmLeases(Environment("a", "e"), store, "eve@box"), "deploy", asked=time.monotonic())


async def test_each_renewal_that_is_seen_counts_from_when_it_was_asked_for(store: Store) -> None:
    mine = lease(store)
    assert await mine.take(None)
    asked = mine.asked
    await asyncio.sleep(0.01)
    assert await mine._beat(mine.seen, None)
    assert mine.asked > asked
    assert store.config and store.config["Spec"]["Labels"][BEATS] == "2"


async def test_one_that_came_through_late_renews_nothing(store: Store) -> None:
    """Whoever waits has seen it when it came through, and counts from there."""
    mine = lease(store)
    await mine.take(None)
    asked, store.silent = mine.asked, True
    with pytest.raises(TimeoutError):
        await mine._beat(mine.seen, None)
    store.silent = store.refused = False
    assert not await mine._beat(mine.seen, None)
    assert mine.asked == asked
    assert mine._ours
    assert await mine._beat(mine.seen, None)
    assert mine.asked > asked


async def test_one_that_was_taken_without_an_answer_is_taken_again_by_its_own_holder(store: Store) -> None:
    leases = SwarmLeases(Environment("a", "e"), store, "eve@box")
    mine, other = (_Lease(leases, "deploy", asked=time.monotonic()) for _ in range(2))
    store.silent = True
    with pytest.raises(TimeoutError):
        await mine.take(None)
    store.silent = store.refused = False
    seen = await leases._seen()
    assert seen and not seen.free and seen.token == mine.token
    assert not await other.take(None)
    assert await mine.take(seen)
