"""fairway secrets, as somebody types it. Values are printed by `get` alone."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fairway.cli.entry import run
from fairway.cli.main import called

COMPOSE = """\
services:
  web: {image: web, secrets: [token, {source: db, target: /db}, plain]}
  worker: {image: web, secrets: [token]}
secrets:
  token: {external: true}
  db: {external: true, name: db-password}
  plain: {file: ./plain.txt}
"""
SETTINGS = "environments: {production: {hosts: {local: unix:///nowhere.sock}}}\n"

Fairway = Callable[..., tuple[int, str]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "fairway.yaml").write_text(SETTINGS)
    (tmp_path / "plain.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path


@pytest.fixture
def fairway(checkout: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Fairway:
    def call(*words: str, typed: bytes = b"") -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
        status = run(called, ["secrets", *words])
        said = capfdbinary.readouterr()
        return status, (said.out + said.err).decode()

    return call


def test_a_secret_from_its_beginning_to_its_end(fairway: Fairway, checkout: Path) -> None:
    status, said = fairway("set", "token", typed=b"sesame")
    assert (status, "version 1 of token is in secrets/production.age: commit it" in said) == (0, True)
    assert f"made your key, {checkout}/home/.config/fairway/age.key: keep a copy" in said
    assert fairway("set", "token", typed=b"sesame")[1].startswith("token has this value already: version 1")
    assert "line break" in fairway("set", "token", typed=b"open\n")[1]
    assert fairway("get", "token") == (0, "open\n")
    assert fairway("get", "token", "--number", "1") == (0, "sesame")
    assert fairway("rotate", "db-password", "--length", "16", "--format", "hex")[0] == 0
    status, value = fairway("get", "db-password")
    assert (status, len(value), int(value, 16) > 0) == (0, 32, True)
    assert fairway("rotate", "db-password", "--command", "echo shell")[0] == 0
    assert fairway("get", "db-password") == (0, "shell")
    rows = {row["name"]: row for row in json.loads(fairway("list", "--json")[1])}
    assert {name: (row["number"], row["services"]) for name, row in rows.items()} == {
        "db-password": ("2", ["web"]),
        "plain": ("", ["web"]),
        "token": ("2", ["web", "worker"]),
    }
    assert fairway("remove", "token") == (0, "token is no longer in secrets/production.age\n")
    assert "missing" in fairway()[1]
    status, said = fairway("get", "token")
    assert (status, "there is no secret token in secrets/production.age" in said) == (1, True)
    assert fairway("get", "token", "--number", "1") == (0, "sesame"), "a release may pin it"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["set", "token"], 2, "token would be empty"),
        (["set", "token", "--file", "/nowhere"], 2, "/nowhere cannot be read"),
        (["set", "token", "sesame"], 2, "secrets set"),
        (["rotate", "token", "--length", "3"], 2, "makes no good secret"),
        (["remove", "nix"], 2, "there is no secret nix"),
        (["recipients", "add", "nonsense"], 2, "is no key"),
        (["get", "token", "--environment", "nix"], 2, "there is no environment 'nix'"),
    ],
)
def test_what_cannot_be(fairway: Fairway, checkout: Path, words: list[str], status: int, said: str) -> None:
    ended, told = fairway(*words)
    assert (ended, said in told) == (status, True), told
    assert not (checkout / "secrets").exists() or not list((checkout / "secrets").iterdir())


def test_who_can_read(fairway: Fairway, checkout: Path) -> None:
    fairway("set", "token", typed=b"sesame")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f", "key"], check=True)
    assert fairway("recipients", "add", "key.pub") == (0, "bob can read secrets/production.age\n")
    assert [one["name"] for one in json.loads(fairway("recipients", "--json")[1])][1:] == ["bob"]
    assert "rotate them" in fairway("recipients", "remove", "bob")[1]
    (checkout / "fairway.yaml").write_text(SETTINGS.replace("{hosts", "{secrets: {store: environment}, hosts"))
    assert "keeps its secrets in no age file" in fairway("recipients")[1]
    assert "is only read by Fairway" in fairway("set", "token", typed=b"x")[1]


def editor(checkout: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    file = checkout / "editor"
    file.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(file))
    monkeypatch.delenv("VISUAL", raising=False)


def test_an_editor_gets_a_file_in_memory(fairway: Fairway, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fairway("set", "token", typed=b"sesame")
    fairway("set", "old", typed=b"x")
    look = 'stat -c "%a %U" "$1" "$(dirname "$1")" >seen; stat -f -c %T "$1" >>seen; echo "$1" >>seen; cat "$1" >>seen'
    editor(checkout, monkeypatch, f'{look}\nprintf "token: open\\nnew: n\\n" >"$1"')
    assert fairway("edit") == (0, "new: new\nold: removed\ntoken: changed\nthe next deployment brings it\n")
    seen = (checkout / "seen").read_text().splitlines()
    owner = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    assert seen[:3] == [f"600 {owner}", f"700 {owner}", "tmpfs"]
    assert not Path(seen[3]).parent.exists()
    assert "token: sesame" in seen
    assert fairway("get", "token")[1] == "open"


def test_edits_that_come_to_nothing(fairway: Fairway, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fairway("set", "token", typed=b"sesame")
    before = (checkout / "secrets/production.age").read_bytes()
    editor(checkout, monkeypatch, "true")
    assert fairway("edit") == (0, "nothing has changed\n")
    editor(checkout, monkeypatch, "exit 3")
    assert "ended with 3: nothing was changed" in fairway("edit")[1]
    editor(checkout, monkeypatch, 'printf "token: [sesame" >"$1"')
    status, said = fairway("edit")
    assert (status, "this is not YAML" in said, "sesame" in said) == (2, True, False)
    monkeypatch.setenv("EDITOR", "/nowhere/editor")
    assert "cannot be run" in fairway("edit")[1]
    assert (checkout / "secrets/production.age").read_bytes() == before
    command = f"{Path(sys.executable).parent}/fairway secrets set token"
    editor(checkout, monkeypatch, f'printf theirs | {command}\nprintf "token: mine" >"$1"')
    status, said = fairway("edit")
    assert (status, "token in secrets/production.age was changed by somebody else meanwhile" in said) == (1, True)
    assert fairway("get", "token")[1] == "theirs"
    assert not list(Path("/dev/shm").glob(f"fairway-edit-{os.getuid()}-{os.getpid()}-*"))
