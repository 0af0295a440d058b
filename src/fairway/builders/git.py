"""The commit that images are made from, asked of the git command line."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from fairway.builders.process import capture
from fairway.model.build import Commit
from fairway.model.errors import SourceError

SHOWN_CHANGES = 20


class GitSource:
    """The checkout that holds `directory`. The whole checkout counts: a change anywhere in it makes it dirty."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def commit(self) -> Commit:
        """Raises SourceError: no Git, no checkout, no commit yet, a checkout that Git does not trust."""
        top = Path((await self._git("rev-parse", "--show-toplevel")).rstrip("\n"))
        sha, seconds = (await self._git("log", "-1", "--format=%H %ct")).split()
        describe, branch, tags, source, changes = await asyncio.gather(
            self._git("describe", "--tags", "--always"),
            self._git("branch", "--show-current"),
            self._git("tag", "--points-at", "HEAD"),
            self._source(),
            self._changes(top),
        )
        paths = sorted(changes)
        return Commit(
            sha=sha,
            describe=describe.strip() + ("-dirty" if paths else ""),
            branch=branch.strip(),
            source=source,
            created=datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            dirty=bool(paths),
            changes=tuple(path.decode("utf-8", "replace") for path in paths[:SHOWN_CHANGES]),
            tree=_digest(changes) if paths else "",
            tags=tuple(tags.split()),
        )

    async def _source(self) -> str:
        remotes = (await self._git("remote")).split()
        if not remotes:
            return ""
        remote = "origin" if "origin" in remotes else remotes[0]
        return public(await self._git("config", "--get", f"remote.{remote}.url", missing_ok=True))

    async def _changes(self, top: Path, prefix: bytes = b"") -> dict[bytes, str]:
        """What differs from the commit, with a digest of what it is now. A submodule's own changes are looked into."""
        text = await self._git(
            "status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=none", directory=top
        )
        found: dict[bytes, str] = {}
        for path, submodule in _status(text.split("\0")):
            full = top / path
            name = prefix + os.fsencode(path)
            if submodule and full.is_dir():
                head = await self._git("rev-parse", "HEAD", directory=full)
                found[name] = f"commit {head.strip()}"
                found |= await self._changes(full, name + b"/")
            else:
                found[name] = await asyncio.to_thread(_content, full)
        return found

    async def _git(self, *arguments: str, directory: Path | None = None, missing_ok: bool = False) -> str:
        where = directory or self.directory
        env = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        try:
            done = await capture(["git", "-C", str(where), *arguments], env=env)
        except OSError as error:
            raise SourceError(
                "Git is not installed",
                why="there is no `git` on PATH",
                hint="Install it (Debian: apt-get install git).",
            ) from error
        if done.code and not missing_ok:
            raise _explain(where, done.stderr)
        return done.stdout


def public(url: str) -> str:
    """A remote's URL without password or token. The `git@` of an SSH address is no secret, and stays."""
    url = url.strip()
    if "://" not in url:
        return url
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if parts.scheme in ("ssh", "git+ssh") and at:
        host = f"{user.partition(':')[0]}@{host}"
    return urlunsplit(parts._replace(netloc=host, query="", fragment=""))


def _status(fields: list[str]) -> Iterator[tuple[str, bool]]:
    """Paths, and whether each is a submodule, out of `status --porcelain=v2 -z`. A rename has its old path in a field more."""
    rest = iter(fields)
    for field in rest:
        kind, _, tail = field.partition(" ")
        if kind == "?":
            yield tail, False
        elif kind == "1":
            yield tail.split(" ", 7)[7], tail.split(" ")[1].startswith("S")
        elif kind == "u":
            yield tail.split(" ", 9)[9], tail.split(" ")[1].startswith("S")
        elif kind == "2":
            yield tail.split(" ", 8)[8], False
            yield next(rest), False


def _content(path: Path) -> str:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return f"link {path.readlink()}"
        if stat.S_ISDIR(mode):  # a checkout of its own, which Git does not look into
            inside = {os.fsencode(p.relative_to(path)): _content(p) for p in path.rglob("*") if not p.is_dir()}
            return f"directory {_digest(inside)}"
        if not stat.S_ISREG(mode):
            return f"special {mode:o}"
        with path.open("rb") as file:
            return f"{mode & 0o111:o} {hashlib.file_digest(file, 'sha256').hexdigest()}"
    except FileNotFoundError:
        return "gone"
    except OSError as error:
        return f"unreadable {error.errno}"


def _digest(changes: dict[bytes, str]) -> str:
    digest = hashlib.sha256()
    for path, content in sorted(changes.items()):
        digest.update(path + b"\0" + content.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _explain(where: Path, said: str) -> SourceError:
    place = str(where)
    if "dubious ownership" in said:
        return SourceError(
            "Git does not trust this checkout: it belongs to another user",
            where=place,
            why=said,
            hint=f"If you trust it: git config --global --add safe.directory {place}",
        )
    if "not a git repository" in said or "must be run in a work tree" in said:
        return SourceError(
            "This is not a Git checkout",
            where=place,
            why=said,
            hint="Run fairway in a checkout, or make one: git init, git add, git commit.",
        )
    if "does not have any commits yet" in said:
        return SourceError("There is no commit yet", where=place, why=said, hint="Commit first: git add, git commit.")
    if "cannot change to" in said:
        return SourceError("There is no such directory", where=place, why=said)
    return SourceError("Git could not say what this commit is", where=place, why=said)
