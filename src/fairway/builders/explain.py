"""The docker command line's words, translated into errors that say what to do next. Pure."""

from __future__ import annotations

import re

from fairway.builders.dockerfile import line_of
from fairway.builders.progress import Progress
from fairway.builders.workplace import Recipe
from fairway.model.app import Location
from fairway.model.errors import BuildFailed, EngineUnreachable, FairwayError, RegistryError

SHOWN = 1800
NO_ENGINE = ("cannot connect to the docker daemon", "error during connect", "failed to dial grpc")
NO_RIGHT = ("permission denied while trying to connect", "connect: permission denied")
FULL = "no space left on device"


def unreachable(said: str, address: str) -> EngineUnreachable | None:
    """The engine's side of it, where that is what failed."""
    words = said.lower()
    if any(sign in words for sign in NO_RIGHT):
        return EngineUnreachable(
            "This user may not talk to the engine",
            where=address,
            why=said,
            hint="Add the user to the group docker, or run as root.",
        )
    if any(sign in words for sign in NO_ENGINE):
        return EngineUnreachable("No engine answers", where=address, why=said, hint="Is dockerd running there?")
    return None


def build_failed(service: str, progress: Progress, recipe: Recipe, *, address: str, code: int) -> FairwayError:
    """What became of a build, by its lines. `why` ends with the last lines that the failing step printed."""
    failure = progress.failure()
    tail = "\n".join(progress.tail)
    said = tail if failure in tail else f"{tail}\n{failure}".strip()
    if not progress.step and (error := unreachable(said, address)):
        return error
    if FULL in said.lower():
        return BuildFailed(
            f"The engine's disk is full: {service} could not be built",
            where=address,
            why=said[-SHOWN:],
            hint="Make room on it: docker builder prune, docker image prune; or give its data root more.",
        )
    told = re.search(r"parse error (?:on )?line (\d+)", said)
    line = int(told[1]) if told else line_of(progress.step, recipe.text)
    step = f" at {progress.step[:120]}" if progress.step else ""
    return BuildFailed(
        f"{service} could not be built: it failed{step}",
        where=Location(recipe.name, line) if recipe.name else None,
        why=said[-SHOWN:] or f"docker ended with exit status {code}",
        hint=_hint(said),
    )


def _hint(said: str) -> str:
    if "unknown instruction" in said or "parse error" in said:
        return "The Dockerfile has a mistake in it."
    if "not found: not found" in said or "failed to compute cache key" in said or "COPY failed" in said:
        return "Is the file in the build context, and not in .dockerignore?"
    if "no such host" in said or "pull access denied" in said or "failed to resolve source metadata" in said:
        return "The base image is neither on the engine nor in a registry that it reaches."
    return ""


_REGISTRY = (
    (
        ("no basic auth credentials", "authentication required", "unauthorized", "incorrect username or password"),
        "refuses the password, or got none",
        "docker login {host}",
    ),
    (
        ("requested access to the resource is denied", "denied:", "insufficient_scope"),
        "does not let this user push there",
        "Ask for the right to push to {repository}, or: docker login {host}",
    ),
    (
        ("server gave HTTP response to HTTPS",),
        "speaks plain HTTP",
        "Give it TLS, or list {host} in insecure-registries of the engine's daemon.json.",
    ),
    (
        ("x509", "tls:", "certificate"),
        "has a certificate that the engine does not trust",
        "Put the authority's certificate at /etc/docker/certs.d/{host}/ca.crt on the engine's host.",
    ),
    (
        ("connection refused", "no such host", "i/o timeout", "no route to host", "deadline exceeded", "EOF"),
        "does not answer",
        "Is it running, and does its name resolve on the engine's host?",
    ),
    (("name unknown", "not known to registry", "NAME_UNKNOWN"), "does not know this repository", "Create {repository} first."),
    (("error getting credentials",), "cannot be asked: the credential helper failed", "Look at credHelpers in ~/.docker/config.json."),
    ((FULL,), "has no room left", "Clean it up, or give it a bigger disk."),
)  # fmt: skip


def push_failed(reference: str, said: str, address: str) -> FairwayError:
    if error := unreachable(said, address):
        return error
    repository = reference.rpartition(":")[0]
    host = reference.partition("/")[0]
    for signs, what, hint in _REGISTRY:
        if any(sign in said for sign in signs):
            return RegistryError(
                f"The registry {host} {what}",
                where=reference,
                why=said,
                hint=hint.format(host=host, repository=repository),
            )
    return RegistryError(f"{reference} could not be pushed", where=host, why=said)
