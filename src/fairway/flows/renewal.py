"""When a certificate is to be had, and what becomes of what is kept when it was had, or was not. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import TypeVar

from msgspec.structs import replace

from fairway.model.errors import CertificateError
from fairway.model.issuance import Failure, Issuances, Issued, Names, Order, Window

T = TypeVar("T", Order, Failure)

LEFT = 1 / 3
"""Of its lifetime: with less left it is renewed, where nobody says anything else."""
FIRST_PAUSE, LONGEST_PAUSE = 600.0, 12 * 3600.0
"""Seconds until it is tried again after a failure; each time in a row twice as many. Let's Encrypt bears five failures an hour."""
UNFINISHED = ("slow", "silent", "rateLimited", "serverInternal")
"""Kinds of failures after which somebody may go on with the order."""


def turn(issued: Issued, before: float | None) -> float:
    """When it is to be renewed. Never in the first half of its life, unless the authority wants it so."""
    life = issued.ends - issued.begins
    own = max(issued.ends - (life * LEFT if before is None else before), issued.begins + life / 2)
    window = issued.window
    if window is None or window.end <= 0:
        return own
    suggested = window.start + _chance(issued) * (window.end - window.start)
    return suggested if before is None else min(own, suggested)


def _chance(issued: Issued) -> float:
    """From 0 to 1, the same each time one looks: so that not all certificates of the world are renewed at once."""
    return int.from_bytes(hashlib.sha256(issued.chain.encode()).digest()[:4]) / 2**32


def asked_again(issued: Issued, now: float) -> bool:
    """Whether the authority is to be asked when it wants it to be renewed."""
    return issued.ends > now and (issued.window is None or now >= issued.window.again)


def due(
    kept: Issuances,
    directory: str,
    now: float,
    *,
    before: float | None = None,
    missing: bool = False,
    eager: bool = False,
    forced: Collection[Names] = (),
) -> tuple[Names, ...]:
    """Of what is wanted, what the authority is to be asked for. `missing`: only what there is nothing for that still counts;
    `eager`: that, too, which has failed a moment ago; `forced`: those whether due or not.

    What the authority does not want to be asked for yet is never in it.
    """
    found = []
    for names in kept.wanted:
        have, failure = kept.of(directory, names), kept.failure(directory, names)
        lacks = have is None or have.ends <= now
        asked = names in forced or lacks or not (missing or have is None or now < turn(have, before))
        rests = failure is not None and now < failure.until and (failure.told or not (eager or names in forced))
        if asked and not rests:
            found.append(names)
    return tuple(found)


def failed(kept: Issuances, directory: str, names: Names, error: CertificateError, now: float) -> Issuances:
    before = kept.failure(directory, names)
    count = before.count + 1 if before else 1
    pause = error.wait or min(FIRST_PAUSE * 2 ** (count - 1), LONGEST_PAUSE)
    failure = Failure(
        directory=directory,
        names=names,
        at=now,
        count=count,
        what=error.what,
        why=error.why,
        hint=error.hint,
        until=now + pause,
        told=error.wait > 0 and error.kind != "slow",
    )
    orders = kept.orders if error.kind in UNFINISHED else _without(kept.orders, directory, names)
    return replace(kept, failures=(*_without(kept.failures, directory, names), failure), orders=orders)


def had(kept: Issuances, issued: Issued, now: float) -> Issuances:
    """What nobody needs any more is forgotten: what has ended, and what the new one stands for."""
    left = [one for one in kept.issued if one.ends > now and not _stands_for(issued, one)]
    return replace(
        kept,
        issued=(*left, issued),
        orders=_without(kept.orders, issued.directory, issued.names),
        failures=_without(kept.failures, issued.directory, issued.names),
    )


def ordered(kept: Issuances, orders: Iterable[Order]) -> Issuances:
    for order in orders:
        kept = replace(kept, orders=(*_without(kept.orders, order.directory, order.names), order))
    return kept


def windowed(kept: Issuances, issued: Issued, window: Window) -> Issuances:
    return replace(kept, issued=tuple(replace(one, window=window) if one == issued else one for one in kept.issued))


def _stands_for(new: Issued, old: Issued) -> bool:
    return new.directory == old.directory and set(old.names) <= set(new.names)


def _without(found: tuple[T, ...], directory: str, names: Names) -> tuple[T, ...]:
    return tuple(one for one in found if (one.directory, one.names) != (directory, names))
