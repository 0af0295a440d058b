"""The hosts that replicas are placed on, what is asked of them, and who sits where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from fairway.model.deploy import Resources
from fairway.model.errors import NoHost, Problem
from fairway.model.release import Revision


class HostState(StrEnum):
    READY = "ready"
    DRAINED = "drained"
    """An operator wants it empty: it gets nothing new, and what can move away does."""
    LOST = "lost"
    """It does not answer: nothing can be done there."""


class Filling(StrEnum):
    """Which of the hosts that would do is taken."""

    SPREAD = "spread"
    """The one with the fewest replicas: of the revision, then of all."""
    PACK = "pack"
    """The fullest one: few hosts are used."""


class Host(Struct, frozen=True, kw_only=True):
    """A Docker host as it was last seen. A resource that `capacity` does not name is not counted.

    `used`: what is reserved there by anything that no demand of the placement names. `volumes`: the engine's names of those it
    holds. Of a host that is lost, what was known of it before.
    """

    name: str
    hostname: str = ""
    id: str = ""
    role: str = "worker"
    os: str = "linux"
    arch: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    engine_labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Resources = field(default_factory=Resources)
    used: Resources = field(default_factory=Resources)
    volumes: frozenset[str] = frozenset()
    state: HostState = HostState.READY

    def values(self, attribute: str) -> tuple[str, ...]:
        """What the host has for an attribute of a constraint; several where it goes by several names."""
        for prefix, labels in (("node.labels.", self.labels), ("engine.labels.", self.engine_labels)):
            if attribute.startswith(prefix):
                return (labels.get(attribute.removeprefix(prefix), ""),)
        match attribute:
            case "node.hostname":
                return (self.name, self.hostname)
            case "node.platform.arch":
                return (architecture(self.arch),)
            case "node.platform.os":
                return (self.os,)
            case "node.id":
                return (self.id,)
            case _:
                return (self.role,)


_SAME = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i386": "386"}
_ALSO_RUNS = {"amd64": ("386",), "arm64": ("arm",)}
"""Without emulation."""


def architecture(name: str) -> str:
    """One name for what Docker's images and the kernel call differently."""
    return _SAME.get(name.lower(), name.lower())


def runs(host: Host, platform: str) -> bool:
    """Whether the host runs images of a platform (`linux/arm64/v8`). What is not known of it is no hindrance."""
    os, _, rest = platform.lower().partition("/")
    wanted, has = architecture(rest.partition("/")[0]), architecture(host.arch)
    if host.os and os != host.os.lower():
        return False
    return not wanted or not has or wanted == has or wanted in _ALSO_RUNS.get(has, ())


ATTRIBUTES = ("node.hostname", "node.id", "node.role", "node.platform.os", "node.platform.arch")
LABELS = ("node.labels.", "engine.labels.")
_CONSTRAINT = r"(?s)(?P<attribute>[^=!]*)(?P<operator>==|!=)(?P<value>.*)"
_KEY = r"[A-Za-z0-9_](?:[A-Za-z0-9_./-]*[A-Za-z0-9_])?"
_VALUE = r"[^\s=!][^=!]*"


class Constraint(Struct, frozen=True):
    """What a host has to have (`==`), or must not have (`!=`). Values are compared without regard to case."""

    attribute: str
    equal: bool
    value: str

    def met(self, host: Host) -> bool:
        wanted = self.value.casefold()
        if self.attribute == "node.platform.arch":
            wanted = architecture(wanted)
        found = any(value.casefold() == wanted for value in host.values(self.attribute))
        return found is self.equal

    def __str__(self) -> str:
        return f"{self.attribute}{'==' if self.equal else '!='}{self.value}"


def parse_constraint(text: str) -> Constraint:
    """`node.labels.disk == ssd`. Raises ValueError, with what is wrong."""
    found = re.fullmatch(_CONSTRAINT, text)
    if not found:
        raise ValueError(f"`{text}` is no constraint: it has neither `==` nor `!=`")
    attribute, value = parse_attribute(found["attribute"]), found["value"].strip()
    if not re.fullmatch(_VALUE, value):
        raise ValueError(
            f"`{text}` is no constraint: " + (f"`{value}` is no value" if value else "the value is missing")
        )
    return Constraint(attribute, found["operator"] == "==", value)


def parse_attribute(text: str) -> str:
    """`node.labels.zone`, `node.hostname`, …: what a constraint compares, or a preference spreads over. Raises ValueError."""
    written = text.strip()
    for prefix in LABELS:
        if written.lower().startswith(prefix):
            key = written[len(prefix) :]
            if not re.fullmatch(_KEY, key):
                raise ValueError(f"`{written}` names no label" if key else f"`{written}` lacks the name of a label")
            return prefix + key
    if written.lower() in ATTRIBUTES:
        return written.lower()
    raise ValueError(f"`{written}` is no attribute of a host")


class Seat(Struct, frozen=True):
    """Where one replica of a revision runs."""

    revision: Revision
    index: int
    host: str


class Objection(Struct, frozen=True):
    """What stands in the way on some hosts: `one` as said of one host, `many` of several."""

    one: str
    many: str
    hosts: tuple[str, ...]

    def __str__(self) -> str:
        return f"1 host {self.one}" if len(self.hosts) == 1 else f"{len(self.hosts)} hosts {self.many}"


class Unplaced(Struct, frozen=True, kw_only=True):
    """Replicas of a revision that no host takes, of `wanted`. Each host is in one objection."""

    revision: Revision
    indexes: tuple[int, ...]
    wanted: int
    objections: tuple[Objection, ...]

    def __str__(self) -> str:
        missing = len(self.indexes)
        who = self.revision.service
        if missing < self.wanted:
            who = f"{missing} of {self.wanted} replicas of {who}"
        return f"no host for {who}: {', '.join(map(str, self.objections)) or 'there are no hosts'}"


class Layout(Struct, frozen=True, kw_only=True):
    """Which replica runs where: by service, release and index; and those for which there is no place."""

    seats: tuple[Seat, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()

    def of(self, revision: Revision) -> tuple[Seat, ...]:
        return tuple(seat for seat in self.seats if seat.revision == revision)

    def by_host(self) -> Mapping[str, tuple[Seat, ...]]:
        found: dict[str, list[Seat]] = {}
        for seat in self.seats:
            found.setdefault(seat.host, []).append(seat)
        return {host: tuple(seats) for host, seats in sorted(found.items())}

    def insist(self) -> None:
        """Raises NoHost, with everything that has no place."""
        if self.unplaced:
            raise NoHost([Problem(str(one), str(one.revision)) for one in self.unplaced])
