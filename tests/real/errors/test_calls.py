"""Commands that are called wrongly, and readers who have had enough."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.real.errors.shop import FAIRWAY, Shop

WRONG = {
    "unknown command": (["shipp"], "error: there is no command 'shipp'. Did you mean 'ship'?"),
    "unknown option": (["ship", "--fast"], "error: there is no option --fast."),
    "missing argument": (["exec"], "error: `fairway exec` needs to be told ENVIRONMENT\n  → `fairway exec --help` says"),
    "missing value": (["ship", "--wait"], "error: --wait needs a value\n  → `fairway ship --help` says"),
    "no number": (["rollback", "production", "last"], "error: RELEASE: 'last' is no number"),
    "no duration": (["deploy", "--wait", "soon"], "error: 'soon' is no duration\n  → write 90s, 5m or 1h30m"),
    "no time": (["logs", "--since", "2026-13-45"], "error: '2026-13-45' is no time\n  → write 10m, or 2026-11-21T08:00:00Z"),
    "unknown environment": (
        ["ship", "productoin"],
        "error: there is no environment 'productoin' in fairway.yaml\n  → there are: production",
    ),
    "unknown release": (["rollback", "production", "99"], "error: release 99 never served here\n  → these did: 1"),
    "nothing before": (["rollback"], "error: release 1 is the first that served: there is none before it"),
    "exec, unknown service": (
        ["exec", "production", "wbe", "ls"],
        "error: no replica of 'wbe' is up\n  → services that are: web",
    ),
    "run, unknown service": (["run", "production", "wbe", "ls"], "error: there is no service 'wbe'\n  → there are: web"),
    "logs, unknown service": (
        ["logs", "production", "wbe"],
        "error: no replica of 'wbe' is here\n  → services with replicas: web",
    ),
    "down, unasked": (["down", "production"], "error: this removes everything of production\n  → say --yes"),
    "no project": (["ps", "-C", "/"], "error: there is no fairway.yaml in / or above it\n  → `fairway init` writes one"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call(one_running: Shop, case: str) -> None:
    words, said = WRONG[case]
    done = one_running.fairway(*words)
    done.expect(2, said)
    assert done.error == done.err.strip()
    assert not done.out


def test_nothing_was_ever_deployed(shop: Shop) -> None:
    shop.fairway("rollback").expect(2, "error: there is nothing to roll back: no release has been deployed")
    shop.fairway("run", "production", "web").expect(
        2, "error: nothing has been deployed to production\n  → `fairway ship production` first"
    )
    shop.fairway("logs", "production", "web").expect(2, "services with replicas: none")
    shop.fairway("exec", "production", "web").expect(2, "services that are: none")
    shop.fairway("releases").expect(0, "nothing has been deployed here")
    shop.fairway("ps").expect(0, "nothing runs here")
    assert not shop.traces()


def test_the_directory_is_no_project(shop: Shop, tmp_path: Path) -> None:
    done = subprocess.run([FAIRWAY, "ship"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: there is no fairway.yaml in {tmp_path} or above it\n")


def test_a_command_in_a_replica_that_fails_is_no_failure_of_ours(running: Shop) -> None:
    running.fairway("exec", "production", "web", "--", "sh", "-c", "exit 9").expect(9)
    running.fairway("run", "production", "web", "--", "sh", "-c", "echo once; exit 9").expect(9, "once")
    running.fairway("exec", "production", "web", "--", "no-such-program").expect(126, "executable file not found")


@pytest.mark.parametrize("words", ["logs", "docs settings", "exec production web -- yes", "run production web -- yes"])
def test_a_reader_who_leaves_is_no_error(running: Shop, words: str) -> None:
    done = running.call(["bash", "-c", f"{FAIRWAY} {words} | head -1; echo ended ${{PIPESTATUS[0]}}"])
    assert done.out.splitlines()[-1] in ("ended 0", "ended 141"), done.text
    assert not done.err


def test_a_reader_who_leaves_stops_no_deployment(shop: Shop) -> None:
    shop.shipped()
    piped = f"{FAIRWAY} deploy 2>&1 | head -1; echo ended ${{PIPESTATUS[0]}}"
    shop.call(["bash", "-c", piped], VERSION="v2").expect(0, "ended 141")
    assert shop.answer() == "this is v2"
    assert shop.json("status")["converged"]


def test_what_fails_fails_though_nobody_reads_it(running: Shop) -> None:
    piped = f"{FAIRWAY} rollback production 99 2>&1 | true; echo ended ${{PIPESTATUS[0]}}"
    running.call(["bash", "-c", piped]).expect(0, "ended 2")
