"""An application as it may run in a test: nothing of it can be reached, or reach anything, outside. Pure.

Every named volume is fresh, external ones too unless all only read them; host directories are kept where they are
read-only, and are empty volumes elsewhere; every network is the test's own; no port is published; no name is fixed; one
replica a service; labels are left out, for proxies act on them; logs stay on the host.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from fairway.model.app import App, Attachment, Healthcheck, Logging, Network, Service
from fairway.model.deploy import Deploy, RestartPolicy
from fairway.model.files import Mount, Volume

SHARED = "service:"


def for_test(app: App) -> App:
    services = {name: service_for_test(service) for name, service in app.services.items()}
    read_only = {key for key in app.volumes if _only_read(app, key)}
    return replace(
        app,
        services=services,
        networks={key: _network(network) for key, network in app.networks.items()},
        volumes={key: v if key in read_only and v.external else Volume(key=key) for key, v in app.volumes.items()},
    )


def service_for_test(service: Service) -> Service:
    return replace(
        service,
        ports=(),
        expose=tuple(dict.fromkeys([*service.expose, *(f"{port.target}/{port.protocol}" for port in service.ports)])),
        container_name=None,
        mac_address=None,
        labels={},
        logging=Logging(driver="json-file"),
        volumes=tuple(_mount(mount) for mount in service.volumes),
        volumes_from=tuple(item for item in service.volumes_from if not item.startswith("container:")),
        external_links=(),
        networks={
            key: Attachment(aliases=joined.aliases, priority=joined.priority)
            for key, joined in service.networks.items()
        },
        network_mode=_mode(service.network_mode),
        deploy=Deploy(
            limits=service.deploy.limits,
            reservations=service.deploy.reservations,
            restart_policy=service.deploy.restart_policy,
        ),
    )


def one_off(
    service: Service, name: str, command: tuple[str, ...] | None, environment: Mapping[str, str], *, alone: bool
) -> Service:
    """A container of the service's image that ends by itself. `alone`: nothing else of the application runs."""
    made = replace(
        service,
        name=name,
        command=command if command is not None else service.command,
        environment={**service.environment, **environment},
        depends_on={},
        healthcheck=Healthcheck(disable=True),
        restart=RestartPolicy(),
        deploy=replace(service.deploy, restart_policy=None),
        hostname=None,
        links=(),
        tty=False,
        stdin_open=False,
        networks={key: Attachment(priority=joined.priority) for key, joined in service.networks.items()},
    )
    if not alone:
        return made
    return replace(
        made,
        network_mode=None if (made.network_mode or "").startswith(SHARED) else made.network_mode,
        ipc=None if (made.ipc or "").startswith(SHARED) else made.ipc,
        pid=None if (made.pid or "").startswith(SHARED) else made.pid,
        volumes_from=(),
    )


def differences(app: App) -> Iterator[str]:
    """What a test has otherwise than the application, where somebody could wonder why."""
    for service in app.services.values():
        for mount in service.volumes:
            if mount.type == "bind" and not mount.read_only:
                yield f"{service.name}: {mount.target} is an empty volume in a test, not {mount.source} of the host"
        if service.network_mode and _mode(service.network_mode) != service.network_mode:
            yield f"{service.name}: in a test it has a network of its own, not `network_mode: {service.network_mode}`"
    for key, volume in app.volumes.items():
        if volume.external and not _only_read(app, key):
            yield f"the external volume {volume.name or key} is an empty one in a test"


def _only_read(app: App, key: str) -> bool:
    mounts = [m for s in app.services.values() for m in s.volumes if m.type == "volume" and m.source == key]
    return all(mount.read_only for mount in mounts)


def _mount(mount: Mount) -> Mount:
    if mount.type != "bind" or mount.read_only:
        return mount
    return Mount(type="volume", target=mount.target)


def _network(network: Network) -> Network:
    """The test's own, on addresses of its own: the one in the file may be taken by what serves."""
    return Network(key=network.key, internal=network.internal, enable_ipv6=network.enable_ipv6)


def _mode(mode: str | None) -> str | None:
    """`host`, `bridge` and other containers' networks would let the test out."""
    return mode if mode == "none" or (mode or "").startswith(SHARED) else None
