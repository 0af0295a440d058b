"""Random applications, histories and accidents."""

from __future__ import annotations

import os
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.policy import Match, Mirror, Phase
from tests.unit.rollout.parts import Spec, Specs

NAMES = ("a", "b", "c", "d")
EXAMPLES = int(os.environ.get("FAIRWAY_EXAMPLES", "100"))

thorough = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


REPLICAS = st.sampled_from((2, 1, 3, 4, 0))
"""What is likely to go wrong comes first and often: several replicas, routed, in batches."""


@st.composite
def phases(draw: st.DrawFn, replicas: int, routed: bool) -> tuple[Phase, ...]:
    """As fairway.yaml allows them: never more traffic than the replicas of the phase carry."""
    found, scale = [], 1
    for _ in range(draw(st.sampled_from((0, 0, 1, 2, 3))) if replicas else 0):
        scale = draw(st.integers(scale, replicas))
        traffic = draw(st.integers(0, 100 * scale // replicas)) if routed else 0
        match = draw(st.sampled_from(((), (Match(header="x-beta"),)))) if routed else ()
        mirror = draw(st.sampled_from((None, Mirror(percent=10)))) if routed else None
        found.append(Phase(traffic=traffic, match=match, mirror=mirror, scale=scale, sticky=draw(st.booleans())))
    return tuple(found)


@st.composite
def spec(draw: st.DrawFn, earlier: tuple[str, ...] = ()) -> Spec:
    needed = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else []
    replicas, routed = draw(REPLICAS), draw(st.sampled_from((True, True, False)))
    return Spec(
        version=draw(st.integers(1, 3)),
        replicas=replicas,
        routed=routed,
        steps=draw(phases(replicas, routed)),
        keep=draw(st.sampled_from((0.0, 0.0, 60.0))) if routed else 0.0,
        jobs=draw(st.sampled_from((False, False, True))),
        path=draw(st.sampled_from(("/", "/x"))),
        recreate=draw(st.sampled_from((False, False, False, True))),
        surge=draw(st.sampled_from((1, 2, 3, None))),
        needs=tuple((need, draw(st.sampled_from(("started", "healthy", "done")))) for need in sorted(needed)),
        monitor=draw(st.sampled_from((0.0, 0.0, 5.0))),
        pause=draw(st.sampled_from((0.0, 0.0, 2.0))),
        back=draw(st.sampled_from((None, None, 1, 2))),
    )


@st.composite
def apps(draw: st.DrawFn) -> Specs:
    names = NAMES[: draw(st.sampled_from((1, 2, 1, 3, 4, 0)))]
    specs = {name: draw(spec(tuple(names[:place]))) for place, name in enumerate(names)}
    jobs = {need for one in specs.values() for need, how in one.needs if how == "done"}
    return {
        name: replace(one, routed=False, steps=(), keep=0.0) if name in jobs else one for name, one in specs.items()
    }


def scaled(draw: st.DrawFn, one: Spec) -> Spec:
    replicas = draw(REPLICAS)
    return replace(one, replicas=replicas, steps=draw(phases(replicas, one.routed)))


@st.composite
def changed(draw: st.DrawFn, specs: Specs) -> Specs:
    """Another application, or one that differs in a few things: what deployments mostly are."""
    if not specs or draw(st.sampled_from((False, False, False, True))):
        return draw(apps())
    other = dict(specs)
    for name in draw(st.lists(st.sampled_from(sorted(specs)), unique=True, min_size=1, max_size=2)):
        match draw(st.sampled_from(("version", "replicas", "both", "route", "gone"))):
            case "version":
                other[name] = replace(other[name], version=other[name].version % 5 + 1)
            case "replicas":
                other[name] = scaled(draw, other[name])
            case "both":
                other[name] = replace(scaled(draw, other[name]), version=other[name].version % 5 + 1)
            case "route":
                other[name] = replace(other[name], path=draw(st.sampled_from(("/", "/x", "/y"))))
            case "gone":
                del other[name]
    return other


@dataclass(frozen=True)
class Episode:
    """A deployment, cut short within step `kill`; `half` of that step is done. `damage` befalls the fleet before it."""

    specs: Specs
    kill: int | None
    half: bool
    damage: tuple[tuple[int, str], ...]


@st.composite
def histories(draw: st.DrawFn) -> tuple[Episode, ...]:
    episodes, specs = [], draw(apps())
    for _ in range(draw(st.integers(2, 4))):
        kill = draw(st.one_of(st.none(), st.integers(1, 12))) if episodes else None
        damage = draw(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(("kill", "remove", "stray"))), max_size=2))
        episodes.append(Episode(specs, kill, draw(st.booleans()), tuple(damage)))
        specs = draw(st.one_of(changed(specs), st.just(specs)))
    return tuple(episodes)
