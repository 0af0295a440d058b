"""Secrets that a command prints, such as a password manager's: `ports.secrets.SecretStore`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from fairway.model.errors import SecretError, SecretMissing, UsageError
from fairway.model.secret import Entry, Secret, redact
from fairway.secrets.unversioned import Unversioned

PATIENCE = 120.0
"""Seconds: somebody may have to type a password first."""


class CommandStore(Unversioned):
    """`{name}` in a word is the secret's name. One line break at the end of what is printed is not part of the value."""

    def __init__(self, words: Sequence[str], directory: Path) -> None:
        self.words = tuple(words)
        self.directory = directory
        self.where = self.words[0]
        self._turn = asyncio.Lock()
        """One at a time: each may ask for a password."""

    async def newest(self, name: str) -> Secret:
        if name.startswith("-"):
            raise UsageError(f"{name[:60]!r} would be an option of {self.where}", hint="give it another name")
        async with self._turn:
            return await run([word.replace("{name}", name) for word in self.words], self.directory, name)

    async def names(self) -> tuple[Entry, ...]:
        return ()


async def run(words: Sequence[str], directory: Path, name: str) -> Secret:
    """What the command prints. Raises SecretMissing, with its complaint, SecretError where it cannot be run."""
    try:
        started = await asyncio.create_subprocess_exec(
            *words,
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise SecretError(f"{words[0]} cannot be run", why=error.strerror or "", hint="is it installed?") from None
    try:
        async with asyncio.timeout(PATIENCE):
            out, complaint = await started.communicate()
    except TimeoutError:
        raise SecretError(f"{words[0]} has not answered within {PATIENCE:g} s") from None
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()
    said = redact(complaint.decode("utf-8", "replace"), [out])
    if started.returncode:
        raise SecretMissing(f"{words[0]} does not give {name}: it ended with {started.returncode}", why=said)
    value = out.removesuffix(b"\n")
    if not value:
        raise SecretMissing(f"{words[0]} prints nothing for {name}", why=said)
    return Secret(value)
