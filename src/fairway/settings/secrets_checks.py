"""What `secrets:` cannot say: keys that do not go with the store, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import Path
from fairway.model.errors import Problem
from fairway.settings.model import Settings
from fairway.settings.secrets_model import NEEDED, SecretsSettings, VaultAuth, merged, misplaced


def kept_secrets(settings: Settings) -> Iterator[Problem]:
    said: list[tuple[Path, SecretsSettings, str | None]] = [(("secrets",), settings.secrets, settings.secrets.store)]
    for name, environment in settings.environments.items():
        if environment.secrets != SecretsSettings():
            store = merged(settings.secrets, environment.secrets).store
            said.append((("environments", name, "secrets"), environment.secrets, store))
    for path, here, store in said:
        yield from _store(settings, path, here, store or "age")
        if here.auth:
            yield from _auth(settings, (*path, "auth"), here.auth)


def _store(settings: Settings, path: Path, said: SecretsSettings, store: str) -> Iterator[Problem]:
    for key, other in misplaced(said, store):
        yield _problem(settings, (*path, key), f"`{key}` goes with `store: {other}`, and this is {store}")
    needed = NEEDED.get(said.store or "")
    if needed and (*path, needed) not in settings.locations:
        yield _problem(settings, path, f"`store: {said.store}` needs `{needed}`")
    for key in ("file", "prefix", "directory"):
        if "{name}" in (getattr(said, key) or ""):
            hint = "{environment} and {app} do"
            yield _problem(settings, (*path, key), f"`{{name}}` means nothing in `{key}`", hint)
    if said.command and not any("{name}" in word for word in said.command):
        hint = "write {name} where the name of the secret goes"
        yield _problem(settings, (*path, "command"), "all secrets would be the same", hint)
    if said.path and "{name}" not in said.path and said.field and "{name}" not in said.field:
        hint = "write {name} in `path`, or leave `field` out: then each field of the path is a secret"
        yield _problem(settings, (*path, "field"), "all secrets would be the same", hint)


def _auth(settings: Settings, path: Path, auth: VaultAuth) -> Iterator[Problem]:
    if auth.token_file and (auth.role_id or auth.secret_id_file):
        yield _problem(settings, path, "there is a token or an AppRole, not both")
    elif bool(auth.role_id) != bool(auth.secret_id_file):
        yield _problem(settings, path, "AppRole needs `role_id` and `secret_id_file`")
    elif auth.wrapped and not (auth.token_file or auth.secret_id_file):
        hint = "name the file that it is in: `token_file` or `secret_id_file`"
        yield _problem(settings, (*path, "wrapped"), "what is wrapped comes from a file", hint)


def _problem(settings: Settings, path: Path, what: str, hint: str = "") -> Problem:
    return Problem(what, settings.where(*path), path, hint)
