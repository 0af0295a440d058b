"""Git, and what is checked out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.errors.shop import Shop


@pytest.mark.parametrize("command", ["ship", "deploy"])
def test_no_git(shop: Shop, tmp_path: Path, command: str) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").symlink_to("/usr/bin/docker")
    shop.fairway(command, PATH=str(programs)).expect(
        1,
        "error: Git is not installed\n  why: there is no `git` on PATH\n  → Install it (Debian: apt-get install git).\n",
    )
    shop.fairway("ps", PATH=str(programs)).expect(0, "nothing runs here")
    assert not shop.traces()


def test_no_checkout(shop: Shop) -> None:
    (shop.directory / ".git").rename(shop.directory / "hidden")
    done = shop.fairway("ship")
    (shop.directory / "hidden").rename(shop.directory / ".git")
    done.expect(
        1, "This is not a Git checkout\n", "→ Run fairway in a checkout, or make one: git init, git add, git commit.\n"
    )
    assert not shop.traces()


def test_no_commit_yet(shop: Shop) -> None:
    shop.git("checkout", "-q", "--orphan", "fresh")
    shop.fairway("ship").expect(1, "There is no commit yet\n", "→ Commit first: git add, git commit.\n")


def test_a_dirty_tree_is_refused(running: Shop) -> None:
    running.write("notes.txt", "unsaid")
    running.edit("web/serve", "this is", "that is")
    for command in ("ship", "deploy"):
        running.fairway(command).expect(
            6,
            "The checkout differs from its commit, so nobody could say later what is in the images\n",
            "  why: changed: notes.txt, web/serve\n",
            "→ Commit the changes, or say --dirty: the images' tag will be marked.\n",
        )


def test_what_was_not_built_is_not_deployed(shop: Shop) -> None:
    tag = shop.git("rev-parse", "--short=12", "HEAD").strip()
    shop.fairway("deploy").expect(
        6, f"error: nothing has been built of {tag}\n  → `fairway ship` builds, tests, pushes and deploys it\n"
    )
    shop.fairway("deploy", "--commit", "0123456789ab").expect(6, "error: nothing has been built of 0123456789ab\n")
    assert not shop.traces()


def test_what_has_not_passed_is_not_deployed(shop: Shop) -> None:
    shop.edit("fairway.yaml", "environments:", 'test:\n  unit: {service: web, command: "false"}\nenvironments:')
    shop.commit()
    tag = shop.git("rev-parse", "--short=12", "HEAD").strip()
    shop.fairway("ship").expect(1, f"error: {tag}: unit did not pass: exit status 1\n", "→ The whole output: ")
    shop.fairway("deploy").expect(6, f"{tag} has not passed unit\n", "fairway test.")
    shop.fairway("push").expect(6, f"{tag} has not passed unit\n")
    assert not shop.traces()
