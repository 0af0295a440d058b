"""fairway exec: a command in a replica that runs."""

from __future__ import annotations

import sys
from pathlib import Path

from fairway.cli.common import Common, Options
from fairway.cli.session import session
from fairway.model.errors import UsageError


async def exec_(
    environment: str,
    service: str,
    *command: str,
    options: Options = Common(),  # noqa: B008
) -> int:
    """Run a command in a running replica; its exit status is the command's.

    Parameters
    ----------
    environment:
        Which environment.
    service:
        The service, or the name of one replica.
    command:
        The command and its arguments; a shell where none is given. Put `--` before one that has options of its own.
    """
    async with session(options, environment, "exec", recorded=True) as here:
        here.told.detail = f"{service}: {Path(command[0]).name if command else 'sh'}"
        fleet = await here.target.engine.observe()
        found = [r for r in fleet.replicas if r.up and service in (r.revision.service, r.name)]
        if not found:
            running = ", ".join(sorted({r.revision.service for r in fleet.replicas if r.up})) or "none"
            raise UsageError(f"no replica of {service!r} is up", hint=f"services that are: {running}")
        newest = max(found, key=lambda r: (r.revision.release, -r.index))
        tty = sys.stdin.isatty() and sys.stdout.isatty()
        return await here.target.console.exec(newest, command or ("/bin/sh",), tty=tty, stdin=True)
