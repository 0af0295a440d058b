"""fairway run: a one-off container with the release's configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from fairway.cli.arguments import Parameter
from fairway.cli.common import Common, Options
from fairway.cli.session import session
from fairway.model.errors import UsageError
from fairway.model.release import promoted


async def run(
    environment: str,
    service: str,
    *command: str,
    env: Annotated[tuple[str, ...], Parameter(("--env", "-e"))] = (),
    options: Options = Common(),  # noqa: B008
) -> int:
    """Run a one-off container of a service: the image, configuration, secrets and networks of the release that serves.

    Parameters
    ----------
    environment:
        Which environment.
    service:
        The service.
    command:
        The command and its arguments; the service's own where none is given.
    env:
        NAME=VALUE, besides the release's environment.
    """
    async with session(options, environment, "run", recorded=True) as here:
        here.told.detail = f"{service}: {Path(command[0]).name if command else 'its own command'}"
        release = promoted(await here.target.ledger.read())
        if release is None:
            raise UsageError(f"nothing has been deployed to {environment}", hint=f"`fairway ship {environment}` first")
        if service not in release.app.services:
            raise UsageError(f"there is no service {service!r}", hint=f"there are: {', '.join(release.app.services)}")
        extra = dict(pair.partition("=")[::2] for pair in env)
        tty = sys.stdin.isatty() and sys.stdout.isatty()
        secrets = await here.connection.secrets_of(release)
        return await here.target.console.run(release, service, command, secrets, environment=extra, tty=tty)
