"""Orders to a rollout: who follows them, and which mean nothing where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from fairway.flows.orders import send
from fairway.model.errors import Refused
from fairway.model.orders import Order
from fairway.model.policy import Phase
from fairway.model.release import Progress, Record
from fairway.ports import Holder
from tests.unit.flows.hosts import Host
from tests.unit.rollout.parts import Spec, release

pytestmark = pytest.mark.anyio

WEB = Spec(routed=True, steps=(Phase(traffic=5), Phase(traffic=50, approve=True)))


FIRST = Record(release=release({"web": WEB}), outcome="promoted")
SECOND = Record(release=release({"web": replace(WEB, version=2)}, (FIRST,)))


def host(phase: int, **changes: Any) -> Host:
    return Host((FIRST, replace(SECOND, progress=Progress(phase=phase))), **changes)


@pytest.mark.parametrize("order", list(Order))
async def test_nothing_can_be_told_where_nothing_is_under_way(order: Order) -> None:
    for records, why, hint in (
        ((), "nothing has been deployed", ""),
        ((FIRST,), "release 1 serves", "`fairway rollback` brings an earlier one back"),
        (
            (FIRST, replace(SECOND, outcome="rolled back")),
            "release 1 serves",
            "`fairway rollback` brings an earlier one back",
        ),
    ):
        there = Host(records)
        with pytest.raises(Refused) as caught:
            await send(there.target, order)
        assert caught.value.what == "no release is under way in production"
        assert (caught.value.why, caught.value.hint) == (why, hint)
        assert there.sent == []


@pytest.mark.parametrize(
    ("phase", "why"),
    [(0, "it has come to no phase yet, and asks for none"), (1, "it is in phase 1, which asks for none")],
)
async def test_nobody_approves_what_nobody_was_asked_for(phase: int, why: str) -> None:
    there = host(phase)
    with pytest.raises(Refused) as caught:
        await send(there.target, Order.APPROVE)
    assert caught.value.what == "release 2 waits for no approval"
    assert caught.value.why == why
    assert there.sent == []


async def test_an_approval_names_its_phase() -> None:
    there = host(2, leader=Holder(by="bob@ci", doing="deploy", since=0.0))
    said = await send(there.target, Order.APPROVE)
    assert there.sent == [(Order.APPROVE, 2, "ann@desk", 2)]
    assert said.follower and said.follower.by == "bob@ci"
    assert said.progress.phase == 2


@pytest.mark.parametrize("order", [order for order in Order if order is not Order.APPROVE])
async def test_every_other_order_is_taken_in_any_phase(order: Order) -> None:
    there = host(0)
    said = await send(there.target, order)
    assert there.sent == [(order, 2, "ann@desk", 0)]
    assert said.follower is None
    assert said.release.number == 2
