"""As long as one host is what can be deployed to, nothing acts on an environment that has several."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.cli.commands import COMMANDS
from fairway.cli.entry import run
from fairway.cli.main import application

SETTINGS = """\
app: shop
environments:
  production:
    hosts:
      web-1: unix:///nowhere/1.sock
      web-2: unix:///nowhere/2.sock
"""
ARGUMENTS = {
    "promote": ["--now"],
    "down": ["production", "--yes"],
    "exec": ["production", "web", "true"],
    "run": ["production", "web", "true"],
    "check": ["--offline"],
}
OF_NO_ENVIRONMENT = {"hosts", "init", "config", "docs", "completion"}


@pytest.mark.parametrize("command", [name for name, _, _ in COMMANDS if name not in OF_NO_ENVIRONMENT])
def test_it_is_refused_with_its_line(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: debian}}\n")
    (tmp_path / "fairway.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    assert run(application(), [command, *ARGUMENTS.get(command, [])]) == 2
    printed = capsys.readouterr()
    said = printed.out + printed.err
    assert said.count("error: ") == 1
    assert "fairway.yaml:4: environments.production.hosts: several hosts are not in this version of Fairway" in said
    assert "`fairway hosts production` looks at all of them" in said
