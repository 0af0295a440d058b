"""An application on three hosts, deployed by the fairway command as a user has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab.host import Host
from tests.load.load import Load
from tests.real.deploy.site import HTTP_PORT, Site, make_site

COMPOSE = """
services:
  web:
    build: web
    init: true
    restart: unless-stopped
    environment:
      VERSION: ${VERSION:-v1}
      BROKEN: ${BROKEN:-}
      BOOT_SECONDS: ${BOOT:-0.3}
    expose: ["9090"]
    stop_grace_period: 10s
    deploy:
      replicas: ${REPLICAS:-6}
      resources: {limits: {memory: 128M, pids: 64}}
"""

SETTINGS = """
app: %%(app)s
test: {}
environments:
  production:
%(loss)s
    hosts:
%(hosts)s
gateway: {http: %%(port)d}
services:
  web:
    route: {host: %%(app)s.test, port: 9090}
    ready: {http: /up, deadline: 20s}
    rollout: {drain_timeout: 5s}
"""


class FleetSite:
    """`hosts` by the names that the settings give them."""

    def __init__(self, site: Site, hosts: Sequence[Host]) -> None:
        self.site = site
        self.hosts = {f"h{number}": host for number, host in enumerate(hosts, 1)}
        self.fairway = site.fairway
        self.start = site.start
        self.json = site.json

    def load(self, host: str, **options: Any) -> Load:
        """Users of one edge."""
        return Load(f"http://{self.hosts[host].address}:{HTTP_PORT}", host=f"{self.site.app}.test", **options)

    def where(self) -> dict[str, list[str]]:
        """The replicas on each host, by name."""
        found: dict[str, list[str]] = {}
        for replica in self.json("ps", "production"):
            found.setdefault(replica["host"], []).append(replica["name"])
        return {host: sorted(names) for host, names in sorted(found.items())}

    def containers(self) -> dict[str, list[str]]:
        wanted = ("ps", "-a", "--filter", f"label=fairway.app={self.site.app}", "--format", "{{.Names}}")
        return {name: sorted(host.docker(*wanted).stdout.split()) for name, host in self.hosts.items()}


def make_fleet(directory: Path, hosts: Sequence[Host], *, loss: str = "", compose: str = COMPOSE) -> FleetSite:
    """`loss`: what the environment says of lost hosts."""
    lines = [f"      h{number}: {{{_reached(host)}}}" for number, host in enumerate(hosts, 1)]
    settings = SETTINGS % {"hosts": "\n".join(lines), "loss": f"    {loss}" if loss else ""}
    return FleetSite(make_site(directory, hosts[0], compose, settings), hosts)


def _reached(host: Host) -> str:
    """By TCP: what cuts its network cuts the deployer off, too."""
    files = ", ".join(f"{name}: {host.tls / name}.pem" for name in ("ca", "cert", "key"))
    return f"address: '{host.tls_url}', tls: {{{files}}}"
