"""Drives a strategy through the simulated world, and checks at every moment what no moment may break."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairway.model.errors import FairwayError
from fairway.model.fleet import Replica, State
from fairway.model.release import Release
from fairway.model.routes import Backend
from fairway.model.steps import Ensure, Outcome, Retire, Shift, Step, Verdict
from fairway.rollout.course import Course
from fairway.rollout.lead import lead
from fairway.rollout.moves import is_job
from tests.unit.rollout.world import Deployer, World


@dataclass
class Drive:
    """One deployer's run. It ends with a verdict, or with None where the deployer is killed within step `kill`."""

    world: World
    release: Release
    steps: list[Step] = field(default_factory=list)
    verdict: Verdict | None = None
    course: Course | None = None
    """That of the ledger, where it is None."""

    def run(self, *, kill: int | None = None, fail: int | None = None, half: bool = False) -> Drive:
        before = self.world.observe(self.release)
        deployer = Deployer(self.world, self.release, ready=set(before.serving))
        promised = _promised(self.world, self.release)
        walk = lead(before, self.release, self.course or self.world.course(self.release))
        try:
            step = next(walk)
            while True:
                self.steps.append(step)
                doomed = len(self.steps) - 1
                if doomed in (kill, fail):
                    if half:
                        deployer.half(step)
                    if doomed == kill:
                        return self
                    done = False
                else:
                    known = dict(self.world.replicas)
                    _check_before(self.world, self.release, step)
                    done = deployer.perform(step)
                    _check_after(self.world, self.release, step, known, promised)
                    if any(isinstance(taken, Shift) for taken in self.steps):
                        _check_load(self.world, self.release, promised)
                step = walk.send(Outcome() if done else Outcome(FairwayError("as told")))
        except StopIteration as end:
            self.verdict = end.value
        self.world.outcomes[self.release.number] = "promoted" if self.verdict is Verdict.PROMOTED else "failed"
        return self


def serving(world: World, service: str) -> list[Replica]:
    """Replicas that are ready and get requests."""
    points = {(b.revision, p.address) for b in weighted(world, service) for p in b.endpoints if not p.draining}
    return [
        replica
        for replica in world.replicas.values()
        if (replica.revision.name, replica.address) in points and replica.id in world.proven
    ]


def weighted(world: World, service: str) -> tuple[Backend, ...]:
    found = (routed for routed in (world.live.services if world.live else ()) if routed.service == service)
    return tuple(backend for routed in found for backend in routed.backends if backend.weight)


def _working(world: World, service: str) -> int:
    return sum(r.revision.service == service and r.up for r in world.replicas.values())


def _promised(world: World, release: Release) -> dict[str, tuple[bool, int]]:
    """By service, whether it is routed, and the capacity that must be there at every moment: as wanted, or as there was."""
    promised = {}
    for service in release.revisions:
        policy = release.policy(service)
        if policy.rollout.strategy == "recreate" or is_job(release, service):
            continue
        routed = bool(policy.route and weighted(world, service))
        if routed or not weighted(world, service):
            had = len(serving(world, service)) if routed else _working(world, service)
            promised[service] = (routed, min(release.replicas(service), had))
    return promised


def _check_before(world: World, release: Release, step: Step) -> None:
    if isinstance(step, Retire):
        known = (
            {(b.revision, p.address) for s in world.live.services for b in s.backends for p in b.endpoints}
            if world.live
            else set()
        )
        gone = [r for want in step.wants for r in world.fleet.of(want.revision)[want.replicas :]]
        assert not {(r.revision.name, r.address) for r in gone} & known, "stopped while the gateway still knew it"
        assert all(world.fleet.of(want.revision)[want.replicas :] for want in step.wants), "nothing to retire"


def _check_after(
    world: World, release: Release, step: Step, known: dict[str, Replica], promised: dict[str, tuple[bool, int]]
) -> None:
    for service, (routed, least) in promised.items():
        have = len(serving(world, service)) if routed else _working(world, service)
        assert have >= least, f"{service} has {have} of {least} after {step}"
    if isinstance(step, Shift):
        _check_shift(world, release, step)
    if isinstance(step, Ensure):
        _check_started(world, release, known)


