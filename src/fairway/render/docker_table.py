"""Every field of the Compose Specification, and what becomes of it on one Docker host: docs/compose.md is made of this.

A row holds for its field and everything below it that has no row of its own. Paths are the schema's, without the names
of services, networks and so on.
"""

from __future__ import annotations

from fairway.render.docker_row import Row
from fairway.render.docker_table_deploy import DEPLOY, SWARM

LOADER = "when the files are read"
BUILD = "when the images are built"
WINDOWS = "is for Windows"

TOP = (
    Row("version", "not used: the specification says so"),
    Row("name", "the application's name, where fairway.yaml gives none"),
    Row("include", LOADER),
    Row("models", refused="needs Docker's model runner", hint="run the model as a service of its own"),
    Row("jobs", refused="jobs are not supported yet", hint="use a service that others wait for"),
)

PROCESS = (
    Row("services.image", "pinned by digest when a release is proposed"),
    Row("services.build", BUILD),
    Row("services.pull_policy", "`always` pulls for each release; else an image is pulled where the host has none"),
    Row("services.pull_refresh_after", refused="images are pinned by digest for each release", hint="remove it"),
    Row("services.platform", "the container's platform"),
    Row("services.command", "Cmd", "an empty command without an `entrypoint`", hint="set `entrypoint` as well"),
    Row("services.entrypoint", "Entrypoint"),
    Row("services.environment", "Env"),
    Row("services.env_file", LOADER),
    Row("services.working_dir", "WorkingDir"),
    Row("services.user", "User"),
    Row("services.group_add", "GroupAdd"),
    Row("services.umask", refused="Docker has no way to set it", hint="set it in the image's entrypoint"),
    Row("services.tty", "Tty"),
    Row("services.stdin_open", "OpenStdin"),
    Row("services.attach", "not used: nothing is attached to a deployment"),
    Row("services.init", "Init"),
    Row("services.stop_signal", "StopSignal"),
    Row("services.stop_grace_period", "StopTimeout, in whole seconds, rounded up"),
    Row("services.healthcheck", "Healthcheck"),
    Row("services.healthcheck.start_interval", "StartInterval", api=(1, 44)),
    Row("services.labels", "the container's labels"),
    Row("services.label_file", LOADER),
    Row("services.annotations", "Annotations", api=(1, 43)),
    Row("services.hostname", "Hostname"),
    Row("services.domainname", "Domainname"),
    Row("services.container_name", "the container's name; the service is recreated rather than rolled"),
    Row("services.extends", LOADER),
    Row("services.profiles", LOADER),
    Row("services.develop", "not used: it is for development"),
    Row("services.scale", "as deploy.replicas"),
    Row("services.restart", "RestartPolicy, where deploy.restart_policy says nothing"),
    Row("services.depends_on", "the order of the rollout; its conditions are waited for"),
    Row("services.depends_on.restart", refused="a rollout restarts no service that has not changed", hint="remove it"),
    Row("services.provider", refused="a service that something else runs", hint="take it out of the application"),
    Row("services.models", refused="needs Docker's model runner", hint="run the model as a service of its own"),
    Row("services.pre_start", refused="hooks are not supported", hint="use a service that this one waits for"),
    Row("services.post_start", refused="hooks are not supported", hint="do it in the image's entrypoint"),
    Row("services.pre_stop", refused="hooks are not supported", hint="do it in the image, on its stop signal"),
    Row("services.logging", "LogConfig"),
)

