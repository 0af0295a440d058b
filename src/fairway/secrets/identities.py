"""The keys of whoever works here, that open age files: Fairway's own, or SSH's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from fairway.model.errors import SecretError
from fairway.secrets import atomic

VARIABLE = "FAIRWAY_AGE_KEY_FILE"
SECRET_KEY = "AGE-SECRET-KEY-1"  # noqa: S105


class Identity(Struct, frozen=True):
    """`key` is pyrage's; `file` is where it is."""

    file: str
    key: Any


class Keys(Struct, frozen=True):
    """`faults`: why a key that is there cannot be used, by its file."""

    identities: tuple[Identity, ...]
    faults: Mapping[str, str]
    looked: tuple[str, ...]


def files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where keys are looked for, the first one first."""
    if named := environ.get(VARIABLE):
        return (Path(named).expanduser(),)
    home = Path(environ.get("HOME") or Path.home())
    ssh = home / ".ssh"
    return own(environ), ssh / "id_ed25519", ssh / "id_rsa"


def own(environ: Mapping[str, str]) -> Path:
    """Where Fairway's own key is, or would be."""
    home = Path(environ.get("HOME") or Path.home())
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "fairway" / "age.key"


def keys(environ: Mapping[str, str]) -> Keys:
    """All that there are. Raises SecretError where the one that is named is not there."""
    looked = files(environ)
    found: list[Identity] = []
    faults: dict[str, str] = {}
    for file in looked:
        try:
            found += [Identity(str(file), key) for key in _read(file)]
        except FileNotFoundError:
            if environ.get(VARIABLE):
                raise SecretError(f"there is no file {file}", why=f"{VARIABLE} names it") from None
        except (OSError, ValueError) as error:
            faults[str(file)] = getattr(error, "strerror", None) or str(error)
    return Keys(tuple(found), faults, tuple(map(str, looked)))


def _read(file: Path) -> Iterator[Any]:
    """Raises OSError, FileNotFoundError, ValueError with what is wrong with it."""
    import pyrage

    data = file.read_bytes()
    if data.startswith(b"-----BEGIN") and b"PRIVATE KEY" in data.partition(b"\n")[0]:
        try:
            yield pyrage.ssh.Identity.from_buffer(data)
        except pyrage.IdentityError as error:
            locked = "decrypted" in str(error)
            raise ValueError("it has a passphrase, and Fairway asks for none" if locked else str(error)) from None
        return
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    if not wanted or not all(line.startswith(SECRET_KEY) for line in wanted):
        raise ValueError("it is neither an age key nor a private SSH key")
    for line in wanted:
        try:
            yield pyrage.x25519.Identity.from_str(line)
        except pyrage.IdentityError:
            raise ValueError("it holds a broken age key") from None  # without its cause: it may quote the key


def public(identity: Identity) -> str:
    """What a file is encrypted for, so that this key opens it. Raises SecretError."""
    if hasattr(identity.key, "to_public"):
        return str(identity.key.to_public())
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    try:
        key = load_ssh_private_key(Path(identity.file).read_bytes(), None)
    except (OSError, ValueError) as error:
        raise SecretError(f"{identity.file} cannot be read", why=str(error)) from None
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def generate(environ: Mapping[str, str]) -> Identity:
    """A key of Fairway's own, where there is none yet, as age-keygen writes it. Raises OSError."""
    import pyrage

    file, key = own(environ), pyrage.x25519.Identity.generate()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = f"# public key: {key.to_public()}\n{key}\n"
    with atomic.locked(file.parent):
        if file.exists():
            raise SecretError(f"{file} is there already")
        atomic.write(file, text.encode(), 0o600)
    return Identity(str(file), key)
