"""A certificate authority that lives as long as the lab."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.lab.shell import run

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]


@dataclass(frozen=True)
class Authority:
    """An authority whose `ca.pem` and `ca-key.pem` are in `directory`."""

    directory: Path

    @property
    def certificate(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def key(self) -> Path:
        return self.directory / "ca-key.pem"

    def create(self) -> None:
        self.directory.mkdir()
        files = ["-keyout", str(self.key), "-out", str(self.certificate)]
        run("openssl", "req", "-x509", *KEY, *files, "-subj", "/CN=fairway lab")

    def issue(self, directory: Path, name: str, address: str) -> None:
        """Write ca.pem, cert.pem and key.pem, good for a server at the address and for a client."""
        directory.mkdir(parents=True)
        files = ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]
        signed = ["-CA", str(self.certificate), "-CAkey", str(self.key)]
        names = ["-addext", f"subjectAltName=IP:{address},DNS:{name}"]
        usage = ["-addext", "extendedKeyUsage=serverAuth,clientAuth", "-addext", "basicConstraints=critical,CA:FALSE"]
        run("openssl", "req", "-x509", *KEY, *files, *signed, *names, *usage, "-subj", f"/CN={name}")
        (directory / "ca.pem").write_bytes(self.certificate.read_bytes())
