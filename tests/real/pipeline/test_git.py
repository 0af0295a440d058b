from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fairway.builders.git import GitSource, public
from fairway.model.errors import SourceError

pytestmark = pytest.mark.anyio
WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always")


def git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", where, *WHO, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def give_away(checkout: Path) -> None:
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, 1234, 1234)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    made.mkdir()
    git(made, "init", "--initial-branch=main")
    (made / "app.py").write_text("one\n")
    (made / ".gitignore").write_text("*.log\n")
    git(made, "add", ".")
    git(made, "commit", "-m", "first")
    return made


async def test_a_clean_commit_is_named(checkout: Path) -> None:
    git(checkout, "tag", "v1.0")
    git(checkout, "remote", "add", "origin", "https://me:token@example.com/shop.git")
    (checkout / "debug.log").write_text("ignored")
    commit = await GitSource(checkout).commit()
    assert commit.sha == git(checkout, "rev-parse", "HEAD")
    assert (commit.describe, commit.branch, commit.dirty) == ("v1.0", "main", False)
    assert commit.source == "https://example.com/shop.git"
    assert commit.created.endswith("Z")
    assert commit.tag == commit.sha[:12]


async def test_changed_new_removed_and_renamed_files_make_it_dirty(checkout: Path) -> None:
    for name in ("b", "c d"):
        (checkout / name).write_text(f"content of {name}\n" * 9)
    git(checkout, "add", ".")
    git(checkout, "commit", "-m", "second")
    (checkout / "app.py").write_text("two\n")
    (checkout / "neu \u00fc.txt").write_text("x")
    (checkout / "b").unlink()
    git(checkout, "mv", "c d", "e f")
    commit = await GitSource(checkout).commit()
    assert commit.dirty
    assert commit.changes == ("app.py", "b", "c d", "e f", "neu \u00fc.txt")
    assert commit.describe.endswith("-dirty")
    assert commit.tag == f"{commit.short}-dirty-{commit.tree[:8]}"


async def test_two_dirty_trees_never_share_a_tag(checkout: Path) -> None:
    source = GitSource(checkout)
    tags = set()
    for text in ("a", "b", "a"):
        (checkout / "app.py").write_text(text)
        tags.add((await source.commit()).tag)
    (checkout / "app.py").chmod(0o755)
    tags.add((await source.commit()).tag)
    assert len(tags) == 3


async def test_a_change_in_a_submodule_counts(checkout: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--initial-branch=main")
    git(outer, "submodule", "add", str(checkout), "lib")
    git(outer, "commit", "-m", "first")
    assert not (await GitSource(outer).commit()).dirty
    (outer / "lib" / "app.py").write_text("changed\n")
    first = await GitSource(outer).commit()
    assert first.changes == ("lib", "lib/app.py")
    (outer / "lib" / "app.py").write_text("changed again\n")
    assert (await GitSource(outer).commit()).tag != first.tag


async def test_a_detached_head_without_tags_or_remotes_has_a_name(checkout: Path) -> None:
    git(checkout, "checkout", "--detach")
    commit = await GitSource(checkout / ".").commit()
    assert (commit.branch, commit.source) == ("", "")
    assert commit.sha.startswith(commit.describe)


async def test_no_git_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    with pytest.raises(SourceError, match="Git is not installed"):
        await GitSource(checkout).commit()


async def test_no_checkout_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a Git checkout"):
        await GitSource(tmp_path).commit()
    with pytest.raises(SourceError, match="no such directory"):
        await GitSource(tmp_path / "nowhere").commit()


async def test_no_commit_is_said(tmp_path: Path) -> None:
    git(tmp_path, "init")
    with pytest.raises(SourceError, match="no commit yet"):
        await GitSource(tmp_path).commit()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
async def test_a_checkout_of_somebody_else_is_said_to_be_one(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(checkout.parent))
    give_away(checkout)
    with pytest.raises(SourceError, match="does not trust") as caught:
        await GitSource(checkout).commit()
    assert "safe.directory" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@example.com/a.git", "https://example.com/a.git"),
        ("https://token@example.com:8443/a.git?x=1", "https://example.com:8443/a.git"),
        ("ssh://git:secret@example.com/a.git", "ssh://git@example.com/a.git"),
        ("git@example.com:a.git", "git@example.com:a.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
    ],
)
async def test_a_remote_is_shown_without_its_password(url: str, shown: str) -> None:
    assert public(url) == shown
