"""Images, by the docker command line: BuildKit's session protocol has no Python client."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from fairway.builders import dockerfile
from fairway.builders.arguments import IMAGE, arguments, refusals
from fairway.builders.client import INSTALL, Client, Kind, find_client
from fairway.builders.explain import build_failed, push_failed, unreachable
from fairway.builders.process import Completed, capture, stream
from fairway.builders.progress import Progress
from fairway.builders.workplace import lay_out, read_recipe, workplace
from fairway.model.app import BuildSpec, Service
from fairway.model.build import ImageRef, Provenance
from fairway.model.errors import BuildFailed
from fairway.model.events import Emit, Output
from fairway.ports.making import BuildRequest

DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
BASE = re.compile(r"^#\d+ \[[^\]]*\] FROM (\S+)@(sha256:[0-9a-f]{64})")
LAYER = re.compile(r"[0-9a-f]{12}: ")


class DockerBuilder:
    """ports.Builder on the engine at `address`; `tls` is the directory with ca.pem, cert.pem and key.pem.

    Lines of a build are emitted as Output("build:SERVICE", line), those of a push as Output("push:REFERENCE", line).
    """

    def __init__(
        self,
        address: str = "unix:///var/run/docker.sock",
        tls: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        inherited = dict(os.environ if environ is None else environ)
        for name in ("DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
            inherited.pop(name, None)
        self.address = address
        self.environ = {**inherited, "DOCKER_HOST": address, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
        if tls:
            self.environ |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tls)}
        self._client: Client | None = None
        self._resolved: dict[str, str] = {}
        """The digests of base images that BuildKit has told, by their names."""
        self._finding = asyncio.Lock()

    async def build(self, request: BuildRequest, emit: Emit) -> ImageRef:
        """Raises BuildFailed, EngineUnreachable."""
        service, spec = request.service, _spec(request.service)
        client = await self.client()
        if refused := sorted(set(refusals(service, spec, client))):
            raise BuildFailed(
                f"{service.name} cannot be built here: {client.kind} does not know {', '.join(refused)}", hint=INSTALL
            )
        recipe = await asyncio.to_thread(read_recipe, service.name, spec)
        with workplace() as directory:
            async with self._contexts(spec, client, service.name) as images:
                files = lay_out(spec, recipe, request.secrets, images, directory)
                argv = [client.path, *arguments(request, client, files)]
                progress = Progress()
                code = await self._follow(argv, client, progress, emit, f"build:{service.name}")
                if code:
                    raise build_failed(service.name, progress, recipe, address=self.address, code=code)
                return ImageRef(reference=request.tags[0], id=await asyncio.to_thread(_text, files.iidfile))

    async def tag(self, image: ImageRef, reference: str) -> None:
        done = await self.docker("tag", image.id, reference)
        if done.code:
            raise unreachable(done.stderr, self.address) or BuildFailed(
                f"{image.reference} could not be tagged {reference}", where=self.address, why=done.stderr
            )

    async def push(self, image: ImageRef, reference: str, emit: Emit) -> str:
        """Tags, then pushes, with the credentials of ~/.docker/config.json. Raises RegistryError."""
        await self.tag(image, reference)
        client = await self.client()
        lines: list[str] = []

        def line(text: str) -> None:
            lines.append(text)
            if text and not LAYER.match(text):
                emit(Output(f"push:{reference}", text))

        code = await stream([client.path, "push", reference], line, env=self.environ)
        said = "\n".join(lines)
        digest = DIGEST.search(said)
        if code or not digest:
            raise push_failed(reference, "\n".join(text for text in lines if not LAYER.match(text)), self.address)
        return digest[1]

    async def present(self, image: ImageRef) -> bool:
        """Whether the engine still has it."""
        done = await self.docker("image", "inspect", "--format", "{{.Id}}", image.id)
        if done.code and (error := unreachable(done.stderr, self.address)):
            raise error
        return done.code == 0

    async def bases(self, service: Service) -> tuple[str, ...]:
        """The images that a build starts or copies from, as its Dockerfile names them. Raises BuildFailed where there is none."""
        spec = _spec(service)
        recipe = await asyncio.to_thread(read_recipe, service.name, spec)
        return dockerfile.bases(recipe.text, spec.args)

    async def provenance(self, service: Service) -> Provenance:
        """Base images by the digests that BuildKit has told, else by what the engine has; BuildKit may have them for itself."""
        names = {name: _spec(service).additional_contexts.get(name, name) for name in await self.bases(service)}
        images = [at.removeprefix(IMAGE) for at in names.values()]
        found = await asyncio.gather(*(self._digest(image) for image in images))
        from importlib.metadata import version  # 8 ms that only a build needs

        told = await self.docker("version", "--format", "{{.Server.Version}}")
        client = await self.client()
        versions = {"fairway": version("fairway"), "docker": told.stdout.strip(), "builder": str(client.kind)}
        return Provenance(versions=versions, bases=dict(zip(images, found, strict=True)))

    async def _digest(self, image: str) -> str:
        """The manifest's, else the image's ID; nothing where nobody knows it."""
        if told := self._resolved.get(plain(image)):
            return told
        asked = "{{range .RepoDigests}}{{.}}\n{{end}}{{.Id}}"
        done = await self.docker("image", "inspect", "--format", asked, image)
        names = [line.rpartition("@")[2] for line in done.stdout.split()]
        return image.rpartition("@")[2] if "@sha256:" in image else next(iter(names), "")

    async def client(self) -> Client:
        """The docker command line that is used, found once. Raises EngineUnreachable."""
        async with self._finding:
            if self._client is None:
                self._client = await find_client(self.environ)
            return self._client

    async def docker(self, *argv: str) -> Completed:
        client = await self.client()
        return await capture([client.path, *argv], env=self.environ)

    async def _follow(self, argv: list[str], client: Client, progress: Progress, emit: Emit, key: str) -> int:
        def line(text: str) -> None:
            if base := BASE.search(text):
                self._resolved[plain(base[1])] = base[2]
            if shown := progress.feed(text):
                emit(Output(key, shown))

        return await stream(argv, line, env={**self.environ, "DOCKER_BUILDKIT": "1" if client.buildkit else "0"})

    @contextlib.asynccontextmanager
    async def _contexts(self, spec: BuildSpec, client: Client, service: str) -> AsyncIterator[Mapping[str, str]]:
        """Additional contexts as images, for builders that have no word for them: a directory becomes an image for a while."""
        wanted = {} if client.kind is Kind.BUILDX else spec.additional_contexts
        images = {name: at.removeprefix(IMAGE) for name, at in wanted.items() if at.startswith(IMAGE)}
        made: list[str] = []
        try:
            for name in wanted.keys() - images.keys():
                images[name] = f"fairway-context:{secrets.token_hex(8)}"
                made.append(images[name])
                await self._pack(Path(wanted[name]), images[name], client, service)
            yield images
        finally:
            if made:
                await asyncio.shield(self.docker("image", "rm", "--no-prune", *made))

    async def _pack(self, context: Path, tag: str, client: Client, service: str) -> None:
        spec = BuildSpec(context=str(context), dockerfile_inline="FROM scratch\nCOPY . /\n")
        recipe = await asyncio.to_thread(read_recipe, service, spec)
        request = BuildRequest(service=Service(name=service, build=spec), tags=(tag,), labels={}, secrets={})
        with workplace() as directory:
            argv = [client.path, *arguments(request, client, lay_out(spec, recipe, {}, {}, directory))]
            progress = Progress()
            if code := await self._follow(argv, client, progress, lambda event: None, ""):
                raise build_failed(service, progress, recipe, address=self.address, code=code)


def plain(name: str) -> str:
    """An image's name without what Docker adds to it."""
    return name.removeprefix("docker.io/").removeprefix("library/").removesuffix(":latest")


def _spec(service: Service) -> BuildSpec:
    assert service.build is not None, f"{service.name} has no build"
    return service.build


def _text(path: str) -> str:
    return Path(path).read_text("ascii").strip()
