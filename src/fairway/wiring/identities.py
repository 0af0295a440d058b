"""Certificates for the gateways of a fleet, by an authority that its hosts keep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fairway.engines.docker.shelf import Shelf
from fairway.model.errors import EngineError
from fairway.model.peers import Identity

if TYPE_CHECKING:
    from fairway.net.authority import Authority

AUTHORITY = "fairway-authority"
"""The folder of a host, for all environments on it: there is one gateway."""
FILE = "authority.pem"


async def identities(shelf: Shelf, shown: Mapping[str, str]) -> Mapping[str, Identity]:
    """Those of the hosts that need another one. `shown` is what each gateway has now (PEM), or nothing."""
    from fairway.net.authority import renewals

    authority = await _authority(shelf)
    due = renewals(authority, shown, datetime.now(UTC))
    return {host: authority.issue(host) for host in due}


async def _authority(shelf: Shelf) -> Authority:
    """The one that the hosts have; made where they have none. Of two that were made at once all take the same."""
    from fairway.net.authority import Authority

    files = await shelf.files()
    if FILE not in files:
        await shelf.write({FILE: bytes(Authority.create().whole)})
        files = await shelf.files()
    try:
        return Authority.read(files[FILE])
    except ValueError as error:
        raise EngineError(
            "The authority of the gateways cannot be read",
            where=shelf.host,
            why=str(error),
            hint="remove it from the volume fairway-ledger: another one is made",
        ) from None
