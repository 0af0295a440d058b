"""`.env` files: `VAR=value` lines with quotes, comments and interpolation; and the raw format, which has none of them."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping

from fairway.compose.interpolate import InterpolationError, substitute
from fairway.compose.problems import Problems
from fairway.model.app import Location

_KEY = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.\-\[\]]*)[ \t]*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def parse(text: str, file: str, variables: Mapping[str, str], problems: Problems) -> dict[str, str | None]:
    """The variables of a file, in order. A name without `=` takes its value from `variables`, and is None without one.

    `variables` are used for interpolation, before those the file has set further up. Problems name the line.
    """
    return _Parser(text.removeprefix("\ufeff").replace("\r\n", "\n"), file, variables, problems).parse()


def parse_raw(text: str, file: str, variables: Mapping[str, str], problems: Problems) -> dict[str, str | None]:
    """Lines of `VAR=value`, the value exactly as written."""
    found: dict[str, str | None] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        name, equals, value = line.lstrip().partition("=")
        if (not name and not equals) or name.startswith("#"):
            continue
        if not name or re.search(r"\s", name):
            problems.add(f"`{name}` is no name of a variable", Location(file, number))
        else:
            found[name] = value if equals else variables.get(name)
    return found


class _Parser:
    def __init__(self, text: str, file: str, variables: Mapping[str, str], problems: Problems) -> None:
        self._text = text
        self._at = 0
        self._file = file
        self._problems = problems
        self._found: dict[str, str | None] = {}
        self._outer = variables
        self._inner: dict[str, str] = {}
        self._known = ChainMap(variables, self._inner)  # type: ignore[arg-type]  # read only
        self._counted = (0, 1)

    def parse(self) -> dict[str, str | None]:
        while self._at < len(self._text):
            line = self._rest_of_line()
            if not line.strip() or line.lstrip().startswith("#"):
                self._skip_line()
            else:
                self._entry(line)
        return self._found

    def _rest_of_line(self) -> str:
        end = self._text.find("\n", self._at)
        return self._text[self._at :] if end < 0 else self._text[self._at : end]

    def _skip_line(self) -> None:
        self._at += len(self._rest_of_line()) + 1

    def _where(self) -> Location:
        counted, line = self._counted
        self._counted = (self._at, line + self._text.count("\n", counted, self._at))
        return Location(self._file, self._counted[1])

    def _entry(self, line: str) -> None:
        where = self._where()
        key = _KEY.match(line)
        after = line[key.end() :] if key else ""
        if not key or (after and after[0] not in "=:#"):
            self._problems.add(f"`{line.strip()[:40]}` is not of the form VAR=value", where)
            self._skip_line()
            return
        if not after or after[0] == "#":
            self._set(key[1], self._outer.get(key[1]))
            self._skip_line()
            return
        self._at += key.end() + 1
        self._at += len(self._rest_of_line()) - len(self._rest_of_line().lstrip(" \t"))
        quote = self._text[self._at : self._at + 1]
        value = self._quoted(quote, where) if quote in ("'", '"') else self._unquoted(where)
        self._set(key[1], value)

    def _set(self, name: str, value: str | None) -> None:
        self._found[name] = value
        if value is not None:
            self._inner[name] = value
        else:
            self._inner.pop(name, None)

    def _unquoted(self, where: Location) -> str:
        value = self._rest_of_line()
        self._skip_line()
        if value.startswith("#"):
            return ""
        return self._substitute(re.split(r"\s#", value, maxsplit=1)[0].strip(), where)

    def _quoted(self, quote: str, where: Location) -> str:
        end = self._at + 1
        while end < len(self._text) and self._text[end] != quote:
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            self._problems.add("a quote is never closed", where)
            self._at = len(self._text)
            return ""
        inside = self._text[self._at + 1 : end]
        self._at = end + 1
        rest = self._rest_of_line().strip()
        if rest and not rest.startswith("#"):
            self._problems.add(f"`{rest[:40]}` stands after the closing quote", where)
        self._skip_line()
        if quote == "'":
            return inside.replace("\\'", "'")
        return self._double_quoted(inside, where)

    def _double_quoted(self, inside: str, where: Location) -> str:
        """Escapes come first: what a variable's value holds is never unescaped."""

        def unescape(found: re.Match[str]) -> str:
            if found[1] == "$":
                return "$$"
            return _ESCAPES.get(found[1], found[1] if found[1] in "\"'\\" else found[0])

        return self._substitute(_ESCAPE.sub(unescape, inside), where)

    def _substitute(self, text: str, where: Location) -> str:
        if "$" not in text:
            return text

        def unset(name: str) -> None:
            self._problems.warn(f"the variable {name} is not set; it stands for an empty string", where)

        try:
            return substitute(text, self._known, unset)
        except InterpolationError as error:
            self._problems.add(str(error), where, hint=error.hint)
            return ""
