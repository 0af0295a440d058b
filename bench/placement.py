"""python -m bench.placement [RUNS]: placing replicas on hosts, beside dealing them out one by one. Default: best of 3 runs.

Ten replicas a host; 100, 1,000 and 10,000 of them. A service has up to 100 replicas; every second one asks for CPUs and memory,
every third one for a label, every fifth one is spread over zones, every seventh one has a limit a host. Hosts are of two sizes,
and about a third full in the end. Both sides make the same seats; the baseline knows no rule: the next replica goes to the
next host. The processor's time counts, and the collector of garbage runs as always.

"fresh": nothing is there. "again": everything is there, and stays. "one host lost": its replicas move. "rollout": every service has
a second revision beside the first. "nearly full": 99 of 100 CPUs are asked for, in replicas of four sizes. "no room": twice what fits, so
that the search for room ends without a find, and everything is told. "all alike": a tenth more than fits, of one size, so that
every exchange is possible and none helps.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from msgspec.structs import replace

from fairway.model.deploy import Resources
from fairway.model.fleet import Replica, State
from fairway.model.hosts import Filling, Host, HostState, Layout, Seat, parse_constraint
from fairway.model.release import Revision
from fairway.rollout.demands import Demand
from fairway.rollout.placement import place

SIZES = (100, 1_000, 10_000)
GIB = 1 << 30


def hosts_for(replicas: int) -> list[Host]:
    return [
        Host(
            name=f"host-{number:04}",
            arch="x86_64",
            labels={"zone": "abc"[number % 3], **({"disk": "ssd"} if number % 2 else {})},
            capacity=Resources(cpus=16.0 if number % 4 else 32.0, memory=64 * GIB, pids=4096),
            used=Resources(cpus=1.0, memory=2 * GIB),
        )
        for number in range(replicas // 10)
    ]


def demands_for(replicas: int, release: int = 1, each: int = 100) -> list[Demand]:
    each = min(each, replicas // 5)
    return [
        Demand(
            revision=Revision(f"service-{number:05}", release, f"{release}"),
            replicas=each,
            needs=Resources(cpus=(0.5, 1, 2)[number % 3], memory=(1 + number % 3) * GIB, pids=64)
            if number % 2
            else Resources(),
            constraints=(parse_constraint("node.labels.disk==ssd"),) if number % 3 == 0 else (),
            spread=("node.labels.zone",) if number % 5 == 0 else (),
            most=max(2, each * 20 // replicas) if number % 7 == 0 else None,
        )
        for number in range(replicas // each)
    ]


def nearly_full(replicas: int, share: float) -> tuple[list[Demand], list[Host]]:
    """Four sizes of replicas, three quarters of them without a label; together `share` of all CPUs."""
    hosts = [replace(host, used=Resources(), capacity=Resources(cpus=16)) for host in hosts_for(replicas)]
    sizes, count = (4.0, 2.5, 1.5, 0.5), replicas // 20
    cpus = share * 16 * len(hosts)
    demands = []
    for number in range(20):
        size = sizes[number % 4]
        labelled = (parse_constraint("node.labels.disk==ssd"),) if number % 5 == 0 else ()
        times = min(count, int(cpus / 20 / size)) if share > 1 else int(cpus / 20 / size)
        demands.append(
            Demand(
                revision=Revision(f"service-{number:02}", 1, "1"),
                replicas=int(times * (2 if share > 1 else 1)),
                needs=Resources(cpus=size),
                constraints=labelled,
            )
        )
    return demands, hosts


def alike(replicas: int) -> tuple[list[Demand], list[Host]]:
    """Replicas of one size, one in ten too many; each service may not use one third of the hosts, and each another one."""
    hosts = [replace(host, used=Resources(), capacity=Resources(cpus=10)) for host in hosts_for(replicas)]
    demands = [
        Demand(
            revision=Revision(f"service-{number:02}", 1, "1"),
            replicas=replicas * 11 // 200,
            needs=Resources(cpus=1),
            constraints=(parse_constraint(f"node.labels.zone!={'abc'[number % 3]}"),),
        )
        for number in range(20)
    ]
    return demands, hosts


def dealt(demands: Sequence[Demand], hosts: Sequence[Host]) -> Layout:
    """The baseline: round robin, whatever anybody asks for."""
    names, at, seats = [host.name for host in hosts], 0, []
    for demand in demands:
        for index in range(1, demand.replicas + 1):
            seats.append(Seat(demand.revision, index, names[at % len(names)]))
            at += 1
    return Layout(seats=tuple(seats))


def there(layout: Layout) -> list[Replica]:
    return [
        Replica(
            id=f"{seat.revision}-{seat.index}",
            name=f"{seat.revision}-{seat.index}",
            revision=seat.revision,
            index=seat.index,
            host=seat.host,
            state=State.RUNNING,
        )
        for seat in layout.seats
    ]


def timed(runs: int, what: Callable[[], Layout]) -> tuple[float, Layout]:
    best, layout = float("inf"), Layout()
    for _ in range(runs):
        began = time.process_time()
        layout = what()
        best = min(best, time.process_time() - began)
    return best, layout


def row(name: str, size: int, spent: tuple[float, Layout], baseline: float) -> None:
    seconds, layout = spent
    missing = sum(len(one.indexes) for one in layout.unplaced)
    print(
        f"{name:<28} {size:>7,} {len(layout.seats):>9,} {missing:>9,} {seconds:>10.3f} {seconds / baseline:>12.1f}",
        flush=True,
    )


def main(runs: int) -> None:
    print(f"{'':<28} {'asked':>7} {'placed':>9} {'unplaced':>9} {'seconds':>10} {'× baseline':>12}")
    growth = {}
    for size in SIZES:
        hosts, demands = hosts_for(size), demands_for(size)
        baseline, _ = timed(runs, lambda d=demands, h=hosts: dealt(d, h))  # type: ignore[misc]
        print(f"{'baseline: dealt out':<28} {size:>7,} {size:>9,} {0:>9} {baseline:>10.4f} {1:>12.1f}")
        fresh = timed(runs, lambda d=demands, h=hosts: place(d, h))  # type: ignore[misc]
        growth[size] = fresh[0]
        row(f"fresh, {len(demands)} services", size, fresh, baseline)
        row("fresh, packed", size, timed(runs, lambda d=demands, h=hosts: place(d, h, filling=Filling.PACK)), baseline)  # type: ignore[misc]
        replicas = there(fresh[1])
        row("again", size, timed(runs, lambda d=demands, h=hosts, r=replicas: place(d, h, r)), baseline)  # type: ignore[misc]
        lost = [replace(hosts[0], state=HostState.LOST), *hosts[1:]]
        row("one host lost", size, timed(runs, lambda d=demands, h=lost, r=replicas: place(d, h, r)), baseline)  # type: ignore[misc]
        both = [*demands, *(replace(one, revision=replace(one.revision, release=2)) for one in demands)]
        row("rollout", 2 * size, timed(runs, lambda d=both, h=hosts, r=replicas: place(d, h, r)), baseline)  # type: ignore[misc]
        small = demands_for(size, each=10)
        row(f"fresh, {len(small)} services", size, timed(runs, lambda d=small, h=hosts: place(d, h)), baseline)  # type: ignore[misc]
        full = {
            "nearly full": nearly_full(size, 0.99),
            "no room": nearly_full(size, 2.0),
            "no room, all alike": alike(size),
        }
        for name, (tight, equal) in full.items():
            asked = sum(demand.replicas for demand in tight)
            row(name, asked, timed(runs, lambda d=tight, h=equal: place(d, h)), baseline)  # type: ignore[misc]
        print()
    for small_size, large in pairwise(SIZES):
        print(f"growth from {small_size:,} to {large:,}: {growth[large] / growth[small_size]:.1f} times")
    target = growth[SIZES[-1]]
    print(f"10,000 replicas over 1,000 hosts: {target:.3f} s; asked for: under 2 s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
