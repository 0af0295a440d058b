"""What libyaml found wrong, in words for whoever wrote the file."""

from __future__ import annotations

import yaml
from msgspec import Struct

from fairway.compose.problems import Problems
from fairway.model.app import Location


class _Fault(Struct, frozen=True):
    """`problem` and `context` are parts of libyaml's words. `at_start`: it is told where what is broken begins."""

    problem: str
    what: str
    hint: str = ""
    context: str = ""
    at_start: bool = False


_TAB = ("a tab in the indentation", "indent with spaces")
_FAULTS = (
    _Fault("unexpected end of stream", "the quote is never closed", context="quoted scalar", at_start=True),
    _Fault("a tab character where an indentation", *_TAB),
    _Fault("mapping values are not allowed", "no `:` is expected here", "put a value that holds `: ` in quotes"),
    _Fault("expected ',' or", "the bracket is not closed, or a comma is missing", context="flow", at_start=True),
    _Fault("expected key", "this does not fit what is above it", "look at the indentation, and at the quotes"),
    _Fault("expected '-' indicator", "this does not fit the list above it", "look at the indentation"),
    _Fault("could not find expected ':'", "a name without `:`", "write `name: value`, or `- value`", at_start=True),
)


def tell(error: yaml.MarkedYAMLError, text: str, file: str, problems: Problems) -> None:
    """Adds the fault, and where it is, to `problems`."""
    problem, context = str(error.problem), str(error.context or "")
    fault = next((one for one in _FAULTS if one.problem in problem and one.context in context), None)
    mark = (error.context_mark if fault and fault.at_start else None) or error.problem_mark or error.context_mark
    at = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
    if fault:
        what, hint = fault.what, fault.hint
    elif "cannot start any token" in problem and mark:
        what, hint = _beginning(text, mark.line, mark.column)
    else:
        what, hint = problem, ""
    problems.add(f"not valid YAML: {what}", at, hint=hint)


def _beginning(text: str, line: int, column: int) -> tuple[str, str]:
    """A character that begins no value, as a tab, `@`, a backtick or `%` do not."""
    lines = text.split("\n")
    character = lines[line][column : column + 1] if line < len(lines) else ""
    return _TAB if character == "\t" else (f"no value begins with `{character}`", "put the value in quotes")
