"""From a commit to production: build, test exactly those images, push, deploy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairway.model.app import App
from fairway.model.stage import Stage
from fairway.ports import Builder, Builds, Registry, Source, TestBeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where images are made and tested. `registry` is the prefix of their names in a registry, None without one."""

    app: App
    source: Source
    builder: Builder
    builds: Builds
    testbeds: TestBeds
    registry: str | None
    registries: Registry
    stages: tuple[Stage, ...]
    secrets: Mapping[str, bytes]
    dirty: bool = False
