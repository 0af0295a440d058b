"""A one-off container of a service: as its replicas are, but for what would get in their way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from fairway.model.app import Attachment
from fairway.model.policy import Job
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
    """Connected to a terminal, and removed by Docker when it has ended."""
    rendered = apart(release, revision, place, name=name, command=command, environment=environment)
    rendered.body["Labels"] |= {names.KIND: names.Kind.ONCE.value}
    rendered.body["HostConfig"] |= {"AutoRemove": True}
    rendered.body.update(
        {
            "Tty": tty,
            "OpenStdin": True,
            "StdinOnce": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
        }
    )
    return rendered


def job(
    release: Release, revision: Revision, place: Place, *, name: str, job: Job, environment: Mapping[str, str]
) -> Rendered:
    """On its own, and kept when it has ended."""
    called = names.job(release.environment, name, release.number)
    rendered = apart(release, revision, place, name=called, command=job.command, environment=environment)
    ours = names.of_jobs(release.environment, release.number)
    ours |= {names.JOB: name, names.DEFINITION: definition(revision, job, environment)}
    rendered.body["Labels"] |= ours
    rendered.body.update({"Tty": False, "OpenStdin": False})
    return rendered


def definition(revision: Revision, job: Job, environment: Mapping[str, str]) -> str:
    """The same for two jobs that do the same, however long they may take."""
    told = [revision.service, revision.digest, list(job.command), sorted(environment.items())]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]


def apart(
    release: Release,
    revision: Revision,
    place: Place,
    *,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
) -> Rendered:
    """No published ports, no name or address that replicas answer to, no restarts, no healthcheck."""
    replica = container(release, revision, place)
    service = release.app.services[revision.service]
    left_out = ("PortBindings", "RestartPolicy")
    host_config = {key: value for key, value in replica.body["HostConfig"].items() if key not in left_out}
    body: Json = {key: value for key, value in replica.body.items() if key != "MacAddress"} | {
        "Env": [f"{key}={value}" for key, value in (dict(service.environment) | dict(environment)).items()],
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host_config,
    }
    for label in (names.INDEX, names.NETWORK):
        body["Labels"].pop(label)
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
