"""fairway secrets set, remove: a secret's value changes, or it goes."""

from __future__ import annotations

from pathlib import Path

from fairway.cli.common import Common, Options, show, whoami
from fairway.cli.secrets_store import Environment, given, opened
from fairway.model.errors import UsageError


async def set_(
    name: str,
    *,
    file: Path | None = None,
    environment: Environment = None,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Give a secret a new value: from standard input, or asked for without an echo. Its earlier versions stay for rollbacks.

    Parameters
    ----------
    name:
        Its name where it is kept.
    file:
        Take the bytes of this file.
    environment:
        Whose secret; not needed where there is one environment.
    """
    async with opened(options, environment) as here:
        await here.give(name, given(name, file))


async def remove_(
    name: str,
    *,
    environment: Environment = None,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Remove a secret. Its versions stay where they are counted, until `fairway secrets prune`: a rollback may need them.

    Parameters
    ----------
    name:
        Its name where it is kept.
    environment:
        Whose secret; not needed where there is one environment.
    """
    async with opened(options, environment) as here:
        if name not in {entry.name for entry in await here.store.names()}:
            raise UsageError(f"there is no secret {name} in {here.store.where}", hint="`fairway secrets` lists them")
        await here.store.change({name: None}, whoami())
        show(f"{name} is no longer in {here.store.where}")
