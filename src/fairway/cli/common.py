"""What every command shares: its options, the project it works on, and how it prints."""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

from msgspec import Struct

from fairway.cli.arguments import Parameter
from fairway.model.errors import UsageError
from fairway.settings import Settings

UNKNOWN = "?"


class Common(Struct, frozen=True, kw_only=True):
    """Options of every command.

    Parameters
    ----------
    directory:
        Work as if started there.
    without:
        A host that is known to be dead: it is not counted among those of which most have to answer. See docs/fleet.md.
    debug:
        Show a traceback where something fails.
    """

    directory: Annotated[Path, Parameter(("--directory", "-C"))] = Path()
    without: tuple[str, ...] = ()
    debug: bool = False


Options = Common
Json = bool
Flag = bool
Override = str
Wait = str


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
    return f"{user}@{os.uname().nodename}"


def show(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def warn(text: str) -> None:
    """For people, beside what is shown."""
    sys.stderr.write(f"warning: {text}\n")


def show_json(value: Any) -> None:
    import msgspec

    plain = msgspec.to_builtins(value, str_keys=True)
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")


def size(count: int | None) -> str:
    """Bytes, in the largest unit of which there is a whole one."""
    if count is None:
        return UNKNOWN
    for unit, least in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return str(count)


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
