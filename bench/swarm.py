"""python -m bench.swarm [rolling|loss|leader …]: a real Swarm of three managers under load. Every request is counted; none is retried.

rolling  another version, by `docker service update` (start-first) behind HAProxy, which finds tasks by DNS, and by Fairway,
         of the same image on the same Swarm: failed requests and seconds. Both count twice: with an application that ends
         at once when it is told to, and with one that first finishes what it has
loss     a node is lost, once its network, once its engine and once its power: failed requests, when the last one failed, and how long it
         took until all replicas were there again
leader   the manager that leads is lost during a rollout
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.swarm import Swarm
from tests.load import Load, Report
from tests.real.deploy.site import COMPOSE, Site, make_site

PLAIN_PORT = 8081
ROUNDS = 3
CLIENTS = {"path": "/", "keep_alive": 6, "one_shot": 4, "slow": 2, "slow_path": "/slow?s=4", "pause": 0.02}
CLIENTS |= {"websockets": 0, "streams": 0}
HAPROXY = f"""
global
    maxconn 4000
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch
resolvers docker
    nameserver dns 127.0.0.11:53
    hold valid 1s
    hold obsolete 0s
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
frontend users
    bind :{PLAIN_PORT}
    default_backend web
backend web
    balance roundrobin
    option httpchk GET /up
    server-template web 10 tasks.plain-web:9090 check inter 1s resolvers docker init-addr none
