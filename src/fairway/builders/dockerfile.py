"""As much of a Dockerfile as Fairway has to understand: where its instructions are, and which images they name. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

HEREDOC = re.compile(r"<<-?\s*([\"']?)([A-Za-z_]\w*)\1")
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?[^}]*\})")
FROM = re.compile(r"(?is)^(\s*FROM\s+(?:--\S+\s+)*)(\S+)(?:\s+AS\s+(\S+))?")
COPY = re.compile(r"(?is)(\s--from=)(\S+)")
MOUNT = re.compile(r"(?is)(--mount=(?:[^\s,]+,)*from=)([^\s,]+)")


class Instruction(Struct, frozen=True):
    """`line` counts from 1; `text` is as written, with its line ends. Comments and blank lines have no keyword."""

    line: int
    text: str

    @property
    def keyword(self) -> str:
        words = self.text.split(maxsplit=1)
        return words[0].upper() if words and not words[0].startswith("#") else ""


def instructions(dockerfile: str) -> Iterator[Instruction]:
    """All of the text, cut into instructions (continuation lines and here-documents included) and what is between them."""
    lines = iter(enumerate(dockerfile.splitlines(keepends=True), 1))
    for number, first in lines:
        text = line = first
        if first.strip() and not first.lstrip().startswith("#"):
            while _goes_on(line):
                _, line = next(lines, (0, ""))
                text += line
            for _, word in HEREDOC.findall(text) if re.match(r"(?i)\s*(RUN|COPY|ADD)\s", text) else ():
                for _, body in lines:
                    text += body
                    if body.strip() == word:
                        break
        yield Instruction(number, text)


def line_of(step: str, dockerfile: str) -> int:
    """The line on which an instruction starts, or 0 where it cannot be told."""
    wanted = _squeeze(step)
    return next((i.line for i in instructions(dockerfile) if i.keyword and _squeeze(i.text) == wanted), 0)


def bases(dockerfile: str, args: Mapping[str, str | None]) -> tuple[str, ...]:
    """The images that the instructions name, each once, in order; the file's own stages are none."""
    values: dict[str, str] = {}
    stages: set[str] = {"scratch"}
    found: dict[str, None] = {}

    def note(name: str) -> str:
        plain = expand(name, values)
        if plain.lower() not in stages and not plain.isdigit():
            found[plain] = None
        return name

    for item in instructions(dockerfile):
        if item.keyword == "ARG" and not found:
            name, _, default = item.text.split(maxsplit=1)[1].strip().partition("=")
            values[name] = args.get(name) or default.strip("\"'")
        _references(item, note)
        if item.keyword == "FROM" and (match := FROM.match(item.text)) and match[3]:
            stages.add(match[3].lower())
    return tuple(found)


def with_contexts(dockerfile: str, images: Mapping[str, str], args: Mapping[str, str | None]) -> str:
    """The same Dockerfile, where every name of `images` means its image: what `--build-context` does, for builders without it."""
    values: dict[str, str] = {}

    def swap(name: str) -> str:
        return images.get(expand(name, values), name)

    parts = []
    for item in instructions(dockerfile):
        if item.keyword == "ARG":
            name, _, default = item.text.split(maxsplit=1)[1].strip().partition("=")
            values.setdefault(name, args.get(name) or default.strip("\"'"))
        parts.append(_references(item, swap))
    return "".join(parts)


def _references(item: Instruction, change: Callable[[str], str]) -> str:
    """The instruction's text, with each image it names changed."""
    pattern = {"FROM": FROM, "COPY": COPY, "ADD": COPY, "RUN": MOUNT}.get(item.keyword)
    if pattern is None:
        return item.text

    def swap(match: re.Match[str]) -> str:
        return match[0][: match.end(1) - match.start()] + change(match[2]) + match[0][match.end(2) - match.start() :]

    return pattern.sub(swap, item.text)


def _goes_on(line: str) -> bool:
    stripped = line.strip()
    return (
        stripped.endswith("\\") or (stripped.startswith("#") and line.endswith("\n")) or (not stripped and bool(line))
    )


def expand(name: str, values: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda m: values.get(m[1] or m[2]) or m[3] or "", name.strip("\"'"))


def _squeeze(text: str) -> str:
    """Without what line ends and comments between them add."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return re.sub(r"\s+", "", "".join(line.rstrip().removesuffix("\\") for line in lines))
