"""scripts/lab: what somebody who plays does with it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.lab.lab import LABS
from tests.lab.network import namespaces
from tests.real.errors.shop import FAIRWAY

SCRIPT = str(Path(__file__).parents[3] / "scripts" / "lab")


def lab(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, timeout=200)


def test_hosts_come_up_are_used_and_go(tmp_path: Path) -> None:
    made = lab("up", "2")
    assert made.returncode == 0, made.stderr
    name = re.findall(r"scripts/lab down (\w+)", made.stdout)[0]
    try:
        (tmp_path / "fairway.yaml").write_text(made.stdout)
        asked = subprocess.run([FAIRWAY, "hosts", "--json"], cwd=tmp_path, capture_output=True, text=True)
        assert asked.returncode == 0, asked.stderr
        hosts = json.loads(asked.stdout)["hosts"]
        assert [host["facts"]["hostname"] for host in hosts] == [f"{name}-h1", f"{name}-h2"]
        assert f"{name} kept\n" in lab("list").stdout
    finally:
        gone = lab("down", name)
    assert gone.stdout == f"removed {name}\n"
    assert not (LABS / name).exists()
    assert not namespaces(name)
    assert name not in lab("list").stdout


@pytest.mark.parametrize(("words", "said"), [(["up", "0"], "from 1 to 16"), (["down", "nobody"], "no lab 'nobody'")])
def test_what_cannot_be_done_is_said(words: list[str], said: str) -> None:
    done = lab(*words)
    assert done.returncode == 1
    assert said in done.stderr


def test_what_it_can_do_is_said() -> None:
    assert "up [HOSTS] | down [NAME] | list" in lab("help").stderr
