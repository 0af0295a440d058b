"""Debian's docker-registry, plain or with TLS and a password, in a network namespace of its own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.host import tail
from tests.lab.shell import LabError, attempt, kill, spawn, wait_until

USER = "ship"
PASSWORD = "s3cret-of-the-lab"
HTPASSWD = "ship:$2b$05$hZjnlSKzgCbIIysdstaEWeC4mTCWYadEa3QCc647wT8ekmF/uUqD."


@dataclass
class Registry:
    """A running registry.

    address         IP:PORT, the first part of its images' names; reachable from every host and the root namespace
    certificates    its ca.pem, cert.pem and key.pem, None when it is plain
    user, password  empty when it asks for none
    """

    address: str
    netns: str
    directory: Path
    certificates: Path | None = None
    user: str = ""
    password: str = ""
    keep: bool = False
    deletes: bool = True
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"{'https' if self.certificates else 'http'}://{self.address}"

    @property
    def ca(self) -> Path | None:
        """The authority to trust it by; the hosts' engines trust it already."""
        return self.certificates / "ca.pem" if self.certificates else None

    def start(self) -> None:
        self.directory.mkdir(exist_ok=True)
        config = self.directory / "config.yml"
        config.write_text(json.dumps(self._config()))  # JSON is YAML
        log = self.directory / "log"
        command = ["nsenter", f"--net=/run/netns/{self.netns}", "docker-registry", "serve", str(config)]
        self.process = spawn(command, log, self.directory / "pid", keep=self.keep)
        try:
            wait_until(self._listens, 10, f"the registry {self.address}")
        except LabError as error:
            raise LabError(f"{error}\n{tail(log)}") from None

    def stop(self) -> None:
        """Take it down; what was pushed is there again after `start`."""
        kill(self.directory / "pid")
        if self.process:
            self.process.wait()

    def _listens(self) -> bool:
        return attempt("nsenter", f"--net=/run/netns/{self.netns}", "bash", "-c", f": </dev/tcp/{self._tcp()}")

    def _tcp(self) -> str:
        return self.address.replace(":", "/")

    def _config(self) -> dict[str, object]:
        http: dict[str, object] = {"addr": self.address}
        if self.certificates:
            files = {"certificate": "cert.pem", "key": "key.pem"}
            http["tls"] = {key: str(self.certificates / name) for key, name in files.items()}
        config: dict[str, object] = {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.directory / "data")},
                "delete": {"enabled": self.deletes},
            },
            "http": http,
        }
        if self.user:
            users = self.directory / "htpasswd"
            users.write_text(HTPASSWD + "\n")
            config["auth"] = {"htpasswd": {"realm": "the lab", "path": str(users)}}
        return config
