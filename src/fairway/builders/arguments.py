"""A build as arguments of the docker command line, and what a builder cannot do. Pure: files are named, not written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from msgspec import Struct

from fairway.builders.client import Client, Kind
from fairway.model.app import BuildSpec, Service
from fairway.model.files import FileMount
from fairway.ports.making import BuildRequest

REMOTE = ("http://", "https://", "git://", "ssh://", "git@", "github.com/")
IMAGE = "docker-image://"
KNOWN_EXTRA = {"provenance": "--provenance", "sbom": "--sbom"}


class Files(Struct, frozen=True):
    """Where the things are that a build reads: the Dockerfile, each secret by its id, and where the image's id is to go."""

    dockerfile: str | None
    secrets: Mapping[str, str]
    iidfile: str


def is_remote(context: str) -> bool:
    return context.startswith(REMOTE)


def secret_id(mount: FileMount) -> str:
    """The name a Dockerfile calls it by: `--mount=type=secret,id=…`."""
    return PurePosixPath(mount.target).name or mount.source


def platforms(service: Service) -> tuple[str, ...]:
    spec = service.build
    return (spec.platforms if spec else ()) or ((service.platform,) if service.platform else ())


def refusals(service: Service, spec: BuildSpec, client: Client) -> Iterator[str]:
    """The fields that this builder would ignore, as the Compose file writes them."""
    if client.kind is Kind.LEGACY:
        yield from (name for name in ("secrets", "ssh", "platforms", "cache_to") if getattr(spec, name))
    if client.kind is Kind.BUILDKIT and spec.shm_size:
        yield "shm_size"
    if client.kind is not Kind.BUILDX:
        yield from _only_buildx(service, spec)
    for name in spec.extra:
        if not name.startswith("x-") and not (client.kind is Kind.BUILDX and name in KNOWN_EXTRA):
            yield name


def _only_buildx(service: Service, spec: BuildSpec) -> Iterator[str]:
    contexts = spec.additional_contexts.values()
    asked = {
        "several platforms": len(platforms(service)) > 1,
        "privileged": spec.privileged,
        "cache_from of another type than registry": not all(map(_simple_cache, spec.cache_from)),
        "cache_to of another type than inline": any(item != "type=inline" for item in spec.cache_to),
        "additional_contexts from a remote place": any(_scheme(at) and not at.startswith(IMAGE) for at in contexts),
        "additional_contexts beside a remote context": bool(contexts) and is_remote(spec.context),
    }
    yield from (name for name, present in asked.items() if present)


def arguments(request: BuildRequest, client: Client, files: Files) -> list[str]:
    """Everything after the program's name. No secret is in it."""
    spec = request.service.build or BuildSpec(context=".")
    argv = ["buildx", "build", "--load"] if client.kind is Kind.BUILDX else ["build"]
    argv += ["--progress=plain"] if client.buildkit else []
    argv += ["--iidfile", files.iidfile]
    argv += ["--file", files.dockerfile] if files.dockerfile else []
    argv += _each("--tag", request.tags)
    argv += _each("--label", (f"{name}={value}" for name, value in sorted({**spec.labels, **request.labels}.items())))
    argv += _each("--build-arg", (name if value is None else f"{name}={value}" for name, value in spec.args.items()))
    argv += _each("--secret", (f"id={name},src={path}" for name, path in files.secrets.items()))
    argv += _each("--ssh", spec.ssh)
    argv += _each("--add-host", spec.extra_hosts)
    argv += _each("--cache-from", spec.cache_from)
    argv += _options(request.service, spec)
    argv += _buildx(spec) if client.kind is Kind.BUILDX else _inline_cache(spec)
    return [*argv, spec.context]


def _each(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def _options(service: Service, spec: BuildSpec) -> Iterator[str]:
    pairs = {
        "--target": spec.target,
        "--platform": ",".join(platforms(service)),
        "--network": spec.network,
        "--shm-size": spec.shm_size,
    }
    for flag, value in pairs.items():
        if value:
            yield from (flag, str(value))
    yield from (flag for flag, wanted in {"--no-cache": spec.no_cache, "--pull": spec.pull}.items() if wanted)


def _buildx(spec: BuildSpec) -> Iterator[str]:
    yield from _each("--build-context", (f"{name}={context}" for name, context in spec.additional_contexts.items()))
    yield from _each("--cache-to", spec.cache_to)
    if spec.privileged:
        yield from ("--allow", "security.insecure")
    for name, flag in KNOWN_EXTRA.items():
        if name in spec.extra:
            value = spec.extra[name]
            yield f"{flag}={str(value).lower() if isinstance(value, bool) else value}"


def _inline_cache(spec: BuildSpec) -> list[str]:
    return _each("--build-arg", ("BUILDKIT_INLINE_CACHE=1" for item in spec.cache_to if item == "type=inline"))


def _simple_cache(item: str) -> bool:
    return "type=" not in item or "type=registry" in item


def _scheme(context: str) -> bool:
    return "://" in context or is_remote(context)
