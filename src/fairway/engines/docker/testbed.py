"""An application brought up from images just built, in a throwaway project on the engine: `ports.TestBeds`."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import re
import secrets as tokens
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiodocker
from msgspec.structs import replace

from fairway.engines.docker import images as image_store
from fairway.engines.docker.engine import DockerEngine
from fairway.engines.docker.errors import explained
from fairway.engines.docker.testbed_app import differences, for_test, one_off
from fairway.engines.docker.testbed_lease import PREFIX, held, remove, sweep
from fairway.engines.docker.testbed_up import done, hopeless, is_up, replica_of, startable
from fairway.engines.docker.together import together, unbroken
from fairway.model.app import App
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import EngineError, NotReady
from fairway.model.events import Emit, Note, Output
from fairway.model.files import FileObject
from fairway.model.fleet import Fleet, Health, Replica
from fairway.model.release import Release, Revision
from fairway.net.errors import translated
from fairway.net.hostimage import ensure_host_image
from fairway.ports import Ended
from fairway.render import names
from fairway.render.docker_networks import reached

LAST = 40
"""Lines of a container that is shown when it fails."""
BODY = 65536
"""Characters of an answer that are looked at."""
SETTLE = 0.5
"""Seconds."""
UP = "up"
"""The key of what is said while an application comes up."""


class DockerTestBeds:
    """`image` has `cat` and `curl`; Fairway's own host image, made where it is missing, is taken where it is None."""

    __test__ = False

    def __init__(
        self,
        docker: aiodocker.Docker,
        *,
        image: str | None = None,
        host: str = "local",
        credentials: image_store.Credentials | None = None,
    ) -> None:
        self.docker = docker
        self.image = image
        self.host = host
        self.credentials = credentials

    @asynccontextmanager
    async def open(
        self, app: App, images: Mapping[str, ImageRef], secrets: Mapping[str, bytes]
    ) -> AsyncIterator[DockerTestBed]:
        """First sweeps what killed tests have left. Raises EngineError, ImageNotFound."""
        helper = await ensure_host_image(self.docker, self.image)
        await sweep(self.docker, self.host)
        environment = Environment(app.name, f"{PREFIX}{tokens.token_hex(5)}")
        engine = DockerEngine(environment, self.docker, self.host, credentials=self.credentials)
        async with held(self.docker, environment, helper, self.host):
            try:
                release = await _release(engine, app, images, secrets)
                yield DockerTestBed(engine, release, secrets, helper, tuple(differences(app)))
            finally:
                with translated(self.host, "The test project could not be taken down"):
                    await unbroken(remove(self.docker, environment))


