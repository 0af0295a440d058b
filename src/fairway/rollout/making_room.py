"""When hosts are nearly full: what has just been given a place moves on, so that what has none finds one.

Only replicas that do not run yet move. Both searches look at a bounded number of places.
"""

from __future__ import annotations

from collections.abc import Sequence

from fairway.model.hosts import Filling
from fairway.rollout.rooms import Room, Task

LOOKS = 1_000_000
"""How many places the search along chains looks at, in all."""
WHOLE = 200_000
"""How many the search through everything looks at."""
LONGEST = 60
"""The longest chain."""
SMALL = 64
"""The most replicas of which every arrangement is tried."""


def make_room(tasks: Sequence[Task], filling: Filling) -> None:
    """Seats more of what is unseated, if it can be found how. `tasks`: the least flexible first."""
    if not any(task.unseated for task in tasks):
        return
    chains = _Chains(tasks)
    while sum(chains.seat_all(task) for task in tasks):
        pass
    if any(task.unseated for task in tasks) and sum(len(task.missing) for task in tasks) <= SMALL:
        _Whole(tasks, filling).search()


class _Chains:
    """A replica takes the place of another one, which takes that of a third, … which finds a free one."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.looks = LOOKS
        self.length = 0
        self.there: dict[Room, dict[Task, set[int]]] = {}
        for task in tasks:
            for index, room in task.seats.items():
                self.there.setdefault(room, {}).setdefault(task, set()).add(index)

    def seat_all(self, task: Task) -> int:
        """How many more of them have a place now."""
        before = len(task.seats)
        for index in task.unseated:
            if not self._seat(task, index, set()):
                break
        return len(task.seats) - before

    def _seat(self, task: Task, index: int, seen: set[Room]) -> bool:
        self.looks -= len(task.rooms)
        for room in task.rooms:
            if room.fits(task):
                self._put(task, index, room)
                return True
        for room in task.rooms if self.length < LONGEST else ():
            if room in seen:
                continue
            seen.add(room)
            for other in sorted(self.there.get(room, {}), key=lambda one: one.order):
                self.looks -= 1
                if self.looks < 0:
                    return False
                if self._gives_way(room, other, task) and self._swapped(room, other, task, index, seen):
                    return True
        return False

    def _gives_way(self, room: Room, other: Task, task: Task) -> bool:
        return other is not task and bool(self.there[room][other]) and room.fits_without(task, other)

    def _swapped(self, room: Room, other: Task, task: Task, index: int, seen: set[Room]) -> bool:
        moving = max(self.there[room][other])
        self._lift(other, moving)
        self._put(task, index, room)
        self.length += 1
        found = self._seat(other, moving, seen)
        self.length -= 1
        if not found:
            self._lift(task, index)
            self._put(other, moving, room)
        return found

    def _put(self, task: Task, index: int, room: Room) -> None:
        task.seat(index, room)
        self.there.setdefault(room, {}).setdefault(task, set()).add(index)

    def _lift(self, task: Task, index: int) -> None:
        self.there[task.seats[index]][task].remove(index)
        task.leave(index)


class _Whole:
    """Every arrangement of what does not run yet, until one has a place for all that could have one."""

    def __init__(self, tasks: Sequence[Task], filling: Filling) -> None:
        self.tasks = tasks
        self.filling = filling
        self.looks = WHOLE
        self.items: list[tuple[Task, int]] = []

    def search(self) -> None:
        before = [(task, dict(task.seats)) for task in self.tasks]
        for task, seats in before:
            for index in seats:
                task.leave(index)
        possible = [task for task in self.tasks if any(room.fits(task) for room in task.rooms)]
        self.items = [(task, index) for task in possible for index in sorted(task.missing)]
        if not (self._enough() and self._arrange(0)):
            for task, seats in before:
                for index, room in seats.items():
                    task.seat(index, room)

    def _enough(self) -> bool:
        """Whether all together is there what all together need."""
        rooms = {room for task, _ in self.items for room in task.rooms}
        return all(
            sum(task.needs[at] for task, _ in self.items) <= sum(room.free[at] for room in rooms) for at in range(3)
        )

    def _arrange(self, at: int) -> bool:
        if at == len(self.items):
            return True
        task, index = self.items[at]
        self.looks -= len(task.rooms)
        if self.looks < 0:
            return False
        first = 0
        if at and self.items[at - 1][0] is task:  # replicas of one task are alike: only in the order of the rooms
            first = task.seats[self.items[at - 1][1]].order
        fitting = [room for room in task.rooms if room.order >= first and room.fits(task)]
        for room in sorted(fitting, key=lambda one: (one.rank(task, self.filling), one.order)):
            task.seat(index, room)
            if self._arrange(at + 1):
                return True
            task.leave(index)
        return False
