"""A tunnel to a remote Docker socket by the user's own ssh: one connection, one process, nothing left behind."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from fairway.model.errors import EngineUnreachable, UsageError

REMOTE_SOCKET = "/var/run/docker.sock"
OPTIONS = (
    "BatchMode=yes",
    "ExitOnForwardFailure=yes",
    "StreamLocalBindUnlink=yes",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    # A shared connection would keep the forward after we are gone.
    "ControlPath=none",
    "ControlMaster=no",
)
PR_SET_PDEATHSIG = 1
LONGEST = 60
"""Bytes of a directory: a socket's path may have 107, ssh adds 17 while it makes it, and we add 32."""


class SshAddress(Struct, frozen=True):
    """`ssh://[user@]host[:port][/path/of/the/socket]`."""

    host: str
    user: str = ""
    port: int | None = None
    socket: str = REMOTE_SOCKET

    @classmethod
    def parse(cls, address: str) -> SshAddress:
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise UsageError(f"{address!r} is no address", why=str(error), hint="ssh://user@host:22") from error
        if not host or host.startswith("-") or parts.password:
            raise UsageError(f"{address!r} is no address for ssh", hint="ssh://user@host:22, without a password")
        socket = unquote(parts.path) if parts.path not in ("", "/") else REMOTE_SOCKET
        return cls(host, unquote(parts.username or ""), port, socket)

    def command(self, local: Path) -> list[str]:
        return ["ssh", "-N", "-T", *self._options(), "-L", f"{local}:{self.socket}", "--", self.host]

    def running(self, command: str) -> list[str]:
        """What runs a command there; its words are parsed by the user's shell."""
        return ["ssh", "-T", *self._options(), "--", self.host, command]

    def asking(self) -> list[str]:
        """What tells how ssh would go there, and connects to nobody."""
        return ["ssh", "-G", *self._options(), "--", self.host]

    def _options(self) -> list[str]:
        options = [word for option in OPTIONS for word in ("-o", option)]
        user = ["-l", self.user] if self.user else []
        port = ["-p", str(self.port)] if self.port else []
        return [*options, *user, *port]


class Tunnel:
    """A running ssh. `socket` is the local end; `said` what ssh has printed: the reason, once something fails."""

    def __init__(self, process: asyncio.subprocess.Process, socket: Path, address: SshAddress) -> None:
        self.process = process
        self.socket = socket
        self.address = address
        self._said = bytearray()
        self._reader = asyncio.ensure_future(self._read())

    @property
    def said(self) -> str:
        return self._said.decode(errors="replace").replace("\r", "").strip()

    async def _read(self) -> None:
        assert self.process.stderr
        while chunk := await self.process.stderr.read(4096):
            self._said += chunk
            del self._said[:-16384]

    async def opened(self, timeout: float) -> None:
        """Wait until the local end is there. Raises EngineUnreachable with ssh's words."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self.process.returncode is None:
                    if self.socket.exists():
                        return
                    await asyncio.sleep(0.01)
                await self._reader
        raise refused(self.address, self.said or f"no answer within {timeout:g} s")

    async def close(self) -> None:
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.terminate()
            try:
                async with asyncio.timeout(2):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader


@asynccontextmanager
async def tunnel(address: str, timeout: float = 20.0) -> AsyncIterator[Tunnel]:
    """A local socket that leads to the engine of a remote host, for as long as the context is open."""
    where = SshAddress.parse(address)
    with tempfile.TemporaryDirectory(prefix="fairway-ssh-", dir=_place()) as directory:  # made with mode 0700
        local = Path(directory, "docker.sock")
        try:
            process = await asyncio.create_subprocess_exec(
                *where.command(local),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                # Ctrl-C is for us: the tunnel must outlive it, to clean up through it.
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        except FileNotFoundError as error:
            raise no_ssh(address) from error
        opened = Tunnel(process, local, where)
        try:
            await opened.opened(timeout)
            yield opened
        finally:
            await asyncio.shield(opened.close())


def _place() -> str | None:
    """Where a socket's whole path is short enough for the kernel: not in everybody's TMPDIR."""
    return None if len(tempfile.gettempdir()) <= LONGEST else "/tmp"  # noqa: S108


def die_with_parent() -> Callable[[], None] | None:
    """Where Linux can: a killed deployer must not leave its ssh behind."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return arm


def no_ssh(address: str) -> EngineUnreachable:
    return EngineUnreachable(
        f"{address} needs ssh",
        where=address,
        why="there is no ssh on this machine",
        hint="install the OpenSSH client",
    )


REACHABLE = "check the address, the network, the firewall, and that the host is up"
HINTS = (
    ("Could not resolve hostname", "check the host's name, and the Host entries of ~/.ssh/config"),
    ("Connection refused", "check that sshd runs there, and the port"),
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", "the host's key is not the one you knew: find out why first"),
    ("Host key verification failed", "connect once by hand (ssh {host}) to check and accept its key"),
    ("Permission denied", "give ssh a key that the host accepts: ssh-add, or IdentityFile in ~/.ssh/config"),
    ("administratively prohibited", "the host's sshd must allow it: AllowStreamLocalForwarding yes"),
    # sshd says no more than this, whatever the reason is.
    (
        "open failed",
        "check that Docker runs there, that the user is in its group docker, and that sshd allows it "
        "(AllowStreamLocalForwarding)",
    ),
    ("timed out", REACHABLE),
    ("no answer within", REACHABLE),
    ("No route to host", REACHABLE),
    ("Network is unreachable", REACHABLE),
)


def refused(address: SshAddress, why: str) -> EngineUnreachable:
    hint = next((hint for sign, hint in HINTS if sign in why), "try it by hand: ssh -v {host}")
    return EngineUnreachable(
        f"No way to {address.host} by ssh", where=address.host, why=why, hint=hint.format(host=address.host)
    )
