"""Rules about hosts: their engines, kernels, and what else runs there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fairway.model.security import Severity
from fairway.model.security_facts import HostSecurity, Stranger
from fairway.security.rule import Case, Find, Found, Rule
from fairway.security.versions import old_engine, old_knowledge, old_runc, old_system

DAEMON = "/etc/docker/daemon.json"
RESTART = "`systemctl restart docker`"


def _each(look: Callable[[Case, HostSecurity], Iterable[str]], severity: Severity | None = None) -> Find:
    """`look` says what is wrong with a host, in words that go on after its name."""

    def find(case: Case) -> Iterator[Found]:
        for name, host in case.hosts.items():
            for what in look(case, host):
                yield Found(what=f"{name}: {what}", host=name, severity=severity)

    return find


def _if(wrong: Callable[[HostSecurity], object], what: str) -> Find:
    return _each(lambda case, host: [what] if wrong(host) else [])


def _no_seccomp(host: HostSecurity) -> bool:
    return bool(host.options) and host.options.get("seccomp", "unconfined") == "unconfined"


def _no_module(host: HostSecurity) -> bool:
    return bool(host.options) and not {"apparmor", "selinux"} & host.options.keys()


def _no_mapping(host: HostSecurity) -> bool:
    return bool(host.options) and not {"userns", "rootless"} & host.options.keys()


def _dangerous(case: Case, host: HostSecurity) -> Iterator[str]:
    for stranger in host.strangers:
        if told := ", ".join(_rights(stranger)):
            yield f"the container {stranger.name} {told}"


def _rights(stranger: Stranger) -> Iterator[str]:
    if stranger.privileged:
        yield "is privileged"
    if stranger.socket:
        yield "has the engine's socket"
    if "pid" in stranger.shares:
        yield "sees all processes of the host"


def _ports(case: Case, host: HostSecurity) -> Iterator[str]:
    for stranger in host.strangers:
        if stranger.open_ports:
            yield f"the container {stranger.name} publishes {', '.join(stranger.open_ports)} on every address"


def _mode(host: HostSecurity) -> bool:
    return bool(host.socket_mode and host.socket_mode & 0o002)


RULES = (
    Rule(
        id="FW-H001",
        title="An engine answers everybody",
        severity=Severity.CRITICAL,
        why="whoever reaches a Docker engine is root on its host; such engines are found and used within hours",
        mend="start dockerd without that address (Fairway can come by ssh://), or with `--tlsverify`",
        find=_each(lambda case, host: (f"its API is open at {address}" for address in host.open_apis)),
    ),
    Rule(
        id="FW-H002",
        title="An engine is out of maintenance",
        severity=Severity.HIGH,
        why="holes that are found in it are not mended any more",
        mend="install a maintained version; with live-restore, containers go on meanwhile",
        find=_each(old_engine),
    ),
    Rule(
        id="FW-H003",
        title="A host's system or kernel is out of maintenance",
        severity=Severity.HIGH,
        why="all containers share the kernel: a known hole in it is a way out of every one of them",
        mend="upgrade the host's system; `fairway hosts drain HOST` empties it first, where there are several",
        find=_each(old_system),
    ),
    Rule(
        id="FW-H004",
        title="A host's runc has known ways out of a container",
        severity=Severity.HIGH,
        why="CVE-2025-31133, CVE-2025-52565 and CVE-2025-52881: an image made for it writes to the host's /proc, and is root there",
        mend="upgrade containerd.io or runc on the host; containers get it when they are started anew",
        find=_each(old_runc),
    ),
    Rule(
        id="FW-H005",
        title="Seccomp is off on a host",
        severity=Severity.HIGH,
        why="no container there is kept from the system calls in which holes of the kernel were found",
        mend=f'take "seccomp-profile": "unconfined" out of {DAEMON}, or boot a kernel with CONFIG_SECCOMP_FILTER; then {RESTART}',
        find=_if(_no_seccomp, "its engine gives containers no seccomp profile"),
    ),
    Rule(
        id="FW-H006",
        title="A host has neither AppArmor nor SELinux",
        severity=Severity.MEDIUM,
        why="nothing but the namespaces keeps root in a container from mounts and files of the host",
        mend=f"install apparmor, boot with `apparmor=1 security=apparmor`, then {RESTART}",
        find=_if(_no_module, "neither AppArmor nor SELinux is on"),
    ),
    Rule(
        id="FW-H007",
        title="Containers on the default bridge reach each other",
        severity=Severity.LOW,
        why="one that is broken into reaches all others there; networks of an application's own are apart from each other",
        mend=f'put "icc": false into {DAEMON}, then {RESTART}',
        find=_if(lambda host: host.icc, "containers on its default bridge reach each other"),
    ),
    Rule(
        id="FW-H008",
        title="An engine trusts a registry without TLS",
        severity=Severity.MEDIUM,
        why="anybody on the way can give it other images, and read the password",
        mend=f'take it out of "insecure-registries" in {DAEMON}; put the registry\'s authority into /etc/docker/certs.d/REGISTRY/ca.crt',
        find=_each(lambda case, host: (f"its engine trusts {name} without TLS" for name in host.insecure)),
    ),
    Rule(
        id="FW-H009",
        title="Users of containers are users of the host",
        severity=Severity.INFO,
        why="with user namespaces, root in a container is nobody on the host; it changes the owners of volumes, so it is best on new hosts",
        mend=f'put "userns-remap": "default" into {DAEMON} of a new host, then {RESTART}; or run Docker rootless',
        find=_if(_no_mapping, "its engine maps no users"),
    ),
    Rule(
        id="FW-H010",
        title="Everybody on this machine may use its engine",
        severity=Severity.CRITICAL,
        why="whoever may write to the socket is root on the host",
        mend="`chmod o-rw` the socket; let `SocketMode=0660` stand in docker.socket",
        find=_if(_mode, "its socket is open to all users of this machine"),
    ),
    Rule(
        id="FW-H011",
        title="Another container on a host has the host's rights",
        severity=Severity.HIGH,
        why="who breaks into that one has the host, and all that runs there",
        mend="take its rights away, as FW-C002, FW-C003 and FW-C006 say; or let it run elsewhere",
        find=_each(_dangerous),
    ),
    Rule(
        id="FW-H012",
        title="Another container on a host has a port open to the world",
        severity=Severity.LOW,
        why="Docker opens it past the host's own firewall rules; what is behind it shares the kernel with this application",
        mend="publish it on one address: `--publish 127.0.0.1:8080:80`",
        find=_each(_ports),
    ),
    Rule(
        id="FW-H013",
        title="A host does not enforce limits",
        severity=Severity.MEDIUM,
        why="what a Compose file says of them is not kept there: one container can take the host down",
        mend="boot a kernel with these control groups: on Debian `cgroup_enable=memory`; cgroup v2 has all of them",
        find=_each(lambda case, host: [f"it does not limit {', '.join(host.unlimited)}"] if host.unlimited else []),
    ),
    Rule(
        id="FW-H014",
        title="Containers stop with their engine",
        severity=Severity.LOW,
        why="security updates of Docker are put off where each of them stops every container",
        mend=f'put "live-restore": true into {DAEMON}, then `systemctl reload docker`',
        find=_if(lambda host: not host.live_restore and not host.clustered, "live-restore is off"),
    ),
    Rule(
        id="FW-H015",
        title="What Fairway knows of versions is old",
        severity=Severity.INFO,
        why="it was written down when this version of Fairway was made; newer holes and ends of maintenance are not in it",
        mend="upgrade Fairway",
        find=old_knowledge,
    ),
)
