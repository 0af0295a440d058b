"""(Demands, hosts, replicas) → Layout: on which host each replica runs.

What runs on a host that still satisfies everything stays there. The rest goes, the least flexible first, to the host that
the filling prefers; where hosts are too full for that, what does not run yet is arranged anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice, pairwise
from typing import TypeVar

from fairway.model.fleet import Replica
from fairway.model.hosts import Filling, Host, HostState, Layout, Seat, Unplaced
from fairway.model.release import Revision
from fairway.rollout.demands import Demand, Words, ties
from fairway.rollout.making_room import make_room
from fairway.rollout.rooms import UNCOUNTED, Amounts, Room, Task, chooser, objections

T = TypeVar("T")
STATES: Mapping[HostState, Words] = {
    HostState.LOST: ("is lost", "are lost"),
    HostState.DRAINED: ("is drained", "are drained"),
}


def place(
    demands: Iterable[Demand],
    hosts: Iterable[Host],
    replicas: Iterable[Replica] = (),
    *,
    filling: Filling = Filling.SPREAD,
) -> Layout:
    """Where each replica of `demands` runs, and which ones nowhere; `replicas` are those that are there.

    The replicas of a revision are its lowest-numbered ones that are there, and the lowest free indexes, as an engine counts.
    Revisions that are not in `demands` are not seen: what they reserve belongs in `Host.used`. Several of one service are
    counted together against a host's capacity; each is spread, and counted against `most`, on its own. Raises ValueError
    where two demands have the same revision, or two hosts the same name.
    """
    return _Placement(demands, hosts, replicas, filling).layout()


class _Placement:
    def __init__(
        self, demands: Iterable[Demand], hosts: Iterable[Host], replicas: Iterable[Replica], filling: Filling
    ) -> None:
        sorted_demands = sorted(demands, key=lambda demand: _key(demand.revision))
        sorted_hosts = sorted(hosts, key=lambda host: host.name)
        _only_once(demand.revision for demand in sorted_demands)
        _only_once(host.name for host in sorted_hosts)
        self.filling = filling
        self.rooms = [Room(host, order) for order, host in enumerate(sorted_hosts)]
        self.by_name = {room.host.name: room for room in self.rooms}
        self.largest = [
            max((room.total[at] for room in self.rooms if room.total[at] < UNCOUNTED), default=0) for at in range(3)
        ]
        self.present = _present(sorted_demands, replicas)
        there = {revision: Counter(one.host for one in found) for revision, found in self.present.items()}
        tied = {demand.revision: tie for tie in ties(sorted_demands, sorted_hosts, there) for demand in tie.demands}
        self.tasks = [Task(one, order, tied.get(one.revision)) for order, one in enumerate(sorted_demands)]
        self.rules: dict[object, tuple[dict[Room, Words], list[Room]]] = {}
        self.fixed: list[tuple[Task, int, Room]] = []
        self.refused: dict[Task, list[tuple[int, Room]]] = {}

    def layout(self) -> Layout:
        for task in self.tasks:
            task.rooms = self._rooms(task)
        for task in sorted(self.tasks, key=_staying_order):
            self._keep(task)
        for task in self.tasks:
            if task.demand.everywhere:
                self._add_everywhere(task)
        free = [task for task in self.tasks if task.missing and not self._bundled(task)]
        units = sorted([*free, *self._bundles()], key=self._flexibility)
        for unit in units:
            choice = chooser(unit.rooms, unit, unit.demand.spread, self.filling)
            for index in unit.missing:
                room = choice.pick()
                if room is None:
                    break
                unit.seats[index] = room
        make_room(units, self.filling)
        seats = [*self.fixed, *_seated(units)]
        seats.sort(key=lambda seat: (seat[0].order, seat[1], seat[2].order))
        unplaced = [*self._refused(), *self._unplaced(units)]
        return Layout(
            seats=tuple(Seat(task.demand.revision, index, room.host.name) for task, index, room in seats),
            unplaced=tuple(sorted(unplaced, key=lambda one: _key(one.revision))),
        )

    # Which hosts will do

    def _rooms(self, task: Task) -> Sequence[Room]:
        standing, rooms = self._ruled(task.demand)
        if task.tie is None or not (task.tie.home or task.tie.several):
            return rooms
        home = self.by_name.get(task.tie.home)
        return [home] if home is not None and home not in standing else []

    def _ruled(self, demand: Demand) -> tuple[dict[Room, Words], list[Room]]:
        """What stands in the way whoever else is there, and the rooms without such a thing."""
        key = (demand.constraints, demand.platform, demand.given)
        if key not in self.rules:
            said = ((room, STATES.get(room.host.state) or demand.objection(room.host)) for room in self.rooms)
            standing = {room: words for room, words in said if words}
            self.rules[key] = standing, [room for room in self.rooms if room not in standing]
        return self.rules[key]

    def _standing(self, task: Task) -> Mapping[Room, Words]:
        standing, tie = self._ruled(task.demand)[0], task.tie
        if tie is None or not (tie.home or tie.several):
            return standing
        if tie.several:
            lacks, unclear = (
                ("lacks its data", "lack its data"),
                ("may hold its data", "may hold its data: name one in a constraint"),
            )
            return {room: unclear if room.host.name in tie.several else lacks for room in self.rooms}
        what = f"{tie.home}, where {'its data' if tie.stateful else 'what it belongs to'} is"
        away = {room: (f"is not {what}", f"are not {what}") for room in self.rooms if room.host.name != tie.home}
        return away | {room: words for room, words in standing.items() if room.host.name == tie.home}

    # What is there

    def _keep(self, task: Task) -> None:
        """Seats what can stay, and says which indexes have to be given a room."""
        found = self.present.get(task.demand.revision, ())
        if task.demand.everywhere:
            seated: set[Room] = set()
            for replica in found:
                room = self.by_name.get(replica.host)
                if room and room not in seated and self._may_stay(task, room):
                    seated.add(room)
                    self._fix(task, replica.index, room)
            return
        by_index: dict[int, list[Replica]] = {}
        for replica in found:
            by_index.setdefault(replica.index, []).append(replica)
        there = sorted(by_index)[: task.demand.replicas]
        new = (index for index in count(1) if index not in by_index)
        for index in there:
            where = sorted(by_index[index], key=lambda replica: (not replica.up, replica.host))
            rooms = (self.by_name.get(replica.host) for replica in where)
            room = next((room for room in rooms if room and self._may_stay(task, room)), None)
            if room:
                self._fix(task, index, room)
            else:
                task.missing.append(index)
        task.missing = sorted([*task.missing, *islice(new, task.demand.replicas - len(there))])

    def _may_stay(self, task: Task, room: Room) -> bool:
        demand, tie = task.demand, task.tie
        if tie and not demand.stateful and room.host.name != tie.home:
            return False
        if room.host.state is HostState.DRAINED:
            allowed = tie is not None and tie.stateful and demand.objection(room.host) is None
        else:
            allowed = room not in self._ruled(demand)[0]
        return allowed and room.fits(task)

    def _fix(self, task: Task, index: int, room: Room) -> None:
        room.take(task)
        self.fixed.append((task, index, room))

    def _add_everywhere(self, task: Task) -> None:
        mine = [(index, room) for one, index, room in self.fixed if one is task]
        taken, seated = {index for index, _ in mine}, {room for _, room in mine}
        new = (index for index in count(1) if index not in taken)
        for room in task.rooms:
            if room in seated:
                continue
            if room.fits(task):
                self._fix(task, next(new), room)
            else:
                self.refused.setdefault(task, []).append((next(new), room))

    # What has to be given a room

    def _bundled(self, task: Task) -> bool:
        return task.tie is not None and not (task.tie.home or task.tie.several)

    def _bundles(self) -> Iterator[Task]:
        """Those that share a host, where none is decided: as one task, since they go there together."""
        groups: dict[int, list[Task]] = {}
        for task in self.tasks:
            if self._bundled(task) and task.missing:
                groups.setdefault(id(task.tie), []).append(task)
        for order, members in enumerate(groups.values(), len(self.tasks)):
            bundle = Task(members[0].demand, order, members[0].tie)
            bundle.members = tuple(members)
            bundle.missing = [0]
            bundle.most = 1
            bundle.weight = sum(len(member.missing) for member in members)
            bundle.needs = _total(members)
            allowed = all(len(member.missing) <= member.most for member in members)
            common = set(members[0].rooms).intersection(*(member.rooms for member in members[1:]))
            bundle.rooms = [room for room in members[0].rooms if allowed and room in common]
            yield bundle

    def _flexibility(self, task: Task) -> tuple[int, float, bool, int]:
        """Few hosts first, then large ones: what comes last has the widest choice."""
        shares = [need / most for need, most in zip(task.needs, self.largest, strict=True) if most]
        return len(task.rooms).bit_length(), -max(shares, default=0.0), not task.members, task.order

    # What has none

    def _refused(self) -> Iterator[Unplaced]:
        for task, found in self.refused.items():
            yield Unplaced(
                revision=task.demand.revision,
                indexes=tuple(index for index, _ in found),
                wanted=len(task.rooms),
                objections=objections(task, [room for _, room in found], {}),
            )

    def _unplaced(self, units: Iterable[Task]) -> Iterator[Unplaced]:
        for unit in units:
            if not unit.unseated:
                continue
            why = objections(unit, self.rooms, self._together(unit) if unit.members else self._standing(unit))
            for task in unit.members or (unit,):
                yield Unplaced(
                    revision=task.demand.revision,
                    indexes=tuple(task.missing if unit.members else unit.unseated),
                    wanted=task.demand.replicas,
                    objections=why,
                )

    def _together(self, bundle: Task) -> Mapping[Room, Words]:
        """What stands in the way of any member of a bundle."""
        found: dict[Room, Words] = {}
        for member in bundle.members:
            if len(member.missing) > member.most:
                words = (f"may run only {member.most} of it",) * 2
                found = dict.fromkeys((room for room in self.rooms if room not in found), words) | found
            found = {**self._ruled(member.demand)[0], **found}
        return found


def _seated(units: Iterable[Task]) -> Iterator[tuple[Task, int, Room]]:
    for unit in units:
        for index, room in unit.seats.items():
            if unit.members:
                yield from ((member, one, room) for member in unit.members for one in member.missing)
            else:
                yield unit, index, room


def _staying_order(task: Task) -> tuple[bool, bool, int, int]:
    """Whose place counts more where a host has become too small: what cannot move, then what was there first."""
    stateful = task.tie is not None and task.tie.stateful
    return not stateful, not task.demand.everywhere, task.demand.revision.release, task.order


def _present(demands: Iterable[Demand], replicas: Iterable[Replica]) -> dict[Revision, list[Replica]]:
    found: dict[Revision, list[Replica]] = {demand.revision: [] for demand in demands}
    for replica in replicas:
        if replica.revision in found:
            found[replica.revision].append(replica)
    for mine in found.values():
        mine.sort(key=lambda replica: (replica.index, replica.host, replica.id))
    return found


def _total(tasks: Iterable[Task]) -> Amounts:
    cpus = memory = pids = 0
    for task in tasks:
        times = len(task.missing)
        cpus, memory, pids = cpus + times * task.needs[0], memory + times * task.needs[1], pids + times * task.needs[2]
    return cpus, memory, pids


def _key(revision: Revision) -> tuple[str, int, str]:
    return revision.service, revision.release, revision.digest


def _only_once(things: Iterable[T]) -> None:
    """The things are sorted."""
    for before, after in pairwise(things):
        if before == after:
            raise ValueError(f"{after} comes twice")
