"""Hosts and demands in few words, layouts as text, and what is always true of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from fairway.model.deploy import Resources
from fairway.model.fleet import Replica, State
from fairway.model.hosts import Host, HostState, Layout, parse_constraint
from fairway.model.release import Revision
from fairway.rollout.demands import Demand

DRAINED, LOST = HostState.DRAINED, HostState.LOST


def host(name: str, cpus: float | None = None, *volumes: str, **more: Any) -> Host:
    """`more`: fields of Host, and labels."""
    known = {key: more.pop(key) for key in list(more) if key in Host.__struct_fields__}
    return Host(
        **{"name": name, "capacity": Resources(cpus=cpus), "volumes": frozenset(volumes), "labels": more, **known}
    )


def revision(name: str) -> Revision:
    """`web`, `web-r2`."""
    service, _, release = name.partition("-r")
    return Revision(service, int(release or 1), release or "1")


def wants(name: str, replicas: int = 1, cpus: float | None = None, *constraints: str, **more: Any) -> Demand:
    for key in ("data", "given", "beside"):
        more[key] = frozenset(more.get(key, ()))
    return Demand(
        revision=revision(name),
        replicas=replicas,
        constraints=tuple(parse_constraint(text) for text in constraints),
        **{"needs": Resources(cpus=cpus), **more},
    )


def replica(name: str, index: int, on: str, state: State = State.RUNNING) -> Replica:
    return Replica(
        id=f"{name}-{index}-{on}", name=f"{name}-{index}", revision=revision(name), index=index, host=on, state=state
    )


def there(layout: Layout) -> list[Replica]:
    return [replica(seat.revision.name, seat.index, seat.host) for seat in layout.seats]


def shown(layout: Layout) -> str:
    """`web: a b a` by index; `web-r2: 2=a` where they are not the first ones."""
    lines = []
    for one in dict.fromkeys(seat.revision for seat in layout.seats):
        seats = layout.of(one)
        plain = [seat.index for seat in seats] == list(range(1, len(seats) + 1))
        name = one.service if one.release == 1 else one.name
        told = (seat.host if plain else f"{seat.index}={seat.host}" for seat in seats)
        lines.append(f"{name}: {' '.join(told)}")
    return "; ".join(lines)


def told(layout: Layout) -> list[str]:
    return [str(one) for one in layout.unplaced]


def counts(layout: Layout, name: str) -> dict[str, int]:
    return dict(Counter(seat.host for seat in layout.of(revision(name))))


def assert_allowed(
    layout: Layout, demands: Iterable[Demand], hosts: Sequence[Host], before: Iterable[Replica] = ()
) -> None:
    """Nobody is where it may not be, no host holds more than it can, and every replica is told of once."""
    by_revision = {demand.revision: demand for demand in demands}
    by_name = {one.name: one for one in hosts}
    seated = {(one.revision, one.index, one.host) for one in before}
    reserved: dict[str, list[float]] = {one.name: [0, 0, 0] for one in hosts}
    for seat in layout.seats:
        demand, where = by_revision[seat.revision], by_name[seat.host]
        assert all(constraint.met(where) for constraint in demand.constraints)
        assert where.state is not LOST
        if where.state is DRAINED:
            assert demand.stateful and (seat.revision, seat.index, seat.host) in seated
        for at, amount in enumerate((demand.needs.cpus, demand.needs.memory, demand.needs.pids)):
            reserved[seat.host][at] += amount or 0
    for one in hosts:
        total = (one.capacity.cpus, one.capacity.memory, one.capacity.pids)
        used = (one.used.cpus, one.used.memory, one.used.pids)
        for at in range(3):
            limit = total[at]
            if limit is not None and reserved[one.name][at]:
                assert reserved[one.name][at] <= max(0, limit - (used[at] or 0)) + 1e-9
    for demand in by_revision.values():
        mine = layout.of(demand.revision)
        missing = [index for one in layout.unplaced if one.revision == demand.revision for index in one.indexes]
        on = Counter(seat.host for seat in mine)
        assert all(times <= (demand.most or times) for times in on.values())
        if demand.everywhere:
            assert all(times == 1 for times in on.values())
        else:
            indexes = sorted([*(seat.index for seat in mine), *missing])
            assert len(indexes) == len(set(indexes)) == demand.replicas


SIZES = (None, 0.5, 1.0, 1.5, 2.0)
ZONES = ("a", "b")
RULES = (
    "node.labels.zone==a",
    "node.labels.zone!=a",
    "node.labels.disk==ssd",
    "node.hostname!=h1",
    "node.role==manager",
)


@st.composite
def any_hosts(draw: st.DrawFn, most: int = 5, *, plain: bool = False) -> list[Host]:
    """`plain`: all are ready."""
    found = []
    for number in range(draw(st.integers(0 if not plain else 1, most))):
        labels = {"zone": draw(st.sampled_from(ZONES))} | ({"disk": "ssd"} if draw(st.booleans()) else {})
        found.append(
            Host(
                name=f"h{number}",
                role=draw(st.sampled_from(("worker", "manager"))),
                labels=labels,
                capacity=Resources(
                    cpus=draw(st.sampled_from((None, 1.0, 2.0, 4.0))), memory=draw(st.sampled_from((None, 8, 16)))
                ),
                used=Resources(cpus=draw(st.sampled_from((None, 0.5, 3.0)))),
                volumes=draw(st.frozensets(st.sampled_from(("data", "more", "given")), max_size=2)),
                state=HostState.READY if plain else draw(st.sampled_from((*[HostState.READY] * 4, DRAINED, LOST))),
            )
        )
    return found


@st.composite
def any_demands(draw: st.DrawFn, most: int = 5, replicas: int = 5, *, tied: bool = True) -> list[Demand]:
    """`tied`: some hold data, or go beside others."""
    found = []
    for name in draw(
        st.lists(st.sampled_from(("db", "web", "web-r2", "api", "job", "db-r2")), unique=True, max_size=most)
    ):
        everywhere = draw(st.integers(0, 5)) == 0
        found.append(
            wants(
                name,
                draw(st.integers(0, replicas)),
                draw(st.sampled_from(SIZES)),
                *draw(st.lists(st.sampled_from(RULES), max_size=2, unique=True)),
                everywhere=everywhere,
                spread=draw(st.sampled_from(((), (), ("node.labels.zone",), ("node.labels.disk", "node.labels.zone")))),
                most=draw(st.sampled_from((None, None, 1, 2))),
                data=draw(st.frozensets(st.sampled_from(("data", "more", "/srv")), max_size=1))
                if tied and name[0] == "d"
                else (),
                given=["given"] if tied and draw(st.integers(0, 5)) == 0 else (),
                beside=["web"] if tied and name == "job" and draw(st.booleans()) else (),
            )
        )
    return found


@st.composite
def any_replicas(draw: st.DrawFn, demands: Sequence[Demand]) -> list[Replica]:
    names = [one.revision.name for one in demands] + ["gone-r1"]
    one = st.tuples(st.sampled_from(names), st.integers(1, 6), st.sampled_from([f"h{n}" for n in range(6)]))
    found = draw(st.lists(one, max_size=12, unique=True))
    return [replica(name, index, on, draw(st.sampled_from((State.RUNNING, State.EXITED)))) for name, index, on in found]
