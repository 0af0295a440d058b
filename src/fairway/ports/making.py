"""What the adapters fulfil that make and test images, before anything runs anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from fairway.model.app import App, Service
from fairway.model.build import Build, Commit, ImageRef, Provenance
from fairway.model.events import Emit
from fairway.ports import Ended


class Source(Protocol):
    """The checkout that images are made from. Raises SourceError."""

    async def commit(self) -> Commit: ...


class BuildRequest(Struct, frozen=True):
    service: Service
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    secrets: Mapping[str, bytes]


class Builder(Protocol):
    """Raises BuildFailed, EngineUnreachable."""

    async def bases(self, service: Service) -> tuple[str, ...]:
        """The images that the service's Dockerfile names. Raises BuildFailed where it or its context is not there."""

    async def build(self, request: BuildRequest, emit: Emit) -> ImageRef:
        """Build one image and give it its tags; its id."""

    async def provenance(self, service: Service) -> Provenance:
        """With what the service's image was just built, as far as the builder knows."""

    async def present(self, image: ImageRef) -> bool:
        """Whether the image is still there."""

    async def tag(self, image: ImageRef, reference: str) -> None: ...

    async def push(self, image: ImageRef, reference: str, emit: Emit) -> str:
        """Push one tag; the manifest's digest. Raises RegistryError."""


class Registry(Protocol):
    """Raises RegistryError."""

    async def digest(self, reference: str) -> str | None:
        """The digest of the manifest behind a tag, or None where there is none."""

    async def tags(self, repository: str) -> tuple[str, ...]: ...


class Inventory(Protocol):
    async def contents(self, image: ImageRef) -> Mapping[str, Any]:
        """What is in an image that the builder has, as a CycloneDX document. Raises BuildFailed, EngineUnreachable."""


class Blob(Struct, frozen=True):
    digest: str
    size: int


class Archive(Protocol):
    """Images that are kept before they are removed. Raises FairwayError where it takes no more."""

    def has(self, name: str) -> bool: ...

    async def blob(self, pieces: AsyncIterable[bytes]) -> Blob: ...

    async def add(self, name: str, manifest: bytes, kind: str) -> None:
        """An image, once all its blobs are there; another one of that name is replaced."""


class TestBed(Protocol):
    """An application brought up from given images in a throwaway project: own names and network, no published ports."""

    async def up(self, emit: Emit) -> None:
        """Start everything, in the order of its dependencies, and wait until it is healthy. Raises NotReady."""

    async def run(
        self, service: str, command: Sequence[str] | None, environment: Mapping[str, str], emit: Emit, key: str
    ) -> Ended:
        """One container of the service's image on the project's network; its lines are emitted as Output(key, line)."""

    async def http(
        self, service: str, port: int, path: str, timeout: float, headers: Mapping[str, str]
    ) -> tuple[int | None, str]:
        """The status and the first part of the body of a GET from inside the project's network."""


class TestBeds(Protocol):
    def open(
        self, app: App, images: Mapping[str, ImageRef], secrets: Mapping[str, bytes]
    ) -> AbstractAsyncContextManager[TestBed]:
        """A project of its own, taken down again whatever happens."""


class Builds(Protocol):
    """The builds that this checkout knows, with their evidence."""

    def load(self, tag: str) -> Build | None: ...

    def save(self, build: Build) -> None: ...

    def log(self, tag: str, stage: str) -> Path:
        """Where the output of a stage is kept."""
