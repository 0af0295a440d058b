"""Where the exceptions of aiodocker, aiohttp and the operating system become errors of ours: here, and nowhere else."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiodocker.exceptions import DockerError

from fairway.model.errors import EngineError, EngineUnreachable

UNREACHABLE = 900
"""The status that aiodocker makes up where the engine did not answer."""
CLIENT_CERTIFICATE = "sign cert.pem with the authority that the engine trusts"


@contextmanager
def translated(host: str, what: str = "Docker refused") -> Iterator[None]:
    """Raises EngineError(`what`) for what the engine of `host` refused, EngineUnreachable where it does not answer."""
    try:
        yield
    except DockerError as error:
        if error.status == UNREACHABLE:
            raise unreachable(host, error.__context__ or error) from error
        raise EngineError(what, where=host, why=error.message) from error
    except BrokenPipeError:  # our own output: whoever read it has left. aiohttp's are ClientErrors
        raise
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise unreachable(host, error) from error


def unreachable(
    address: str, error: BaseException, timeout: float | None = None, *, tls: bool = False
) -> EngineUnreachable:
    """Why nothing answers at `address`, from whatever aiohttp raised; `tls`: at the first request over TLS."""
    why, hint = reason(error, timeout)
    hung_up = getattr(error, "errno", None) in (errno.ECONNRESET, errno.EPIPE)
    if tls and (hung_up or isinstance(error, aiohttp.ServerDisconnectedError)):
        # TLS 1.3: a server refuses a client's certificate after the handshake, by hanging up.
        why, hint = f"it does not accept our certificate, it seems: {why}", CLIENT_CERTIFICATE
    return EngineUnreachable(f"No Docker engine answers at {address}", where=address, why=why, hint=hint)


def reason(error: BaseException, timeout: float | None = None) -> tuple[str, str]:
    """(why, hint)."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "there is no such host", "check the name"
    cause: BaseException = getattr(error, "os_error", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate(cause)
    if isinstance(cause, ssl.SSLError) or "[SSL" in str(cause):
        return _tls(str(cause))
    if isinstance(error, TimeoutError):
        seconds = f" within {timeout:g} s" if timeout else ""
        return f"no answer{seconds}", "check the address, the network, the firewall, and that the host is up"
    if isinstance(cause, OSError):
        return _system(cause)
    return str(error) or type(error).__name__, "check that it is a Docker engine that answers there"


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
