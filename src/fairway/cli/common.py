"""What every command shares: its options, the project it works on, and how it prints."""

from __future__ import annotations

import getpass
import json
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fairway.model.errors import UsageError
from fairway.settings import Settings


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Common:
    directory: Annotated[Path, Parameter(name=["--directory", "-C"])] = Path()
    """Work as if started there."""
    debug: Annotated[bool, Parameter(negative="")] = False
    """Show a traceback where something fails."""


Options = Annotated[Common, Parameter(name="*")]
Json = Annotated[bool, Parameter(name="--json", negative="")]
Flag = Annotated[bool, Parameter(negative="")]
Wait = Annotated[str, Parameter(name="--wait")]


def environment(settings: Settings, named: str | None) -> str:
    """The environment that is meant: the named one, or the only one there is."""
    known = ", ".join(settings.environments)
    if named is None:
        if len(settings.environments) == 1:
            return next(iter(settings.environments))
        raise UsageError("which environment?", hint=f"name one of: {known}")
    if named not in settings.environments:
        raise UsageError(f"there is no environment {named!r} in {settings.file}", hint=f"there are: {known}")
    return named


def whoami() -> str:
    """user@machine, as the ledger and the lease name whoever acts."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def show(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def warn(text: str) -> None:
    """For people, beside what is shown."""
    sys.stderr.write(f"warning: {text}\n")


def show_json(value: Any) -> None:
    import msgspec

    plain = msgspec.to_builtins(value, str_keys=True)
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Columns as wide as what stands in them."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def seconds(text: str) -> float:
    """A duration such as 90s, 5m or 1h30m; a bare number is seconds."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    total, number = 0.0, ""
    for char in text.strip():
        if char.isdigit() or char == ".":
            number += char
        elif char in units and number:
            total += float(number) * units[char]
            number = ""
        else:
            raise UsageError(f"{text!r} is no duration", hint="write 90s, 5m or 1h30m")
    return total + (float(number) if number else 0.0)
