"""Probes of both revisions: what counts, what is no data, and that users' verdicts wait for none of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from fairway.conduct.probing import Prober
from fairway.model.errors import EngineError, FairwayError, GatewayError, JobFailed, MetricsError, Worse
from fairway.model.fleet import State
from fairway.model.judgement import Counts, JudgePolicy, Measure, Ruling
from fairway.model.orders import Order
from fairway.model.policy import HttpProbe, Job, Judging, Probe, PrometheusProbe
from fairway.model.release import Release, Revision
from fairway.model.steps import AwaitReady, Ensure, Hold, Step, Trial, Want
from fairway.ports import Ended
from tests.unit.conduct.driving import WEB, begin, deploy, one, until
from tests.unit.conduct.ports import House
from tests.unit.conduct.test_judging import counted, notes, opinions

pytestmark = pytest.mark.anyio

LONG = 3600.0
HTTP = Probe(http=HttpProbe(path="/selftest"), every=0.001)
JOB = Probe(job=Job(command=("./selftest",), timeout=9), every=0.001)
ALONE = JudgePolicy(compare=(Measure.PROBE,), limit_probe=0.1)
BOTH = JudgePolicy(compare=(Measure.ERRORS, Measure.PROBE), limit_errors=0.01, limit_probe=0.1)


async def on_its_way(house: House) -> Release:
    """Release 2, beside the two replicas of release 1."""
    await deploy(house, {"web": WEB})
    release = house.world.propose({"web": replace(WEB, version=2)})
    for known in (house.events, house.calls, house.traffic.asked):
        known.clear()
    return release


def steps(house: House, release: Release, probe: Probe, policy: JudgePolicy = ALONE) -> tuple[Step, ...]:
    """One new replica, and a phase in which both revisions are probed."""
    new, old = release.revisions["web"], house.world.releases[0].revisions["web"]
    judging = Judging(every=0.001, max_hold=LONG, policy=policy, probe=probe)
    trial, wants = Trial(new=new, old=old, judging=judging), (Want(new, 1),)
    return Ensure(wants), AwaitReady(wants), Hold(0.0, wants, "phase", trials=(trial,), phase=1)


def fails(house: House, release: Release, revision: str, status: int | None = 500) -> None:
    """What every replica of a revision answers from now on."""
    for replica in house.world.replicas.values():
        if replica.revision.name == revision:
            house.traffic.answers[replica.address] = status


async def test_every_replica_of_both_revisions_is_asked(house: House) -> None:
    release = await on_its_way(house)
    outcomes, _ = await one(house, release, *steps(house, release, HTTP))
    assert outcomes[-1].ok
    asked = {point.address for point, path, host in house.traffic.asked if (path, host) == ("/selftest", "web.test")}
    assert asked == {replica.address for replica in house.world.replicas.values()}
    said = opinions(house)[-1]
    assert said.ruling is Ruling.PASS
    assert said.new.probes * 2 == said.old.probes
    assert (said.new.requests, said.new.failed, said.old.failed) == (0, 0, 0)


@pytest.mark.parametrize("status", [None, 500, 404, 302])
async def test_a_probe_that_fails_leads_back(house: House, status: int | None) -> None:
    release = await on_its_way(house)
    house.engine.on_start = lambda replica: house.traffic.answers.update({replica.address: status})
    outcomes, _ = await one(house, release, *steps(house, release, HTTP))
    error = outcomes[-1].error
    assert isinstance(error, Worse)
    assert "failed probes: 100 %" in error.why


async def test_another_status_may_be_the_one_that_is_a_pass(house: House) -> None:
    release = await on_its_way(house)
    house.engine.on_start = lambda replica: house.traffic.answers.update({replica.address: 418})
    fails(house, release, "web-r1", 418)
    probe = replace(HTTP, http=HttpProbe(path="/selftest", status=418))
    outcomes, _ = await one(house, release, *steps(house, release, probe))
    assert outcomes[-1].ok


async def test_a_replica_that_nobody_is_sent_to_is_not_asked(house: House) -> None:
    release = await on_its_way(house)
    ill = house.world.fleet.of(house.world.releases[0].revisions["web"])[0]
    house.world.change(ill, state=State.EXITED, exit_code=1)
    await one(house, release, *steps(house, release, HTTP))
    assert ill.address not in {point.address for point, _, _ in house.traffic.asked}
    said = opinions(house)[-1]
    assert said.new.probes == said.old.probes


async def test_a_gateway_that_cannot_ask_is_no_verdict_and_is_told_once(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.probe_fails = GatewayError("the gateway is gone")
    running = begin(house, release, *steps(house, release, HTTP))
    await until(lambda: len(opinions(house)) >= 10)
    assert {said.ruling for said in opinions(house)} == {Ruling.HOLD}
    assert notes(house) == ["the probe of web-r2 has no result: the gateway is gone"]
    house.traffic.probe_fails = None
    assert (await running.end())[-1].ok


async def test_what_users_meet_is_judged_though_the_probe_has_nothing_to_say(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(20, 2)
    house.traffic.probe_fails = GatewayError("the gateway is gone")
    outcomes, _ = await one(house, release, *steps(house, release, HTTP, BOTH))
    error = outcomes[-1].error
    assert isinstance(error, Worse)
    assert error.why.startswith("errors: 10 %")


async def test_probes_are_judged_though_the_gateway_does_not_tell_its_counts(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.mute = True
    house.engine.on_start = lambda replica: house.traffic.answers.update({replica.address: 500})
    outcomes, _ = await one(house, release, *steps(house, release, HTTP, BOTH))
    assert isinstance(outcomes[-1].error, Worse)


async def test_a_job_that_takes_long_keeps_no_verdict_waiting(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(20, 2)
    house.engine.job_takes = LONG
    outcomes, _ = await one(house, release, *steps(house, release, JOB, BOTH))
    assert isinstance(outcomes[-1].error, Worse)
    assert sorted(house.engine.left_off) == ["probe-web-r1", "probe-web-r2"]


@dataclass
class Ran:
    """An engine's run_once that remembers all that it was told; `ends` are by revision."""

    ends: dict[str, Ended | FairwayError] = field(default_factory=dict)
    told: list[tuple[Release, str, str, dict[str, str], dict[str, bytes]]] = field(default_factory=list)

    async def run_once(
        self,
        release: Release,
        revision: Revision,
        name: str,
        job: Job,
        *,
        environment: Mapping[str, str],
        secrets: Mapping[str, bytes],
        host: str = "",
    ) -> Ended:
        self.told.append((release, revision.name, name, dict(environment), dict(secrets)))
        await asyncio.sleep(0)
        ended = self.ends.get(revision.name, Ended(0))
        if isinstance(ended, FairwayError):
            raise ended
        return ended


