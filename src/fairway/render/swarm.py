"""A revision as Swarm runs it: the body of POST /services/create. Pure: what only the cluster knows is passed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairway.model.app import App, Service
from fairway.model.deploy import RestartPolicy
from fairway.model.environment import Environment
from fairway.model.files import Mount
from fairway.model.policy import Job
from fairway.model.release import Release, Revision
from fairway.render import names, swarm_names
from fairway.render.docker import healthcheck, nanoseconds
from fairway.render.docker_networks import aliases, declared, joined
from fairway.render.docker_networks import network as plain_network
from fairway.render.docker_once import definition
from fairway.render.swarm_files import SwarmFile
from fairway.render.swarm_limits import resources, ulimits

Json = dict[str, Any]
Files = Sequence[tuple[SwarmFile, str]]
"""Each with the id that the cluster knows it by."""
UPDATE = {"Parallelism": 0, "Order": "start-first", "FailureAction": "pause"}
"""A revision is never changed once it is made, but for the number of its replicas."""


def service(release: Release, revision: Revision, replicas: int, files: Files, *, awaited: bool = False) -> Json:
    """`awaited`: others wait for it to end, so that it is not started again when it has."""
    declared_ = release.app.services[revision.service]
    template = task(release, declared_, files, _container_labels(release, revision))
    template["RestartPolicy"] = restart(declared_.deploy.restart_policy or declared_.restart, awaited=awaited)
    template["Networks"] = networks(release, declared_, met=met(release, revision.service))
    ports = [
        {"Protocol": p.protocol, "TargetPort": p.target, "PublishedPort": p.published or 0, "PublishMode": "host"}
        for p in declared_.ports
    ]
    everywhere = declared_.deploy.mode == "global"
    return {
        "Name": swarm_names.service(release.environment, revision),
        "Labels": dict(declared_.deploy.labels) | labels(release, revision),
        "TaskTemplate": template,
        "Mode": {"Global": {}} if everywhere else {"Replicated": {"Replicas": replicas}},
        "UpdateConfig": UPDATE,
        "EndpointSpec": {"Mode": "dnsrr", "Ports": ports},
    }


def job(
    release: Release,
    revision: Revision,
    files: Files,
    *,
    name: str,
    job: Job,
    environment: Mapping[str, str],
    kind: names.Kind = names.Kind.JOB,
) -> Json:
    """A service of one task that ends: it has no name that others find, and no healthcheck."""
    declared_ = release.app.services[revision.service]
    ours = names.of_environment(release.environment, kind) | {
        names.RELEASE: str(release.number),
        names.SERVICE: revision.service,
        names.JOB: name,
        names.DEFINITION: definition(revision, job, environment),
    }
    template = task(release, declared_, files, dict(declared_.labels) | ours)
    container = template["ContainerSpec"]
    container["Env"] = [f"{key}={value}" for key, value in (dict(declared_.environment) | dict(environment)).items()]
    container["HealthCheck"] = {"Test": ["NONE"]}
    container.pop("Hostname", None)
    if job.command:
        container["Args"] = list(job.command)
    template["RestartPolicy"] = {"Condition": "none"}
    reaches = kind is names.Kind.JOB and met(release, revision.service)  # a check asks the new revision
    template["Networks"] = [{"Target": one["Target"]} for one in networks(release, declared_, met=reaches)]
    return {
        "Name": swarm_names.job(release.environment, name, release.number),
        "Labels": ours,
        "TaskTemplate": template,
        "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def labels(release: Release, revision: Revision) -> dict[str, str]:
    declared_ = release.app.services[revision.service]
    return names.of_environment(release.environment, names.Kind.REPLICA) | {
        names.SERVICE: revision.service,
        names.RELEASE: str(revision.release),
        names.REVISION: revision.digest,
        names.NETWORK: reached(release.environment, release.app, declared_, met=met(release, revision.service)),
    }


def met(release: Release, service: str) -> bool:
    """Whether the gateways have to reach its tasks."""
    policy = release.policy(service)
    return policy.route is not None or bool(policy.ready.http)


def _container_labels(release: Release, revision: Revision) -> dict[str, str]:
    return dict(release.app.services[revision.service].labels) | labels(release, revision)


def reached(environment: Environment, app: App, service: Service, *, met: bool) -> str:
    """The name of the network on which a replica's address counts; `host` for the host's, "" for none."""
    if service.network_mode:
        return service.network_mode if service.network_mode == "host" else ""
    if met:
        return swarm_names.GATEWAY_NETWORK
    return names.network(environment, declared(app, joined(service)[0][0]))


def networks(release: Release, service: Service, *, met: bool) -> list[Json]:
    """Those of the application, with the service's names; the gateways' without any: it is everybody's."""
    if service.network_mode:
        return [{"Target": service.network_mode}]
    found = [
        {
            "Target": names.network(release.environment, declared(release.app, key)),
            "Aliases": aliases(release.app, service, key),
            "DriverOpts": dict(attachment.driver_opts),
        }
        for key, attachment in joined(service)
    ]
    return [*found, *([{"Target": swarm_names.GATEWAY_NETWORK}] if met else [])]


def task(release: Release, service: Service, files: Files, labels: Mapping[str, str]) -> Json:
    """A TaskSpec, but for its networks and its restart policy."""
    return _said(
        {
            "ContainerSpec": _said(container(release, service, files)) | {"Labels": dict(labels)},
            "Resources": resources(service),
            "Placement": placement(service),
            "LogDriver": logging(service),
        }
    )


