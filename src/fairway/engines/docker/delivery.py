"""One image on its way to one engine."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from msgspec import Struct

from fairway.engines.common.together import together
from fairway.engines.docker import images
from fairway.engines.docker.errors import explained
from fairway.engines.docker.lanes import Lane, Patience
from fairway.engines.docker.saved import shared
from fairway.model.errors import EngineError, EngineUnreachable, FairwayError
from fairway.model.events import Emit, Output, TaskEnded, TaskStarted
from fairway.net.client import TAR, Docker, DockerError

SHORT = 60.0
"""What is asked of an engine before and after an image is sent must be answered within so many seconds."""
SILENCE = 600.0
"""An engine that packs or unpacks an image may say nothing for so many seconds."""
SAID_EVERY = 5.0
"""Seconds between two words on how far it is."""
AT_ONCE = 8
"""How many images of a host are looked at side by side."""
LOADED = re.compile(r"Loaded image(?: ID)?: (\S+)")
CONTAINERD = "io.containerd.snapshotter.v1"


class Carrier(Struct, frozen=True):
    """An engine that has images, or shall have them. `docker` is connected (net.docker.connect); `host` is its name for people."""

    host: str
    docker: Docker


class Shipped(Struct, frozen=True):
    """The image is on a host, as `id`. `sent`: bytes that went there; `layers`: how many went, `there`: how many did not."""

    id: str
    sent: int
    layers: int
    there: int
    seconds: float


class Cargo(Struct, frozen=True):
    """An image on its source. `layers`: diff IDs, the lowest first; `whole`: it cannot be sent in parts."""

    id: str
    name: str
    references: tuple[str, ...]
    layers: tuple[str, ...]
    fingerprint: str
    whole: bool


class Delivery:
    """Takes one round, or two: then the first one has told what stands in the way of sending parts, or side by side."""

    def __init__(self, cargo: Cargo, target: Carrier, emit: Emit) -> None:
        self.cargo = cargo
        self.target = target
        self.result: Shipped | FairwayError | None = None
        self.lane = Lane(Patience())
        self._emit = emit
        self._key = f"ship:{target.host}:{cargo.name}"
        self._lacking = frozenset(cargo.layers)
        self._left_out: set[str] = set()
        self._sent = 0
        self._last = False
        self._began = self._said = time.monotonic()
        emit(TaskStarted(self._key, f"Sending {cargo.name} to {target.host}"))

    async def look(self) -> None:
        """Finds out what the target lacks. One that has the image gets its names."""
        host, docker = self.target.host, self.target.docker
        try:
            async with asked(self.target, "The images of the host could not be looked at"):
                there = await images.local(docker, host, self.cargo.id) is not None
                if not there and not self.cargo.whole and not await in_containerd(docker):
                    count = shared(self.cargo.layers, await _layers(docker))
                    self._lacking = frozenset(self.cargo.layers[count:])
            if there:
                self._left_out = set(self.cargo.layers)
                await self._settle(self.cargo.id)
        except FairwayError as error:
            self.end(error)

    def prepare(self, patience: Patience, *, last: bool) -> None:
        """For the next round."""
        self._last = last
        self._left_out.clear()
        self.lane = Lane(patience, may_fall_behind=not last)

    def wants(self, layer: str | None) -> bool:
        """Whether a file goes to this target, that holds `layer`, or none that is known to be one."""
        if layer is None or layer in self._lacking:
            return True
        self._left_out.add(layer)
        return False

    async def receive(self) -> None:
        """Loads what comes along the lane. Ends with a result, or with none: then there has to be another round."""
        try:
            await self.lane.reading(self._load())
            if self.lane.stalled:
                raise self._stalled()
        except EngineUnreachable as error:
            self.end(error)
        except EngineError as error:
            if self._last or not self._left_out or "no space left" in error.why:
                self.end(error)
            self._lacking = frozenset(self.cargo.layers)
        finally:
            self._sent += self.lane.taken

    def end(self, result: Shipped | FairwayError) -> None:
        self.result = result
        seconds = time.monotonic() - self._began
        if isinstance(result, FairwayError):
            self._emit(TaskEnded(self._key, False, seconds, result.why or result.what))
            return
        told = (
            f"{_size(result.sent)}, {result.layers} of {len(self.cargo.layers)} layers"
            if result.sent
            else "it was there"
        )
        self._emit(TaskEnded(self._key, True, seconds, told))

    async def _load(self) -> None:
        loaded = self.cargo.id
        with explained(self.target.host, f"{self.cargo.name} could not be loaded"):
            async with aclosing(_loading(self.target.docker, self._pieces())) as words:
                async for said in words:
                    if found := LOADED.search(said):
                        loaded = found[1]
        await self._settle(loaded)

    async def _pieces(self) -> AsyncGenerator[memoryview, None]:
        """Those of the lane; how far it is, is told."""
        async for piece in self.lane.pieces():
            if time.monotonic() - self._said > SAID_EVERY:
                self._said = time.monotonic()
                self._emit(Output(self._key, f"{_size(self._sent + self.lane.taken)} sent"))
            yield piece

    async def _settle(self, loaded: str) -> None:
        """Names the image, once it is seen to be the same. Raises EngineError where it is not."""
        host, docker = self.target.host, self.target.docker
        async with asked(self.target, f"{self.cargo.name} could not be named"):
            found = await images.local(docker, host, self.cargo.id) or await images.local(docker, host, loaded)
            if found is None or (self.cargo.id != found["Id"] and self.cargo.fingerprint != images.fingerprint(found)):
                raise EngineError(
                    f"What was loaded is not {self.cargo.name}",
                    where=host,
                    why=f"it is {found['Id']}" if found else "the engine says that it has no such image",
                    hint="see the engine's log",
                )
            await self._name(found["Id"])
        there = sum(layer in self._left_out for layer in self.cargo.layers)
        sent, seconds = self._sent + self.lane.taken, time.monotonic() - self._began
        self.end(Shipped(found["Id"], sent, len(self.cargo.layers) - there, there, seconds))

    async def _name(self, identity: str) -> None:
        for reference in self.cargo.references:
            repository, _, tag = reference.rpartition(":")
            await self.target.docker.post(f"images/{identity}/tag", repo=repository, tag=tag)

    def _stalled(self) -> EngineUnreachable:
        return EngineUnreachable(
            f"{self.target.host} takes no more of {self.cargo.name}",
            where=self.target.host,
            why=f"it has taken nothing for {self.lane.patience.stalled:g} s",
            hint="check the host, its disk and the network to it",
        )


@asynccontextmanager
async def asked(carrier: Carrier, what: str) -> AsyncIterator[None]:
    """For short calls. Raises EngineError, EngineUnreachable; also where there is no answer in time."""
    with explained(carrier.host, what):
        async with asyncio.timeout(SHORT):
            yield


async def in_containerd(docker: Docker) -> bool:
    """Whether the engine keeps images in containerd: their ids are other ones there, and they come and go as a whole."""
    info = await docker.get("info")
    return any(CONTAINERD in (row or ())[1:] for row in info.get("DriverStatus") or ())


async def _layers(docker: Docker) -> list[list[str]]:
    """The diff IDs of each image."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(identity: str) -> list[str]:
        async with places:
            try:
                found = await docker.get(f"images/{identity}/json")
            except DockerError as error:
                if error.status != 404:
                    raise
                return []  # it has just been removed
        return list((found.get("RootFS") or {}).get("Layers") or ())

    return await together(one(image["Id"]) for image in await docker.get("images/json"))


async def _loading(docker: Docker, tar: AsyncGenerator[memoryview, None]) -> AsyncGenerator[str, None]:
    """Sends a tar file to POST /images/load; what the engine says. Raises DockerError for what it complains of."""
    async with docker.open("POST", "images/load", body=tar, headers=TAR) as answer:
        async for said in answer.lines(silence=SILENCE):
            if "error" in said:
                raise DockerError(answer.status, said["error"])
            yield said.get("stream", "")


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
