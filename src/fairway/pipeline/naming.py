"""What images are called: repositories, tags, labels. Pure.

An image's repository is REGISTRY/APP-SERVICE, or APP/SERVICE where there is no registry. A service's own `image:` names it
instead where it lies in that registry, or where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fairway.model.app import App, Service
from fairway.model.build import Commit, ImageRef

NEWEST = "newest"
OCI = "org.opencontainers.image"


def repository(app: App, service: Service, registry: str | None) -> str:
    named = ImageRef(reference=service.image).repository if service.image else ""
    if named and (not registry or named.startswith(f"{registry}/")):
        return named
    return f"{registry}/{app.name}-{service.name}".lower() if registry else f"{app.name}/{service.name}".lower()


def tags(commit: Commit) -> tuple[str, ...]:
    """The commit's short hash, and `git describe` where it says more. A dirty tree has its one marked tag."""
    described = re.sub(r"[^A-Za-z0-9_.-]", "-", commit.describe).lstrip(".-")[:128]
    if commit.dirty or not described or commit.sha.startswith(described):
        return (commit.tag,)
    return (commit.tag, described)


def labels(app: App, commit: Commit, services: Iterable[str]) -> dict[str, str]:
    """So that for any running image one can name the exact source. `created` is the commit's time: a build can be repeated."""
    values = {
        "title": f"{app.name}-{'-'.join(services)}",
        "revision": f"{commit.sha}-dirty" if commit.dirty else commit.sha,
        "version": commit.describe,
        "source": commit.source,
        "created": commit.created,
    }
    return {f"{OCI}.{name}": value for name, value in values.items() if value}


def plain(name: str) -> str:
    """An image's name with what Docker adds in its mind left out, to compare two of them."""
    short = name.removeprefix("docker.io/").removeprefix("library/")
    return short.removesuffix(":latest")