@pytest.fixture
def ran(house: House, monkeypatch: pytest.MonkeyPatch) -> Ran:
    made = Ran()
    monkeypatch.setattr(house.engine, "run_once", made.run_once)
    return made


async def test_a_job_runs_in_a_container_of_each_revision_as_its_own_release_has_it(house: House, ran: Ran) -> None:
    release = await on_its_way(house)
    first = replace(house.world.releases[0], secrets={"same": "1", "other": "1"})
    release = replace(release, secrets={"same": "1", "other": "2"})
    house.world.releases[:] = [first, release]
    conductor = house.conductor(release)
    conductor.secrets = {"same": b"s", "other": b"o"}
    outcomes, _ = await one(house, release, *steps(house, release, JOB), conductor=conductor)
    assert outcomes[-1].ok
    by_name = {name: (made, environment, secrets) for made, name, _, environment, secrets in ran.told}
    for name, image, secrets in (("web-r1", "web:1", {"same"}), ("web-r2", "web:2", {"same", "other"})):
        made, environment, told = by_name[name]
        assert made.app.services["web"].stop_grace_period == 0
        assert (made.number, made.images["web"].reference, told.keys()) == (2, image, secrets)
        addresses = {replica.address for replica in house.world.replicas.values() if replica.revision.name == name}
        assert environment["FAIRWAY_PREVIEW_URL"] in {f"http://{address}:80" for address in addresses}
        assert (environment["FAIRWAY_RELEASE"], environment["FAIRWAY_REVISION"]) == ("2", name)
    assert {job for _, _, job, _, _ in ran.told} == {"probe-web-r1", "probe-web-r2"}


async def test_a_job_that_fails_or_does_not_end_has_failed(house: House, ran: Ran) -> None:
    release = await on_its_way(house)
    for ended in (Ended(3), JobFailed("it did not end")):
        ran.ends["web-r2"] = ended
        outcomes, _ = await one(house, release, *steps(house, release, JOB))
        assert isinstance(outcomes[-1].error, Worse)
    ran.ends["web-r1"] = ran.ends["web-r2"]
    running = begin(house, release, *steps(house, release, JOB))
    await until(lambda: bool(opinions(house)) and opinions(house)[-1].new.failed >= 30)
    assert opinions(house)[-1].ruling is Ruling.HOLD, "what fails of both is not the new one's fault"
    running.say(Order.ABORT)
    await running.end()


