"""fairway secrets get: the value of one secret, for whoever asks for it by name."""

from __future__ import annotations

import sys

from fairway.cli.common import Common, Options
from fairway.cli.secrets_store import Environment, opened


async def get_(
    name: str,
    *,
    number: str = "",
    environment: Environment = None,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Print the value of one secret, byte for byte; on a terminal, with a line break after it.

    Parameters
    ----------
    name:
        Its name where it is kept.
    number:
        Of this version, as `fairway secrets versions` has it; the newest where none is named.
    environment:
        Whose secret; not needed where there is one environment.
    """
    async with opened(options, environment) as here:
        value = await here.store.get(name, number)
    sys.stdout.flush()
    sys.stdout.buffer.write(value)
    if sys.stdout.isatty() and not value.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()
