"""Where an environment's certificates are kept, with their keys: files that its hosts have for root alone."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from fairway.engines.common.shelf import Shelf
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.issuance import Issuances
from fairway.model.secret import Secret

FILES = ("certificates.0.json", "certificates.1.json")
"""They take turns: while one is being written, the other is whole."""


def folder(environment: Environment) -> str:
    """Of the shelf. No environment's key has a dot."""
    return f"{environment.key}.certificates"


class ShelfStore:
    """Fulfils ports.CertificateStore. Who has the lease reads them once: nobody else writes meanwhile."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._known: Issuances | None = None

    async def read(self) -> Issuances:
        if self._known is None:
            files = await self._shelf.files()
            found = [decode(files[name], self._shelf.host) for name in FILES if files.get(name)]
            self._known = max((one for one in found if one), key=lambda one: one.sequence, default=Issuances())
        return self._known

    async def write(self, issuances: Issuances) -> None:
        following = replace(issuances, sequence=(await self.read()).sequence + 1)
        await self._shelf.write({FILES[following.sequence % 2]: encode(following)})
        self._known = following


def encode(issuances: Issuances) -> bytes:
    return msgspec.json.encode(issuances, enc_hook=_text)


def decode(data: bytes, where: str) -> Issuances | None:
    """None where its writer was killed. Raises EngineError where a newer Fairway has written it."""
    try:
        return msgspec.json.decode(data, type=Issuances, dec_hook=_secret)
    except msgspec.ValidationError as error:
        raise EngineError(
            "What is kept of the certificates cannot be read",
            where=where,
            why=str(error),
            hint="was it written by a newer Fairway?",
        ) from None
    except msgspec.DecodeError:
        return None


def _text(value: Any) -> str:
    assert isinstance(value, Secret)
    return value.decode()


def _secret(kind: type, value: Any) -> Any:
    return kind(str(value).encode())
