"""Running the machine's commands, and saying plainly which one failed and why."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


class LabError(RuntimeError):
    """The lab cannot be built on this machine, or a part of it died."""


def run(*command: str) -> str:
    """Run a command to its end and return its standard output; raises LabError with its words otherwise."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        raise LabError(f"{command[0]} is missing: run scripts/install") from None
    if done.returncode:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def attempt(*command: str) -> bool:
    """Run a command that may fail, such as one that removes what may be gone already."""
    return not subprocess.run(command, check=False, capture_output=True).returncode


def spawn(command: list[str], log: Path, pid_file: Path, *, keep: bool) -> subprocess.Popen[bytes]:
    """Start a server that dies with this process (unless `keep`), its output in `log`, its pid in `pid_file`."""
    leash = [] if keep else ["setpriv", "--pdeathsig", "KILL"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*leash, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    pid_file.write_text(f"{process.pid} {started(process.pid)}")
    return process


def started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if it is gone. Tells a reused pid from the first one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *_ = fields = stat.rpartition(")")[2].split()
    return "" if state == "Z" else fields[19]


def alive(pid_file: Path) -> int:
    """The pid that was written to the file if that very process still runs, else 0."""
    try:
        pid, ticks = pid_file.read_text().split()
    except (OSError, ValueError):
        return 0
    return int(pid) if started(int(pid)) == ticks else 0


def kill(pid_file: Path) -> None:
    """Kill what `spawn` started and wait until it is gone."""
    if pid := alive(pid_file):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid_file), 10, f"process {pid} to die")
    pid_file.unlink(missing_ok=True)


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.02)
