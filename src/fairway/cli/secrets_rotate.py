"""fairway secrets rotate: a new random value."""

from __future__ import annotations

from typing import Annotated, Literal

from fairway.cli.arguments import Parameter
from fairway.cli.common import Common, Options
from fairway.cli.secrets_store import Environment, opened
from fairway.flows.secrets import random_value
from fairway.model.errors import UsageError
from fairway.wiring.secrets import printed

LONGEST = 4096


async def rotate_(
    name: str,
    *,
    length: int = 32,
    form: Annotated[Literal["hex", "base64", "base64url", "letters"], Parameter(("--format",))] = "base64url",
    command: str | None = None,
    environment: Environment = None,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Give a secret a new random value, which nobody sees; or one that a command prints. The next deployment brings it.

    Parameters
    ----------
    name:
        Its name where it is kept. One that is not there is made.
    length:
        How many random bytes; with `--format letters`, how many letters and digits.
    form:
        How they are written: hex, base64, base64url (without =), letters (and digits).
    command:
        Run this instead, split into words as a shell would: what it prints, without its last line break, is the value.
    environment:
        Whose secret; not needed where there is one environment.
    """
    if not 8 <= length <= LONGEST:
        raise UsageError(f"--length {length} makes no good secret", hint=f"from 8 to {LONGEST}")
    async with opened(options, environment) as here:
        value = await printed(here.project, command, name) if command else random_value(length, form)
        await here.give(name, value)
