"""The room that is left on hosts, and the choice among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heapreplace

from fairway.model.deploy import Resources
from fairway.model.hosts import Filling, Host, Objection
from fairway.rollout.demands import Demand, Tie, Words

Amounts = tuple[int, int, int]
"""Billionths of a CPU, bytes, processes: whole numbers, so that sums are exact."""
UNCOUNTED = 1 << 62
_NAMES = ("cpus", "memory", "pids")
_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def amounts(resources: Resources, missing: int = 0) -> Amounts:
    cpus, memory, pids = resources.cpus, resources.memory, resources.pids
    return (
        missing if cpus is None else round(cpus * 1e9),
        missing if memory is None else memory,
        missing if pids is None else pids,
    )


class Task:
    """The replicas of one demand, or, in a bundle, all replicas of all of its `members`, which go to one host as one.

    `missing`: the indexes that have to be given a room. `seats`: those that have been given one; they may still move.
    """

    __slots__ = ("demand", "members", "missing", "most", "needs", "order", "rooms", "seats", "tie", "weight")

    def __init__(self, demand: Demand, order: int, tie: Tie | None = None) -> None:
        self.demand = demand
        self.order = order
        self.tie = tie
        self.needs = amounts(demand.needs)
        self.most = UNCOUNTED if demand.most is None else demand.most
        self.weight = 1
        self.rooms: Sequence[Room] = ()
        self.missing: list[int] = []
        self.seats: dict[int, Room] = {}
        self.members: tuple[Task, ...] = ()

    @property
    def unseated(self) -> list[int]:
        return [index for index in self.missing if index not in self.seats]

    def seat(self, index: int, room: Room) -> None:
        self.seats[index] = room
        room.take(self)

    def leave(self, index: int) -> None:
        self.seats.pop(index).give(self)


class Room:
    """What is left of one host."""

    __slots__ = ("free", "fullness", "host", "of", "order", "replicas", "total")

    def __init__(self, host: Host, order: int) -> None:
        self.host = host
        self.order = order
        self.total = amounts(host.capacity, UNCOUNTED)
        used = amounts(host.used)
        self.free: Amounts = (
            max(0, self.total[0] - used[0]),
            max(0, self.total[1] - used[1]),
            max(0, self.total[2] - used[2]),
        )
        self.replicas = 0
        self.of: dict[Task, int] = {}
        self.fullness = self._fullness()

    def fits(self, task: Task) -> bool:
        needs, free = task.needs, self.free
        return needs[0] <= free[0] and needs[1] <= free[1] and needs[2] <= free[2] and self.of.get(task, 0) < task.most

    def fits_without(self, task: Task, other: Task) -> bool:
        """Whether it would, were one replica of `other` not there."""
        spared = zip(task.needs, self.free, other.needs, strict=True)
        return self.of.get(task, 0) < task.most and all(needed <= free + more for needed, free, more in spared)

    def take(self, task: Task) -> None:
        needs, free = task.needs, self.free
        self.free = (free[0] - needs[0], free[1] - needs[1], free[2] - needs[2])
        self.of[task] = self.of.get(task, 0) + 1
        self.replicas += task.weight
        self.fullness = self._fullness()

    def give(self, task: Task) -> None:
        needs, free = task.needs, self.free
        self.free = (free[0] + needs[0], free[1] + needs[1], free[2] + needs[2])
        self.of[task] -= 1
        self.replicas -= task.weight
        self.fullness = self._fullness()

    def _fullness(self) -> float:
        """Of the resource that is nearest to its end."""
        (a, b, c), (free_a, free_b, free_c) = self.total, self.free
        least = min(free_a / a if a else 0.0, free_b / b if b else 0.0, free_c / c if c else 0.0)
        return 1.0 - least

    def rank(self, task: Task, filling: Filling) -> tuple[float, float, float]:
        """The lowest is taken first."""
        if filling is Filling.PACK:
            return -self.fullness, -self.replicas, 0.0
        return self.of.get(task, 0), self.replicas, self.fullness

    def obstacle(self, task: Task) -> tuple[str, str, float]:
        """Why the task does not fit: what is short, what of it is needed, and what is free."""
        there = self.of.get(task, 0)
        if there >= task.most:
            return "most", str(task.most), there
        short = next(at for at in range(3) if task.needs[at] > self.free[at])
        return _NAMES[short], _shown(short, task.needs[short]), self.free[short]


class _Leaves:
    """Rooms, the best one first. One that is full is never asked again: rooms only fill while one task is seated."""

    def __init__(self, rooms: Iterable[Room], task: Task, filling: Filling) -> None:
        self.task = task
        self.filling = filling
        self.heap = [(room.rank(task, filling), room.order, room) for room in rooms]
        heapify(self.heap)

    def pick(self) -> Room | None:
        while self.heap:
            room = self.heap[0][-1]
            if room.fits(self.task):
                room.take(self.task)
                heapreplace(self.heap, (room.rank(self.task, self.filling), room.order, room))
                return room
            heappop(self.heap)
        return None


class _Branches:
    """Rooms by what they have for the first attribute to spread over: the value with the fewest replicas comes first."""

    def __init__(self, rooms: Iterable[Room], task: Task, spread: Sequence[str], filling: Filling) -> None:
        values: dict[str, list[Room]] = {}
        for room in rooms:
            values.setdefault(room.host.values(spread[0])[0], []).append(room)
        self.heap = [
            (
                sum(room.of.get(task, 0) for room in group),
                sum(room.replicas for room in group) / len(group),
                value,
                chooser(group, task, spread[1:], filling),
            )
            for value, group in values.items()
        ]
        heapify(self.heap)

    def pick(self) -> Room | None:
        while self.heap:
            own, load, value, below = self.heap[0]
            room = below.pick()
            if room is not None:
                heapreplace(self.heap, (own + 1, load, value, below))
                return room
            heappop(self.heap)
        return None


def chooser(rooms: Iterable[Room], task: Task, spread: Sequence[str], filling: Filling) -> _Leaves | _Branches:
    """Gives one room after the other to replicas of the task, as long as there is one."""
    return _Branches(rooms, task, spread, filling) if spread else _Leaves(rooms, task, filling)


def objections(task: Task, rooms: Iterable[Room], standing: Mapping[Room, Words]) -> tuple[Objection, ...]:
    """Why the task has no place in these rooms, the most frequent first. `standing`: what holds whoever else is there."""
    hosts: dict[Words, list[str]] = {}
    short: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for room in rooms:
        if said := standing.get(room):
            hosts.setdefault(said, []).append(room.host.name)
        else:
            what, needed, free = room.obstacle(task)
            short.setdefault((what, needed), []).append((free, room.host.name))
    for (what, needed), found in short.items():
        hosts[_shortage(what, needed, [free for free, _ in found])] = [name for _, name in found]
    told = [Objection(one, many, tuple(names)) for (one, many), names in hosts.items()]
    return tuple(sorted(told, key=lambda said: (-len(said.hosts), said.one)))


def _shortage(what: str, needed: str, free: Sequence[float]) -> Words:
    if what == "most":
        return f"runs {needed} of it already", f"run {needed} of it already"
    least, most = (_shown(_NAMES.index(what), int(amount)) for amount in (min(free), max(free)))
    said = f"{least if least == most else f'{least} to {most}'} of {needed} {what} free"
    return f"has {said}", f"have {said}"


def _shown(resource: int, amount: int) -> str:
    if resource == 0:
        return f"{amount / 1e9:g}"
    unit, name = next(((u, n) for u, n in _UNITS if amount >= u and resource == 1), (1, "B" if resource == 1 else ""))
    return f"{amount / unit:.4g} {name}".strip()
