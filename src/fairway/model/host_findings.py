"""What is wrong with a host, and what to do about it: derived from facts alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from fairway.model.errors import EngineUnreachable, FairwayError
from fairway.model.host_facts import HostFacts, Room

LARGEST_SKEW = 2.0
OUTDATED = ("aufs", "devicemapper", "overlay")
"""Storage drivers that newer versions of Docker have no longer."""
DAEMON = "/etc/docker/daemon.json"
SHOWN = 3
"""So many containers are named, the others counted."""

_OPEN = re.compile(r"API is accessible on (\S+) without (?:encryption|TLS)")


class Level(StrEnum):
    PROBLEM = "problem"
    """It stops deployments, or will, or lets strangers in."""
    ADVICE = "advice"
    """It works, and could be safer."""


class Finding(Struct, frozen=True, kw_only=True):
    """`key` is the same for the same kind of finding on every host."""

    key: str
    level: Level
    what: str
    why: str = ""
    hint: str = ""


def judge_host(facts: HostFacts) -> tuple[Finding, ...]:
    """Everything that is wrong with a host that answers, problems first. What is not known is not judged."""
    found = [*_clock(facts), *_disk(facts), *_storage(facts), *_warnings(facts), *_swap(facts), *_restarts(facts)]
    found += _logs(facts)
    return tuple(sorted(found, key=lambda finding: finding.level is Level.ADVICE))


def unreached(error: FairwayError) -> Finding:
    """A host that could not be asked."""
    key = "unreachable" if isinstance(error, EngineUnreachable) else "refused"
    return Finding(key=key, level=Level.PROBLEM, what=error.what, why=error.why, hint=error.hint)


def same_engines(hosts: Mapping[str, HostFacts]) -> Mapping[str, Finding]:
    """By host: that it is the same engine as another one, which a look at one host alone does not tell."""
    by_engine: dict[str, list[str]] = {}
    for name, facts in hosts.items():
        if facts.id:
            by_engine.setdefault(facts.id, []).append(name)
    return {
        name: _same([other for other in names if other != name])
        for names in by_engine.values()
        if len(names) > 1
        for name in names
    }


def _same(others: list[str]) -> Finding:
    return Finding(
        key="same-engine",
        level=Level.PROBLEM,
        what=f"its engine has the same ID as that of {_some(others)}",
        hint="name each host once; if they are two machines, one is a copy of the other: remove its "
        "/var/lib/docker/engine-id (before Docker 23, /etc/docker/key.json) and restart Docker there",
    )


def _clock(facts: HostFacts) -> Iterator[Finding]:
    if facts.clock and facts.clock.surely > LARGEST_SKEW:
        side = "ahead of" if facts.clock.ahead > 0 else "behind"
        yield Finding(
            key="clock",
            level=Level.PROBLEM,
            what=f"its clock is {abs(facts.clock.ahead):.1f} s {side} ours",
            why="times of releases and logs come out wrong, and certificates seem to be expired, or not yet valid",
            hint="let both keep time: `timedatectl set-ntp true`; `timedatectl` tells which one is wrong",
        )


def _disk(facts: HostFacts) -> Iterator[Finding]:
    if facts.disk and _nearly_full(facts.disk):
        free, size = facts.disk.free / (1 << 30), facts.disk.size / (1 << 30)
        yield Finding(
            key="disk",
            level=Level.PROBLEM,
            what=f"its disk is nearly full: {free:.1f} of {size:.1f} GiB are free",
            why="on a full disk no image can be pulled and no release be written down",
            hint="`docker system df -v` on it tells what takes the room: old images, volumes, the build cache",
        )


def _nearly_full(room: Room) -> bool:
    return room.free < min(room.size // 10, 20 << 30)


def _storage(facts: HostFacts) -> Iterator[Finding]:
    driver = facts.storage_driver
    if driver == "vfs":
        why = "every container is a whole copy of its image: slow to start, and the disk is soon full"
    elif driver in OUTDATED:
        why = "newer versions of Docker do not have it, and will not start"
    else:
        return
    yield Finding(
        key="storage-driver",
        level=Level.PROBLEM,
        what=f"its storage driver is {driver}",
        why=why,
        hint=f'put "storage-driver": "overlay2" into {DAEMON} and restart Docker; images are then pulled anew, and '
        "containers made anew",
    )


def _warnings(facts: HostFacts) -> Iterator[Finding]:
    for warning in facts.warnings:
        said = " ".join(warning.removeprefix("WARNING:").removeprefix("[DEPRECATION NOTICE]:").split())
        if found := _OPEN.search(said):
            yield Finding(
                key="open-api",
                level=Level.PROBLEM,
                what=f"its API is open at {found[1]} to everybody who gets there",
                why="whoever reaches a Docker engine is root on its host",
                hint="start dockerd without that address (Fairway can come by ssh://), or with --tlsverify",
            )
        elif said and not said.startswith("No swap limit support"):
            yield Finding(key="warning", level=Level.ADVICE, what=f"Docker warns: {said.removesuffix('.')}")


def _swap(facts: HostFacts) -> Iterator[Finding]:
    if not facts.swap_limit:
        yield Finding(
            key="swap-limit",
            level=Level.ADVICE,
            what="its kernel does not limit swap",
            why="a container that has reached its memory limit goes on in swap, and slows everything down",
            hint="cgroup v2 limits it; with v1, boot with `swapaccount=1` (GRUB_CMDLINE_LINUX, then update-grub)",
        )


def _restarts(facts: HostFacts) -> Iterator[Finding]:
    if not facts.live_restore and not facts.clustered:
        yield Finding(
            key="live-restore",
            level=Level.ADVICE,
            what="live-restore is off",
            why="when Docker is restarted or upgraded, every container stops",
            hint=f'put "live-restore": true into {DAEMON}, then `systemctl reload docker`',
        )


def _logs(facts: HostFacts) -> Iterator[Finding]:
    endless = facts.running.endless_logs if facts.running else ()
    if endless:
        yield Finding(
            key="log-rotation",
            level=Level.ADVICE,
            what=f"nothing rotates the logs of {_some(endless)}",
            why="json-file without max-size: they grow until the disk is full",
            hint=f'put "log-opts": {{"max-size": "10m", "max-file": "3"}} into {DAEMON} and restart Docker, which counts for '
            "containers made from then on; or say `logging:` in the Compose file",
        )


def _some(names: Iterable[str]) -> str:
    """The first few, and how many more."""
    known = sorted(names)
    more = len(known) - SHOWN
    return ", ".join(known) if more < 2 else f"{', '.join(known[:SHOWN])} and {more} more"
