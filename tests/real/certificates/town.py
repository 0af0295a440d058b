"""An application on two edges whose certificates an ACME server issues."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.acme import AcmeServer
from tests.lab.host import Host
from tests.load.load import Load
from tests.real.deploy.site import HTTP_PORT, commit
from tests.real.edge.secure import TLS_PORT, context, shake
from tests.real.fleet.site import FleetSite, make_fleet


@dataclass
class Town:
    fleet: FleetSite
    server: AcmeServer
    hosts: list[str] = field(default_factory=list)
    """The host names of the route."""
    said: str = ""
    """All that the commands have printed."""

    def fairway(self, *words: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        done = self.fleet.fairway(*words, check=check, **variables)
        self.said += done.stdout + done.stderr
        return done

    @property
    def app(self) -> str:
        return self.fleet.site.app

    @property
    def file(self) -> Path:
        return self.fleet.site.directory / "fairway.yaml"

    def __post_init__(self) -> None:
        """fairway.yaml is no part of the commit: it changes without anything to build."""
        directory = self.fleet.site.directory
        self.hosts = [f"{self.app}.test"]
        self.fleet.site.variables["REPLICAS"] = "2"
        (directory / ".gitignore").write_text("fairway.yaml\n")
        subprocess.run(["git", "rm", "-q", "--cached", "fairway.yaml"], cwd=directory, check=True)
        commit(directory)
        self._written = self.file.read_text()

    def settings(self, *, acme: bool = True, redirect: bool = False, more: Sequence[str] = ()) -> None:
        """`more`: names before the application's, that have a route, too."""
        self.hosts = [f"{self.app}.test", *(f"{name}.{self.app}.test" for name in more)]
        said = self._written.replace(f"host: {self.app}.test", f"hosts: {json.dumps(self.hosts)}")
        if acme:
            asked = {"terms": True, "directory": self.server.url, "ca": str(self.server.ca), "email": "ops@example.com"}
            gateway = {"http": HTTP_PORT, "https": TLS_PORT, "redirect": redirect, "acme": asked}
            said = said.replace(f"gateway: {{http: {HTTP_PORT}}}", f"gateway: {json.dumps(gateway)}")
            assert '"acme"' in said
        self.file.write_text(said)

    def lead(self, *edges: str, name: str = "") -> None:
        """Let a host name lead to these edges; nowhere, where there are none."""
        host = f"{name}.{self.app}.test" if name else f"{self.app}.test"
        self.server.name(host, *(self.fleet.hosts[edge].address for edge in edges))

    def serials(self, name: str = "") -> list[int]:
        """Of the certificates that the edges show."""
        host = f"{name}.{self.app}.test" if name else f"{self.app}.test"
        return [shake((one.address, TLS_PORT), host, context(), None).serial for one in self.fleet.hosts.values()]

    def load(self, edge: str, *, tls: bool = True, **more: Any) -> Load:
        scheme, port = ("https", TLS_PORT) if tls else ("http", HTTP_PORT)
        few = {"keep_alive": 4, "one_shot": 2, "slow": 1, "pause": 0.1}
        return Load(f"{scheme}://{self.fleet.hosts[edge].address}:{port}", host=f"{self.app}.test", **{**few, **more})

    def known(self) -> Any:
        return self.fleet.json("certificates", "production")

    def asked(self, edge: str, path: str = "/up", name: str = "") -> str:
        """The head and the body of what plain HTTP is answered."""
        host = f"{name}.{self.app}.test" if name else f"{self.app}.test"
        url = f"http://{self.fleet.hosts[edge].address}:{HTTP_PORT}{path}"
        done = subprocess.run(["curl", "-si", "-m", "5", "-H", f"Host: {host}", url], capture_output=True, text=True)
        return done.stdout


def make_town(directory: Path, hosts: Sequence[Host], server: AcmeServer) -> Town:
    return Town(make_fleet(directory, hosts), server)
