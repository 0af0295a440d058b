"""What the audit trail is told of a command."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from fairway.cli.trail import Told, write
from fairway.model.audit import Entry, Line, Sealed
from fairway.model.errors import (
    EngineError,
    FairwayError,
    Locked,
    Partial,
    PolicyRefused,
    Problem,
    ReleaseFailed,
    RolledBack,
    UsageError,
)

pytestmark = pytest.mark.anyio


class Trail:
    def __init__(self, error: FairwayError | None = None) -> None:
        self.entries: list[Entry] = []
        self.error = error

    async def append(self, entry: Entry) -> Line:
        if self.error:
            raise self.error
        self.entries.append(entry)
        return Line(number=1, previous="", at="", entry=entry)

    async def head(self) -> str:
        return ""

    async def read(self) -> tuple[Mapping[str, bytes], tuple[Sealed, ...]]:
        return {}, ()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (PolicyRefused("no", [Problem("unsigned", "web", ("require", "signed_by"))]), "refused"),
        (Locked("held"), "locked"),
        (RolledBack("back"), "rolled back"),
        (ReleaseFailed("failed"), "failed"),
        (Partial("half"), "partial"),
        (asyncio.CancelledError(), "interrupted"),
        (ZeroDivisionError("a defect"), "failed"),
    ],
)
async def test_what_became_of_it(error: BaseException | None, outcome: str) -> None:
    trail = Trail()
    await write(trail, "fairway deploy", Told(release=3), error)
    [entry] = trail.entries
    assert (entry.outcome, entry.release, entry.command) == (outcome, 3, "fairway deploy")
    assert entry.who and entry.machine
    assert "a defect" not in entry.detail, "nobody knows what is in such words"


async def test_a_refusal_tells_its_rules_and_a_failure_its_cause() -> None:
    trail = Trail()
    await write(trail, "x", Told(), PolicyRefused("no", [Problem("unsigned", "web", ("require", "signed_by"))]))
    failed = RolledBack("release 2 failed")
    failed.__cause__ = FairwayError("web never became ready")
    await write(trail, "x", Told(detail="web-1"), failed)
    assert [entry.detail for entry in trail.entries] == [
        "no; require.signed_by: unsigned",
        "web-1: release 2 failed; web never became ready",
    ]


async def test_what_changed_nothing_has_no_line() -> None:
    trail = Trail()
    await write(trail, "fairway deploy", Told(changed=False), None)
    await write(trail, "fairway deploy", Told(), UsageError("which environment?"))
    assert not trail.entries


async def test_that_it_cannot_be_written_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    await write(Trail(EngineError("the disk is full")), "fairway deploy", Told(), None)
    assert "warning: the audit trail has no line of this: the disk is full" in capsys.readouterr().err
