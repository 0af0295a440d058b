"""Settings of where secrets are kept: `secrets:` at the top, and in an environment. None means that the file does not say."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from fairway.settings.types import Command, Storage, StoreName, Url


class VaultAuth(Struct, frozen=True, kw_only=True):
    """With `role_id`, AppRole; else a token. Files are read when the store is opened."""

    token_file: str | None = None
    role_id: str | None = None
    secret_id_file: str | None = None
    mount: str = "approle"
    wrapped: bool = False


class SecretsSettings(Struct, frozen=True, kw_only=True):
    """`{environment}` and `{app}` in `file`, `prefix`, `directory`, `command` and `path` stand for their names."""

    store: StoreName | None = None
    file: str | None = None
    prefix: str | None = None
    directory: str | None = None
    command: Command | None = None
    address: Url | None = None
    mount: str | None = None
    path: str | None = None
    field: str | None = None
    namespace: str | None = None
    ca: str | None = None
    auth: VaultAuth | None = None
    storage: Storage | None = None


class SecretsOnHost(Struct, frozen=True, kw_only=True):
    """What a service says of its secrets."""

    storage: Storage | None = None


DEFAULT = "age"
OF_STORE: dict[str, tuple[str, ...]] = {
    "age": ("file",),
    "environment": ("prefix",),
    "files": ("directory",),
    "command": ("command",),
    "vault": ("address", "mount", "path", "field", "namespace", "ca", "auth"),
}
"""The keys that mean something with each store."""
NEEDED = {"files": "directory", "command": "command", "vault": "path"}


def merged(whole: SecretsSettings, here: SecretsSettings) -> SecretsSettings:
    """What an environment says over what the whole file says. Another store is another store: then only `storage` stays."""
    base = SecretsSettings(storage=whole.storage) if here.store else whole
    said = {name: getattr(here, name) for name in SecretsSettings.__struct_fields__}
    made = replace(base, **{name: value for name, value in said.items() if value is not None})
    return made if made.store else replace(made, store=DEFAULT)


def misplaced(said: SecretsSettings, store: str) -> Iterator[tuple[str, str]]:
    """The keys that mean nothing with this store, and the store that they are for."""
    for other, keys in OF_STORE.items():
        yield from ((key, other) for key in keys if other != store and getattr(said, key) is not None)
