"""The keys that the user's own ssh would log in with, as its configuration has it. Nothing is connected for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fairway.net.ssh import SshAddress

PATIENCE = 5.0


async def identities(address: str) -> tuple[Path, ...]:
    """Those that are there, for an ssh:// address; none where there is no ssh."""
    try:
        process = await asyncio.create_subprocess_exec(
            *SshAddress.parse(address).asking(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return ()
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return ()
    return _named(said.decode(errors="replace"))


def _named(said: str) -> tuple[Path, ...]:
    lines = (line.partition(" ") for line in said.splitlines())
    paths = (Path(value).expanduser() for key, _, value in lines if key == "identityfile")
    return tuple(path for path in paths if path.is_file())
