"""Other people's command line tools: started in a session of their own, and never left behind."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE = 3.0


class Completed(Struct, frozen=True):
    code: int
    stdout: str
    stderr: str


async def capture(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Completed:
    """Run to the end. Raises OSError where the program cannot be started."""
    async with started(argv, env=env, cwd=cwd, merge=False) as process:
        out, err = await process.communicate()
        return Completed(process.returncode or 0, os.fsdecode(out), err.decode("utf-8", "replace"))


async def stream(argv: Sequence[str], line: Callable[[str], None], *, env: Mapping[str, str] | None = None) -> int:
    """Run to the end, handing over each line of both outputs as it comes; the exit status."""
    async with started(argv, env=env, cwd=None, merge=True) as process:
        await _read(process, line)
        return await process.wait()


@contextlib.asynccontextmanager
async def started(
    argv: Sequence[str], *, env: Mapping[str, str] | None, cwd: Path | None, merge: bool
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child in a process group of its own, which is ended when the block is left early (Ctrl-C, a deadline, an error)."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT if merge else asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            await asyncio.shield(_end(process))


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await process.wait()
                return


async def _read(process: asyncio.subprocess.Process, line: Callable[[str], None]) -> None:
    """By chunks and not by `readline`, whose buffer a long line overruns."""
    assert process.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while chunk := await process.stdout.read(65536):
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        for text in lines:
            line(_clean(text))
    if rest:
        line(_clean(rest))


def _clean(text: str) -> str:
    return ESCAPES.sub("", text).rstrip("\r").rpartition("\r")[2]
