"""What a build prints, line by line: made readable, and searched for what failed. Pure."""

from __future__ import annotations

import re
from collections import deque

from msgspec import Struct, field

VERTEX = re.compile(r"#(\d+) (.*)")
TIMED = re.compile(r"\d+\.\d+ (.*)")
LEGACY = re.compile(r"Step \d+/\d+ : (.*)")
NOISE = re.compile(
    r"sha256:[0-9a-f]{64}|transferring |DONE |exporting |writing image |naming to |extracting |resolve |sending tarball"
)
HIDDEN = ("[internal]", "[auth]")
KEPT = 30


class Progress(Struct):
    """Fed with every line; `step` is the instruction that ran last (or failed), `tail` its last lines, `error` the builder's words."""

    step: str = ""
    error: str = ""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    _titles: dict[str, str] = field(default_factory=dict)
    _tails: dict[str, deque[str]] = field(default_factory=dict)
    _last: str = ""

    def feed(self, line: str) -> str | None:
        """The line as a person wants it, or None where it says nothing."""
        if match := VERTEX.fullmatch(line):
            return self._vertex(match[1], match[2])
        if match := LEGACY.match(line):
            self.step = match[1]
            self.tail.clear()
            return line
        text = line.strip()
        if not text or set(text) <= {"-"} or text.startswith((" > ", "> [", "---> ")):
            return None
        self._last = text
        if not self.error:
            self.tail.append(text)
        return text

    def failure(self) -> str:
        """The builder's own words on what went wrong: what it printed last, and the vertex's ERROR where that says more."""
        last = self._last.removeprefix("ERROR: ")
        return last if self.error in last else f"{self.error}\n{last}".strip()

    def _vertex(self, number: str, text: str) -> str | None:
        if text.startswith("ERROR"):
            self.error = text.removeprefix("ERROR: ").removeprefix("ERROR ")
            self.step = instruction(self._titles.get(number, ""))
            self.tail = self._tails.get(number, deque())
            return None
        if match := TIMED.fullmatch(text):
            self._tails.setdefault(number, deque(maxlen=KEPT)).append(match[1])
            return match[1]
        if text == "CACHED":
            return f"{self._titles.get(number, '')} (cached)" if number in self._titles else None
        if text.startswith("["):
            self._titles.setdefault(number, text)
            return None if text.startswith(HIDDEN) else text
        return None if NOISE.match(text) else text


def instruction(title: str) -> str:
    """`[stage 2/5] RUN make` → `RUN make`."""
    return re.sub(r"^\[[^\]]*\] ", "", title)
