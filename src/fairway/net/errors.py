"""Where the exceptions of the client, of TLS and of the operating system become errors of ours: here, and nowhere else."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from fairway.model.errors import EngineError, EngineUnreachable
from fairway.net.client import DockerError
from fairway.net.http import Disconnected

CLIENT_CERTIFICATE = "sign cert.pem with the authority that the engine trusts"


@contextmanager
def translated(host: str, what: str = "Docker refused") -> Iterator[None]:
    """Raises EngineError(`what`) for what the engine of `host` refused, EngineUnreachable where it does not answer."""
    try:
        yield
    except DockerError as error:
        raise EngineError(what, where=host, why=error.message) from error
    except BrokenPipeError:  # our own output: whoever read it has left. A connection's are Disconnected
        raise
    except (TimeoutError, ConnectionError) as error:
        raise unreachable(host, error) from error


def unreachable(
    address: str, error: BaseException, timeout: float | None = None, *, tls: bool = False
) -> EngineUnreachable:
    """Why nothing answers at `address`, from whatever the client raised; `tls`: at the first request over TLS."""
    why, hint = reason(error, timeout)
    if tls and isinstance(error, Disconnected) and error.errno in (None, errno.ECONNRESET, errno.EPIPE):
        # TLS 1.3: a server refuses a client's certificate after the handshake, by hanging up.
        why, hint = f"it does not accept our certificate, it seems: {why}", CLIENT_CERTIFICATE
    return EngineUnreachable(f"No Docker engine answers at {address}", where=address, why=why, hint=hint)


def reason(error: BaseException, timeout: float | None = None) -> tuple[str, str]:
    """(why, hint)."""
    cause = error.__cause__ if isinstance(error, Disconnected) and error.__cause__ else error
    if isinstance(cause, socket.gaierror):
        return "there is no such host", "check the name"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate(cause)
    if isinstance(cause, ssl.SSLError):
        return _tls(str(cause))
    if isinstance(cause, OSError) and cause.errno:
        return _system(cause)
    if isinstance(cause, TimeoutError):
        seconds = f" within {timeout:g} s" if timeout else ""
        return f"no answer{seconds}", "check the address, the network, the firewall, and that the host is up"
    return str(cause) or type(cause).__name__, "check that it is a Docker engine that answers there"


def _certificate(error: BaseException) -> tuple[str, str]:
    said = getattr(error, "verify_message", "") or str(error)
    return f"its certificate is not to be trusted: {said}", "check ca.pem, and the names in the engine's certificate"


def _tls(said: str) -> tuple[str, str]:
    if "WRONG_VERSION_NUMBER" in said or "RECORD_LAYER" in said:
        return "it does not speak TLS there", "check the port: 2376 is the usual one with TLS"
    if "CERTIFICATE_REQUIRED" in said.upper() or "BAD_CERTIFICATE" in said.upper() or "UNKNOWN_CA" in said.upper():
        return f"it does not accept our certificate: {said}", CLIENT_CERTIFICATE
    return f"TLS failed: {said}", "check ca.pem, cert.pem and key.pem"


def _system(error: OSError) -> tuple[str, str]:
    said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
    match error.errno:
        case errno.ENOENT:
            return "there is no such socket", "start Docker, or name the right address"
        case errno.EACCES | errno.EPERM:
            return "this user may not use the socket", "add the user to the group docker, or run as root"
        case errno.ECONNREFUSED:
            return "nothing listens there", "start Docker, or name the right address"
        case errno.EHOSTUNREACH | errno.ENETUNREACH | errno.ETIMEDOUT:
            return said, "check the address, the network, the firewall, and that the host is up"
        case _:
            return said, "check that Docker runs there"
