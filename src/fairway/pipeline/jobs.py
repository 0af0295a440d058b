"""Which images are to be made, in which order, and which services share one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import combinations

from msgspec import Struct
from msgspec.structs import replace

from fairway.model.app import App, BuildSpec, Service
from fairway.model.build import Commit
from fairway.model.errors import FairwayError, InvalidFiles, Problem
from fairway.pipeline.naming import plain, repository, tags
from fairway.ports.making import Builder

OF_SERVICE = "service:"


class Job(Struct, frozen=True, kw_only=True):
    """One image: `service` is the first of those that share it, its contexts resolved to images; `tags` start with its identity."""

    services: tuple[str, ...]
    service: Service
    tags: tuple[str, ...]
    references: Mapping[str, str]
    needs: frozenset[str] = frozenset()


async def plan_jobs(app: App, commit: Commit, builder: Builder, registry: str | None) -> tuple[Job, ...]:
    """Jobs, each after those that it needs. Raises InvalidFiles with every build that cannot be one."""
    built = {name: service for name, service in app.services.items() if service.build}
    repositories = {name: repository(app, service, registry) for name, service in built.items()}
    problems = _conflicts(app, built, repositories)
    specs: dict[str, BuildSpec] = {}
    needs: dict[str, set[str]] = {}
    for name, service in built.items():
        try:
            found = await builder.bases(service)
        except FairwayError as error:
            problems.append(
                _problem(app, name, f"{error.what} ({error.where})" if error.where else error.what, error.hint)
            )
            continue
        wanted = _contexts(app, service, found, built)
        problems += [
            _problem(app, name, f"additional_contexts: {other} is no service with a build")
            for other in wanted.values()
            if other not in built
        ]
        needs[name] = set(wanted.values()) & built.keys()
        images = {key: f"docker-image://{repositories[at]}:{commit.tag}" for key, at in wanted.items() if at in built}
        specs[name] = _resolved(service, images)
    if problems:
        raise InvalidFiles(problems)
    return _group(
        built, specs, _sorted(app, needs), {n: _references(commit, built[n], r) for n, r in repositories.items()}, needs
    )


def definition(jobs: tuple[Job, ...]) -> str:
    """A digest of everything in the files that decides what is built."""
    text = repr([(job.services, job.service.build, job.service.platform, job.tags) for job in jobs])
    return hashlib.sha256(text.encode()).hexdigest()


def _contexts(app: App, service: Service, found: tuple[str, ...], built: Mapping[str, Service]) -> dict[str, str]:
    """Names in the Dockerfile that mean another service's image: said so in the file, or by that service's image name."""
    spec = service.build
    assert spec is not None
    names = {plain(other.image or f"{app.name}-{name}"): name for name, other in built.items() if name != service.name}
    implied = {
        base: names[plain(base)] for base in found if plain(base) in names and base not in spec.additional_contexts
    }
    said = {
        key: at.removeprefix(OF_SERVICE) for key, at in spec.additional_contexts.items() if at.startswith(OF_SERVICE)
    }
    own = plain(service.image or f"{app.name}-{service.name}")
    return {key: at for key, at in implied.items() if plain(key) != own} | said


def _resolved(service: Service, images: Mapping[str, str]) -> BuildSpec:
    spec = service.build
    assert spec is not None
    return replace(spec, additional_contexts={**spec.additional_contexts, **images})


def _references(commit: Commit, service: Service, name: str) -> tuple[str, ...]:
    assert service.build is not None
    return (*(f"{name}:{tag}" for tag in tags(commit)), *service.build.tags)


def _sorted(app: App, needs: Mapping[str, set[str]]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        cycle = " → ".join(reversed(error.args[1]))
        raise InvalidFiles(
            [_problem(app, error.args[1][0], f"these images are made from each other: {cycle}")]
        ) from None


def _group(
    built: Mapping[str, Service],
    specs: Mapping[str, BuildSpec],
    order: tuple[str, ...],
    references: Mapping[str, tuple[str, ...]],
    needs: Mapping[str, set[str]],
) -> tuple[Job, ...]:
    groups: list[list[str]] = []
    for name in order:
        same = (g for g in groups if specs[g[0]] == specs[name] and built[g[0]].platform == built[name].platform)
        if group := next(same, None):
            group.append(name)
        else:
            groups.append([name])
    return tuple(
        Job(
            services=tuple(group),
            service=replace(built[group[0]], build=specs[group[0]]),
            tags=tuple(dict.fromkeys(tag for name in group for tag in references[name])),
            references={name: references[name][0] for name in group},
            needs=frozenset(needs[group[0]]),
        )
        for group in groups
    )


def _conflicts(app: App, built: Mapping[str, Service], repositories: Mapping[str, str]) -> list[Problem]:
    """Two different images of one name, and tags that say nothing about what is in the image."""
    problems = [
        _problem(app, name, f"its image and that of {other} would both be {repositories[name]}")
        for other, name in combinations(built, 2)
        if repositories[other] == repositories[name] and built[other].build != built[name].build
    ]
    problems += [
        _problem(app, name, f"the tag {tag} does not say what is in the image", "Give it a version.")
        for name, service in built.items()
        for tag in (service.build.tags if service.build else ())
        if tag.endswith(":latest") or ":" not in tag.rpartition("/")[2]
    ]
    return problems


def _problem(app: App, service: str, what: str, hint: str = "") -> Problem:
    path = ("services", service, "build")
    return Problem(what, app.where(*path), path, hint)
