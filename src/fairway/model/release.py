"""An immutable, numbered record of an environment: what ran, so that it can run again."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from fairway.model.app import App
from fairway.model.build import Build, ImageRef
from fairway.model.environment import Environment
from fairway.model.judgement import Opinion
from fairway.model.policy import ServicePolicy


class Revision(Struct, frozen=True):
    """One service at one release. Two releases share a revision where nothing that makes the container differs (`digest`)."""

    service: str
    release: int
    digest: str

    @property
    def name(self) -> str:
        return f"{self.service}-r{self.release}"

    def __str__(self) -> str:
        return self.name


class Release(Struct, frozen=True, kw_only=True):
    """`images` pins every service's image, built or not. `configs` holds contents, `secrets` versions only: never values.

    `number` counts from 1 in its environment. `created` is ISO 8601 UTC. `reason`: deploy, rollback to N, promote from E.
    """

    number: int
    environment: Environment
    app: App
    images: Mapping[str, ImageRef]
    revisions: Mapping[str, Revision]
    policies: Mapping[str, ServicePolicy] = field(default_factory=dict)
    configs: Mapping[str, str] = field(default_factory=dict)
    """Each config's content, base64."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Each secret's version: a slow salted hash of its value."""
    secret_numbers: Mapping[str, str] = field(default_factory=dict)
    """The number that a version had in its store, where that counts: where to look for it again. It decides nothing."""
    build: Build | None = None
    created: str = ""
    by: str = ""
    reason: str = "deploy"
    digest: str = ""
    """Of everything that decides what runs: two releases with one digest are the same."""
    override: str = ""
    """Why somebody went past what the environment requires."""
    audit: str = ""
    """The last line of the audit trail when it was proposed: NUMBER:SHA256."""

    def policy(self, service: str) -> ServicePolicy:
        return self.policies.get(service) or ServicePolicy()

    @property
    def goes_back(self) -> bool:
        """It brings back what ran before, for which nobody has to wait."""
        return self.reason.startswith("rollback")

    def replicas(self, service: str) -> int:
        return self.app.services[service].deploy.replicas


class Progress(Struct, frozen=True, kw_only=True):
    """How far a release has come, for whoever goes on with it and whoever asks.

    `phase` counts from 1 among `rollout.steps`; 0 is before the first. `since` is when its traffic was confirmed, in
    seconds since the epoch.
    """

    phase: int = 0
    since: float = 0.0
    done: tuple[str, ...] = ()
    """The jobs that have been run: each is run once a release."""
    evidence: Mapping[str, Opinion] = field(default_factory=dict)
    """The judge's, by service."""
    lease: str = ""
    """Which lease the deployer held that entered the phase: who holds another one leads another release, or is about to."""


class Record(Struct, frozen=True, kw_only=True):
    """One line of the ledger: a release as intended, or what became of it.

    `outcome`: promoted, rolled back, failed, partial, interrupted, held; empty while it is under way. `finished` is ISO
    8601 UTC.
    """

    release: Release
    outcome: str = ""
    finished: str = ""
    detail: str = ""
    progress: Progress = field(default_factory=Progress)


def promoted(records: tuple[Record, ...]) -> Release | None:
    """The last release that was fully promoted."""
    return next((r.release for r in sorted(records, key=lambda r: -r.release.number) if r.outcome == "promoted"), None)


def under_way(records: tuple[Record, ...]) -> Release | None:
    """The newest release, if nobody has written down how it ended."""
    newest = max(records, key=lambda r: r.release.number, default=None)
    return newest.release if newest and not newest.outcome else None