@pytest.mark.parametrize("name", ["web-r1", "web-r2"])
async def test_an_engine_that_cannot_run_a_job_is_no_verdict(house: House, ran: Ran, name: str) -> None:
    """Of neither: the same seconds are what is compared."""
    release = await on_its_way(house)
    ran.ends = {"web-r1": Ended(1), "web-r2": Ended(1), name: EngineError("no space left on device")}
    running = begin(house, release, *steps(house, release, JOB))
    await until(lambda: len(opinions(house)) >= 10)
    assert opinions(house)[-1].new == opinions(house)[-1].old == Counts()
    assert notes(house) == ["the probe of web-r2 has no result: no space left on device"]
    running.say(Order.PROMOTE)
    assert (await running.end())[-1].ok


@dataclass
class Counting:
    """What a Prometheus says at each look, good and bad of the new revision and then of the old one; the last for ever."""

    looks: Sequence[Sequence[float] | FairwayError]
    asked: list[Sequence[str]] = field(default_factory=list)

    async def values(self, url: str, queries: Sequence[str]) -> list[float]:
        self.asked.append(queries)
        await asyncio.sleep(0)
        said = self.looks[min(len(self.asked), len(self.looks)) - 1]
        if isinstance(said, FairwayError):
            raise said
        return list(said)


PROMETHEUS = Probe(
    prometheus=PrometheusProbe(url="http://p:9090", good='good{r="{revision}"}', bad='bad{r="{revision}"}'), every=0.001
)


async def looked(house: House, counting: Counting) -> tuple[Counts, Counts]:
    """What the looks come to."""
    release = await on_its_way(house)
    conductor = house.conductor(release)
    conductor.metrics = counting
    running = begin(house, release, *steps(house, release, PROMETHEUS), conductor=conductor)
    await until(lambda: len(counting.asked) > len(counting.looks) + 2 and bool(opinions(house)))
    seen = len(opinions(house))
    await until(lambda: len(opinions(house)) > seen)
    running.say(Order.ABORT)
    await running.end()
    said = opinions(house)[-1]
    return said.new, said.old


async def test_what_counts_is_how_much_the_counts_have_grown(house: House) -> None:
    counting = Counting([(100, 7, 900, 70), (110, 8, 1000, 71), (130, 8, 1100.0, 75)])
    new, old = await looked(house, counting)
    assert (new.probes, new.failed, old.probes, old.failed) == (31, 1, 205, 5)
    assert counting.asked[0] == ['good{r="web-r2"}', 'bad{r="web-r2"}', 'good{r="web-r1"}', 'bad{r="web-r1"}']


@pytest.mark.parametrize("between", [MetricsError("no Prometheus answers"), (0, 0, 910, 70)])
async def test_what_happens_in_an_outage_or_at_a_restart_belongs_to_no_tick(
    house: House, between: Sequence[float] | FairwayError
) -> None:
    after = (1, 50, 2000, 71) if not isinstance(between, FairwayError) else (500, 500, 2000, 80)
    last = tuple(value + 1 for value in after)
    new, old = await looked(house, Counting([(100, 7, 900, 70), between, after, last]))
    if isinstance(between, FairwayError):
        assert (new.probes, new.failed, old.probes, old.failed) == (2, 1, 2, 1)
    else:
        assert (new.probes, new.failed, old.probes, old.failed) == (53, 51, 1093, 2)


async def test_without_anybody_to_ask_there_is_no_verdict(house: House) -> None:
    release = await on_its_way(house)
    house.traffic.counted = counted(0, 0, requests=0)
    running = begin(house, release, *steps(house, release, PROMETHEUS))
    await until(lambda: len(opinions(house)) >= 5)
    assert opinions(house)[-1].missing == ("the first results of the probe",)
    running.say(Order.PROMOTE)
    assert (await running.end())[-1].ok


async def test_a_prober_goes_on_for_as_long_as_it_is_let_and_gives_each_result_once() -> None:
    rounds = 0

    async def ask() -> tuple[Counts, Counts]:
        nonlocal rounds
        rounds += 1
        return Counts(probes=1), Counts(probes=2)

    prober = Prober(ask, 0.0)
    task = asyncio.create_task(prober.go_on())
    taken = Counts()
    while rounds < 20:
        await asyncio.sleep(0)
        taken += (prober.take() or (Counts(), Counts()))[0]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    taken += (prober.take() or (Counts(), Counts()))[0]
    assert taken.probes == rounds
    assert prober.take() is None