class DockerTestBed:
    """`ports.TestBed`: the project is there, and empty until something runs in it."""

    __test__ = False

    def __init__(
        self,
        engine: DockerEngine,
        release: Release,
        secrets: Mapping[str, bytes],
        helper: str,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.engine = engine
        self.docker = engine.docker
        self.release = release
        self.app = release.app
        self.secrets = secrets
        self.helper = helper
        self.notes = notes
        self._is_up = False
        self._count = itertools.count(1)

    async def up(self, emit: Emit) -> None:
        for note in self.notes:
            emit(Note(note, "warning"))
        await self._pin_the_rest()
        pending = dict(self.app.services)
        told: set[str] = set()
        async for fleet in self.engine.watch():
            await self._fail_fast(fleet, emit)
            for name in sorted({n for n in self.app.services if is_up(replica_of(fleet, n))} - told):
                told.add(name)
                emit(Output(UP, f"{name} is up"))
            due = [pending.pop(name) for name, s in list(pending.items()) if startable(self.app, s, fleet)]
            await together(
                self.engine.ensure(self.release, self.release.revisions[service.name], 1, self.secrets)
                for service in due
            )
            if not due and not pending and await self._settled(fleet, emit):
                self._is_up = True
                return
        raise NotReady("The engine stopped telling what happens", where=self.engine.host)

    async def _settled(self, fleet: Fleet, emit: Emit) -> bool:
        """Whether all is up, and stays so: what has no healthcheck is looked at twice, for it may be about to crash."""
        replicas = [replica_of(fleet, name) for name in self.app.services]
        if not all(is_up(replica) for replica in replicas):
            return False
        if all(replica and (replica.health is Health.HEALTHY or done(replica)) for replica in replicas):
            return True
        await asyncio.sleep(SETTLE)
        later = await self.engine.observe()
        await self._fail_fast(later, emit)
        return later == fleet

    async def run(
        self, service: str, command: Sequence[str] | None, environment: Mapping[str, str], emit: Emit, key: str
    ) -> Ended:
        name = f"{service}-test-{next(self._count)}"
        await self._pin_the_rest((service,))
        told = tuple(command) if command is not None else None
        once = one_off(self.app.services[service], name, told, environment, alone=not self._is_up)
        revision = Revision(name, 1, tokens.token_hex(8))
        release = replace(
            self.release,
            app=replace(self.app, services={**self.app.services, name: once}),
            images={**self.release.images, name: self.release.images[service]},
            revisions={**self.release.revisions, name: revision},
        )
        await self.engine.ensure(release, revision, 1, self.secrets)
        replica = next(iter((await self.engine.observe()).of(revision)))
        with translated(self.engine.host):
            output = await self._follow(replica, emit, key)
            ended = await self.docker.containers.container(replica.id).wait()
        await self.engine.retire(revision, 0)
        return Ended(int(ended["StatusCode"]), output)

    async def http(
        self, service: str, port: int, path: str, timeout: float, headers: Mapping[str, str]
    ) -> tuple[int | None, str]:
        """Raises NotReady where the service is not there any more to answer."""
        found = await self._get(service, f"http://{self._name(service)}:{port}{path}", timeout, headers)
        if found[0] is None:
            await self._fail_fast(await self.engine.observe(), lambda event: None)
        return found

    async def _get(self, service: str, url: str, timeout: float, headers: Mapping[str, str]) -> tuple[int | None, str]:
        argv = ["curl", "--silent", "--globoff", "--path-as-is", "--max-time", f"{timeout:g}"]
        argv += ["--write-out", "%{stderr}%{http_code}"]
        argv += [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
        network = reached(self.release.environment, self.app, self.app.services[self._name(service)])
        body: dict[str, Any] = {
            "Image": self.helper,
            "Entrypoint": argv,
            "Cmd": [url],
            "Labels": names.of_environment(self.release.environment, names.Kind.ONCE),
            "HostConfig": {"NetworkMode": network or "none", "LogConfig": {"Type": "json-file"}},
        }
        with explained(self.engine.host, f"{url} could not be asked"):
            container = await unbroken(self.docker.containers.create(body))
            await container.start()
            await container.wait()
            said = "".join(await container.log(stderr=True))
            answer = "".join(await container.log(stdout=True))
            await container.delete(force=True)
        status = re.search(r"(\d{3})\s*$", said)
        return (int(status[1]) or None if status else None), answer[:BODY]

    def _name(self, service: str) -> str:
        """The service whose name answers for this one: it may share another one's network."""
        mode = self.app.services[service].network_mode or ""
        return self._name(mode.removeprefix("service:")) if mode.startswith("service:") else service

    async def _pin_the_rest(self, wanted: Sequence[str] | None = None) -> None:
        """Images that were not built here, pulled where the engine lacks them."""
        missing = {
            name: image
            for name, service in self.app.services.items()
            if name not in self.release.images and (wanted is None or name in wanted) and (image := service.image)
        }
        pinned = await self.engine.pin(missing)
        self.release = replace(self.release, images={**self.release.images, **pinned})

    async def _fail_fast(self, fleet: Fleet, emit: Emit) -> None:
        """Raises NotReady for a service that will never be up; what it printed last is emitted."""
        for replica in fleet.replicas:
            if why := hopeless(self.app, replica):
                container = self.docker.containers.container(replica.id)
                with translated(self.engine.host):
                    lines = "".join(await container.log(stdout=True, stderr=True, tail=LAST)).splitlines()
                for line in lines:
                    emit(Output(UP, f"{replica.revision.service}: {line}"))
                raise NotReady(
                    f"{replica.revision.service} did not come up: {why}",
                    where=self.engine.host,
                    why="\n".join(lines[-LAST // 2 :]),
                    replica=replica.name,
                )

    async def _follow(self, replica: Replica, emit: Emit, key: str) -> str:
        """Its lines as they come, until it ends; the last of them."""
        rest = ""
        last: list[str] = []

        def line(text: str) -> None:
            last.append(text)
            del last[:-LAST]
            emit(Output(key, text))

        async for piece in self.docker.containers.container(replica.id).log(stdout=True, stderr=True, follow=True):
            *lines, rest = (rest + piece).split("\n")
            for text in lines:
                line(text.rstrip("\r"))
        if rest:
            line(rest)
        return "\n".join(last)


async def _release(
    engine: DockerEngine, app: App, images: Mapping[str, ImageRef], secrets: Mapping[str, bytes]
) -> Release:
    made = for_test(app)
    engine.refuse(made)
    return Release(
        number=1,
        environment=engine.environment,
        app=made,
        images=dict(images),
        revisions={name: Revision(name, 1, tokens.token_hex(8)) for name in made.services},
        configs=await asyncio.to_thread(_configs, app),
        secrets={name: tokens.token_hex(8) for name in secrets},
        reason="test",
    )


def _configs(app: App) -> dict[str, str]:
    """The contents, base64, of every config that a service uses."""
    used = {mount.source for service in app.services.values() for mount in service.configs}
    return {key: base64.b64encode(_content(key, config)).decode() for key, config in app.configs.items() if key in used}


def _content(key: str, config: FileObject) -> bytes:
    if config.content is not None:
        return config.content.encode()
    if config.environment is not None and (value := os.environ.get(config.environment)) is not None:
        return value.encode()
    try:
        if config.file is not None:
            return Path(config.file).read_bytes()
    except OSError as error:
        raise EngineError(f"The config {key} cannot be read", where=config.file, why=str(error)) from error
    raise EngineError(f"The config {key} has no content here", hint="Give it `content`, `file` or `environment`.")
