"""Certificates in the story of a release: nobody is sent to a name that has none, and what serves never suffers."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.flows.certificates_known import overview
from fairway.flows.renew import renew
from fairway.model.errors import Partial, ReleaseFailed, Uncertified
from fairway.model.events import Note
from fairway.model.issuance import Window
from tests.unit.flows.authority import DAY, Town, gone
from tests.unit.flows.deployers import Killed
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec

pytestmark = pytest.mark.anyio

WEB, API = Spec(routed=True), Spec(routed=True)


@pytest.fixture
def town(place: Place) -> Town:
    made = Town()
    place.certifying = made.certifying()
    return made


def later(place: Place, town: Town, days: float) -> None:
    place.later = days * DAY
    town.clock = place.target().seconds


def warnings(place: Place) -> list[str]:
    return [event.text for event in place.house.events if isinstance(event, Note) and event.level == "warning"]


async def test_a_certificate_is_shown_before_traffic_and_asked_for_once(place: Place, town: Town) -> None:
    later(place, town, 0)
    await place.deploy({"web": WEB})
    assert town.names == ["web.test"]
    assert town.answering == {}
    asked = len(town.seen)
    await place.deploy({"web": replace(WEB, version=2)})
    await place.deploy({"web": replace(WEB, version=2)})
    await place.reconciling().end()
    assert [one for one in town.seen[asked:] if one != "window"] == []
    assert (await overview(place.target())).problems == ()


async def test_a_name_without_a_certificate_gets_no_users(place: Place, town: Town) -> None:
    later(place, town, 0)
    await place.deploy({"web": WEB})
    town.refuses["api.test"] = town.refused()
    failed = await place.deploying({"web": WEB, "api": API}).fails()
    assert isinstance(failed, ReleaseFailed)
    assert isinstance(failed.__cause__, Uncertified)
    assert [str(one) for one in failed.__cause__.problems] == ["api.test: it is not reached: connection refused"]
    assert place.shares("web") == {"web-r1": 1}
    assert town.answering == {}
    del town.refuses["api.test"]
    await place.deploy({"web": WEB, "api": API})
    assert sorted(town.names) == ["api.test", "web.test"]
    assert town.kept.failures == ()


async def test_where_plain_http_will_do_it_is_served_and_said(place: Place, town: Town) -> None:
    town.required = False
    place.certifying = town.certifying()
    town.refuses["web.test"] = town.refused()
    assert isinstance(await place.deploying({"web": WEB}).fails(), Partial)
    assert place.outcome(1) == "promoted"
    assert town.shows.plain == ("web.test",)


async def test_one_that_fails_stops_no_other_and_is_told_at_once(place: Place, town: Town) -> None:
    await place.deploy({"web": replace(WEB, routed=False)})
    for name in ("a", "b"):
        town.refuses[f"{name}.test"] = town.refused()
    failed = await place.deploying(dict.fromkeys(("a", "b", "c"), WEB)).fails()
    assert isinstance(failed.__cause__, Uncertified)
    assert [one.where for one in failed.__cause__.problems] == ["a.test", "b.test"]
    assert [one.names for one in town.kept.issued] == [("c.test",)]


async def test_a_renewal_that_fails_harms_no_deployment(place: Place, town: Town) -> None:
    later(place, town, 0)
    await place.deploy({"web": WEB})
    later(place, town, 61)
    town.refuses["account"] = town.refused("silent")
    await place.deploy({"web": replace(WEB, version=2)})
    assert place.outcome(2) == "promoted"
    assert any("counts until" in text and "was not renewed: it is not reached" in text for text in warnings(place))
    assert town.names == ["web.test"]
    await place.reconciling().end()
    assert town.seen.count("account") == 2, "it rests"
    later(place, town, 80)
    assert any("ends in 10 days: it is not reached" in one for one in (await overview(place.target())).problems)
    del town.refuses["account"]
    await place.reconciling().end()
    assert (await overview(place.target())).known[0].ends == town.clock + 90 * DAY


async def test_what_has_ended_is_got_again_and_what_users_have_goes_on_meanwhile(place: Place, town: Town) -> None:
    later(place, town, 0)
    await place.deploy({"web": WEB})
    later(place, town, 91)
    town.refuses["web.test"] = town.refused()
    await place.deploying({"web": replace(WEB, version=2)}).end()
    assert place.outcome(2) == "promoted", "its users have had the old certificate all along"
    assert any("has ended" in one for one in (await overview(place.target())).problems)


async def test_who_goes_back_waits_for_no_certificate(place: Place, town: Town) -> None:
    place.certifying = None
    await place.deploy({"web": WEB, "api": API})
    await place.deploy({"web": WEB})
    place.certifying = town.certifying()
    town.refuses["api.test"] = town.refused()
    await place.going_back(1).end()
    assert place.shares("api")
    assert town.shows.plain == ("api.test",)
    assert any("no certificate for api.test" in text for text in warnings(place))


async def test_who_is_killed_is_followed_by_one_who_goes_on(place: Place, town: Town) -> None:
    later(place, town, 0)
    town.refuses["download"] = Killed()
    with pytest.raises(BaseException):  # noqa: B017
        await place.deploying({"web": WEB}).end()
    assert len(town.orders) == 1
    del town.refuses["download"]
    place.leader = None
    await place.deploy({"web": WEB})
    assert len(town.orders) == 1, "the same order"
    assert town.names == ["web.test"]
    assert town.answering == {}


async def test_edges_that_do_not_answer_fail_the_release_and_no_renewal(place: Place, town: Town) -> None:
    later(place, town, 0)
    town.edges_fail = gone()
    assert isinstance(await place.deploying({"web": WEB}).fails(), ReleaseFailed)
    town.edges_fail = None
    await place.deploy({"web": WEB})
    later(place, town, 70)
    town.edges_fail = gone()
    await place.deploy({"web": replace(WEB, version=2)})
    assert any("were not looked after: the gateway does not answer" in text for text in warnings(place))


async def test_an_authority_that_wants_a_renewal_gets_it(place: Place, town: Town) -> None:
    later(place, town, 0)
    await place.deploy({"web": WEB})
    now = town.clock
    town.when = Window(start=now + DAY, end=now + DAY, again=now + DAY / 4)
    asked = town.seen.count("window")
    await place.reconciling().end()
    assert town.seen.count("window") == asked, "it has said nothing of renewals a moment ago: it is left alone"
    later(place, town, 2)
    await place.reconciling().end()
    assert town.kept.issued[0].begins == town.clock
    assert len(town.orders) == 2


async def test_renewals_by_hand(place: Place, town: Town) -> None:
    later(place, town, 0)
    await place.deploy({"web": WEB, "api": API})
    target = place.target()
    assert (await renew(target, (), place.house.events.append)).had == ()
    assert [one.names for one in (await renew(target, ["web.test"], place.house.events.append)).had] == [("web.test",)]
    town.refuses["api.test"] = town.refused("rateLimited", wait=3600)
    with pytest.raises(Partial):
        await renew(target, (), place.house.events.append, every=True)
    with pytest.raises(Uncertified) as caught:
        await renew(target, ["api.test"], place.house.events.append)
    assert "may be asked again after" in caught.value.problems[0].hint
    assert town.seen.count("order api.test") == 2, "it is not asked before that"
