"""Jobs of a release, and routing tables in parts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.conduct.jobs import Jobs
from fairway.model.errors import Aborted, JobFailed
from fairway.model.fleet import State
from fairway.model.orders import Order
from fairway.model.policy import Job
from fairway.model.release import Progress
from fairway.model.routes import Steering
from fairway.model.steps import AwaitReady, Ensure, RunOnce, Shift, Want
from fairway.ports import Ended
from tests.unit.conduct.driving import WEB, begin, deploy, one
from tests.unit.conduct.ports import House, shown
from tests.unit.rollout.parts import Spec

pytestmark = pytest.mark.anyio

SMOKE = Job(command=("python", "-m", "smoke"))


def job(house: House, name: str, *, once: bool = True, service: str = "web") -> RunOnce:
    revision = house.world.releases[-1].revisions[service]
    return RunOnce(name=name, revision=revision, job=SMOKE, key=name if once else "")


def runs(house: House) -> list[str]:
    return [call for call in house.calls if call.startswith("run ")]


async def test_a_job_is_run_once_a_release_and_that_is_noted(house: House) -> None:
    release = house.world.propose({"web": WEB})
    step = job(house, "before-web-r1")
    for _ in range(2):
        outcomes, _ = await one(house, release, step, step)
        assert all(outcome.ok for outcome in outcomes)
        house.world.progress[1] = house.notes[-1]
    assert house.notes[-1].done == ("before-web-r1",)
    # A second deployer is told by the course, which the flow gives to the journal.
    conductor = house.conductor(release)
    conductor.journal.done = house.world.course(release).done
    house.calls.clear()
    await one(house, release, step, conductor=conductor)
    assert runs(house) == []


async def test_a_job_that_fails_fails_the_release_with_what_it_said(house: House) -> None:
    release = house.world.propose({"web": WEB})
    house.engine.ends["before"] = Ended(3, "ERROR: relation exists")
    outcomes, conductor = await one(house, release, job(house, "before-web-r1"))
    assert isinstance(outcomes[0].error, JobFailed)
    assert outcomes[0].error.what == "before-web-r1 ended with exit status 3: python -m smoke"
    assert outcomes[0].error.why == "ERROR: relation exists"
    assert conductor.journal.done == frozenset()
    assert house.notes == []


async def test_a_check_finds_the_new_revision_where_it_answers(house: House) -> None:
    await deploy(house, {"web": WEB})
    release = house.world.propose({"web": replace(WEB, version=2)})
    web = release.revisions["web"]
    new = (Want(web, 2),)
    await one(house, release, Ensure(new), AwaitReady(new), job(house, "check-1-web-r2", once=False))
    first = house.world.fleet.of(web)[0]
    assert house.engine.told == {
        "FAIRWAY_RELEASE": "2",
        "FAIRWAY_REVISION": "web-r2",
        "FAIRWAY_PREVIEW_URL": f"http://{first.address}:80",
    }
    house.world.change(first, state=State.EXITED, exit_code=1)
    house.engine.on_start = lambda replica: None
    second = house.world.fleet.of(web)[1]
    await Jobs(house.engine, release, (), {}, {first.id, second.id}).run(job(house, "x", once=False), "x")
    assert house.engine.told["FAIRWAY_PREVIEW_URL"] == f"http://{second.address}:80"


async def test_before_any_replica_there_is_nowhere_to_ask_and_neither_is_there_without_a_route(house: House) -> None:
    release = house.world.propose({"web": WEB, "worker": Spec()})
    worker = (Want(release.revisions["worker"], 1),)
    start = (Ensure(worker), AwaitReady(worker))
    await one(house, release, *start, job(house, "before-worker-r1", service="worker"))
    assert house.engine.told == {"FAIRWAY_RELEASE": "1", "FAIRWAY_REVISION": "worker-r1"}
    await one(house, release, job(house, "before-web-r1"))
    assert house.engine.told == {"FAIRWAY_RELEASE": "1", "FAIRWAY_REVISION": "web-r1"}


async def test_a_check_is_run_anew_each_time_under_another_name(house: House) -> None:
    release = house.world.propose({"web": WEB})
    check = job(house, "check-1-web-r1", once=False)
    house.engine.job_takes = 0.002
    await one(house, release, check, check)
    assert len(set(runs(house))) == 2
    assert all(run.startswith("run check-1-web-r1-") for run in runs(house))
    assert house.notes == []


async def test_promote_skips_checks_but_not_what_prepares_the_database(house: House) -> None:
    release = house.world.propose({"web": WEB})
    running = begin(house, release, job(house, "before-web-r1"), job(house, "check-1-web-r1", once=False))
    running.say(Order.PROMOTE)
    assert all(outcome.ok for outcome in await running.end())
    assert runs(house) == ["run before-web-r1"]


@pytest.mark.parametrize(("name", "once", "left"), [("check-1-web-r1", False, 1), ("before-web-r1", True, 0)])
async def test_promote_leaves_off_a_check_that_runs(house: House, name: str, once: bool, left: int) -> None:
    release = house.world.propose({"web": WEB})
    house.engine.job_takes = 0.05 if once else 3600
    running = begin(house, release, job(house, name, once=once))
    while not runs(house):
        await running.goes_on()
    running.say(Order.PROMOTE)
    assert (await running.end())[0].ok
    assert len(house.engine.left_off) == left


async def test_an_abort_leaves_off_a_job_that_runs(house: House) -> None:
    release = house.world.propose({"web": WEB})
    house.engine.job_takes = 3600
    running = begin(house, release, job(house, "before-web-r1"))
    assert await running.goes_on()
    running.say(Order.ABORT)
    assert isinstance((await running.end())[0].error, Aborted)
    assert house.engine.left_off == ["before-web-r1"]
    assert running.conductor.journal.progress == Progress()


async def test_a_service_that_is_not_named_keeps_its_traffic(house: House) -> None:
    """Its new replicas are ready and get nothing yet; what the new release no longer routes is still served."""
    await deploy(house, {"api": WEB, "gone": WEB, "web": WEB})
    release = house.world.propose({"api": replace(WEB, version=2), "web": replace(WEB, version=2)})
    new = tuple(Want(release.revisions[name], 2) for name in ("api", "web"))
    steering = {"web": Steering(revision="web-r2", preview="next.test")}
    shift = Shift({"web": {"web-r1": 9900, "web-r2": 100}}, steering, others=True)
    await one(house, release, Ensure(new), AwaitReady(new), shift)
    assert house.world.live and shown(house.world.live) == (
        "api: api-r1 2 [+ +]; gone: gone-r1 2 [+ +]; web: web-r1 9900 [+ +], web-r2 100 [+ +]"
    )
    assert [routed.steering for routed in house.world.live.services] == [None, None, steering["web"]]
    await one(house, release, Ensure(new), AwaitReady(new), Shift({"api": {"api-r2": 2}, "web": {"web-r2": 2}}))
    assert shown(house.world.live) == "api: api-r1 0 [+ +], api-r2 2 [+ +]; web: web-r1 0 [+ +], web-r2 2 [+ +]"
    assert [routed.steering for routed in house.world.live.services] == [None, None]
