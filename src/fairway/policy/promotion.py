"""Whether an image has proven itself in another environment, by that one's ledger. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.build import ImageRef
from fairway.model.release import Record
from fairway.policy.facts import Facts, ImageFacts, moment
from fairway.policy.rules import Rules

FAILED = ("rolled back", "failed", "partial", "held")
"""Outcomes that speak against what was released; that its deployer was interrupted does not."""


def unpromoted(rules: Rules, facts: Facts, image: ImageFacts) -> Iterator[tuple[str, str]]:
    if rules.promoted_from is None:
        return
    origin = rules.promoted_from.environment
    since = serves_since(facts.origin, image.service, image.image)
    if since is None:
        yield (
            f"it does not serve in {origin}, and only what does may go further",
            f"`fairway ship {origin}` first; `fairway promote {origin} {facts.environment}` takes what serves there",
        )
    elif (left := rules.promoted_from.seconds - (facts.now - since)) > 0:
        asked = rules.promoted_from.seconds
        yield (
            f"it has served in {origin} for {_time(asked - left)} without an abort, and has to for {_time(asked)}",
            f"wait for {_time(left)}",
        )


def serves_since(records: tuple[Record, ...], service: str, image: ImageRef) -> float | None:
    """Since when the image serves there without a break and without an abort, in seconds since the epoch; None where it does not.

    A release that has these images and failed begins the time anew, whatever made it fail.
    """
    since: float | None = None
    for record in sorted(records, key=lambda record: record.release.number):
        there = record.release.images.get(service)
        same = there is not None and same_content(there, image)
        if record.outcome == "promoted" and not same:
            since = None
        elif same and record.outcome == "promoted":
            since = moment(record.finished) if since is None else since
        elif same and record.outcome in FAILED and since is not None:
            since = max(since, moment(record.finished) or 0.0)
    return since


def same_content(one: ImageRef, other: ImageRef) -> bool:
    """By digest, by ID, or by what is in it, without the labels that name its commit."""
    pairs = ((one.digest, other.digest), (one.id, other.id), (one.fingerprint, other.fingerprint))
    return any(mine and mine == theirs for mine, theirs in pairs)


def _time(seconds: float) -> str:
    minutes = max(0.0, seconds) / 60
    return f"{minutes:.0f} min" if minutes >= 2 else f"{max(0.0, seconds):.0f} s"
