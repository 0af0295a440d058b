"""What is said to whoever gives an order."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from fairway.cli.orders import report
from fairway.cli.promote import promote
from fairway.flows.orders import Ordered
from fairway.model.errors import UsageError
from fairway.model.orders import Order
from fairway.model.release import Progress
from fairway.ports import Holder
from tests.unit.rollout.parts import Spec, release

pytestmark = pytest.mark.anyio

BOB = Holder(by="bob@ci", doing="deploy", since=0)
LED = Ordered(release=release({"web": Spec()}), progress=Progress(phase=1, lease=BOB.key), follower=BOB)
ALONE = Ordered(release=LED.release, progress=Progress(), follower=None)


def test_who_will_follow_it(capsys: pytest.CaptureFixture[str]) -> None:
    report("production", Order.PAUSE, LED, json=False)
    assert capsys.readouterr().out == "pause: release 1 in production; bob@ci leads it, and has been told\n"


def test_a_lease_may_be_for_another_release(capsys: pytest.CaptureFixture[str]) -> None:
    assert LED.follower
    other = replace(LED.follower, since=1)
    report("production", Order.PAUSE, replace(LED, follower=other), json=False)
    assert capsys.readouterr().out == (
        "pause: release 1 in production; bob@ci holds the lease (deploy), and follows it where it leads this release\n"
    )


def test_that_nobody_will(capsys: pytest.CaptureFixture[str]) -> None:
    report("production", Order.APPROVE, ALONE, json=False)
    assert capsys.readouterr().out == (
        "approve: release 1 in production; nobody leads it: `fairway resume` goes on, `fairway abort` leads back\n"
    )


@pytest.mark.parametrize(("said", "follower"), [(LED, "bob@ci"), (ALONE, None)])
def test_as_json(said: Ordered, follower: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    report("production", Order.ABORT, said, json=True)
    told = json.loads(capsys.readouterr().out)
    assert told.pop("leads") is (follower is not None)
    assert told == {"environment": "production", "release": 1, "order": "abort", "follower": follower}


async def test_promote_wants_to_be_told_that_it_is_meant() -> None:
    with pytest.raises(UsageError) as caught:
        await promote()
    assert caught.value.hint.startswith(
        "`fairway promote staging production` takes images there; `fairway promote --now`"
    )
