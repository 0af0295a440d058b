"""Rules about limits, images, ports and the like: what a service takes, from where it comes, and who reaches it."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import Service
from fairway.model.security import Severity
from fairway.security.names import pinned, unversioned
from fairway.security.rule import Case, Found, Rule, at, each_service, when

WORLD = (None, "", "0.0.0.0", "::", "[::]")  # noqa: S104
LIMITS = ("deploy", "resources", "limits")


def _all_cpus(service: Service) -> bool:
    return service.deploy.limits.cpus is None and not service.cpu_quota and not service.cpuset


def _restarts(case: Case, service: Service) -> Iterator[Found]:
    policy = service.deploy.restart_policy or service.restart
    if policy and policy.condition != "none" and policy.max_attempts is None:
        path = ("deploy", "restart_policy") if service.deploy.restart_policy else ("restart",)
        yield at(case, service, "is started again for ever", *path)


def _world(case: Case, service: Service) -> Iterator[Found]:
    for index, port in enumerate(service.ports):
        if port.host_ip in WORLD:
            published = "a port" if port.published is None else f"port {port.published}"
            mend = (
                f'in the service: `ports: ["127.0.0.1:{port.published or ""}:{port.target}"]`, '
                "or a `route` in fairway.yaml instead"
            )
            told = f"publishes {published}/{port.protocol} on every address of the host"
            yield at(case, service, told, "ports", str(index), mend=mend)


def _latest(case: Case, service: Service) -> Iterator[Found]:
    if service.image and not service.build and unversioned(service.image):
        yield at(case, service, f"runs {service.image}, whatever that is by then", "image")


def _unpinned(case: Case, service: Service) -> Iterator[Found]:
    if service.image and not service.build and not unversioned(service.image) and not pinned(service.image):
        known = case.images.get(service.name)
        mend = f"in the service: `image: {service.image}@{known.digest}`" if known and known.digest else ""
        yield at(case, service, f"runs {service.image}, which its owner can change", "image", mend=mend)


def _unhealthy(case: Case, service: Service) -> Iterator[Found]:
    check, image, policy = service.healthcheck, case.images.get(service.name), case.policies.get(service.name)
    if policy and policy.ready.http:
        return
    if check.disable if check else image is not None and not image.healthcheck:
        yield at(case, service, "has no healthcheck", "healthcheck")


def _sshd(case: Case, service: Service) -> Iterator[Found]:
    for index, port in enumerate(service.ports):
        if port.target == 22:
            yield at(case, service, "publishes port 22", "ports", str(index))
            return
    image = case.images.get(service.name)
    if any(item.partition("/")[0] == "22" for item in (*service.expose, *(image.ports if image else ()))):
        yield at(case, service, "listens on port 22", "expose")


def _build(case: Case, service: Service) -> Iterator[Found]:
    build = service.build
    if build and build.privileged:
        yield at(case, service, "is built with `privileged: true`", "build", "privileged")
    elif build and "security.insecure" in (build.extra.get("entitlements") or ()):
        yield at(case, service, "is built with the entitlement security.insecure", "build", "entitlements")


RULES = (
    Rule(
        id="FW-C018",
        title="A container has no memory limit",
        severity=Severity.MEDIUM,
        why="one that leaks, or is made to, takes the host's memory, and the kernel then kills what it likes",
        mend="in the service: `deploy: {resources: {limits: {memory: 256M}}}`; `fairway stats` shows what it uses",
        find=when(lambda service: service.deploy.limits.memory is None, "has no memory limit", *LIMITS, "memory"),
    ),
    Rule(
        id="FW-C019",
        title="A container may start any number of processes",
        severity=Severity.MEDIUM,
        why="a fork bomb in it takes the host down",
        mend="in the service: `deploy: {resources: {limits: {pids: 128}}}`; `hardening: strict` says 512",
        find=when(
            lambda service: service.deploy.limits.pids is None, "may start any number of processes", *LIMITS, "pids"
        ),
    ),
    Rule(
        id="FW-C020",
        title="A container may take all CPUs",
        severity=Severity.LOW,
        why="one that spins slows down everything else on the host",
        mend='in the service: `deploy: {resources: {limits: {cpus: "1.0"}}}`',
        find=when(_all_cpus, "may take all CPUs", *LIMITS, "cpus"),
    ),
    Rule(
        id="FW-C021",
        title="A container is started again without end",
        severity=Severity.LOW,
        why="an attack that makes it crash can be tried for ever, and nobody is told that it does",
        mend="in the service: `restart: on-failure:5`; `fairway reconcile` starts it again after that",
        find=each_service(_restarts),
    ),
    Rule(
        id="FW-C022",
        title="A port is open to the world",
        severity=Severity.MEDIUM,
        why="Docker opens it past the host's own firewall rules (ufw, firewalld), on all networks of the host",
        mend="in the service: publish it on one address",
        find=each_service(_world),
    ),
    Rule(
        id="FW-C023",
        title="An image has no version",
        severity=Severity.MEDIUM,
        why="nobody knows what it was or will be, and no advisory can be matched with it",
        mend="in the service: `image: NAME:VERSION`",
        find=each_service(_latest),
    ),
    Rule(
        id="FW-C024",
        title="An image is not pinned",
        severity=Severity.LOW,
        why="a tag can be moved to other contents: by its owner, or by who has taken over the account. A release pins what it finds",
        mend="in the service: `image: NAME:VERSION@sha256:…`, as `docker image inspect` tells it",
        find=each_service(_unpinned),
    ),
    Rule(
        id="FW-C027",
        title="A container is on the default bridge",
        severity=Severity.LOW,
        why="all containers that name no network meet there, those of other applications too",
        mend="in the service: remove `network_mode: bridge`: it gets a network of the application's own",
        find=when(lambda service: service.network_mode == "bridge", "is on the default bridge", "network_mode"),
    ),
    Rule(
        id="FW-C028",
        title="A build has the host's rights",
        severity=Severity.HIGH,
        why="what a Dockerfile runs, and what it loads to run, is then root on the machine that builds",
        mend="in the service: remove it from `build`",
        find=each_service(_build),
    ),
    Rule(
        id="FW-C029",
        title="Nobody asks a container whether it is well",
        severity=Severity.LOW,
        why="one that hangs keeps its place, and its requests fail",
        mend="in the service: `healthcheck: {test: […]}`; or in fairway.yaml `ready: {http: /up}`",
        find=each_service(_unhealthy),
    ),
    Rule(
        id="FW-C030",
        title="A container runs an SSH server",
        severity=Severity.LOW,
        why="keys and users of its own, which nobody rotates; `fairway exec` needs none",
        mend="in the image: leave the SSH server out",
        find=each_service(_sshd),
    ),
    Rule(
        id="FW-C031",
        title="A container is never killed for its memory",
        severity=Severity.MEDIUM,
        why="where its limit is reached it hangs; without a limit, other processes of the host are killed instead",
        mend="in the service: remove `oom_kill_disable: true`",
        find=when(lambda service: service.oom_kill_disable, "is not killed for its memory", "oom_kill_disable"),
    ),
    Rule(
        id="FW-C032",
        title="A container's output is thrown away",
        severity=Severity.LOW,
        why="after a break-in there is nothing to read",
        mend="in the service: remove `driver: none` from `logging`, or name another one",
        find=when(lambda service: service.logging.driver == "none", "keeps no logs", "logging", "driver"),
    ),
)
