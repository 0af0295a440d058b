"""An application brought up from images just built, in a throwaway project on the engine: `ports.TestBeds`."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets as tokens
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from msgspec.structs import replace

from fairway.engines.common.together import together, unbroken
from fairway.engines.docker import images as image_store
from fairway.engines.docker.engine import DockerEngine
from fairway.engines.docker.errors import explained
from fairway.engines.docker.logs import last_lines, lines
from fairway.engines.docker.testbed_app import differences, for_test, one_off
from fairway.engines.docker.testbed_configs import configs as read_configs
from fairway.engines.docker.testbed_lease import PREFIX, held, remove, sweep
from fairway.engines.docker.testbed_up import done, hopeless, is_up, replica_of, startable
from fairway.model.app import App
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import NotReady
from fairway.model.events import Emit, Note, Output
from fairway.model.fleet import Fleet, Health, Replica
from fairway.model.release import Release, Revision
from fairway.net.client import Docker
from fairway.net.containers import printed
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
Harden = Callable[[App, Mapping[str, ImageRef]], App]
"""The application as it is deployed with these images: what is tested is what runs."""


def as_it_is(app: App, images: Mapping[str, ImageRef]) -> App:
    return app


class DockerTestBeds:
    """`image` has `cat` and `curl`; Fairway's own host image, made where it is missing, is taken where it is None.

    `configs` are the contents of configs, base64; where it is None, they are read from their files.
    """

    __test__ = False

    def __init__(
        self,
        docker: Docker,
        *,
        image: str | None = None,
        host: str = "local",
        credentials: image_store.Credentials | None = None,
        harden: Harden = as_it_is,
        configs: Mapping[str, str] | None = None,
    ) -> None:
        self.docker = docker
        self.image = image
        self.configs = configs
        self.host = host
        self.credentials = credentials
        self.harden = harden

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
                configs = self.configs if self.configs is not None else await asyncio.to_thread(read_configs, app)
                hardened = partial(self.harden, app)
                built = await _described(engine, images)
                release = await _release(engine, hardened(built), built, secrets, configs)
                notes = tuple(differences(app))
                yield DockerTestBed(engine, release, secrets, helper, notes=notes, harden=hardened)
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
        *,
        notes: tuple[str, ...],
        harden: Callable[[Mapping[str, ImageRef]], App],
    ) -> None:
        self.engine = engine
        self.docker = engine.docker
        self.release = release
        self.app = release.app
        self.secrets = secrets
        self.helper = helper
        self.notes = notes
        self.harden = harden
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
            ended = await self.docker.post(f"containers/{replica.id}/wait")
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
            container = (await unbroken(self.docker.post("containers/create", body)))["Id"]
            await self.docker.post(f"containers/{container}/start")
            await self.docker.post(f"containers/{container}/wait")
            said = await printed(self.docker, container, stderr=True)
            answer = await printed(self.docker, container, stdout=True)
            await self.docker.delete(f"containers/{container}", force=True)
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
        if missing:
            images = {**self.release.images, **await self.engine.pin(missing)}
            self.app = for_test(self.harden(images))
            self.release = replace(self.release, app=self.app, images=images)

    async def _fail_fast(self, fleet: Fleet, emit: Emit) -> None:
        """Raises NotReady for a service that will never be up; what it printed last is emitted."""
        for replica in fleet.replicas:
            if why := hopeless(self.app, replica):
                with translated(self.engine.host):
                    said = (await last_lines(self.docker, replica.id, LAST)).splitlines()
                for line in said:
                    emit(Output(UP, f"{replica.revision.service}: {line}"))
                raise NotReady(
                    f"{replica.revision.service} did not come up: {why}",
                    where=self.engine.host,
                    why="\n".join(said[-LAST // 2 :]),
                    replica=replica.name,
                )

    async def _follow(self, replica: Replica, emit: Emit, key: str) -> str:
        """Its lines as they come, until it ends; the last of them."""
        last: deque[str] = deque(maxlen=LAST)
        async for item in lines(self.docker, replica, follow=True):
            last.append(item.line.text)
            emit(Output(key, item.line.text))
        return "\n".join(last)


async def _described(engine: DockerEngine, images: Mapping[str, ImageRef]) -> Mapping[str, ImageRef]:
    """The same images, with what they say of themselves."""
    found = await engine.pin({name: image.pinned for name, image in images.items()})
    return {
        name: replace(found[name], reference=image.reference, digest=image.digest) for name, image in images.items()
    }


async def _release(
    engine: DockerEngine,
    app: App,
    images: Mapping[str, ImageRef],
    secrets: Mapping[str, bytes],
    configs: Mapping[str, str],
) -> Release:
    made = for_test(app)
    engine.refuse(made)
    return Release(
        number=1,
        environment=engine.environment,
        app=made,
        images=dict(images),
        revisions={name: Revision(name, 1, tokens.token_hex(8)) for name in made.services},
        configs=configs,
        secrets={name: tokens.token_hex(8) for name in secrets},
        reason="test",
    )
