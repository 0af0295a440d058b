"""Rules about what a container may see and do: who it is, its rights, the host's namespaces and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fairway.model.app import Service
from fairway.model.files import Mount
from fairway.model.security import Severity
from fairway.model.users import is_root
from fairway.security.rule import Case, Found, Rule, at, each_service, when

SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock")
HOLDERS = ("/", "/run", "/var", "/var/run")
"""Directories in which an engine's socket is."""
SYSTEM = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/proc",
    "/root",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/docker",
)
HARMLESS = ("/etc/localtime", "/etc/timezone", "/etc/ssl", "/etc/ca-certificates", "/usr/share", "/dev/shm")  # noqa: S108
DANGEROUS = frozenset(
    (
        *("ALL", "BPF", "DAC_READ_SEARCH", "MAC_ADMIN", "MAC_OVERRIDE", "NET_ADMIN", "PERFMON", "SYSLOG"),
        *("SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME"),
    )
)


def _root(case: Case, service: Service) -> Iterator[Found]:
    """What a Dockerfile of ours decides is found there: FW-D003."""
    image = case.images.get(service.name)
    if service.user is not None:
        if is_root(service.user):
            yield at(case, service, f"runs as root: `user: {service.user}`", "user")
    elif image and service.name not in case.recipes and is_root(image.user):
        yield at(case, service, f"runs as root: {image.reference} has no other user", "image")


def _socket(case: Case, service: Service) -> Iterator[Found]:
    for index, mount in _binds(service):
        source = (mount.source or "").rstrip("/") or "/"
        if source in HOLDERS or source.rpartition("/")[2] in SOCKETS:
            yield at(case, service, f"has the engine's socket: it mounts {source}", "volumes", index)


def _system(case: Case, service: Service) -> Iterator[Found]:
    for index, mount in _binds(service):
        source = (mount.source or "").rstrip("/") or "/"
        if _below(source, SYSTEM) and not (mount.read_only and _below(source, HARMLESS)):
            severity = Severity.MEDIUM if mount.read_only else Severity.HIGH
            how = "reads" if mount.read_only else "may change"
            yield at(case, service, f"{how} {source} of the host", "volumes", index, severity=severity)


def _binds(service: Service) -> Iterator[tuple[str, Mount]]:
    return ((str(index), mount) for index, mount in enumerate(service.volumes) if mount.type == "bind")


def _below(path: str, directories: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in directories)


def _propagation(case: Case, service: Service) -> Iterator[Found]:
    for index, mount in _binds(service):
        if mount.propagation in ("shared", "rshared"):
            yield at(case, service, f"mounts {mount.source} {mount.propagation}", "volumes", index)


def _option(*names: str) -> Callable[[Case, Service], Iterator[Found]]:
    """A security option that turns something off; `=` and `:` are the same to Docker."""

    def look(case: Case, service: Service) -> Iterator[Found]:
        for index, option in enumerate(service.security_opt):
            if option.replace(":", "=", 1) in names:
                yield at(case, service, f"has `security_opt: [{option}]`", "security_opt", str(index))

    return look


def _plain(capability: str) -> str:
    return capability.upper().removeprefix("CAP_")


def _dangerous(case: Case, service: Service) -> Iterator[Found]:
    for index, name in enumerate(service.cap_add):
        if _plain(name) in DANGEROUS:
            yield at(case, service, f"has the capability {_plain(name)}", "cap_add", str(index))


def _capabilities(service: Service) -> bool:
    return not service.privileged and "ALL" not in map(_plain, service.cap_drop)


def _gains(service: Service) -> bool:
    said = [option for option in service.security_opt if option.startswith("no-new-privileges")]
    return not service.privileged and (not said or said[-1].endswith("false"))


