"""The registries that an engine speaks plain HTTP to, as its own configuration lists them."""

from __future__ import annotations

from fairway.net.client import Docker
from fairway.net.errors import translated


async def insecure_registries(docker: Docker) -> tuple[str, ...]:
    """Names (`host:port`) and networks (`10.0.0.0/8`). Raises EngineUnreachable."""
    with translated("the engine"):
        said = (await docker.get("info")).get("RegistryConfig") or {}
    listed = (name for name, index in (said.get("IndexConfigs") or {}).items() if not index.get("Secure", True))
    return (*sorted(listed), *(said.get("InsecureRegistryCIDRs") or ()))