NETWORK = (
    Row("services.networks", "joined with a fixed address each, that restarts do not change"),
    Row("services.networks.aliases", "Aliases, beside the service's name"),
    Row(
        "services.networks.ipv4_address",
        "the fixed address",
        "one address for several replicas",
        hint="one replica, or no address",
    ),
    Row(
        "services.networks.ipv6_address",
        "the fixed address",
        "one address for several replicas",
        hint="one replica, or no address",
    ),
    Row(
        "services.networks.link_local_ips",
        "LinkLocalIPs",
        "one address for several replicas",
        hint="one replica, or no address",
    ),
    Row(
        "services.networks.mac_address",
        "MacAddress",
        "one address for several replicas",
        hint="one replica, or no address",
        api=(1, 44),
    ),
    Row("services.networks.driver_opts", "DriverOpts"),
    Row("services.networks.priority", "the order of joining; the gateway uses the first network of the application"),
    Row("services.networks.gw_priority", "GwPriority", api=(1, 48)),
    Row("services.networks.interface_name", "an option of the endpoint", api=(1, 48)),
    Row("services.networks.use_service_name_alias", "whether the service's name is among its aliases"),
    Row(
        "services.network_mode",
        "host, none, bridge, service:NAME, container:NAME",
    ),
    Row(
        "services.mac_address", "MacAddress", "one address for several replicas", hint="one replica, or no mac_address"
    ),
    Row("services.ports", "published on the host; the service is recreated rather than rolled"),
    Row("services.ports.mode", "host and ingress are the same on one host"),
    Row(
        "services.ports.published",
        "the host's port",
        "one port for several replicas",
        hint="give it a `route` in fairway.yaml, a range of ports, or one replica",
    ),
    Row("services.ports.name", "not used: it is for people"),
    Row("services.ports.app_protocol", "not used: it is for people"),
    Row("services.expose", "ExposedPorts"),
    Row("services.dns", "Dns"),
    Row("services.dns_search", "DnsSearch"),
    Row("services.dns_opt", "DnsOptions"),
    Row("services.extra_hosts", "ExtraHosts"),
    Row("services.links", "names on the networks that both services are on"),
    Row(
        "services.external_links",
        refused="names of containers on other networks",
        hint="put both on one external network",
    ),
)

FILES = (
    Row("services.volumes", "Mounts and Binds"),
    Row(
        "services.volumes.type",
        "bind, volume, tmpfs, image",
        "cluster (Swarm) and npipe (Windows)",
        hint="use another type",
    ),
    Row("services.volumes.bind.recursive", "of bind mounts", api=(1, 44)),
    Row("services.volumes.volume.subpath", "Subpath", api=(1, 45)),
    Row("services.volumes.image", "a mount of an image", api=(1, 48)),
    Row("services.volumes_from", "VolumesFrom, of the container that runs"),
    Row("services.tmpfs", "Tmpfs"),
    Row("services.configs", "read-only files; their contents are part of the release"),
    Row("services.configs.uid", "the file's owner", "a name", hint="write the number"),
    Row("services.configs.gid", "the file's group", "a name", hint="write the number"),
    Row("services.secrets", "read-only files; their values are nowhere else on the host"),
    Row("services.secrets.uid", "the file's owner", "a name", hint="write the number"),
    Row("services.secrets.gid", "the file's group", "a name", hint="write the number"),
    Row("services.read_only", "ReadonlyRootfs"),
    Row("services.storage_opt", "StorageOpt"),
    Row("services.use_api_socket", refused="it gives a service the whole host", hint="mount the socket, if you must"),
)

SAFETY = (
    Row("services.cap_add", "CapAdd"),
    Row("services.cap_drop", "CapDrop"),
    Row(
        "services.security_opt",
        "SecurityOpt",
        "seccomp profiles in files",
        hint="write the profile itself (`seccomp={…}`), or `seccomp=unconfined`",
    ),
    Row("services.privileged", "Privileged"),
    Row("services.userns_mode", "UsernsMode"),
    Row("services.ipc", "IpcMode"),
    Row("services.pid", "PidMode"),
    Row("services.uts", "UTSMode"),
    Row("services.cgroup", "CgroupnsMode"),
    Row("services.cgroup_parent", "CgroupParent"),
    Row("services.isolation", "`default`", "other values are for Windows", hint="remove it"),
    Row("services.credential_spec", refused=WINDOWS, hint="remove it"),
    Row("services.sysctls", "Sysctls"),
    Row("services.runtime", "Runtime"),
)

