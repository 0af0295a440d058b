from __future__ import annotations

from pathlib import Path

import pytest

from fairway.cli.common import Common
from fairway.cli.init import init
from fairway.model.errors import InvalidFiles, UsageError
from fairway.settings import load

COMPOSE = 'services: {web: {build: ., ports: ["8080:8000"]}}\n'


@pytest.fixture
def options(tmp_path: Path) -> Common:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    return Common(directory=tmp_path)


def test_init_writes_a_file_that_loads(options: Common, capsys: pytest.CaptureFixture[str]) -> None:
    init(options=options)
    file = options.directory / "fairway.yaml"
    assert load(file.read_text(), file=str(file)).services["web"].route is not None
    assert str(file) in capsys.readouterr().out


def test_init_overwrites_nothing_unless_told_to(options: Common) -> None:
    file = options.directory / "fairway.yaml"
    file.write_text("mine")
    with pytest.raises(UsageError, match="there already"):
        init(options=options)
    assert file.read_text() == "mine"
    init(force=True, options=options)
    assert file.read_text() != "mine"


def test_init_prints_what_it_would_write(options: Common, capsys: pytest.CaptureFixture[str]) -> None:
    init(output=True, options=options)
    assert load(capsys.readouterr().out, file="-").environments
    assert not (options.directory / "fairway.yaml").exists()


def test_init_takes_a_registry_and_a_host(options: Common) -> None:
    init(registry="registry.example.com/team", host="ssh://deploy@10.0.0.1", options=options)
    settings = load((options.directory / "fairway.yaml").read_text(), file="f")
    assert settings.registry == "registry.example.com/team"
    assert [host.address for host in settings.environments["production"].hosts.values()] == ["ssh://deploy@10.0.0.1"]


def test_init_writes_nothing_that_would_be_refused(options: Common) -> None:
    with pytest.raises(InvalidFiles) as caught:
        init(host="10.0.0.1", options=options)
    assert "unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST" in caught.value.problems[0].hint
    assert not (options.directory / "fairway.yaml").exists()


def test_init_without_a_compose_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no compose\.yaml"):
        init(options=Common(directory=tmp_path))
