"""A client certificate, and who vouches for the server."""

from __future__ import annotations

import ssl
from pathlib import Path

from msgspec import Struct

from fairway.model.errors import UsageError


class Tls(Struct, frozen=True, kw_only=True):
    """Paths of PEM files: the authority that signed the server's certificate, our certificate, our key."""

    ca: Path
    cert: Path
    key: Path

    @classmethod
    def of(cls, directory: Path) -> Tls:
        """The three files as Docker names them: ca.pem, cert.pem, key.pem."""
        return cls(ca=directory / "ca.pem", cert=directory / "cert.pem", key=directory / "key.pem")

    def context(self) -> ssl.SSLContext:
        """Verifies the server's certificate and name. Raises UsageError for a file that is missing or wrong."""
        for file in (self.ca, self.cert, self.key):
            if not file.is_file():
                raise UsageError(f"There is no file {file}", hint="TLS needs ca.pem, cert.pem and key.pem")
        try:
            context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(self.ca))
            context.load_cert_chain(str(self.cert), str(self.key))
        except (ssl.SSLError, OSError) as error:
            raise UsageError(
                f"The certificates in {self.cert.parent} cannot be used",
                why=str(error),
                hint="check that they are PEM files, and that the key belongs to the certificate",
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
