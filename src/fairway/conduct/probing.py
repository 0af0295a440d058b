"""Asks both revisions what neither users nor the gateway tell, at the same time: what has come of it is for the judge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct
from msgspec.structs import replace

from fairway.conduct.jobs import Jobs, described
from fairway.conduct.routing import endpoint, ports
from fairway.model.errors import EngineError, FairwayError, JobFailed
from fairway.model.fleet import Replica
from fairway.model.judgement import Counts
from fairway.model.policy import HttpProbe, Job, Probe, PrometheusProbe
from fairway.model.release import Release, Revision
from fairway.model.routes import Endpoint
from fairway.model.steps import Trial
from fairway.ports import Metrics, Traffic

Pair = tuple[Counts, Counts]
"""What the new revision answered, and the old one."""


class Prober:
    """One probe of one trial. A round of questions goes to both revisions; where a part of it fails, all of it is no data."""

    def __init__(self, ask: Callable[[], Awaitable[Pair | None]], every: float) -> None:
        self._ask = ask
        self._every = every
        self._found: Pair | None = None
        self.trouble = ""
        """Why the last round was no data; empty where it was."""

    async def go_on(self) -> None:
        """Until it is cancelled. It has a time of its own: a job that takes long keeps no tick of the judge waiting."""
        while True:
            began = time.monotonic()
            try:
                found, self.trouble = await self._ask(), ""
            except FairwayError as error:
                found, self.trouble = None, f"{error.what}{f': {error.why}' if error.why else ''}"
            if found:
                known = self._found or (Counts(), Counts())
                self._found = (known[0] + found[0], known[1] + found[1])
            await asyncio.sleep(max(0.0, self._every - (time.monotonic() - began)))

    def take(self) -> Pair | None:
        """What has come since this was asked last."""
        found, self._found = self._found, None
        return found


class Reach(Struct, frozen=True):
    """What probes are asked through: a probe that is a job runs as one of `jobs`."""

    jobs: Jobs
    traffic: Traffic
    metrics: Metrics | None

    def prober(self, trial: Trial) -> Prober | None:
        probe = trial.judging.probe
        return Prober(self._asking(trial, probe), probe.every) if probe else None

    def _asking(self, trial: Trial, probe: Probe) -> Callable[[], Awaitable[Pair | None]]:
        if probe.http:
            http = probe.http
            return lambda: self._both(trial, lambda revision: self._get(revision, http))
        if probe.job:
            job = probe.job
            return lambda: self._both(trial, lambda revision: self._run(revision, job))
        assert probe.prometheus
        return _Growth(self.metrics, trial, probe.prometheus).ask

    async def _both(self, trial: Trial, ask: Callable[[Revision], Awaitable[Counts]]) -> Pair:
        new, old = await asyncio.gather(ask(trial.new), ask(trial.old), return_exceptions=True)
        for answer in (new, old):
            if isinstance(answer, BaseException):
                raise answer
        assert isinstance(new, Counts) and isinstance(old, Counts)
        return new, old

    async def _get(self, revision: Revision, asked: HttpProbe) -> Counts:
        """Of each replica. Whoever does not answer in time has failed; a gateway that cannot ask raises GatewayError."""
        route = self.jobs.release.policy(revision.service).route
        host = next((host for host in (route.hosts if route else ()) if "*" not in host), "")
        answers = await asyncio.gather(
            *(
                self.traffic.probe(point, asked.path, host=host, timeout=asked.timeout)
                for point in await self._endpoints(revision)
            )
        )
        return Counts(probes=len(answers), failed=sum(not _good(status, asked.status) for status in answers))

    async def _run(self, revision: Revision, job: Job) -> Counts:
        """In a container of the revision, as its own release describes it; it is one of the jobs of this one.

        None is a container beside that of the last time: another number in its environment makes it another job, which
        takes its place.
        """
        points = await self._endpoints(revision)
        if not points:
            raise EngineError(f"no replica of {revision} is ready to be probed")
        jobs = self.jobs
        made, secrets = described(revision, jobs.release, jobs.before, jobs.secrets)
        made = _hurried(made, revision.service)
        told = {
            "FAIRWAY_RELEASE": str(jobs.release.number),
            "FAIRWAY_REVISION": revision.name,
            "FAIRWAY_PREVIEW_URL": f"http://{points[0].address}:{points[0].port}",
            "FAIRWAY_PROBE": str(time.time_ns() // 1_000_000),
        }
        try:
            ended = await jobs.engine.run_once(
                made, revision, f"probe-{revision}", job, environment=told, secrets=secrets, host=points[0].host
            )
        except JobFailed:
            return Counts(probes=1, failed=1)
        return Counts(probes=1, failed=int(ended.exit_code != 0))

    async def _endpoints(self, revision: Revision) -> list[Endpoint]:
        """Of the replicas that get requests, or could: where the gateway has given up on one, no user meets it."""
        fleet = await self.jobs.engine.observe()
        port = ports(*self.jobs.before, self.jobs.release).get(revision.name, 80)
        return [endpoint(replica, port) for replica in fleet.of(revision) if self._able(replica)]

    def _able(self, replica: Replica) -> bool:
        return replica.id in self.jobs.ready and replica.alive and bool(replica.address)


def _hurried(release: Release, service: str) -> Release:
    """A verdict on what users meet does not wait until a probe has ended well: whoever leaves it off kills it."""
    spec = replace(release.app.services[service], stop_grace_period=0.0)
    return replace(release, app=replace(release.app, services={**release.app.services, service: spec}))


class _Growth:
    """How much the counts of a Prometheus have grown from one look to the next, for both revisions."""

    def __init__(self, metrics: Metrics | None, trial: Trial, asked: PrometheusProbe) -> None:
        self._metrics = metrics
        self._asked = asked
        self._names = (trial.new.name, trial.old.name)
        self._before: list[float] | None = None

    async def ask(self) -> Pair | None:
        """The first look gives nothing to compare, and neither does one after which a count began anew."""
        if self._metrics is None:
            return None
        try:
            values = await self._metrics.values(self._asked.url, self._queries())
        except FairwayError:
            self._before = None  # what has happened meanwhile belongs to no tick
            raise
        before, self._before = self._before, values
        if before is None:
            return None
        grown = [int(now) - int(then) for now, then in zip(values, before, strict=True)]
        if min(grown) < 0:
            return None
        new_good, new_bad, old_good, old_bad = grown
        return Counts(probes=new_good + new_bad, failed=new_bad), Counts(probes=old_good + old_bad, failed=old_bad)

    def _queries(self) -> list[str]:
        """Good and bad of the new revision, then of the old one."""
        said = (self._asked.good, self._asked.bad)
        return [query.replace("{revision}", name) for name in self._names for query in said]


def _good(status: int | None, exact: int | None) -> bool:
    if not status:
        return False
    return status == exact if exact else 200 <= status < 300
