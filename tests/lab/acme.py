"""Pebble, the ACME server that Let's Encrypt tests clients with, and its DNS server, in a network namespace of their own."""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.host import tail
from tests.lab.shell import LabError, attempt, kill, spawn, wait_until

PORT, MANAGEMENT, DNS, CONTROL = 14000, 15000, 8053, 8055
CUSTOMER, HMAC = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
"""Who may have an account where `known_customers`."""
BLOCKED = "blocked.test"
"""What it issues no certificates for."""
ENVIRONMENT = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "20", "PEBBLE_AUTHZREUSE": "0"}


@dataclass
class AcmeServer:
    """A running server; it forgets all that it knew when it is started again.

    certificates  its ca.pem, cert.pem and key.pem: the lab's authority vouches for the server itself
    http_port     where it asks host names
    """

    address: str
    netns: str
    directory: Path
    certificates: Path
    keep: bool = False
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list, repr=False)

    @property
    def url(self) -> str:
        return f"https://{self.address}:{PORT}/dir"

    @property
    def ca(self) -> Path:
        return self.certificates / "ca.pem"

    def start(self, *, http_port: int, days: float = 90, known_customers: bool = False, **environment: str) -> None:
        """`days`: how long certificates last; `environment`: pebble's own variables, such as PEBBLE_WFE_NONCEREJECT."""
        self.directory.mkdir(exist_ok=True)
        self._dns_server().mkdir(exist_ok=True)
        config = {
            "listenAddress": f"{self.address}:{PORT}",
            "managementListenAddress": f"{self.address}:{MANAGEMENT}",
            "certificate": str(self.certificates / "cert.pem"),
            "privateKey": str(self.certificates / "key.pem"),
            "httpPort": http_port,
            "tlsPort": 1,
            "ocspResponderURL": "",
            "domainBlocklist": [BLOCKED],
            "certificateValidityPeriod": int(days * 86400),
            "externalAccountBindingRequired": known_customers,
            "externalAccountMACKeys": {CUSTOMER: HMAC} if known_customers else {},
        }
        (self.directory / "config.json").write_text(json.dumps({"pebble": config}))
        names = ["pebble-challtestsrv", "-dns01", f":{DNS}", "-management", f":{CONTROL}", "-defaultIPv6", ""]
        self._spawn(
            self._dns_server(),
            [*names, "-defaultIPv4", "", "-http01", f"{self.address}:5002", "-https01", "", "-tlsalpn01", ""],
        )
        server = ["pebble", "-config", str(self.directory / "config.json"), "-dnsserver", f"{self.address}:{DNS}"]
        self._spawn(self.directory, server, {**ENVIRONMENT, **environment})
        for port in (PORT, CONTROL):
            wait_until(lambda port=port: self._listens(port), 10, f"pebble\n{tail(self.directory / 'log')}")

    def stop(self) -> None:
        for directory in (self.directory, self._dns_server()):
            kill(directory / "pid")
        for process in self.processes:
            process.wait()
        self.processes.clear()

    def restart(self, **options: Any) -> None:
        self.stop()
        self.start(**options)

    def name(self, host: str, *addresses: str) -> None:
        """Let a host name lead to the addresses; nowhere, where there are none."""
        self._control("clear-a", {"host": f"{host}."})
        if addresses:
            self._control("add-a", {"host": f"{host}.", "addresses": addresses})

    def answer(self, token: str, text: str) -> None:
        """What the DNS server answers itself, on port 5002."""
        self._control("add-http01", {"token": token, "content": text})

    @property
    def root(self) -> str:
        """The certificate (PEM) of the authority that issues."""
        context = ssl.create_default_context(cafile=str(self.ca))
        with urllib.request.urlopen(f"https://{self.address}:{MANAGEMENT}/roots/0", context=context, timeout=5) as said:
            return bytes(said.read()).decode()

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def _control(self, what: str, body: Mapping[str, Any]) -> None:
        request = urllib.request.Request(f"http://{self.address}:{CONTROL}/{what}", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=5) as said:
            if said.status != 200:
                raise LabError(f"pebble's DNS server does not take {what}: {said.status}")

    def _spawn(self, directory: Path, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        given = [f"{name}={value}" for name, value in (environment or {}).items()]
        inside = ["nsenter", f"--net=/run/netns/{self.netns}", "env", *given, *command]
        self.processes.append(spawn(inside, directory / "log", directory / "pid", keep=self.keep))

    def _dns_server(self) -> Path:
        return self.directory.with_name(f"{self.directory.name}-dns")

    def _listens(self, port: int) -> bool:
        inside = ["nsenter", f"--net=/run/netns/{self.netns}", "bash", "-c", f": </dev/tcp/{self.address}/{port}"]
        return attempt(*inside)
