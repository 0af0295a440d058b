"""What is doubtful about how secrets are kept: for `fairway check`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fairway.model.app import App
from fairway.model.errors import Problem
from fairway.model.policy import ServicePolicy
from fairway.wiring.checkout import Project
from fairway.wiring.secrets import filled

FORGETFUL = ("environment", "files", "command")
"""Stores that keep the newest value of each alone."""


def doubts(project: Project, environment: str, app: App, policies: Mapping[str, ServicePolicy]) -> Iterator[Problem]:
    yield from _in_clear(project, environment, app)
    yield from _forgotten(project, environment, app, policies)


def _in_clear(project: Project, environment: str, app: App) -> Iterator[Problem]:
    """Values that are in version control."""
    files = {key: secret.file for key, secret in app.secrets.items() if secret.file}
    known = _tracked(project.directory, list(files.values()))
    for key, file in files.items():
        if str(Path(file).resolve()) in known:
            path = ("secrets", key, "file")
            hint = (
                f"git rm --cached {file}, ignore it, and rotate it; or keep it encrypted: `fairway secrets set {key}`"
            )
            yield Problem(f"{file} is in version control, for everybody to read", app.where(*path), path, hint)
    said = project.settings.secrets_of(environment)
    if said.store == "files" and said.directory:
        directory = project.directory / filled(project, environment, said.directory)
        if _tracked(project.directory, [str(directory)]):
            said_at = _said(project, environment, "directory")
            hint = "ignore it, and rotate what is in it"
            yield Problem(f"{directory} is in version control", project.settings.where(*said_at), said_at, hint)


def _tracked(directory: Path, files: Sequence[str]) -> frozenset[str]:
    """Those that Git knows, and those below; none where there is no Git."""
    if not files:
        return frozenset()
    command = ["git", "-C", str(directory), "ls-files", "-z", "--", *files]
    try:
        listed = subprocess.run(command, check=False, capture_output=True)
    except OSError:
        return frozenset()
    return frozenset(str((directory / name.decode()).resolve()) for name in listed.stdout.split(b"\0") if name)


def _forgotten(
    project: Project, environment: str, app: App, policies: Mapping[str, ServicePolicy]
) -> Iterator[Problem]:
    """Old values that neither the store nor the hosts have: no rollback brings them back."""
    store = project.settings.secrets_of(environment).store
    for name, service in app.services.items():
        used = [app.secrets[mount.source] for mount in service.secrets if mount.source in app.secrets]
        if name in policies and policies[name].storage == "memory":
            lost = [secret.name for secret in used if not secret.external or store in FORGETFUL]
            if lost:
                path = ("services", name, "secrets")
                what = (
                    f"a rollback cannot bring back an earlier value of {', '.join(lost)}: hosts keep it in memory alone"
                )
                hint = "keep it where versions are counted (`store: age` or `vault`), or say `storage: disk`"
                yield Problem(what, app.where(*path), path, hint)


def _said(project: Project, environment: str, key: str) -> tuple[str, ...]:
    inner = ("environments", environment, "secrets", key)
    return inner if inner in project.settings.locations else ("secrets", key)
