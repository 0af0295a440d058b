"""Why a service cannot run twice at once, as far as its Compose file tells."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from fairway.model.app import App, Path, Port, Service


class Reason(Struct, frozen=True):
    """`path` is where the Compose file says so; `remedy` what would change it. A `choice` can be overruled in fairway.yaml."""

    what: str
    path: Path
    remedy: str
    choice: bool = False

    def told(self, app: App) -> str:
        return f"{self.what} ({app.where(*self.path)})"


def reasons(service: Service) -> list[Reason]:
    """All of them; those that cannot be overruled come first."""
    base = ("services", service.name)
    found = [Reason(what, (*base, *path), remedy) for what, path, remedy in _hard(service)]
    if service.deploy.replicas > 1:
        return found  # several writers are what the file asks for
    remedy = "say `strategy: rolling` where two may write at once"
    return found + [Reason(what, (*base, *path), remedy, choice=True) for what, path in _writes(service)]


def fixed(port: Port, replicas: int) -> bool:
    """Whether the replicas that run take the port, so that their successors find none."""
    if not port.published:
        return False
    return (port.published_to or port.published) - port.published + 1 < 2 * max(replicas, 1)


def _hard(service: Service) -> Iterator[tuple[str, Path, str]]:
    for port in service.ports:
        if fixed(port, service.deploy.replicas):
            yield f"it publishes port {port.published}/{port.protocol} of the host", ("ports",), "drop `ports`"
    for key in ("container_name", "mac_address"):
        if getattr(service, key):
            yield f"it has a {key}", (key,), f"drop `{key}`"
    mode = service.network_mode or ""
    if mode == "host" or mode.startswith(("service:", "container:")):
        yield f"it has `network_mode: {mode}`", ("network_mode",), "drop `network_mode`"
    for name, attachment in service.networks.items():
        for key in ("ipv4_address", "ipv6_address", "mac_address"):
            if getattr(attachment, key):
                yield f"it has a fixed {key}", ("networks", name, key), f"drop `{key}`"


def _writes(service: Service) -> Iterator[tuple[str, Path]]:
    for index, mount in enumerate(service.volumes):
        if mount.type in ("volume", "bind", "cluster") and mount.source and not mount.read_only:
            yield f"it writes to {mount.target}", ("volumes", str(index))
    for index, other in enumerate(service.volumes_from):
        if not other.endswith(":ro"):
            yield f"it writes to the volumes of {other.partition(':')[0]}", ("volumes_from", str(index))
