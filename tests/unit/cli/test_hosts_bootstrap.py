"""Whom `fairway hosts bootstrap` goes to, and that `fairway hosts` is still itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.cli.entry import run
from fairway.cli.main import called
from fairway.wiring.bootstrap import machine

SETTINGS = """\
app: shop
gateway: {http: 8080}
environments:
  production:
    hosts:
      web-1: ssh://deploy@10.0.0.1
      web-2: unix:///var/run/docker.sock
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "fairway.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_host_of_an_environment(project: Path) -> None:
    found = machine(project, "web-1", "production")
    assert (found.name, found.address, found.environment.key) == ("web-1", "ssh://deploy@10.0.0.1", "shop-production")
    assert found.settings
    assert found.settings.http == 8080


def test_an_address_in_a_project_and_without_one(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    inside = machine(project, "ssh://root@10.0.0.9:2222", None)
    assert inside.name == "10.0.0.9"
    assert inside.settings
    assert inside.settings.http == 8080
    assert machine(tmp_path_factory.mktemp("nowhere"), "ssh://root@10.0.0.9", None).settings is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["web-2", "--environment", "production"], "unix:///var/run/docker.sock is not reached by ssh"),
        (["web-3", "--environment", "production"], "production has no host 'web-3'\n  → it has: web-1, web-2"),
        (["web-1", "--environment", "staging"], "there is no environment 'staging'"),
        (["web-1"], "where is 'web-1'?\n  → `fairway hosts bootstrap ssh://user@web-1`"),
        (["tcp://10.0.0.1"], "tcp://10.0.0.1 is not reached by ssh"),
        (["ssh://root:secret@10.0.0.1"], "without a password"),
        (["ssh://root@10.0.0.1", "--environment", "production"], "an address needs no --environment"),
        ([], "`fairway hosts bootstrap` needs to be told TARGET"),
    ],
)
def test_what_cannot_be_meant(words: list[str], said: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(called, ["hosts", "bootstrap", *words]) == 2
    assert said in capsys.readouterr().err


def test_hosts_is_still_a_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(called, ["hosts", "staging"]) == 2
    assert "there is no environment 'staging'" in capsys.readouterr().err
    assert run(called, ["hosts", "--help"]) == 0
    help_text = capsys.readouterr().out
    assert "bootstrap" in help_text
    assert "ENVIRONMENT" in help_text
