"""A one-off container of a service: as its replicas are, but for what would get in their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairway.model.app import Attachment
from fairway.model.release import Release, Revision
from fairway.render import names
from fairway.render.docker import Json, Place, Rendered, container
from fairway.render.docker_networks import declared, endpoint, joined


def once(
    release: Release,
    revision: Revision,
    place: Place,
    *,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    tty: bool,
) -> Rendered:
    """No published ports, no name or address that replicas answer to, no restarts; removed by Docker when it has ended."""
    replica = container(release, revision, place)
    service = release.app.services[revision.service]
    apart = ("PortBindings", "RestartPolicy")
    host_config = {key: value for key, value in replica.body["HostConfig"].items() if key not in apart}
    body: Json = {key: value for key, value in replica.body.items() if key != "MacAddress"} | {
        "Env": [f"{key}={value}" for key, value in (dict(service.environment) | dict(environment)).items()],
        "Labels": replica.body["Labels"] | {names.KIND: names.Kind.ONCE.value},
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": tty,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": host_config | {"AutoRemove": True},
    }
    if command:
        body["Cmd"] = list(command)
    endpoints = [
        (names.network(release.environment, declared(release.app, key)), endpoint(anonymous(attachment), None, ()))
        for key, attachment in joined(service)
    ]
    body["NetworkingConfig"] = {"EndpointsConfig": dict(endpoints[:1])}
    return Rendered(name, replica.platform, body, tuple(endpoints[1:]))


def anonymous(attachment: Attachment) -> Attachment:
    return Attachment(driver_opts=attachment.driver_opts, gw_priority=attachment.gw_priority)