def container(release: Release, service: Service, files: Files) -> Json:
    return {
        "Image": release.images[service.name].pinned,
        "Command": list(service.entrypoint) if service.entrypoint is not None else None,
        "Args": list(service.command) if service.command is not None else None,
        "Hostname": service.hostname,
        "Env": [f"{key}={value}" for key, value in service.environment.items()],
        "Dir": service.working_dir,
        "User": service.user,
        "Groups": list(service.group_add),
        "TTY": service.tty,
        "OpenStdin": service.stdin_open,
        "ReadOnly": service.read_only,
        "Privileges": privileges(service),
        "Mounts": [mount(release.environment, release.app, one) for one in service.volumes],
        "StopSignal": service.stop_signal,
        "StopGracePeriod": nanoseconds(service.stop_grace_period),
        "HealthCheck": healthcheck(service.healthcheck) if service.healthcheck else None,
        "Hosts": [_host(item) for item in service.extra_hosts],
        "DNSConfig": _said(
            {
                "Nameservers": list(service.dns),
                "Search": list(service.dns_search),
                "Options": list(service.dns_opt),
            }
        ),
        "Secrets": [file.reference(identity) for file, identity in files if file.kind == "secrets"],
        "Configs": [file.reference(identity) for file, identity in files if file.kind == "configs"],
        "Init": service.init,
        "Sysctls": dict(service.sysctls),
        "CapabilityAdd": [_capability(name) for name in service.cap_add],
        "CapabilityDrop": [_capability(name) for name in service.cap_drop],
        "Ulimits": ulimits(service),
    }


NO_NEW_PRIVILEGES = ("no-new-privileges", "no-new-privileges:true", "no-new-privileges=true")


def privileges(service: Service) -> Json:
    return {"NoNewPrivileges": True} if any(item in NO_NEW_PRIVILEGES for item in service.security_opt) else {}


def _capability(name: str) -> str:
    upper = name.upper()
    return upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"


def _host(item: str) -> str:
    """`name:address` as a line of /etc/hosts."""
    name, _, address = item.partition(":")
    return f"{address} {name}"


def mount(environment: Environment, app: App, mount: Mount) -> Json:
    body: Json = {"Type": mount.type, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.consistency:
        body["Consistency"] = mount.consistency
    match mount.type:
        case "volume":
            volume = app.volumes.get(mount.source or "")
            options: Json = {"NoCopy": mount.nocopy, "Labels": dict(mount.labels)}
            if mount.source:
                body["Source"] = names.volume(environment, volume) if volume else mount.source
            if volume and not volume.external:
                options["Labels"] |= dict(volume.labels) | names.of_environment(environment, names.Kind.VOLUME)
                options["Labels"] |= {names.KEY: volume.key}
                options["DriverConfig"] = {"Name": volume.driver or "local", "Options": dict(volume.driver_opts)}
            if mount.subpath:
                options["Subpath"] = mount.subpath
            body["VolumeOptions"] = options
        case "bind":
            body["Source"] = mount.source
            if mount.propagation:
                body["BindOptions"] = {"Propagation": mount.propagation}
        case "tmpfs":
            body["TmpfsOptions"] = _said({"SizeBytes": mount.size, "Mode": mount.mode})
        case _:
            body["Source"] = mount.source
    return body


def placement(service: Service) -> Json:
    """Swarm reads constraints itself: they are passed on as they were written."""
    said = service.deploy.placement
    platform: Json = {}
    if service.platform:
        system, _, rest = service.platform.partition("/")
        platform = {"OS": system, "Architecture": rest.partition("/")[0]}
    return _said(
        {
            "Constraints": list(said.constraints),
            "Preferences": [{"Spread": {"SpreadDescriptor": one.spread}} for one in said.preferences],
            "MaxReplicas": said.max_replicas_per_node,
            "Platforms": [platform] if platform else [],
        }
    )


def restart(policy: RestartPolicy | None, *, awaited: bool) -> Json:
    """Where nothing is said, Swarm starts a task again: it could not bring back what a lost node ran otherwise."""
    said = policy or RestartPolicy(condition="none" if awaited else "any")
    return _said(
        {
            "Condition": "on-failure" if awaited and said.condition == "any" else said.condition,
            "Delay": nanoseconds(said.delay),
            "MaxAttempts": said.max_attempts,
            "Window": nanoseconds(said.window),
        }
    )


def logging(service: Service) -> Json:
    driver, options = service.logging.driver, dict(service.logging.options)
    return {"Name": driver or "json-file", "Options": options} if driver or options else {}


def network(environment: Environment, app: App, key: str) -> Json:
    """The body of POST /networks/create. Its addresses are Swarm's choice, where the file makes none."""
    said = declared(app, key)
    body = plain_network(environment, said, ())
    body |= {"Driver": said.driver or "overlay", "Scope": "swarm"}
    if not said.ipam:
        body["IPAM"] = {"Driver": said.ipam_driver or "default", "Options": dict(said.ipam_options)}
    return body


def _said(fields: Json) -> Json:
    """Without what was not said: Swarm's own defaults hold there."""
    return {key: value for key, value in fields.items() if value not in (None, [], {}, "", False)}


def gateway_network() -> Json:
    """The body of POST /networks/create for the network on which gateways reach the tasks of all environments."""
    return {
        "Name": swarm_names.GATEWAY_NETWORK,
        "Driver": "overlay",
        "Labels": {"fairway.role": "gateway"},
        "IPAM": {"Config": [{"Subnet": "10.254.0.0/16"}]},
        "CheckDuplicate": True,
    }
