"""fairway secrets edit: all of them in an editor."""

from __future__ import annotations

import sys

from fairway.cli.common import Common, Options, show, whoami
from fairway.cli.errors import words
from fairway.cli.scratch import Scratch, scratch
from fairway.cli.secrets_store import Environment, opened
from fairway.flows.secret_text import differences, from_text, to_text
from fairway.model.errors import UsageError


async def edit_(*, environment: Environment = None, options: Options = Common()) -> None:  # noqa: B008
    """Edit all secrets in $VISUAL or $EDITOR, as YAML, in a file in memory that nobody else can read.

    Each value that changes is a new version; a name that is taken out is removed. Where somebody else has changed the
    secrets meanwhile, nothing is written.

    Parameters
    ----------
    environment:
        Whose secrets; not needed where there is one environment.
    """
    async with opened(options, environment) as here:
        before = {entry.name: await here.store.get(entry.name) for entry in await here.store.names()}
        with scratch("secrets.yaml", to_text(before, here.store.where)) as file:
            changes = differences(before, _edited(file))
            if changes:
                numbers = {name: before[name].number if name in before else "" for name in changes}
                await here.store.change(changes, whoami(), numbers)
    for name, value in sorted(changes.items()):
        show(f"{name}: {'removed' if value is None else 'changed' if name in before else 'new'}")
    show("the next deployment brings it" if changes else "nothing has changed")


def _edited(file: Scratch) -> dict[str, bytes]:
    """What somebody has made of it; on a terminal, they get another go at what cannot be read."""
    while True:
        file.edit()
        try:
            return from_text(file.text)
        except UsageError as error:
            if not sys.stdin.isatty():
                raise
            sys.stderr.write(f"{words(error)}\nEnter: edit it again; Ctrl-C: give up ")
            sys.stdin.readline()
