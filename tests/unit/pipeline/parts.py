"""An engine that builds in memory: for what the stories decide, not for what Docker does."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from fairway.model.app import App, BuildSpec, Location, Service
from fairway.model.build import Build, Commit, ImageRef, Provenance
from fairway.model.errors import BuildFailed, NotReady
from fairway.model.events import Emit, Output
from fairway.ports import Ended
from fairway.ports.making import BuildRequest

CLEAN = Commit(sha="0123456789abcdef" * 2 + "01234567", describe="v1.2-3-g0123456", created="2026-11-21T03:00:00Z")
DIRTY = replace(CLEAN, dirty=True, tree="feedfacefeedface", changes=("web/app.py",), describe="v1.2-dirty")


def app(**builds: BuildSpec | Service) -> App:
    services = {n: b if isinstance(b, Service) else Service(name=n, build=b) for n, b in builds.items()}
    places = {("services", name, "build"): Location("compose.yaml", 10 + i) for i, name in enumerate(services)}
    return App(name="shop", services=services, directory="/shop", locations=places)


@dataclass
class MemoryBuilder:
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    requests: list[BuildRequest] = field(default_factory=list)
    there: dict[str, str] = field(default_factory=dict)
    pushed: list[str] = field(default_factory=list)

    async def bases(self, service: Service) -> tuple[str, ...]:
        if service.name in self.missing:
            raise BuildFailed("there is no Dockerfile", where=f"/shop/{service.name}/Dockerfile")
        return self.named.get(service.name, ())

    async def build(self, request: BuildRequest, emit: Emit) -> ImageRef:
        if request.service.name in self.broken:
            raise BuildFailed(f"{request.service.name} failed")
        for at in request.service.build.additional_contexts.values() if request.service.build else ():
            assert at.removeprefix("docker-image://") in self.there, "its base is built before it"
        self.requests.append(request)
        emit(Output(f"build:{request.service.name}", f"with {[v.decode() for v in request.secrets.values()]}"))
        made = "sha256:" + hashlib.sha256(request.service.name.encode()).hexdigest()
        self.there |= dict.fromkeys(request.tags, made)
        return ImageRef(reference=request.tags[0], id=made)

    async def provenance(self, service: Service) -> Provenance:
        return Provenance(
            versions={"docker": "1"}, bases=dict.fromkeys(self.named.get(service.name, ()), "sha256:ba5e")
        )

    async def present(self, image: ImageRef) -> bool:
        return image.id in self.there.values()

    async def tag(self, image: ImageRef, reference: str) -> None:
        self.there[reference] = image.id

    async def push(self, image: ImageRef, reference: str, emit: Emit) -> str:
        self.pushed.append(reference)
        return "sha256:" + hashlib.sha256(image.id.encode()).hexdigest()


@dataclass
class MemoryBuilds:
    folder: Path
    kept: dict[str, Build] = field(default_factory=dict)

    def load(self, tag: str) -> Build | None:
        return self.kept.get(tag)

    def save(self, build: Build) -> None:
        self.kept[build.commit.tag] = build

    def log(self, tag: str, stage: str) -> Path:
        return self.folder / f"{tag}-{stage}.log"


@dataclass
class MemoryBeds:
    """`says` gives, for each command, what it prints and its exit status; `status` what each port answers."""

    says: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    status: Mapping[int, tuple[int | None, str]] = field(default_factory=dict)
    healthy: bool = True
    open_now: int = 0
    used: list[Mapping[str, ImageRef]] = field(default_factory=list)
    ran: list[tuple[str, tuple[str, ...] | None, dict[str, str]]] = field(default_factory=list)
    brought_up: int = 0

    @asynccontextmanager
    async def open(
        self, app: App, images: Mapping[str, ImageRef], secrets: Mapping[str, bytes]
    ) -> AsyncIterator[MemoryBeds]:
        self.open_now += 1
        self.used.append(images)
        try:
            yield self
        finally:
            self.open_now -= 1

    async def up(self, emit: Emit) -> None:
        self.brought_up += 1
        if not self.healthy:
            emit(Output("up", "could not connect to redis"))
            raise NotReady("web is unhealthy")

    async def run(
        self, service: str, command: Sequence[str] | None, environment: Mapping[str, str], emit: Emit, key: str
    ) -> Ended:
        self.ran.append((service, tuple(command) if command else None, dict(environment)))
        text, code = self.says.get(" ".join(command or ()), ("", 0))
        for line in text.splitlines():
            emit(Output(key, line))
        return Ended(code, text)

    async def http(
        self, service: str, port: int, path: str, timeout: float, headers: Mapping[str, str]
    ) -> tuple[int | None, str]:
        return self.status[port]
