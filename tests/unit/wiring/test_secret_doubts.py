"""What `fairway check` doubts of how secrets are kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fairway import wiring
from fairway.wiring.secret_doubts import doubts

COMPOSE = """\
services:
  web: {image: web, secrets: [token, plain, ignored]}
  worker: {image: web, secrets: [token]}
secrets:
  token: {external: true}
  plain: {file: ./plain.txt}
  ignored: {file: ./ignored.txt}
"""


def told(directory: Path, said: str) -> list[str]:
    (directory / "fairway.yaml").write_text(f"environments: {{production: {{hosts: {{a: unix:///a.sock}}, {said}}}}}\n")
    project = wiring.project(directory)
    app = project.app("production")
    found = doubts(project, "production", app, project.policies("production", app))
    return [str(problem).replace(f"{directory}/", "") for problem in found]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in {"compose.yaml": COMPOSE, "plain.txt": "x", "ignored.txt": "x", "kept/token": "x"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_values_in_version_control(checkout: Path) -> None:
    said = "secrets: {store: files, directory: kept}"
    assert told(checkout, said) == [], "there is no repository"
    subprocess.run(["git", "init", "-q"], cwd=checkout, check=True)
    assert told(checkout, said) == []
    subprocess.run(["git", "add", "plain.txt", "kept"], cwd=checkout, check=True)
    assert told(checkout, said) == [
        "compose.yaml:6: secrets.plain.file: plain.txt is in version control, for everybody to read",
        "fairway.yaml:1: environments.production.secrets.directory: kept is in version control",
    ]


def test_old_values_that_nobody_has(checkout: Path) -> None:
    lost = "a rollback cannot bring back an earlier value of"
    assert told(checkout, "secrets: {storage: memory}") == [
        f"compose.yaml:2: services.web.secrets: {lost} plain, ignored: hosts keep it in memory alone"
    ]
    assert [
        one.partition(": hosts")[0] for one in told(checkout, "secrets: {store: environment, storage: memory}")
    ] == [
        f"compose.yaml:2: services.web.secrets: {lost} token, plain, ignored",
        f"compose.yaml:3: services.worker.secrets: {lost} token",
    ]
    assert told(checkout, "secrets: {store: environment}") == []