LIMITS = (
    *(Row(f"services.{key}", f"as deploy.resources.{same}") for key, same in (
        ("cpus", "limits.cpus"),
        ("mem_limit", "limits.memory"),
        ("pids_limit", "limits.pids"),
        ("mem_reservation", "reservations.memory"),
    )),
    Row("services.cpu_count", refused=WINDOWS, hint="use deploy.resources.limits.cpus"),
    Row("services.cpu_percent", refused=WINDOWS, hint="use deploy.resources.limits.cpus"),
    Row("services.cpu_shares", "CpuShares"),
    Row("services.cpu_period", "CpuPeriod"),
    Row("services.cpu_quota", "CpuQuota"),
    Row("services.cpu_rt_period", "CpuRealtimePeriod"),
    Row("services.cpu_rt_runtime", "CpuRealtimeRuntime"),
    Row("services.cpuset", "CpusetCpus"),
    Row("services.memswap_limit", "MemorySwap"),
    Row("services.mem_swappiness", "MemorySwappiness"),
    Row("services.oom_kill_disable", "OomKillDisable"),
    Row("services.oom_score_adj", "OomScoreAdj"),
    Row("services.shm_size", "ShmSize"),
    Row("services.ulimits", "Ulimits"),
    Row("services.blkio_config", "the Blkio fields"),
    Row("services.devices", "Devices, and CDI names"),
    Row("services.device_cgroup_rules", "DeviceCgroupRules"),
    Row("services.gpus", "DeviceRequests"),
)  # fmt: skip

OBJECTS = (
    Row("networks.name", "the network's name on the host"),
    Row("networks.external", "must be there; addresses on it are Docker's choice"),
    Row("networks.driver", "Driver"),
    Row("networks.driver_opts", "Options"),
    Row("networks.ipam", "IPAM; without it, Fairway picks a free /22"),
    Row("networks.internal", "Internal"),
    Row("networks.attachable", "Attachable"),
    Row("networks.enable_ipv4", "EnableIPv4", api=(1, 48)),
    Row("networks.enable_ipv6", "EnableIPv6; without a subnet, a unique local one is picked"),
    Row("networks.labels", "Labels"),
    Row("volumes.name", "the volume's name on the host"),
    Row("volumes.external", "must be there"),
    Row("volumes.driver", "Driver"),
    Row("volumes.driver_opts", "DriverOpts"),
    Row("volumes.labels", "Labels"),
    *(
        Row(f"{section}.{key}", how)
        for section in ("configs", "secrets")
        for key, how in (
            ("labels", "not used: Docker without Swarm has no such objects"),
            ("file", LOADER),
            ("environment", LOADER),
        )
    ),
    Row("configs.name", "not used: Docker without Swarm has no such objects"),
    Row("configs.content", LOADER),
    Row("configs.external", refused="Docker without Swarm keeps no configs", hint="use `file` or `content`"),
    Row("configs.template_driver", "`jinja`: the content is a template", "another driver", hint="use `jinja`"),
    Row("secrets.external", "looked up where the environment keeps its secrets (`secrets:` in fairway.yaml)"),
    Row("secrets.name", "the name of an external one there"),
    Row("secrets.driver", refused="needs Swarm", hint=SWARM),
    Row("secrets.driver_opts", refused="needs Swarm", hint=SWARM),
    Row("secrets.template_driver", refused="needs Swarm", hint=SWARM),
)

ROWS = (*TOP, *PROCESS, *NETWORK, *FILES, *SAFETY, *LIMITS, *DEPLOY, *OBJECTS)
BY_PATH = {row.path: row for row in ROWS}


def row(path: str) -> Row | None:
    """The row that holds for a field."""
    while path:
        if found := BY_PATH.get(path):
            return found
        path = path.rpartition(".")[0]
    return None
