"""What the benchmarks of proxies share: programs on a core of their own, the load (wrk), and how two are compared."""

from __future__ import annotations

import re
import socket
import statistics
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROXY_CORE, OTHER_CORE = "0", "1"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """How many requests, how many a second, and percentiles of their times in milliseconds."""

    requests: int
    rate: float
    p50: float
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


def wrk(port: int, connections: int, seconds: int) -> Load:
    command = ["taskset", "-c", OTHER_CORE, "wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s"]
    said = subprocess.run([*command, f"http://127.0.0.1:{port}/"], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"the load met errors:\n{said}")
    count = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    times = [re.search(rf"\b{part}%\s+([\d.]+)(us|ms|s)", said) for part in (50, 99)]
    p50, p99 = (float(found[1]) * UNITS[found[2]] if found else 0.0 for found in times)
    if not (count and rate and p50 and p99):
        raise SystemExit(f"wrk said something new:\n{said}")
    return Load(int(count[1]), float(rate[1]), p50, p99)


def spread(ratios: Iterable[float]) -> str:
    """The median, and in brackets the least and the most."""
    found = sorted(ratios)
    return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"
