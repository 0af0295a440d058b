"""The judge's court: what it makes of the gateway's counts, and of their absence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from fairway.conduct import journal
from fairway.model.errors import EngineError, Worse
from fairway.model.events import Judged, Note
from fairway.model.judgement import JudgePolicy, Opinion, Ruling, Scrape
from fairway.model.orders import Order
from fairway.model.policy import Judging
from fairway.model.release import Progress, Release, Revision
from fairway.model.steps import Hold, Trial, Want
from tests.unit.conduct.driving import WEB, begin, deploy, one, until
from tests.unit.conduct.ports import House

pytestmark = pytest.mark.anyio

LONG = 3600.0
QUICK = Judging(every=0.001, max_hold=LONG)


async def on_its_way(house: House, *services: str) -> Release:
    """Release 2 of these services, with one new replica each, beside release 1."""
    names = services or ("web",)
    await deploy(house, dict.fromkeys(names, WEB))
    release = house.world.propose(dict.fromkeys(names, replace(WEB, version=2)))
    for name in names:
        house.world.make(release.revisions[name], 1)
    house.events.clear()
    house.notes.clear()
    return release


def judged(release: Release, judging: Judging = QUICK, *, phase: int = 1) -> Hold:
    old = {name: replace(revision, release=1, digest="") for name, revision in release.revisions.items()}
    trials = tuple(Trial(new=new, old=old[name], judging=judging) for name, new in release.revisions.items())
    return Hold(0.0, tuple(Want(trial.new, 1) for trial in trials), "phase", trials=trials, phase=phase)


def counted(new: int, old: int, *, requests: int = 200) -> Callable[[Revision, int], Scrape]:
    """So many of the requests of each tick fail on the new side, and on the old one."""

    def scrape(revision: Revision, number: int) -> Scrape:
        bad = new if revision.release > 1 else old
        good = requests - bad
        counters = {"upstream_rq_2xx": good, "upstream_rq_5xx": bad, "upstream_rq_total": requests}
        return Scrape({name: count * number for name, count in counters.items()})

    return scrape


def opinions(house: House) -> list[Opinion]:
    return [event.opinion for event in house.events if isinstance(event, Judged)]


def notes(house: House) -> list[str]:
    return [event.text for event in house.events if isinstance(event, Note)]


async def test_a_pass_lets_it_go_long_before_its_time_is_over(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(3, 3)
    outcomes, _ = await one(house, release, judged(release))
    assert outcomes[0].ok
    assert [said.ruling for said in opinions(house)][-2:] == [Ruling.HOLD, Ruling.PASS]


async def test_a_pass_does_not_shorten_a_hold(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(3, 3)
    running = begin(house, release, replace(judged(release), seconds=LONG))
    await until(lambda: any(said.ruling is Ruling.PASS for said in opinions(house)))
    assert await running.goes_on()
    running.say(Order.ABORT)
    await running.end()


async def test_what_is_worse_fails_with_the_figures(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(20, 2)
    outcomes, _ = await one(house, release, replace(judged(release), seconds=LONG))
    assert isinstance(outcomes[0].error, Worse)
    assert outcomes[0].error.what == "web-r2 is worse than it may be"
    assert "errors: 10 %, more than 1.2 times the old revision's 1 %" in outcomes[0].error.why
    assert house.notes[-1].evidence["web"] == opinions(house)[-1]
    assert opinions(house)[-1].ruling is Ruling.ABORT


async def test_an_outage_of_the_counts_is_no_verdict_and_no_failure(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.mute = True
    house.traffic.counted = counted(3, 3)
    running = begin(house, release, judged(release))
    await until(lambda: len(opinions(house)) >= 5)
    assert {said.ruling for said in opinions(house)} == {Ruling.HOLD}
    assert opinions(house)[-1].missing == ("data: none in 5 ticks",)
    assert not running.task.done()
    house.traffic.mute = False
    assert (await running.end())[0].ok


async def test_a_revision_that_the_gateway_does_not_know_is_no_data(house: House) -> None:
    release = await on_its_way(house)
    known = counted(3, 3)
    house.traffic.counted = lambda revision, number: known(revision, number) if revision.release == 1 else None
    running = begin(house, release, judged(release))
    await until(lambda: len(opinions(house)) >= 3)
    assert opinions(house)[-1].new.requests == 0
    running.say(Order.ABORT)
    await running.end()


@pytest.mark.parametrize("mute", [True, False])
async def test_without_a_verdict_in_time_somebody_has_to_decide(house: House, mute: bool) -> None:
    release = await on_its_way(house)
    house.traffic.mute = mute
    house.traffic.counted = counted(0, 0, requests=1)
    running = begin(house, release, judged(release, replace(QUICK, max_hold=0.005)))
    await until(lambda: len(opinions(house)) >= 20)
    assert await running.goes_on()
    (told,) = notes(house)
    assert told.startswith("no verdict on web-r2 after 0 s: somebody has to decide")
    running.say(Order.PROMOTE)
    assert (await running.end())[0].ok


async def test_without_a_verdict_in_time_it_passes_where_that_is_said(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.mute = True
    outcomes, _ = await one(house, release, judged(release, replace(QUICK, max_hold=0.005, no_data="pass")))
    assert outcomes[0].ok
    assert opinions(house)[-1].ruling is Ruling.HOLD


async def test_without_a_verdict_in_time_it_is_aborted_where_that_is_said(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.mute = True
    outcomes, _ = await one(house, release, judged(release, replace(QUICK, max_hold=0.005, no_data="abort")))
    assert isinstance(outcomes[0].error, Worse)
    assert "has no verdict after" in outcomes[0].error.what
    assert outcomes[0].error.why.startswith("data: none in")


async def test_two_phases_share_no_evidence(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(3, 3)
    outcomes, _ = await one(house, release, judged(release, phase=1), judged(release, phase=2))
    assert all(outcome.ok for outcome in outcomes)
    requests = [said.new.requests for said in opinions(house)]
    began = requests.index(200, 1)
    assert requests[:began] == [200 * tick for tick in range(1, began + 1)]
    assert requests[began:] == [200 * tick for tick in range(1, len(requests) - began + 1)]
    entered = next(note for note in house.notes if note.phase == 2)
    assert entered.evidence == {}


async def test_all_services_that_are_judged_have_to_pass(house: House) -> None:
    release = await on_its_way(house, "api", "web")
    fine, silent = counted(3, 3), counted(0, 0, requests=0)
    house.traffic.counted = lambda revision, number: (fine if revision.service == "api" else silent)(revision, number)
    running = begin(house, release, judged(release))
    await until(lambda: sum(said.ruling is Ruling.PASS for said in opinions(house)) >= 3)
    assert await running.goes_on()
    assert set(house.notes[-1].evidence) == {"api", "web"}
    running.say(Order.ABORT)
    await running.end()


async def test_evidence_that_cannot_be_kept_does_not_stop_the_rollout(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(3, 3)
    house.unwritable = EngineError("no space left on device")
    outcomes, _ = await one(house, release, judged(release))
    assert outcomes[0].ok
    assert opinions(house)[-1].ruling is Ruling.PASS


async def test_a_verdict_does_not_wait_for_a_ledger_that_says_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PATIENCE", 0.001)
    release = await on_its_way(house)
    house.traffic.counted = counted(20, 2)
    conductor = house.conductor(release)

    async def stuck(progress: Progress) -> None:
        if progress.evidence:
            await asyncio.Event().wait()

    conductor.journal.write = stuck
    outcomes, _ = await one(house, release, judged(release), conductor=conductor)
    assert isinstance(outcomes[0].error, Worse)


async def test_limits_alone_are_enough_where_nothing_old_is_left(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(0, 0)
    limited = Judging(every=0.001, max_hold=LONG, policy=JudgePolicy(compare=(), limit_errors=0.05))
    outcomes, _ = await one(house, release, judged(release, limited))
    assert outcomes[0].ok
