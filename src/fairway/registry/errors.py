"""What a registry says, or that it says nothing, as errors that name what to do next. Pure."""

from __future__ import annotations

import httpx2

from fairway.model.errors import RegistryError, shorten
from fairway.registry.reference import Reference


def silent(host: str, error: httpx2.TransportError) -> RegistryError:
    """No answer came."""
    said = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in said or "certificate" in said:
        return RegistryError(
            f"The registry {host} has a certificate that is not to be trusted",
            where=host,
            why=said,
            hint=f"Put its authority's certificate at /etc/docker/certs.d/{host}/ca.crt.",
        )
    if "SSL" in said or "TLS" in said:
        return RegistryError(
            f"The registry {host} does not speak TLS",
            where=host,
            why=said,
            hint="Give it TLS, or list it in the engine's insecure-registries.",
        )
    return RegistryError(
        f"The registry {host} does not answer", where=host, why=said, hint="Is it running, and is its name right?"
    )


def refused(wanted: Reference, status: int, said: str, *, known: bool) -> RegistryError:
    """An answer that is none. `known`: we had shown a password."""
    place = f"{wanted.host}/{wanted.repository}"
    why = shorten(f"{status} {said}", 500)
    if status == 401:
        what = "refuses the password" if known else "asks for a password"
        hint = f"docker login {wanted.host}"
        return RegistryError(f"The registry {wanted.host} {what}", where=place, why=why, hint=hint)
    if status == 403:
        return RegistryError(
            f"This user may not do that at {place}", where=place, why=why, hint=f"docker login {wanted.host}"
        )
    if status == 404:
        return RegistryError(f"The registry {wanted.host} does not know {wanted.repository}", where=place, why=why)
    if status == 429:
        return RegistryError(f"The registry {wanted.host} has had enough for now", where=place, why=why, hint="Wait.")
    return RegistryError(f"The registry {wanted.host} fails", where=place, why=why)
