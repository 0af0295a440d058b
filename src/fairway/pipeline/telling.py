"""How the stories of this room tell what they do."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from fairway.model.events import Emit, Event, Output, TaskEnded, TaskStarted
from fairway.model.secret import redact


@contextlib.contextmanager
def task(emit: Emit, key: str, title: str) -> Iterator[None]:
    """A TaskStarted now, and a TaskEnded whatever happens."""
    emit(TaskStarted(key, title))
    start = time.monotonic()
    ok = False
    try:
        yield
        ok = True
    finally:
        emit(TaskEnded(key, ok, time.monotonic() - start))


def discreet(emit: Emit, secrets: Mapping[str, bytes]) -> Emit:
    """`emit`, but for secrets in what other programs print."""

    def pass_on(event: Event) -> None:
        emit(replace(event, line=redact(event.line, secrets.values())) if isinstance(event, Output) else event)

    return pass_on if secrets else emit


def now() -> str:
    """ISO 8601, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
