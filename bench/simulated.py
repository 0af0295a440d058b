"""python -m bench.simulated [HOSTS …]: `ps` and a `deploy` that changes nothing, over simulated fleets (10, 100 and 500 hosts by default).

Each host is a socket of one server that speaks as much of Docker's API as a worker without routes needs: containers that are made
run at once, and nothing else ever happens. So what is measured is Fairway itself: its time, processor time and memory, beside the
same command over the smallest fleet, in one run. (A real engine adds some 5 ms for each call.)
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from tests.real.deploy.site import FAIRWAY

ROUNDS = 3
COMPOSE = "services: {worker: {image: debian, deploy: {replicas: %d}}}\n"
SETTINGS = """app: shop
environments:
  production:
    hosts:
%s
services:
  worker: {ready: {min_ready: 0s}}
"""


class Cost(Struct, frozen=True):
    """Seconds of wall and processor time, and MiB."""

    wall: float
    cpu: float
    memory: float


@contextmanager
def fleet(count: int) -> Iterator[Path]:
    """A checkout whose environment has so many hosts, with three replicas on each, deployed."""
    with tempfile.TemporaryDirectory(prefix="fleet") as directory:
        here = Path(directory)
        sockets = [here / f"{number}.sock" for number in range(count)]
        server = subprocess.Popen(
            [sys.executable, "-m", "bench.simulated_engine", str(here), str(count)], stdout=subprocess.PIPE
        )
        try:
            assert server.stdout and server.stdout.readline()
            lines = [
                f"      h{number}: {{address: 'unix://{socket}', internal: 10.{number // 250}.{number % 250}.1}}"
                for number, socket in enumerate(sockets)
            ]
            (here / "compose.yaml").write_text(COMPOSE % (3 * count))
            (here / "fairway.yaml").write_text(SETTINGS % "\n".join(lines))
            for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
                identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
                subprocess.run(["git", *identity, *command], cwd=here, check=True)
            run(here, "deploy")
            yield here
        finally:
            server.terminate()
            server.wait()


def run(directory: Path, command: str) -> Cost:
    began = time.perf_counter()
    process = subprocess.Popen(
        [*FAIRWAY, command, "production"], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout and process.stderr
    said = process.stdout.read() + process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"fairway {command}: exit {process.returncode}\n{said.decode()[-2000:]}")
    return Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in Cost.__struct_fields__))


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    counts = [int(word) for word in sys.argv[1:]] or [10, 100, 500]
    first: dict[str, Cost] = {}
    print(f"(usual limit of open files: {soft}; here {hard})\n")
    print("| command | hosts | replicas | seconds | of processor | MiB | time ÷ smallest | hosts ÷ smallest |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for count in counts:
        with fleet(count) as directory:
            for command in ("ps", "deploy"):
                cost = median([run(directory, command) for _ in range(ROUNDS)])
                base = first.setdefault(command, cost)
                ratios = f"{cost.wall / base.wall:.1f} | {count / counts[0]:.0f}"
                figures = f"{cost.wall:.2f} | {cost.cpu:.2f} | {cost.memory:.0f}"
                print(f"| {command} | {count} | {3 * count} | {figures} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
