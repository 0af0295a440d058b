"""What holds wherever replicas are placed: on a few small hosts, with demands that are hard to meet together."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.deploy import Resources
from fairway.model.hosts import Filling, Host, HostState, Layout, Seat
from fairway.rollout.demands import Demand
from fairway.rollout.placement import place

from .placing import LOST, any_demands, any_hosts, any_replicas, assert_allowed, counts, there, wants
from .strategies import thorough

FILLINGS = st.sampled_from(list(Filling))


@thorough
@given(st.data(), FILLINGS)
def test_nobody_is_where_it_may_not_be(data: st.DataObject, filling: Filling) -> None:
    hosts, demands = data.draw(any_hosts()), data.draw(any_demands())
    before = data.draw(any_replicas(demands))
    assert_allowed(place(demands, hosts, before, filling=filling), demands, hosts, before)


@thorough
@given(st.data(), FILLINGS)
def test_the_order_of_what_is_given_means_nothing(data: st.DataObject, filling: Filling) -> None:
    hosts, demands = data.draw(any_hosts()), data.draw(any_demands())
    before = data.draw(any_replicas(demands))
    layout = place(demands, hosts, before, filling=filling)
    for things in (hosts, demands, before):
        random.Random(data.draw(st.integers(0, 9))).shuffle(things)
    turned = [replace(host, labels=dict(reversed(host.labels.items()))) for host in hosts]
    assert place(demands, turned, before, filling=filling) == layout


@thorough
@given(st.data(), FILLINGS)
def test_who_has_a_place_keeps_it(data: st.DataObject, filling: Filling) -> None:
    hosts, demands = data.draw(any_hosts()), data.draw(any_demands())
    before = data.draw(any_replicas(demands))
    away = {"h5", *(host.name for host in hosts if host.state is LOST)}
    data_of = {demand.revision for demand in demands if demand.stateful}
    behind = [one for one in before if one.host in away and one.revision in data_of]
    first = place(demands, hosts, before, filling=filling)
    second = place(demands, hosts, [*there(first), *behind], filling=filling)
    assert set(first.seats) <= set(second.seats)
    assert place(demands, hosts, [*there(second), *behind], filling=filling).seats == second.seats


@thorough
@given(st.data(), FILLINGS)
def test_placing_again_changes_nothing(data: st.DataObject, filling: Filling) -> None:
    hosts, demands = data.draw(any_hosts()), data.draw(any_demands())
    first = place(demands, hosts, filling=filling)
    assert place(demands, hosts, there(first), filling=filling) == first
    free = [replace(demand, data=frozenset(), beside=frozenset()) for demand in demands]
    settled = place(free, hosts, data.draw(any_replicas(free)), filling=filling)
    assert place(free, hosts, there(settled), filling=filling).seats == settled.seats


@thorough
@given(st.data(), FILLINGS)
def test_a_host_that_goes_moves_only_its_own(data: st.DataObject, filling: Filling) -> None:
    hosts, demands = data.draw(any_hosts()), data.draw(any_demands())
    assume(hosts)
    layout = place(demands, hosts, filling=filling)
    gone = data.draw(st.sampled_from(hosts))
    states = [replace(gone, state=state) for state in (HostState.LOST, HostState.DRAINED)]
    left = [host for host in hosts if host is not gone]
    for after in (left, *([*left, state] for state in states)):
        moved = place(demands, after, there(layout), filling=filling)
        assert {seat for seat in layout.seats if seat.host != gone.name} <= set(moved.seats)


@thorough
@given(st.data(), FILLINGS)
def test_more_replicas_or_hosts_move_none(data: st.DataObject, filling: Filling) -> None:
    hosts, demands = data.draw(any_hosts()), data.draw(any_demands())
    layout = place(demands, hosts, filling=filling)
    # A service that had none may need another host, and takes those that share a namespace with it along.
    more = [replace(one, replicas=one.replicas and one.replicas + data.draw(st.integers(0, 3))) for one in demands]
    assert set(layout.seats) <= set(place(more, hosts, there(layout), filling=filling).seats)
    grown = [*hosts, *(replace(host, name=f"new-{host.name}") for host in hosts[:2])]
    assert set(layout.seats) <= set(place(demands, grown, there(layout), filling=filling).seats)


@thorough
@given(st.data())
def test_fewer_replicas_move_none_and_the_highest_numbers_go(data: st.DataObject) -> None:
    hosts, demands = data.draw(any_hosts()), data.draw(any_demands())
    layout = place(demands, hosts)
    fewer = [replace(demand, replicas=data.draw(st.integers(0, demand.replicas))) for demand in demands]
    assume(all(demand.replicas <= len(layout.of(demand.revision)) for demand in fewer if not demand.everywhere))
    kept = place(fewer, hosts, there(layout))
    for demand in fewer:
        seats = layout.of(demand.revision)
        assert kept.of(demand.revision) == (seats if demand.everywhere else seats[: demand.replicas])


@thorough
@given(st.integers(1, 6), st.lists(st.integers(0, 15), min_size=1, max_size=4))
def test_equal_hosts_have_equally_many_of_each_revision(hosts: int, replicas: list[int]) -> None:
    equal = [Host(name=f"h{number}", capacity=Resources(cpus=100)) for number in range(hosts)]
    demands = [wants(f"web-r{number}", count, 1) for number, count in enumerate(replicas, 1)]
    old = place(demands[:1], equal)
    layout = place(demands, equal, there(old))
    for demand in demands:
        found = counts(layout, demand.revision.name)
        assert sum(found.values()) == demand.replicas
        assert max(found.values(), default=0) - (min(found.values()) if len(found) == hosts else 0) <= 1


@thorough
@given(st.data(), st.integers(0, 12), FILLINGS)
def test_zones_have_equally_many(data: st.DataObject, replicas: int, filling: Filling) -> None:
    hosts = [replace(host, capacity=Resources()) for host in data.draw(any_hosts(plain=True))]
    layout = place([wants("web", replicas, spread=("node.labels.zone",))], hosts, filling=filling)
    zone = {host.name: host.labels["zone"] for host in hosts}
    found = Counter(dict.fromkeys(zone.values(), 0))
    found.update(zone[seat.host] for seat in layout.seats)
    assert sum(found.values()) == replicas
    assert max(found.values()) - min(found.values()) <= 1


@thorough
@given(st.data())
def test_everywhere_is_exactly_where_it_may_be(data: st.DataObject) -> None:
    hosts = [replace(host, capacity=Resources()) for host in data.draw(any_hosts())]
    demands = [replace(demand, everywhere=True) for demand in data.draw(any_demands())]
    layout = place(demands, hosts, data.draw(any_replicas(demands)))
    for demand in demands:
        able = [h.name for h in hosts if h.state is HostState.READY and demand.objection(h) is None]
        assert sorted(seat.host for seat in layout.of(demand.revision)) == able


@thorough
@given(st.data(), FILLINGS)
def test_what_brute_force_can_place_is_placed(data: st.DataObject, filling: Filling) -> None:
    hosts = data.draw(any_hosts(3, plain=True))
    demands = [replace(one, everywhere=False) for one in data.draw(any_demands(4, 3, tied=False))]
    layout = place(demands, hosts, filling=filling)
    assume(sum(demand.replicas for demand in demands) <= 9)
    if layout.unplaced:
        assert not brute(demands, hosts, [])


@thorough
@given(st.data())
def test_what_brute_force_can_add_is_added(data: st.DataObject) -> None:
    hosts = data.draw(any_hosts(3, plain=True))
    few = [replace(one, everywhere=False) for one in data.draw(any_demands(4, 2, tied=False))]
    before = place(few, hosts)
    more = [replace(demand, replicas=demand.replicas + data.draw(st.integers(0, 2))) for demand in few]
    assume(sum(demand.replicas for demand in more) <= 9)
    if place(more, hosts, there(before)).unplaced:
        assert not brute(more, hosts, before.seats)


@thorough
@given(st.data(), FILLINGS)
def test_hosts_that_fit_to_the_last_cpu_are_filled(data: st.DataObject, filling: Filling) -> None:
    """Made from an answer: every host has exactly what its guests need, and some guests are barred from another host."""
    hosts, demands = [], []
    names = [f"h{number}" for number in range(data.draw(st.integers(2, 3)))]
    for name in names:
        guests = data.draw(
            st.lists(st.tuples(st.integers(1, 7), st.sampled_from(["", *names])), min_size=1, max_size=3)
        )
        hosts.append(Host(name=name, capacity=Resources(cpus=sum(size for size, _ in guests))))
        for size, barred in guests:
            rules = [f"node.hostname!={barred}"] if barred not in ("", name) else []
            demands.append(wants(f"s{len(demands)}", 1, size, *rules))
    layout = place(demands, hosts, filling=filling)
    assert not layout.unplaced
    assert_allowed(layout, demands, hosts)


def brute(demands: Sequence[Demand], hosts: Sequence[Host], fixed: Sequence[Seat]) -> bool:
    """Whether some arrangement has a host for everything; `fixed` stays."""
    taken = Counter((seat.revision, seat.host) for seat in fixed)
    by_revision = {demand.revision: demand for demand in demands}

    def free(host: Host) -> float:
        used = sum((by_revision[rev].needs.cpus or 0) * n for (rev, name), n in taken.items() if name == host.name)
        limit = host.capacity.cpus
        return float("inf") if limit is None else max(0.0, limit - (host.used.cpus or 0)) - used

    def able(demand: Demand, host: Host) -> bool:
        here = taken[demand.revision, host.name]
        fits = not demand.needs.cpus or demand.needs.cpus <= free(host)
        return fits and here < (demand.most or 99) and all(one.met(host) for one in demand.constraints)

    def arrange(left: list[Demand]) -> bool:
        if not left:
            return True
        for host in hosts:
            if able(left[0], host):
                taken[left[0].revision, host.name] += 1
                if arrange(left[1:]):
                    return True
                taken[left[0].revision, host.name] -= 1
        return False

    missing = {one.revision: one.replicas - sum(seat.revision == one.revision for seat in fixed) for one in demands}
    return arrange([one for one in demands for _ in range(missing[one.revision])])


@thorough
@given(st.data(), st.integers(1, 8), st.integers(1, 8))
def test_as_many_as_flow_can_place(data: st.DataObject, size: int, services: int) -> None:
    """Replicas of one size, each with its own hosts: the most that can be placed is the greatest flow."""
    names = [f"h{number}" for number in range(size)]
    hosts = [Host(name=name, labels={}, capacity=Resources(cpus=data.draw(st.integers(0, 3)))) for name in names]
    barred = [data.draw(st.lists(st.sampled_from(names), max_size=size, unique=True)) for _ in range(services)]
    demands = [
        wants(f"s{number}", data.draw(st.integers(0, 4)), 1, *(f"node.hostname!={name}" for name in there_not))
        for number, there_not in enumerate(barred)
    ]
    layout = place(demands, hosts)
    assert len(layout.seats) == flow(demands, hosts)
    assert_allowed(layout, demands, hosts)


def flow(demands: Sequence[Demand], hosts: Sequence[Host]) -> int:
    """The greatest number of pairs, along augmenting paths."""
    guests: dict[str, list[int]] = {host.name: [] for host in hosts}
    places = {host.name: int(host.capacity.cpus or 0) for host in hosts}
    replicas = [demand for demand in demands for _ in range(demand.replicas)]

    def seat(guest: int, seen: set[str]) -> bool:
        for host in hosts:
            if host.name in seen or not all(one.met(host) for one in replicas[guest].constraints):
                continue
            seen.add(host.name)
            here = guests[host.name]
            if len(here) < places[host.name]:
                here.append(guest)
                return True
            for other in list(here):
                if seat(other, seen):
                    here.remove(other)
                    here.append(guest)
                    return True
        return False

    return sum(seat(guest, set()) for guest in range(len(replicas)))


def test_nothing_for_nobody() -> None:
    assert place([], []) == Layout()
