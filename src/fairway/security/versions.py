"""What is known of versions: which engines, systems and kernels nobody mends any more. Distributions mend old versions themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from fairway.model.security_facts import HostSecurity, Maintained
from fairway.security.rule import Case, Found

OLD = 365
"""Days after which what is known is told to be old."""
PACKAGED = re.compile(
    r"\.(el|fc|amzn|cm)\d|-(generic|amd64|arm64|cloud|aws|azure|gcp|gke|oracle|kvm|lowlatency|rpi|raspi|oem|pve|lts|linuxkit)|deb\d|microsoft",
    re.IGNORECASE,
)
"""Kernels that a distribution makes, and mends in its own way."""


def old_engine(case: Case, host: HostSecurity) -> Iterator[str]:
    """A distribution's engine is as old as the distribution: that is the system's matter."""
    if distributed(host) or not _pair(host.engine):
        return
    if _pair(host.engine) < _pair(case.known.engine):
        yield f"its engine is Docker {host.engine}, and {case.known.engine} is the oldest that is maintained"


def distributed(host: HostSecurity) -> bool:
    return "+dfsg" in host.engine or "ubuntu" in host.build or "+dfsg" in host.build


def old_system(case: Case, host: HostSecurity) -> Iterator[str]:
    system, ends = _system(case.known, host.os)
    if ends and case.today > ends:
        yield f"{system} was maintained until {ends}"
    if not PACKAGED.search(host.kernel) and (why := _old_kernel(case, host.kernel)):
        yield f"its kernel is {host.kernel}, {why}"


def _system(known: Maintained, name: str) -> tuple[str, date | None]:
    found = [system for system in known.systems if re.match(rf"{re.escape(system)}(?![\d])", name)]
    system = max(found, key=len, default="")
    return system, known.systems.get(system)


def _old_kernel(case: Case, kernel: str) -> str:
    """A line that is no longterm one ends when the next has come: then only the newest may be maintained."""
    line, kernels = _pair(kernel), case.known.kernels
    if not line or not kernels:
        return ""
    ends = next((day for name, day in kernels.items() if _pair(name) == line), None)
    if ends:
        return f"whose line was maintained until {ends}" if case.today > ends else ""
    newest = max(map(_pair, kernels))
    return "whose line is none that is maintained for long" if line < newest else ""


def old_runc(case: Case, host: HostSecurity) -> Iterator[str]:
    found = _triple(host.runc)
    mended = sorted(_triple(version) for version in case.known.runc)
    if "+" in host.runc or not found or not mended:
        return
    line = next((version for version in mended if version[:2] == found[:2]), None)
    if (line and found < line) or (line is None and found < mended[0]):
        yield f"its runc is {host.runc}"


def old_knowledge(case: Case) -> Iterator[Found]:
    if case.hosts and (case.today - case.known.as_of).days > OLD:
        yield Found(what=f"what is known of engines and kernels is of {case.known.as_of}")


def _pair(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else ()


def _triple(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else ()
