"""Certificates for the gateways of a fleet, by an authority that its hosts keep, and the exchange of that authority."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from fairway.engines.common.shelf import Shelf
from fairway.model.errors import EngineError, Partial
from fairway.model.peers import Identity
from fairway.model.secret import Secret

if TYPE_CHECKING:
    from fairway.net.authority import Authority

AUTHORITY = "fairway-authority"
"""The folder of a host, for all environments on it: there is one gateway."""
FIRST = "authority.pem"
"""The one that was made first."""
FILES = ("authorities.0.json", "authorities.1.json")
"""Where it has been exchanged. They take turns: while one is being written, the other is whole."""
SETTLED = 1.0
"""Seconds after which a gateway that has confirmed a certificate uses it in all of its threads."""

ALONE, INTRODUCED, ISSUING, LEAVING = range(4)
WORDS = {
    INTRODUCED: "all gateways trust the new authority, too",
    ISSUING: "all have certificates of the new one",
    LEAVING: "none trusts the old one any more",
}


class _Kept(Struct, frozen=True, kw_only=True):
    """Authorities as texts, key and all. INTRODUCED: `other` is the next one, to be trusted besides; ISSUING: it is the one before,
    still to be trusted; LEAVING: nobody is to trust it any more."""

    issuing: Secret
    other: Secret | None = None
    step: int = ALONE
    sequence: int = 0


async def identities(shelf: Shelf, shown: Mapping[str, str]) -> Mapping[str, Identity]:
    """Those of the hosts that need another one. `shown` is what each gateway has now (PEM), or nothing."""
    from fairway.net.authority import renewals

    kept = await _read(shelf)
    due = renewals(_authority(kept.issuing, shelf.host), shown, datetime.now(UTC))
    return _issued(kept, due, shelf.host)


class Exchange:
    """Fulfils ports.Exchange. `hosts` are all that there are; `show` brings identities to gateways, and returns at which hosts they are
    live; `strangers` are hosts of other environments that speak with these gateways."""

    def __init__(
        self,
        shelf: Shelf,
        hosts: Callable[[], Collection[str]],
        show: Callable[[Mapping[str, Identity]], Awaitable[Collection[str]]],
        strangers: Callable[[], Awaitable[Collection[str]]],
    ) -> None:
        self._shelf = shelf
        self._hosts = hosts
        self._show = show
        self.strangers = strangers

    async def begin(self) -> bool:
        """Another authority is made, unless an exchange has been begun; whether one had."""
        from fairway.net.authority import Authority

        kept = await _read(self._shelf)
        if kept.step != ALONE:
            return True
        await self._write(kept, _Kept(issuing=kept.issuing, other=Authority.create().whole, step=INTRODUCED))
        return False

    async def advance(self) -> str:
        """All gateways are brought to where the exchange is: that in words; nothing where none is under way any more.

        Whichever of them have taken a step already, every one can speak with every other one. Raises Partial.
        """
        kept = await _read(self._shelf)
        if kept.step == ALONE:
            return ""
        wanted = _issued(kept, self._hosts(), self._shelf.host)
        if missing := sorted(set(wanted) - set(await self._show(wanted))):
            raise Partial(
                f"the exchange stops where it is: {' and '.join(missing)} {'does' if len(missing) == 1 else 'do'} not answer",
                hint="run it again once every host answers: it goes on from there",
            )
        await asyncio.sleep(SETTLED)
        following = {
            INTRODUCED: _Kept(issuing=kept.other or kept.issuing, other=kept.issuing, step=ISSUING),
            ISSUING: _Kept(issuing=kept.issuing, step=LEAVING),
            LEAVING: _Kept(issuing=kept.issuing),
        }
        await self._write(kept, following[kept.step])
        return WORDS[kept.step]

    async def _write(self, before: _Kept, following: _Kept) -> None:
        kept = replace(following, sequence=before.sequence + 1)
        text = msgspec.json.encode(kept, enc_hook=_text)
        await self._shelf.write({FILES[kept.sequence % 2]: text})


def _issued(kept: _Kept, hosts: Iterable[str], where: str) -> dict[str, Identity]:
    authority = _authority(kept.issuing, where)
    trusting = [_authority(kept.other, where)] if kept.other else []
    return {host: authority.issue(host, trusting=trusting) for host in hosts}


async def _read(shelf: Shelf) -> _Kept:
    """The one that the hosts have; made where they have none. Of two that were made at once all take the same."""
    from fairway.net.authority import Authority

    files = await shelf.files()
    found = [one for name in FILES if (one := _decoded(files.get(name, b"")))]
    if found:
        return max(found, key=lambda one: one.sequence)
    if FIRST not in files:
        await shelf.write({FIRST: bytes(Authority.create().whole)})
        files = await shelf.files()
    return _Kept(issuing=Secret(files[FIRST]))


def _authority(text: Secret, where: str) -> Authority:
    from fairway.net.authority import Authority

    try:
        return Authority.read(bytes(text))
    except ValueError as error:
        raise EngineError(
            "The authority of the gateways cannot be read",
            where=where,
            why=str(error),
            hint="remove it from the volume fairway-ledger: another one is made",
        ) from None


def _decoded(data: bytes) -> _Kept | None:
    """None where its writer was killed."""
    try:
        return msgspec.json.decode(data, type=_Kept, dec_hook=lambda kind, value: kind(str(value).encode()))
    except msgspec.DecodeError:
        return None


def _text(value: object) -> str:
    assert isinstance(value, Secret)
    return value.decode()
