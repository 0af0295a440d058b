"""Variables in values: `$V ${V} ${V-d} ${V:-d} ${V?e} ${V:?e} ${V+r} ${V:+r}`, nested, and `$$` for a dollar sign.

Done on parsed values, never on text, so that no value of a variable can change the structure of a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from fairway.compose.node import Node
from fairway.compose.problems import Problems, Recorded
from fairway.compose.yaml import resolve
from fairway.model.app import Path

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")

_TYPED: tuple[tuple[str, ...], ...] = (
    ("services", "*", "depends_on", "*", "required"),
    ("services", "*", "networks", "*", "priority"),
    ("services", "*", "networks", "*", "gw_priority"),
    ("services", "*", "use_api_socket"),
    ("services", "*", "develop", "watch", "*", "initial_sync"),
    ("models", "*", "context_size"),
)
"""Where the schema takes a number or a truth value and no string that holds one."""


_DEEPEST = 50
_LONGEST = 1 << 20
"""Variables in variables double what they hold with every line of a file: `B=$A$A`, `C=$B$B`, …"""


class InterpolationError(ValueError):
    """A value that cannot be interpolated; the message is for the user. `hint` says what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def substitute(
    text: str, variables: Mapping[str, str], unset: Callable[[str], None] = lambda name: None, depth: int = 0
) -> str:
    """`text` with its variables replaced. `unset` is told each variable that has no value and no default.

    Raises InterpolationError for a required variable that is missing, or a `$` that begins nothing.
    """
    if "$" not in text:
        return text
    if depth > _DEEPEST:
        raise InterpolationError(f"variables are nested more than {_DEEPEST} levels deep")
    out: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        out.append(text[at:dollar])
        at = dollar + 1
        if text[at : at + 1] == "$":
            out.append("$")
            at += 1
        elif text[at : at + 1] == "{":
            end = _closing(text, at)
            out.append(_braced(text[at + 1 : end], variables, unset, depth))
            at = end + 1
        elif name := _NAME.match(text, at):
            out.append(_value(name[0], variables, unset))
            at = name.end()
        else:
            raise InterpolationError(f"`{_shown(text[dollar:])}` names no variable", "write `$$` for a dollar sign")
    out.append(text[at:])
    if sum(map(len, out)) > _LONGEST:
        raise InterpolationError(f"longer than {_LONGEST:,} characters with its variables filled in")
    return "".join(out)


def _closing(text: str, opening: int) -> int:
    """Where the brace at `opening` ends. Braces inside nest, so that a default may be JSON."""
    depth = 0
    for index in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise InterpolationError(f"`{_shown(text[opening - 1 :])}` has no closing brace", "write `$$` for a dollar sign")


def _braced(inside: str, variables: Mapping[str, str], unset: Callable[[str], None], depth: int) -> str:
    name = _NAME.match(inside)
    operator = _OPERATOR.match(inside, name.end()) if name else None
    if name and name.end() == len(inside):
        return _value(name[0], variables, unset)
    if not name or not operator:
        hint = "after the name come `}`, or one of `:-` `-` `:?` `?` `:+` `+`; write `$$` for a dollar sign"
        raise InterpolationError(f"`${{{_shown(inside)}}}` is no variable", hint)
    value, rest = variables.get(name[0]), inside[operator.end() :]
    present = bool(value) if operator[0].startswith(":") else value is not None
    if operator[0].endswith("+"):
        return substitute(rest, variables, unset, depth + 1) if present else ""
    if present:
        return value or ""
    if operator[0].endswith("-"):
        return substitute(rest, variables, unset, depth + 1)
    reason = substitute(rest, variables, unset, depth + 1)
    missing = "is empty" if value is not None else "is not set"
    raise InterpolationError(f"the required variable {name[0]} {missing}" + (f": {reason}" if reason else ""))


def _value(name: str, variables: Mapping[str, str], unset: Callable[[str], None]) -> str:
    if name not in variables:
        unset(name)
    return variables.get(name, "")


def _shown(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if len(line) <= 30 else f"{line[:30]}…"


def interpolate(node: Node, variables: Mapping[str, str], problems: Problems, path: Path = ()) -> Node:
    """The document with every value interpolated; keys are left alone. A value that cannot be is left out."""
    if node.tag == "reset":
        return node
    if isinstance(node.value, dict):
        entries = {key: interpolate(child, variables, problems, (*path, key)) for key, child in node.value.items()}
        return Node(entries, node.at, node.tag)
    if isinstance(node.value, list):
        elements = [interpolate(child, variables, problems, (*path, str(i))) for i, child in enumerate(node.value)]
        return Node(elements, node.at, node.tag)
    if not isinstance(node.value, str) or "$" not in node.value:
        return node
    return _interpolated(node, node.value, variables, problems, path)


def _interpolated(node: Node, text: str, variables: Mapping[str, str], problems: Problems, path: Path) -> Node:
    def unset(name: str) -> None:
        problems.warn(f"the variable {name} is not set; it stands for an empty string", node.at, path)

    recorded = Recorded(variables)
    try:
        value = substitute(text, recorded, unset)
    except InterpolationError as error:
        problems.add(str(error), node.at, path, error.hint)
        return Node(None, node.at, "spoilt")
    finally:
        problems.used(recorded, node.at, path)
    typed = any(matches(pattern, path) for pattern in _TYPED)
    return node.put(resolve(value) if typed else value)


def matches(pattern: tuple[str, ...], path: Path) -> bool:
    """Whether `path` fits `pattern`, in which `*` stands for any one step."""
    return len(pattern) == len(path) and all(want in ("*", have) for want, have in zip(pattern, path, strict=True))
