"""A script that runs on another machine, over the user's own ssh: it goes in by standard input, its results come out as lines."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import shlex
from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct

from fairway.model.errors import EngineUnreachable, FairwayError
from fairway.net.ssh import SshAddress, die_with_parent, no_ssh, refused

LIMIT = 4 << 20
"""Bytes of what a machine may say: more is cut off."""
BEGIN, END = "fairway-begin", "fairway-end"
SSH_FAILED = 255
ENOUGH = 15
"""Lines of what went wrong: the last ones."""
_LINE = re.compile(r"([a-z_]{1,32})(\.64)?=(.*)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Said(Struct, frozen=True):
    """What a process ended with, and printed."""

    status: int
    out: str
    err: str


async def run(
    address: SshAddress, script: str, values: Mapping[str, str], *, what: str, sudo: bool = False, within: float = 60.0
) -> Mapping[str, str]:
    """What the script has answered, by key; within so many seconds. `values` are its variables, in no argument and no file.

    The script is read by sh to its end before any of it is run, so one that arrives in part does nothing. `what` is how a failure
    is called.
    Raises EngineUnreachable with ssh's words, FairwayError with the script's.
    """
    said = await _over_ssh(address, "sudo -n sh -s" if sudo else "sh -s", whole(script, values), within)
    lines = said.out.splitlines()
    if said.status == SSH_FAILED:
        raise refused(address, said.err)
    if BEGIN not in lines:
        raise FairwayError(
            f"{address.host} has no shell for us",
            where=address.host,
            why=said.err or said.out[:500],
            hint=f"try it by hand: ssh {address.host} 'echo hello | cat'",
        )
    if said.status or END not in lines:
        why = "\n".join(said.err.splitlines()[-ENOUGH:])
        raise FairwayError(f"{address.host}: {what}", where=address.host, why=why or f"status {said.status}")
    return answers(lines[lines.index(BEGIN) : lines.index(END)])


def whole(script: str, values: Mapping[str, str]) -> str:
    """One compound command, that has nothing to read."""
    said = "\n".join(f"{name}={shlex.quote(text)}" for name, text in values.items())
    return f"{{\n{said}\necho {BEGIN}\n{script}\necho {END}\nexit 0\n}} </dev/null\n"


def answers(lines: list[str]) -> Mapping[str, str]:
    """KEY=VALUE, and KEY.64=BASE64 for what may have lines. What is neither is no answer; control characters are left out."""
    found = {}
    for key, packed, text in (match.groups() for line in lines if (match := _LINE.fullmatch(line))):
        if packed:
            with suppress(binascii.Error, ValueError):
                found[key] = base64.b64decode(text, validate=True).decode()
        else:
            found[key] = _CONTROL.sub("", text).strip()[:500]
    return found


async def _over_ssh(address: SshAddress, command: str, script: str, within: float) -> Said:
    try:
        process = await asyncio.create_subprocess_exec(
            *address.running(command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
    except FileNotFoundError as error:
        raise no_ssh(address.host) from error
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        async with asyncio.timeout(within):
            with suppress(BrokenPipeError, ConnectionResetError):  # then ssh has ended, and says why
                process.stdin.write(script.encode())
                process.stdin.close()
            out, err = await asyncio.gather(_read(process.stdout), _read(process.stderr))
            return Said(await process.wait(), out, _CONTROL.sub("", err).strip())
    except TimeoutError:
        raise EngineUnreachable(
            f"{address.host} is too slow", where=address.host, why=f"no answer within {within:g} s", hint="run it again"
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _read(stream: asyncio.StreamReader) -> str:
    kept = bytearray()
    while chunk := await stream.read(65536):
        kept += chunk[: LIMIT - len(kept)]
    return kept.decode(errors="replace")
