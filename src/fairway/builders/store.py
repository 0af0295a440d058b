"""The builds that a checkout knows: `.fairway/` in it, which ignores itself in Git."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import msgspec

from fairway.model.build import Build

FOLDER = ".fairway"


class FileBuilds:
    """ports.Builds in `directory`/.fairway: builds/TAG.json, logs/TAG/STAGE.log. Only this user can read them."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / FOLDER

    def load(self, tag: str) -> Build | None:
        """None where it is not known; a record that cannot be read is none."""
        try:
            return msgspec.json.decode(self._record(tag).read_bytes(), type=Build)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def save(self, build: Build) -> None:
        path = self._record(build.commit.tag)
        self._folder(path.parent)
        written = path.with_suffix(f".{os.getpid()}.tmp")
        written.touch(0o600)
        written.write_bytes(msgspec.json.format(msgspec.json.encode(build)) + b"\n")
        written.replace(path)

    def log(self, tag: str, stage: str) -> Path:
        folder = self.root / "logs" / tag
        self._folder(folder)
        path = folder / f"{quote(stage, safe=' ')}.log"
        path.touch(0o600)
        return path

    def all(self) -> tuple[Build, ...]:
        """Newest first."""
        found = [self.load(path.stem) for path in (self.root / "builds").glob("*.json")]
        return tuple(sorted((build for build in found if build), key=lambda build: build.created, reverse=True))

    def _record(self, tag: str) -> Path:
        return self.root / "builds" / f"{tag}.json"

    def _folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignore = self.root / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
