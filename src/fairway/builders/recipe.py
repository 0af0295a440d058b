"""What a Dockerfile does, as far as an audit wants to know. Pure, but for `read`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from fairway.builders.dockerfile import FROM, Instruction, expand, instructions
from fairway.builders.workplace import read_recipe
from fairway.model.app import BuildSpec, Location
from fairway.model.errors import BuildFailed
from fairway.model.security_facts import Base, Line, Recipe

ADDRESS = re.compile(r"(https?://|git@|git://|ssh://)")
WHOLE = (".", "./", "*", "./*")
COMMENT = re.compile(r"(?m)^\s*#.*\n?")


class Stage(Struct):
    """`parent` is the number of the stage it starts from, None for an image."""

    name: str
    parent: int | None
    user: str | None = None
    user_line: int = 0
    last: int = 0


def read(service: str, spec: BuildSpec, inline: Location) -> Recipe | None:
    """Of the Dockerfile of a service; None where there is none to be read here. `inline`: where it would stand in a Compose file."""
    try:
        found = read_recipe(service, spec)
    except BuildFailed:
        return None
    if not found.text:
        return None
    context = Path(spec.context)
    ignores = [
        context / ".dockerignore",
        *([found.path.with_name(f"{found.path.name}.dockerignore")] if found.path else []),
    ]
    made = recipe(found.text, found.name, args=spec.args, target=spec.target, ignores=any(map(_says, ignores)))
    return made if found.path else replace(made, file=inline.file, inline=inline.line)


def _says(file: Path) -> bool:
    try:
        return bool(file.read_text("utf-8", "replace").strip())
    except OSError:
        return False


def recipe(
    text: str, file: str, *, args: Mapping[str, str | None], target: str | None = None, ignores: bool = False
) -> Recipe:
    """`ignores`: a .dockerignore keeps something out of the context."""
    reading = _Reading(args)
    for item in instructions(text):
        if item.keyword:
            reading.take(item)
    final = reading.final(target)
    user, line = reading.user(final)
    return Recipe(
        file=file,
        bases=tuple(reading.bases),
        user=user,
        user_line=line,
        last=reading.stages[final].last if reading.stages else 0,
        variables=_lines(reading.variables, final),
        runs=_lines(reading.runs, final),
        adds=_lines(reading.adds, final),
        copies=() if ignores else _lines(reading.copies, final),
    )


Said = tuple[int, int, str]
"""The number of the stage, the line, and what is said there."""


def _lines(said: list[Said], final: int) -> tuple[Line, ...]:
    return tuple(Line(line, text, stage == final) for stage, line, text in said)


class _Reading:
    """The instructions so far. Before the first FROM, the stage's number is -1."""

    def __init__(self, args: Mapping[str, str | None]) -> None:
        self.args = args
        self.values: dict[str, str] = {}
        self.stages: list[Stage] = []
        self.bases: list[Base] = []
        self.variables: list[Said] = []
        self.runs: list[Said] = []
        self.adds: list[Said] = []
        self.copies: list[Said] = []

    def take(self, item: Instruction) -> None:
        rest = _flat(item.text)
        here = (len(self.stages) - 1, item.line)
        match item.keyword:
            case "FROM":
                self._from(item)
            case "ARG" | "ENV":
                for name, value in _pairs(rest, spaced=item.keyword == "ENV"):
                    self.values[name] = self.args.get(name) or value
                    self.variables.append((*here, name))
            case "RUN":
                self.runs.append((*here, rest))
            case "COPY" | "ADD":
                self._copied(item.keyword, rest, here)
            case "USER" if self.stages:
                self.stages[-1].user, self.stages[-1].user_line = expand(rest, self.values), item.line
        if self.stages:
            self.stages[-1].last = item.line

    def _from(self, item: Instruction) -> None:
        found = FROM.match(item.text)
        name = expand(found[2], self.values) if found else ""
        parent = self._number(name)
        if parent is None and name and name.lower() != "scratch":
            self.bases.append(Base(name, item.line))
        self.stages.append(Stage((found[3] if found and found[3] else "").lower(), parent))

    def _number(self, name: str) -> int | None:
        found = [number for number, stage in enumerate(self.stages) if stage.name and stage.name == name.lower()]
        return found[-1] if found else None

    def _copied(self, keyword: str, rest: str, here: tuple[int, int]) -> None:
        words = _words(rest)
        options = [word for word in words if word.startswith("--")]
        sources = [word for word in words if not word.startswith("--")][:-1]
        if keyword == "ADD" and not any(option.startswith("--checksum=") for option in options):
            self.adds += [(*here, _public(source)) for source in sources if ADDRESS.match(source)]
        if set(sources) & set(WHOLE) and not any(option.startswith("--from=") for option in options):
            self.copies.append((*here, f"{keyword} {rest}"))

    def final(self, target: str | None) -> int:
        found = self._number(target) if target else None
        return len(self.stages) - 1 if found is None else found

    def user(self, number: int | None) -> tuple[str | None, int]:
        """Of a stage; what it does not say, the one that it starts from does."""
        while number is not None and 0 <= number < len(self.stages):
            stage = self.stages[number]
            if stage.user is not None:
                return stage.user, stage.user_line
            number = stage.parent
        return None, 0


def _public(address: str) -> str:
    """Without who logs in there, and without what is asked for: both may be secret."""
    return re.sub(r"(?<=://)[^/@]*@", "", address).partition("?")[0]


def _flat(text: str) -> str:
    """What stands after the keyword, on one line."""
    joined = re.sub(r"\\\s*\n", " ", COMMENT.sub("", text))
    _, _, rest = joined.strip().partition(" ")
    return " ".join(rest.split())


def _words(rest: str) -> list[str]:
    """Of the form with words, and of that in JSON."""
    options = [word for word in rest.split() if word.startswith("--")]
    listed = rest[rest.find("[") :] if rest.split()[len(options) : len(options) + 1] and "[" in rest else ""
    try:
        found = json.loads(listed) if listed else None
    except ValueError:
        found = None
    if isinstance(found, list):
        return [*options, *map(str, found)]
    return rest.split()


def _pairs(rest: str, *, spaced: bool) -> Iterator[tuple[str, str]]:
    """`A=1 B=2`, `A`, and ENV's older `A 1`."""
    first, _, value = rest.partition(" ")
    if spaced and "=" not in first:
        yield first, value
        return
    for name, quoted, plain in re.findall(r"([A-Za-z_][A-Za-z0-9_]*)(?:=(?:\"([^\"]*)\"|(\S*)))?(?:\s+|$)", rest):
        yield name, quoted or plain.strip("'\"")
