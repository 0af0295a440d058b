"""Releases in few words: what a service is like in a test, and the release that `propose` makes of it."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis.vendor.pretty import RepresentationPrinter
from msgspec import Struct, field

from fairway.model.app import App, Dependency, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy
from fairway.model.environment import Environment
from fairway.model.fleet import Fleet
from fairway.model.policy import Job, Judging, Phase, Ready, Rollout, Route, ServicePolicy, WayBack
from fairway.model.release import Record, Release
from fairway.model.routes import Steering
from fairway.model.steps import AwaitExit, AwaitReady, Drain, Ensure, Hold, Retire, RunOnce, Shift, Step, Want
from fairway.rollout.propose import Ingredients, propose

ENVIRONMENT = Environment("shop", "production")
SHORT = {"started": "service_started", "healthy": "service_healthy", "done": "service_completed_successfully"}


class Spec(Struct, frozen=True, kw_only=True):
    """`needs` are (service, started | healthy | done)."""

    version: int = 1
    replicas: int = 1
    routed: bool = False
    path: str = "/"
    recreate: bool = False
    surge: int | None = None
    needs: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    ready: Ready = field(default_factory=Ready)
    monitor: float = 0.0
    pause: float = 0.0
    steps: tuple[Phase, ...] = ()
    keep: float = 0.0
    jobs: bool = False
    unavailable: int = 0
    judged: bool = False
    back: int | None = None
    """How many start at a time on the way back."""

    def __repr__(self) -> str:
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        told = {name: value for name, value in said.items() if value != getattr(PLAIN, name)}
        return f"Spec({', '.join(f'{name}={value!r}' for name, value in told.items())})"

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        printer.text(repr(self))


PLAIN = Spec()
Specs = Mapping[str, Spec]


def ingredients(specs: Specs) -> Ingredients:
    services = {
        name: Service(
            name=name,
            environment=dict(spec.environment),
            depends_on={
                need: Dependency(service=need, condition=SHORT[how]) for need, how in spec.needs if need in specs
            },
            deploy=Deploy(replicas=spec.replicas),
        )
        for name, spec in specs.items()
    }
    policies = {
        name: ServicePolicy(
            route=Route(hosts=(f"{name}.test",), port=80, path=spec.path) if spec.routed else None,
            ready=spec.ready,
            rollout=Rollout(
                strategy="recreate" if spec.recreate else "rolling",
                surge=spec.surge,
                monitor=spec.monitor,
                pause=spec.pause,
                steps=spec.steps,
                keep=spec.keep,
                before=Job(command=("expand",)) if spec.jobs else None,
                after_keep=Job(command=("contract",)) if spec.jobs else None,
                max_unavailable=spec.unavailable,
                judge=Judging() if spec.judged else None,
                back=WayBack(surge=spec.back),
            ),
        )
        for name, spec in specs.items()
    }
    images = {
        name: ImageRef(reference=f"{name}:{spec.version}", id=f"sha256:{name}{spec.version}")
        for name, spec in specs.items()
    }
    return Ingredients(
        environment=ENVIRONMENT, app=App(name="shop", services=services), images=images, policies=policies
    )


def release(specs: Specs, records: tuple[Record, ...] = (), fleet: Fleet | None = None) -> Release:
    return propose(ingredients(specs), records, fleet or Fleet(environment=ENVIRONMENT))


def lines(steps: tuple[Step, ...]) -> list[str]:
    """A plan as text, to be compared and read."""
    return [line(step) for step in steps]


def line(step: Step) -> str:
    match step:
        case Ensure(wants):
            return f"ensure {_wants(wants, '×')}"
        case AwaitReady(wants):
            return f"await {_wants(wants, '×')}"
        case AwaitExit(wants):
            return f"await exit {_wants(wants, '×')}"
        case Shift(weights, steering):
            shares = [f"{service}: {_shares(parts)}" for service, parts in sorted(weights.items())]
            steered = [_steered(steering[service]) for service in sorted(steering)]
            return f"shift {'; '.join([*shares, *steered]) or 'nothing'}"
        case Hold(seconds, watch, why, approve, trials, _):
            until = f"{', approve' if approve else ''}{', judge' if trials else ''}"
            return f"hold {seconds:g} s{until} ({why}) {_wants(watch, '×')}"
        case RunOnce(name=name):
            return f"run {name}"
        case Drain(wants):
            return f"drain {_wants(wants)}"
        case Retire(wants):
            return f"retire {_wants(wants)}"


def _wants(wants: tuple[Want, ...], times: str = "") -> str:
    return ", ".join(f"{want.revision} {times}{want.replicas}" for want in wants)


def _steered(steering: Steering) -> str:
    told = {"match": steering.match, "mirror": steering.mirror, "preview": steering.preview, "sticky": steering.sticky}
    return f"{', '.join(name for name, value in told.items() if value)} to {steering.revision}"


def _shares(parts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {share}" for name, share in sorted(parts.items()))
