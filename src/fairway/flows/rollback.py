"""Which release to go back to."""

from __future__ import annotations

from fairway.model.errors import UsageError
from fairway.model.release import Record, Release, promoted, under_way

SERVED = ("promoted",)
"""Outcomes of releases that have served users whole."""


def choose(records: tuple[Record, ...], number: int | None) -> Release:
    """Release `number`, or where none is named the last one that served before the one that serves now.

    While another is under way, that is the one that was promoted last.
    """
    served = [record.release for record in records if record.outcome in SERVED]
    current = promoted(records)
    if current is None:
        raise UsageError(
            "there is nothing to roll back: no release has been deployed", hint="`fairway releases` lists them"
        )
    if number is not None:
        found = next((release for release in served if release.number == number), None)
        if found is None:
            known = ", ".join(str(release.number) for release in served)
            raise UsageError(f"release {number} never served here", hint=f"these did: {known}")
        return found
    if under_way(records):
        return current
    earlier = [release for release in served if release.number < current.number and release.digest != current.digest]
    if not earlier:
        raise UsageError(
            f"release {current.number} is the first that served: there is none before it",
            hint="`fairway down` removes the application",
        )
    return max(earlier, key=lambda release: release.number)
