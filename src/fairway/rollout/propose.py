"""App + images + policies → the Release that is proposed: which revisions it shares with what ran before, and its number."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from fairway.model import marked
from fairway.model.app import App, Service
from fairway.model.build import Build, ImageRef
from fairway.model.environment import Environment
from fairway.model.fleet import Fleet
from fairway.model.policy import Rollout, ServicePolicy
from fairway.model.release import Record, Release, Revision, promoted, under_way

UNSEEN = frozenset({"build", "image", "depends_on", "profiles", "deploy", "pull_policy", "extra"})
"""Fields of a service that do not reach its containers (of `deploy`, `_deployed` keeps those that do; `image` is pinned)."""


class Ingredients(Struct, frozen=True, kw_only=True):
    """Everything that a release is made of. `created` is ISO 8601 UTC, `by` user@machine."""

    environment: Environment
    app: App
    images: Mapping[str, ImageRef]
    policies: Mapping[str, ServicePolicy]
    configs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    secret_numbers: Mapping[str, str] = field(default_factory=dict)
    build: Build | None = None
    created: str = ""
    by: str = ""
    reason: str = "deploy"
    override: str = ""


def propose(ingredients: Ingredients, records: tuple[Record, ...], fleet: Fleet) -> Release:
    """The release to lead the fleet to.

    It is the last promoted one, or the one that is under way, where that is the same: then nothing new has to be recorded.
    One that is under way with other steps than are asked for now begins anew.
    No number comes twice, even where the ledger has lost a release that still runs.
    """
    number = 1 + max(
        (*(record.release.number for record in records), *(revision.release for revision in fleet.revisions())),
        default=0,
    )
    base = promoted(records)
    revisions = {
        service: _revision(service, revision_digest(ingredients, service), number, fleet, base)
        for service in sorted(ingredients.app.services)
    }
    made = {name: getattr(ingredients, name) for name in Ingredients.__struct_fields__}
    made["images"] = {service: _image(ingredients, revisions[service], records) for service in revisions}
    release = Release(number=number, revisions=revisions, digest=_release_digest(ingredients, revisions), **made)
    begun = under_way(records)
    if begun and begun.digest == release.digest and _rollouts(begun) == _rollouts(release):
        return begun
    return base if base and base.digest == release.digest else release


def again(
    release: Release,
    records: tuple[Record, ...],
    fleet: Fleet,
    *,
    created: str,
    by: str,
    reason: str,
    override: str = "",
) -> Release:
    """The proposal that brings back an earlier release, whole: images, configuration, secret versions, routes."""
    return propose(
        Ingredients(
            environment=release.environment,
            app=release.app,
            images=release.images,
            policies=release.policies,
            configs=release.configs,
            secrets=release.secrets,
            secret_numbers=release.secret_numbers,
            build=release.build,
            created=created,
            by=by,
            reason=reason,
            override=override,
        ),
        records,
        fleet,
    )


def nothing(release: Release) -> Release:
    """The release before the first: an environment without services."""
    empty = replace(release.app, services={})
    return replace(
        release,
        number=0,
        app=empty,
        images={},
        revisions={},
        policies={},
        configs={},
        secrets={},
        secret_numbers={},
        digest="",
    )


def revision_digest(ingredients: Ingredients, service: str) -> str:
    """Of everything that makes a container of this service what it is. Replica counts and routes are not part of it."""
    app = ingredients.app
    spec = app.services[service]
    seen = {name: getattr(spec, name) for name in Service.__struct_fields__ if name not in UNSEEN}
    storage = ingredients.policies.get(service, ServicePolicy()).storage
    return _digest(
        {
            "service": seen,
            "deployed": _deployed(spec),
            "image": ingredients.images[service].content,
            "networks": {key: app.networks[key] for key in spec.networks if key in app.networks},
            "volumes": {m.source: app.volumes[m.source] for m in spec.volumes if m.source and m.source in app.volumes},
            "configs": {mount.source: _config(ingredients, mount.source) for mount in spec.configs},
            "secrets": {mount.source: ingredients.secrets.get(mount.source) for mount in spec.secrets},
        }
        | ({"storage": storage} if storage != "disk" and (spec.secrets or spec.configs) else {})
    )


def _config(ingredients: Ingredients, key: str) -> object:
    """What decides its file: the content, and the versions of the secrets that have places in it."""
    content = ingredients.configs.get(key)
    inside = sorted(marked.secrets_of(ingredients.app.configs.get(key), content)) if content else []
    return [content, *(ingredients.secrets.get(name) for name in inside)] if inside else content


def _deployed(spec: Service) -> Mapping[str, Any]:
    deploy = spec.deploy
    return {"limits": deploy.limits, "reservations": deploy.reservations, "restart": deploy.restart_policy}


def _revision(service: str, digest: str, number: int, fleet: Fleet, base: Release | None) -> Revision:
    """A revision that runs, or that ran last, is kept where it is the same."""
    for known in reversed(fleet.revisions(service)):
        if known.digest == digest:
            return known
    last = base.revisions.get(service) if base else None
    return last if last and last.digest == digest else Revision(service, number, digest)


def _image(ingredients: Ingredients, revision: Revision, records: tuple[Record, ...]) -> ImageRef:
    """All replicas of a revision run one image: that of the release that made it, also where a later commit built the same."""
    for record in reversed(records):
        if record.release.revisions.get(revision.service) == revision:
            return record.release.images[revision.service]
    return ingredients.images[revision.service]


def _release_digest(ingredients: Ingredients, revisions: Mapping[str, Revision]) -> str:
    policies = {name: ingredients.policies.get(name, ServicePolicy()) for name in revisions}
    return _digest(
        {
            "environment": ingredients.environment,
            "revisions": {service: revision.digest for service, revision in revisions.items()},
            "replicas": {name: service.deploy.replicas for name, service in ingredients.app.services.items()},
            "needs": {name: service.depends_on for name, service in ingredients.app.services.items()},
            "policies": {name: (policy.route, policy.ready) for name, policy in policies.items()},
        }
    )


def _rollouts(release: Release) -> Mapping[str, Rollout]:
    return {name: replace(release.policy(name).rollout, why="") for name in release.revisions}


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()
