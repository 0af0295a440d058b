"""Whether the process that holds a lease is one of this machine that has ended: then nobody needs to wait for its silence."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def this_process() -> str:
    """Tells it from every other process of every machine; empty where the system does not say."""
    return _written(os.getpid())


def is_dead(process: str) -> bool:
    """Whether it certainly is: False where it may be another machine's, or another container's."""
    boot, namespace, pid, *_ = [*process.split(" "), "", "", ""]
    mine = this_process()
    return bool(mine) and pid.isdigit() and mine.startswith(f"{boot} {namespace} ") and _written(int(pid)) != process


def _written(pid: int) -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot} {namespace} {pid} {_started(pid)}"


def _started(pid: int) -> str:
    """Since the machine's start, in clock ticks; nothing where there is no such process, or only what is left of one."""
    try:
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[18]
