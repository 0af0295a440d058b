"""Relative paths → absolute ones, by text alone: nothing here looks at a disk."""

from __future__ import annotations

import posixpath
import re

from msgspec import Struct

_REMOTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|git@|github\.com/")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")


class Anchor(Struct, frozen=True):
    """Where relative paths start (`directory`, absolute), and what `~` stands for."""

    directory: str
    home: str = ""

    def absolute(self, path: str) -> str:
        """Raises ValueError for `~` without a HOME, or for nothing at all."""
        if not path:
            raise ValueError("the path is empty")
        if _DRIVE.match(path):
            return path
        if path == "~" or path.startswith("~/"):
            if not self.home:
                raise ValueError(f"`{path}` needs HOME, and it is not set")
            path = self.home + path[1:]
        joined = posixpath.normpath(posixpath.join(self.directory, path))
        return "/" + joined.lstrip("/") if joined.startswith("//") else joined

    def context(self, context: str) -> str:
        """A build context: a path, or a URL (also docker-image://, target:, service:), which stays as it is."""
        return context if is_remote(context) else self.absolute(context)


def is_remote(context: str) -> bool:
    """Whether a build context is no directory of this machine."""
    return bool(_REMOTE.match(context)) and not _DRIVE.match(context)
