"""A file in memory, for its owner alone, that an editor is given."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from fairway.model.errors import UsageError

PREFIX = "fairway-edit-"


class Scratch(Struct, frozen=True):
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8", errors="replace")

    def edit(self) -> None:
        """Raises UsageError where there is no editor, or it gives up."""
        said = os.environ.get("VISUAL") or os.environ.get("EDITOR") or shutil.which("editor") or shutil.which("vi")
        if not said:
            raise UsageError("there is no editor", hint="name one in EDITOR")
        command = [*shlex.split(said), str(self.path)]
        try:
            ended = subprocess.run(command, check=False)
        except OSError as error:
            raise UsageError(f"{said} cannot be run: {error.strerror}", hint="name an editor in EDITOR") from None
        if ended.returncode:
            raise UsageError(f"{said} ended with {ended.returncode}: nothing was changed")


@contextmanager
def scratch(name: str, text: str) -> Iterator[Scratch]:
    """In a directory of its own (0700) that never reaches a disk; gone afterwards. Raises UsageError where there is no such place."""
    place = _memory()
    _sweep(place)
    directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getuid()}-{os.getpid()}-", dir=place))
    try:
        path = directory / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        yield Scratch(path)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _memory() -> Path:
    mounted = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    tmpfs = {words[1] for words in mounted if words[2] == "tmpfs"}
    for place in (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm", "/run"):  # noqa: S108
        if place in tmpfs and os.access(place, os.W_OK):
            return Path(place)
    raise UsageError(
        "there is no place in memory for the editor's file",
        hint="mount a tmpfs at /dev/shm, or change one secret with `fairway secrets set`",
    )


def _sweep(place: Path) -> None:
    """What one that was killed has left."""
    for left in place.glob(f"{PREFIX}{os.getuid()}-*"):
        number = left.name.removeprefix(f"{PREFIX}{os.getuid()}-").partition("-")[0]
        if number.isdecimal() and not Path("/proc", number).exists():
            shutil.rmtree(left, ignore_errors=True)