"""


STOPPED = COMPOSE.replace(
    "    stop_grace_period: 10s\n", "    stop_grace_period: 10s\n    stop_signal: ${STOP:-SIGTERM}\n"
)


def said(report: Report) -> str:
    reasons = ", ".join(f"{count} × {reason}" for reason, count in sorted(report.reasons.items()))
    return f"{report.failed:>5} failed of {report.requests:>6} in {report.seconds:5.1f} s  {reasons}"


def serving(site: Site) -> str:
    """The Swarm service of the latest revision of `web`."""
    listed = site.host.docker("service", "ls", "--format", "{{.Name}}").stdout.split()
    found = [one for one in listed if one.startswith(f"{site.app}-production-web-r")]
    return max(found, key=lambda name: int(name.rpartition("-r")[2]))


def image_of(site: Site) -> str:
    """What the tasks of `web` run."""
    wanted = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    return site.host.docker("service", "inspect", serving(site), "--format", wanted).stdout.strip()


def plain(site: Site) -> None:
    """The same image as a usual stack has it, and a usual proxy."""
    docker = site.host.docker
    docker("build", "--tag", "haproxy", "-", stdin=RECIPE)
    docker("config", "create", "plain-haproxy", "-", stdin=HAPROXY)
    docker("network", "create", "--driver", "overlay", "plain")
    docker(
        *("service", "create", "--name", "plain-web", "--network", "plain", "--endpoint-mode", "dnsrr"),
        *("--replicas", "2", "--init", "--stop-grace-period", "10s", "--no-resolve-image", "--env", "VERSION=v0"),
        *("--health-cmd", "curl -fsS http://localhost:9090/up", "--health-interval", "1s", "--health-timeout", "2s"),
        *("--update-order", "start-first", "--update-parallelism", "1", "--update-delay", "2s", image_of(site)),
    )
    docker(
        *("service", "create", "--name", "plain-proxy", "--network", "plain", "--endpoint-mode", "dnsrr"),
        *("--config", "source=plain-haproxy,target=/etc/haproxy/haproxy.cfg", "--no-resolve-image"),
        *("--constraint", f"node.hostname=={site.host.name}"),
        *("--publish", f"mode=host,target={PLAIN_PORT},published={PLAIN_PORT}", "haproxy"),
    )
    time.sleep(5)


RECIPE = """
FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*
CMD ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]
"""


def rolling(site: Site) -> None:
    plain(site)
    for how in ("SIGTERM", "SIGKILL"):
        site.host.docker("service", "update", "--quiet", "--stop-signal", how, "--env-add", "VERSION=v0", "plain-web")
        site.fairway("deploy", "production", VERSION="v0", STOP=how)
        for number in range(1, ROUNDS + 1):
            change = ("service", "update", "--quiet", "--env-add", f"VERSION=v{number}", "plain-web")
            with Load(f"http://{site.host.address}:{PLAIN_PORT}", **CLIENTS) as load:
                took = timed(lambda change=change: site.host.docker(*change))  # type: ignore[misc]
            print(f"plain   {how} {took:6.1f} s  {said(load.report)}", flush=True)
            with site.load(**CLIENTS) as load:
                took = timed(lambda number=number: site.fairway("deploy", "production", VERSION=f"v{number}"))  # type: ignore[misc]
            print(f"fairway {how} {took:6.1f} s  {said(load.report)}", flush=True)


def timed(change: Callable[[], object]) -> float:
    """Seconds; a second before and after it is not counted."""
    time.sleep(1)
    began = time.monotonic()
    change()
    took = time.monotonic() - began
    time.sleep(1)
    return took


def running(site: Site, nodes: set[str]) -> int:
    """Tasks of `web` that run on these nodes."""
    listed = site.host.docker(
        *(
            "service",
            "ps",
            serving(site),
            "--filter",
            "desired-state=running",
            "--format",
            "{{.Node}} {{.CurrentState}}",
        )
    )
    tasks = [line.split() for line in listed.stdout.splitlines()]
    return sum(node in nodes and state == "Running" for node, state, *_ in tasks)


def lose(site: Site, swarm: Swarm, how: str, host: Host) -> None:
    others = {one.name for one in swarm.hosts if one is not host}
    with site.load(**CLIENTS) as load:
        time.sleep(3)
        began, clock = time.monotonic(), time.time()
        {"network": host.unplug, "engine": host.kill_engine, "power": host.stop}[how]()
        while running(site, others) < 3:
            assert time.monotonic() - began < 180, "not all replicas came back"
            time.sleep(0.2)
        whole = time.monotonic() - began
        time.sleep(5)
    report = load.report
    last = max((failure.clock - clock for failure in report.failures), default=0.0)
    print(f"{how:<8} whole after {whole:5.1f} s, last failure after {last:5.1f} s  {said(report)}", flush=True)
    {"network": host.plug, "engine": host.reboot, "power": host.start}[how]()
    swarm.wait_ready()


def loss(site: Site, swarm: Swarm) -> None:
    site.fairway("deploy", "production", REPLICAS="3", VERSION="three")
    time.sleep(5)
    for how in ("network", "engine", "power"):
        lose(site, swarm, how, swarm.hosts[2])
        site.fairway("deploy", "production", VERSION=f"after-{how}")  # Swarm moves nothing back by itself


def leader(site: Site, swarm: Swarm) -> None:
    """One that users do not come in at, for what it had in flight is lost with it."""
    host = swarm.leader()
    if host is site.host:
        raise SystemExit("it is the users' gateway that leads: start again")
    with site.load(**CLIENTS) as load:
        began = time.monotonic()
        process = site.start("deploy", "production")
        time.sleep(2.5)
        host.stop()
        _, err = process.communicate(timeout=300)
        took = time.monotonic() - began
    print(f"leader   exit {process.returncode} after {took:5.1f} s  {said(load.report)}\n{err[-1500:]}", flush=True)
    host.start()
    swarm.wait_ready()


def main() -> None:
    asked = sys.argv[1:] or ["rolling", "loss", "leader"]
    with Lab.open() as lab, tempfile.TemporaryDirectory() as directory:
        swarm = lab.swarm()
        swarm.hosts[0].load_tools()  # it builds
        site = make_site(Path(directory) / "site", swarm.hosts[1], compose=STOPPED, engine="swarm", hosts=swarm.hosts)
        print(site.fairway("ship", "production", VERSION="v0").stdout[-300:], flush=True)
        if "rolling" in asked:
            rolling(site)
        if "loss" in asked:
            loss(site, swarm)
        if "leader" in asked:
            leader(site, swarm)


if __name__ == "__main__":
    main()