RULES = (
    Rule(
        id="FW-C001",
        title="A container runs as root",
        severity=Severity.HIGH,
        why="root in a container is root of the host's kernel: one hole in the kernel or the engine, and it is root of the host",
        mend='in the service: `user: "1000:1000"`, or a USER in the image; `hardening: strict` finds one',
        find=each_service(_root),
    ),
    Rule(
        id="FW-C002",
        title="A container is privileged",
        severity=Severity.CRITICAL,
        why="it has all capabilities and all devices of the host: whoever breaks into it has the host",
        mend="in the service: remove `privileged: true`; give it the one capability (`cap_add`) or device (`devices`) that it needs",
        find=when(lambda service: service.privileged, "is privileged", "privileged"),
    ),
    Rule(
        id="FW-C003",
        title="A container has the engine's socket",
        severity=Severity.CRITICAL,
        why="who reaches the engine is root on the host, also where the mount is read-only: it starts a container that mounts /",
        mend="in the service: remove the mount; where it needs some of the API, put a proxy before it that lets through no more",
        find=each_service(_socket),
    ),
    Rule(
        id="FW-C004",
        title="A container has a directory of the host's system",
        severity=Severity.HIGH,
        why="what is written there is executed or believed by the host; what is read there are its users, keys and configuration",
        mend="in the service: mount only the file that it needs, with `:ro`; keep data in a volume",
        find=each_service(_system),
    ),
    Rule(
        id="FW-C005",
        title="A container is in the host's network",
        severity=Severity.MEDIUM,
        why="it reaches what listens on the host's loopback, and listens on all of the host's addresses, whatever `ports` says",
        mend="in the service: remove `network_mode: host`; give it a `route` in fairway.yaml, or `ports`",
        find=when(lambda service: service.network_mode == "host", "is in the host's network", "network_mode"),
    ),
    Rule(
        id="FW-C006",
        title="A container sees the host's processes",
        severity=Severity.HIGH,
        why="it can stop them, and read their environment and memory where the user is the same",
        mend="in the service: remove `pid: host`",
        find=when(lambda service: service.pid == "host", "sees all processes of the host", "pid"),
    ),
    Rule(
        id="FW-C007",
        title="A container shares the host's memory segments",
        severity=Severity.MEDIUM,
        why="it can read and change what programs of the host keep in shared memory",
        mend="in the service: remove `ipc: host`; `shm_size` gives it more of its own",
        find=when(lambda service: service.ipc == "host", "is in the host's IPC namespace", "ipc"),
    ),
    Rule(
        id="FW-C008",
        title="A container has the host's name",
        severity=Severity.LOW,
        why="with SYS_ADMIN it can rename the host",
        mend="in the service: remove `uts: host`",
        find=when(lambda service: service.uts == "host", "is in the host's UTS namespace", "uts"),
    ),
    Rule(
        id="FW-C009",
        title="A container's users are the host's",
        severity=Severity.MEDIUM,
        why="on an engine that maps users, it turns the mapping off: its root is the host's root",
        mend="in the service: remove `userns_mode: host`",
        find=when(lambda service: service.userns_mode == "host", "is in the host's user namespace", "userns_mode"),
    ),
    Rule(
        id="FW-C010",
        title="A container sees the host's control groups",
        severity=Severity.LOW,
        why="it sees what runs on the host and how it is limited; the way out by `release_agent` went through them",
        mend="in the service: remove `cgroup: host`",
        find=when(lambda service: service.cgroup == "host", "is in the host's cgroup namespace", "cgroup"),
    ),
    Rule(
        id="FW-C011",
        title="Seccomp is off",
        severity=Severity.HIGH,
        why="Docker's profile keeps some fifty system calls from containers in which holes of the kernel were found",
        mend="in the service: remove it from `security_opt`",
        find=each_service(_option("seccomp=unconfined")),
    ),
    Rule(
        id="FW-C012",
        title="AppArmor or SELinux is off",
        severity=Severity.HIGH,
        why="it keeps a container from mounting, from other processes, and from files of the host, even as root",
        mend="in the service: remove it from `security_opt`",
        find=each_service(_option("apparmor=unconfined", "label=disable")),
    ),
    Rule(
        id="FW-C013",
        title="The kernel's files are not masked",
        severity=Severity.HIGH,
        why="Docker hides parts of /proc and /sys from containers, and makes others read-only: they change the host",
        mend="in the service: remove it from `security_opt`",
        find=each_service(_option("systempaths=unconfined")),
    ),
    Rule(
        id="FW-C014",
        title="A container has a dangerous capability",
        severity=Severity.HIGH,
        why="it is enough to take over the host, its network, or other processes",
        mend="in the service: take it out of `cap_add`",
        find=each_service(_dangerous),
    ),
    Rule(
        id="FW-C015",
        title="A container keeps Docker's capabilities",
        severity=Severity.MEDIUM,
        why="root in it may make device files, forge packets and change owners; hardly any service needs that",
        mend="in the service: `cap_drop: [ALL]`, and `cap_add: […]` for what it needs; `hardening: strict` does it",
        find=when(_capabilities, "keeps the capabilities that Docker gives", "cap_drop"),
    ),
    Rule(
        id="FW-C016",
        title="Programs in a container can gain privileges",
        severity=Severity.MEDIUM,
        why="a setuid program in the image makes root of any user",
        mend='in the service: `security_opt: ["no-new-privileges:true"]`; `hardening: strict` does it',
        find=when(_gains, "lets programs gain privileges", "security_opt"),
    ),
    Rule(
        id="FW-C017",
        title="A container's root is writable",
        severity=Severity.MEDIUM,
        why="who breaks in can leave programs there, and change those that are there",
        mend="in the service: `read_only: true`, and `tmpfs: [/tmp]`; `hardening: strict` does it",
        find=when(lambda service: not service.read_only, "can change its own programs", "read_only"),
    ),
    Rule(
        id="FW-C025",
        title="A container has a device of the host",
        severity=Severity.MEDIUM,
        why="what the device can do to the host, the container can",
        mend="in the service: remove it from `devices`, or give it less: `/dev/x:/dev/x:r`",
        find=each_service(
            lambda case, service: (
                at(case, service, f"has {device.source}", "devices", str(index))
                for index, device in enumerate(service.devices)
            )
        ),
    ),
    Rule(
        id="FW-C026",
        title="A mount reaches back to the host",
        severity=Severity.MEDIUM,
        why="what the container mounts below it, the host gets, too",
        mend="in the service: remove the propagation, or say `rslave`",
        find=each_service(_propagation),
    ),
)
