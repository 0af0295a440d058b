"""Commands on an environment of several hosts of which none answers: nothing is touched, and one clear error says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.cli.commands import COMMANDS
from fairway.cli.entry import run
from fairway.cli.main import called

SETTINGS = """\
app: shop
environments:
  production:
    hosts:
      web-1: {address: unix:///nowhere/1.sock, internal: 10.0.0.1}
      web-2: {address: unix:///nowhere/2.sock%s}
"""
ARGUMENTS = {
    "promote": ["--now"],
    "down": ["production", "--yes"],
    "exec": ["production", "web", "true"],
    "run": ["production", "web", "true"],
}
OF_NO_ENVIRONMENT = {"hosts", "secrets", "init", "config", "docs", "completion", "check"}
ASKING = [name for name, _, _ in COMMANDS if name not in OF_NO_ENVIRONMENT]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: debian}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ASKING)
def test_no_host_answers(command: str, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "fairway.yaml").write_text(SETTINGS % ", internal: 10.0.0.2")
    assert run(called, [command, *ARGUMENTS.get(command, [])]) == 1
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert said.count("error: ") == 1
    assert "none of the 2 hosts answers: nothing was touched" in said
    assert "there is no such socket" in said


def test_a_host_that_the_others_could_not_find(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "fairway.yaml").write_text(SETTINGS % "")
    assert run(called, ["ps"]) == 2
    said = capsys.readouterr().err
    assert "fairway.yaml:6: environments.production.hosts.web-2: the other hosts do not know where web-2 is" in said
    assert "internal: 10.0.0.12" in said