def _check_load(world: World, release: Release, promised: dict[str, tuple[bool, int]]) -> None:
    """Of the load of all that are promised, no revision is sent more than it has replicas that serve.

    An old one that had lost a replica before keeps what it is given in a phase: nothing there could take it over.
    """
    for service, (routed, least) in promised.items():
        backends = weighted(world, service) if routed else ()
        able = serving(world, service)
        for backend in backends:
            if release.policy(service).rollout.steps and backend.revision != release.revisions[service].name:
                continue
            load = least * backend.weight / sum(other.weight for other in backends)
            ready = sum(replica.revision.name == backend.revision for replica in able)
            assert load <= ready, f"{backend.revision} has {ready} replicas for the load of {load}"


def _check_shift(world: World, release: Release, step: Shift) -> None:
    for routed in world.live.services if world.live else ():
        if step.others and routed.service not in step.weights:
            continue  # as it was
        backends = [backend for backend in routed.backends if backend.weight]
        wanted = routed.service in release.revisions and release.replicas(routed.service)
        assert backends or not wanted, "a routed service without traffic"
        for backend in backends:
            ids = {r.address: r.id for r in world.replicas.values() if r.revision.name == backend.revision}
            ready = [point for point in backend.endpoints if ids[point.address] in world.proven]
            assert len(ready) == len(backend.endpoints), "requests for a replica that is not ready"


def _check_started(world: World, release: Release, known: dict[str, Replica]) -> None:
    """What has been made just now had its dependencies, and, where it cannot run twice, the place to itself."""
    for service in {r.revision.service for r in world.replicas.values() if r.id not in known}:
        revision = release.revisions[service]
        assert len(world.fleet.of(revision)) <= max(
            release.replicas(service), sum(r.revision == revision for r in known.values())
        ), "more replicas than are wanted"
        others = [r for r in world.fleet.revisions(service) if r != revision]
        if release.policy(service).rollout.strategy == "recreate":
            assert not others, f"{service} was started beside {others}"
        for need, dependency in release.app.services[service].depends_on.items():
            replicas = world.fleet.of(release.revisions[need])[: release.replicas(need)]
            assert replicas or not release.replicas(need), f"{service} before {need}"
            if dependency.condition == "service_healthy" and not is_job(release, need):
                routed = release.policy(need).route
                ready = [r for r in replicas if (r.id in world.proven if routed else r.up)]
                assert ready or not replicas, f"{service} before {need} was ready"
            if dependency.condition == "service_completed_successfully":
                assert all(r.state is State.EXITED and r.exit_code == 0 for r in replicas), (
                    f"{service} before {need} ended"
                )


def assert_is(world: World, release: Release) -> None:
    """When nothing has to stay warm any longer, the world is the release, exactly, and another run finds nothing to do."""
    world.age = 1e9
    assert Drive(world, release).run().verdict is Verdict.PROMOTED
    for service, revision in release.revisions.items():
        replicas = world.fleet.of(revision)
        assert len(replicas) == release.replicas(service), service
        finished = is_job(release, service)
        assert all(r.up or (finished and r.exit_code == 0) for r in replicas), service
        routed = release.policy(service).route and release.replicas(service)
        shares = {backend.revision: backend.weight for backend in weighted(world, service)}
        assert shares == ({revision.name: release.replicas(service)} if routed else {})
        if routed:
            assert len(serving(world, service)) == release.replicas(service)
    assert set(world.fleet.revisions()) <= set(release.revisions.values())
    for routed in world.live.services if world.live else ():
        assert routed.route == release.policy(routed.service).route
        assert all(backend.weight for backend in routed.backends)
    rerun = Drive(world, release).run()
    assert rerun.steps == []
    assert rerun.verdict is Verdict.PROMOTED
