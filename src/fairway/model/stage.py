"""One test stage of the path to production: what is asked of the very images just built, and what counts as a pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PassesOn = Literal["exit", "last-line"]
SUCCESS = "Result: SUCCESS!"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCheck:
    """A GET from inside the project's network. Passes on this status, and a body that has `contains` in it."""

    service: str
    port: int
    path: str = "/"
    status: int = 200
    contains: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`up` starts the whole application first. `command` None keeps the image's own. `timeout` in seconds, for the whole stage.

    `passes_on`: `exit`, by exit status 0; `last-line`, by a last line that is exactly `line`, whatever the exit status.
    """

    name: str
    service: str | None = None
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    up: bool = False
    http: HttpCheck | None = None
    passes_on: PassesOn = "exit"
    line: str = SUCCESS
    timeout: float = 600.0
