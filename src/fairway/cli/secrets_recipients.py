"""fairway secrets recipients: who can read the age file."""

from __future__ import annotations

from fairway import wiring
from fairway.cli.common import Common, Json, Options, show, show_json, table, warn, whoami
from fairway.cli.common import environment as chosen
from fairway.cli.secrets_store import Environment
from fairway.ports.secrets import Readers
from fairway.wiring.secrets import age, recipients_in


async def recipients(*, environment: Environment = None, json: Json = False, options: Options = Common()) -> None:  # noqa: B008
    """List who can read the age file.

    Parameters
    ----------
    environment:
        Whose file; not needed where there is one environment.
    json:
        Print JSON.
    """
    found = await _file(options, environment).recipients()
    if json:
        show_json(found)
    else:
        show(table(("NAME", "KEY"), [(one.name or "-", one.key) for one in found]))


async def add(key: str, *, name: str = "", environment: Environment = None, options: Options = Common()) -> None:  # noqa: B008
    """Let somebody read the secrets, all versions that are in the file.

    Parameters
    ----------
    key:
        Their public key: age1…, "ssh-ed25519 …", "ssh-rsa …", or a file with such keys.
    name:
        Whose it is; without it, what stands after a public SSH key.
    environment:
        Whose file; not needed where there is one environment.
    """
    file = _file(options, environment)
    more = recipients_in(key, name)
    await file.admit(more)
    show(f"{', '.join(one.name or one.key for one in more)} can read {file.where}")


async def remove(key: str, *, environment: Environment = None, options: Options = Common()) -> None:  # noqa: B008
    """Let somebody read nothing that is written from now on.

    Parameters
    ----------
    key:
        Their public key, or their name.
    environment:
        Whose file; not needed where there is one environment.
    """
    file = _file(options, environment)
    await file.dismiss(key)
    show(f"{key} cannot read {file.where} as it is now")
    warn(
        "whoever was removed still knows the values, and every earlier commit of the file opens with that key: rotate them"
    )


def _file(options: Common, environment: str | None) -> Readers:
    project = wiring.project(options.directory)
    return age(project, chosen(project.settings, environment), tell=warn, me=whoami())
