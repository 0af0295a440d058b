"""One test stage of the path to production: what is asked of the very images just built, and what counts as a pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

PassesOn = Literal["exit", "last-line"]
SUCCESS = "Result: SUCCESS!"


class HttpCheck(Struct, frozen=True, kw_only=True):
    """A GET from inside the project's network. Passes on this status, and a body that has `contains` in it."""

    service: str
    port: int
    path: str = "/"
    status: int = 200
    contains: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Stage(Struct, frozen=True, kw_only=True):
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
