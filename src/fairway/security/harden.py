"""`hardening: strict`: safe defaults for what a Compose file does not say. What somebody wrote wins, and is told. Pure.

Nothing is taken away that was asked for, and no number is guessed that could stop an application: memory is the operator's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from fairway.model.app import App, Path, Service
from fairway.model.build import ImageRef
from fairway.model.files import FileMount, Mount
from fairway.model.hardening import Hardened, Hardening
from fairway.model.policy import ServicePolicy
from fairway.model.users import is_root, numbers

NOBODY = "65532:65532"
"""Of no user in any distribution's images, nor of the host: what is owned by nobody (65534) may be somebody's on a network drive."""
ROOTS_OWN = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
"""What an entrypoint needs that prepares its files as root, and then becomes somebody else."""
WRITABLE = ("/tmp", "/run")  # noqa: S108
SIZE = 64 << 20
"""Bytes of each directory in memory, which the memory limit counts, too."""
PROCESSES = 512
UNPRIVILEGED = "no-new-privileges"


class Whole(Struct, frozen=True):
    """The application as it is to run, and what was done, by service in the order of their names."""

    app: App
    told: tuple[Hardened, ...] = ()


def harden(app: App, images: Mapping[str, ImageRef], policies: Mapping[str, ServicePolicy]) -> Whole:
    """Every service whose policy says so. Of an image that is not known (`user` is None), who runs is left open."""
    services, told = dict(app.services), []
    for name in sorted(services):
        policy = policies.get(name)
        if policy and policy.hardening.strict:
            work = _Work(app, services[name], images.get(name) or ImageRef(reference=""), policy.hardening)
            services[name] = work.done()
            told.append(Hardened(service=name, added=tuple(work.added), left=tuple(work.left)))
    return Whole(replace(app, services=services), tuple(told))


class _Work:
    """One service on its way."""

    def __init__(self, app: App, service: Service, image: ImageRef, wanted: Hardening) -> None:
        self.app, self.service, self.image, self.wanted = app, service, image, wanted
        self.added: list[str] = []
        self.left: list[str] = []

    def done(self) -> Service:
        if self.service.privileged:
            self.left.append("it is privileged, as written: it keeps all rights")
        else:
            self._privileges()
            self._user()
            self._capabilities()
        self._root()
        self._processes()
        return self.service

    def _written(self, *path: str) -> bool:
        found: Path = ("services", self.service.name, *path)
        return found in self.app.locations

    def _set(self, what: str, **fields: object) -> None:
        self.service = replace(self.service, **fields)
        self.added.append(what)

    def _privileges(self) -> None:
        said = [option for option in self.service.security_opt if option.startswith(UNPRIVILEGED)]
        if not said:
            options = (*self.service.security_opt, f"{UNPRIVILEGED}:true")
            self._set("no program in it gains privileges", security_opt=options)
        elif said[-1].endswith("false"):
            self.left.append(f"`{said[-1]}` is written")

    def _user(self) -> None:
        """Who has a user already keeps it."""
        if self.service.user is not None:
            if is_root(self.service.user):
                self.left.append(f"it runs as root: `user: {self.service.user}` is written")
            return
        if self.wanted.user is not None:
            self._become(self.wanted.user)
        elif self.image.user is not None and is_root(self.image.user):
            if why := self._rooted():
                self.left.append(f"it runs as root: {why}; name a `user` that can")
            else:
                self._become(NOBODY)

    def _rooted(self) -> str:
        """Why nobody else than root may be able to do its work, as far as one can tell."""
        for mount in self.service.volumes:
            if mount.type in ("volume", "bind", "cluster") and not mount.read_only:
                return f"it writes to {mount.target}, which may be root's"
        if self.service.volumes_from:
            return "it has volumes of others, which may be root's"
        if self.image.volumes:
            return f"its image has a volume at {self.image.volumes[0]}, which may be root's"
        if self.service.devices:
            return "it has devices, which may be root's"
        if self.service.network_mode == "host":
            return "it is in the host's network, where ports below 1024 are root's"
        return ""

    def _become(self, user: str) -> None:
        self._set(f"it runs as {user}", user=user)
        if owner := numbers(user)[0]:
            secrets = tuple(_owned(mount, owner) for mount in self.service.secrets)
            configs = tuple(_owned(mount, owner) for mount in self.service.configs)
            self.service = replace(self.service, secrets=secrets, configs=configs)

    def _capabilities(self) -> None:
        dropped = {_plain(name) for name in self.service.cap_drop}
        if dropped and "ALL" not in dropped:
            self.left.append(f"its capabilities: `cap_drop: [{', '.join(self.service.cap_drop)}]` is written")
            return
        kept = self.wanted.capabilities
        if not dropped:
            kept = (*(ROOTS_OWN if is_root(self._who()) else ()), *kept)
        more = _missing(kept, self.service.cap_add)
        if dropped and not more:
            return
        told = ", ".join((*map(_plain, self.service.cap_add), *more))
        added = (*self.service.cap_add, *more)
        self._set(f"its capabilities: {told or 'none'}", cap_drop=self.service.cap_drop or ("ALL",), cap_add=added)

    def _root(self) -> None:
        paths = self.wanted.writable
        if self._written("read_only"):
            if not self.service.read_only:
                self.left.append("its root is writable: `read_only: false` is written")
                return
        elif not self.service.read_only:
            self._set("its root is read-only", read_only=True)
            paths = (*WRITABLE, *paths)
        taken = {mount.target.rstrip("/") for mount in self.service.volumes}
        mounts = [self._in_memory(path) for path in dict.fromkeys(paths) if path.rstrip("/") not in taken]
        if mounts:
            where = ", ".join(mount.target for mount in mounts)
            self._set(f"{where} in memory, {SIZE >> 20} MiB each", volumes=(*self.service.volumes, *mounts))

    def _in_memory(self, path: str) -> Mount:
        """It belongs to who needs it: with a runc before 1.2 it has the mode of the directory that it covers, whatever is asked for."""
        user, group = numbers(self._who())
        owner = (*((f"uid={user}",) if user else ()), *((f"gid={group}",) if group else ()))
        return Mount(type="tmpfs", target=path, size=SIZE, mode=0o1777, options=owner)

    def _who(self) -> str:
        """Who its processes are; root, where that is not known."""
        return self.service.user if self.service.user is not None else self.image.user or ""

    def _processes(self) -> None:
        deploy = self.service.deploy
        if deploy.limits.pids is not None:
            return
        if self._written("pids_limit") or self._written("deploy", "resources", "limits", "pids"):
            self.left.append("it has no limit of processes: none is written")
            return
        limits = replace(deploy.limits, pids=PROCESSES)
        self._set(f"at most {PROCESSES} processes", deploy=replace(deploy, limits=limits))


def _owned(mount: FileMount, owner: str) -> FileMount:
    """A file whose mode keeps others out belongs to who reads it, unless it is said to whom."""
    readable = mount.mode is None or mount.mode & 0o004
    return mount if readable or mount.uid is not None else replace(mount, uid=owner)


def _plain(capability: str) -> str:
    return capability.upper().removeprefix("CAP_")


def _missing(wanted: Iterable[str], there: Iterable[str]) -> tuple[str, ...]:
    known = {_plain(name) for name in there}
    return tuple(name for name in dict.fromkeys(map(_plain, wanted)) if name not in known and "ALL" not in known)
