"""The manual of fairway.yaml: one commented example, and what follows from it: a page, and a JSON schema for editors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from fairway.model.app import Location, Path
from fairway.settings.kinds import Kind
from fairway.settings.loader import load
from fairway.settings.model import Settings
from fairway.settings.shapes import Many, Named, Record, Shape, record

Key = tuple[type, str]
"""A key of the file: the settings class that has it, and its name."""


def example() -> str:
    """The text of the commented example."""
    return files("fairway.data").joinpath("fairway.yaml").read_text(encoding="utf-8")


def comments() -> Mapping[Key, str]:
    """What the example says of each key, in one line. What it says of a chosen name belongs to the key above it."""
    text = example()
    lines = text.splitlines()
    found: dict[Key, list[str]] = {}
    places = load(text, file="fairway.yaml").locations
    for path, location in places.items():
        if path and (path[-1].isdecimal() or _alone(places, path)):
            continue
        key = _key(path)
        comment = _above(lines, location.line - 1)
        if key and comment and comment not in found.setdefault(key, []):
            found[key].append(comment)
    return {key: " ".join(said) for key, said in found.items()}


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of fairway.yaml. It says less than `load`: not what keys have to do with each other."""
    said = comments()
    defs: dict[str, Any] = {}
    for _, shape in sections():
        defs[shape.cls.__name__] = {
            "type": ["object", "null"],
            "properties": {
                key: {"description": said.get((shape.cls, key), ""), **_schema(inner)}
                for key, inner in shape.keys.items()
            },
            "required": sorted(shape.required),
            "additionalProperties": False,
        }
    root = defs.pop(Settings.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fairway.yaml",
        **root,
        "type": "object",
        "patternProperties": {"^x-": {}},
        "$defs": defs,
    }


def page() -> str:
    """The manual in Markdown: a table for each mapping, and the example."""
    said = comments()
    text = example()
    head, _, _ = text.partition("\n\n")
    parts = [
        "# fairway.yaml",
        "<!-- Made from src/fairway/data/fairway.yaml by `fairway docs settings --form markdown`. -->",
        _prose(head),
    ]
    for path, shape in sections():
        parts.append(f"## {'.'.join(path) or 'Top level'}")
        rows = [
            f"| `{key}`{' (needed)' if key in shape.required else ''} | {_words(inner)} | {said.get((shape.cls, key), '')} |"
            for key, inner in shape.keys.items()
        ]
        parts.append("\n".join(["| key | value | |", "| --- | --- | --- |", *rows]))
    parts += ["## The example", f"```yaml\n{text}```"]
    return "\n\n".join(parts) + "\n"


def sections() -> list[tuple[Path, Record]]:
    """Each mapping of the file with the shortest path to it, outermost first."""
    found: dict[type, tuple[Path, Record]] = {}
    for path, shape in _records(record(Settings), ()):
        known = found.get(shape.cls)
        if known is None or len(path) < len(known[0]):
            found[shape.cls] = (path, shape)
    order = list(record(Settings).keys)
    return sorted(found.values(), key=lambda item: (order.index(item[0][0]) if item[0] else -1, len(item[0])))


def _records(shape: Shape, path: Path) -> Iterator[tuple[Path, Record]]:
    match shape:
        case Record():
            yield path, shape
            for key, inner in shape.keys.items():
                yield from _records(inner, (*path, key))
        case Named():
            yield from _records(shape.item, (*path, "NAME"))
        case Many():
            yield from _records(shape.item, path)


def _key(path: Path) -> Key | None:
    shape: Shape = record(Settings)
    found: Key | None = None
    for part in path:
        if isinstance(shape, Many) and not part.isdecimal():
            shape = shape.item
        match shape:
            case Record():
                found, shape = (shape.cls, part), shape.keys[part]
            case Named() | Many():
                shape = shape.item
            case Kind():
                return None
    return found


def _alone(places: Mapping[Path, Location], path: Path) -> bool:
    """Whether it is a value that stands for the whole mapping above it."""
    return len(path) > 1 and (not path[-2].isdecimal() and places[path] == places.get(path[:-1]))


def _above(lines: list[str], index: int) -> str:
    """The comment right above a line."""
    first = index
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return _prose("\n".join(lines[first:index]))


def _prose(comment: str) -> str:
    """A comment as one paragraph a block, without its marks."""
    lines = [line.strip().removeprefix("#").strip() for line in comment.splitlines()]
    paragraphs = "\n".join(lines).split("\n\n")
    return "\n\n".join(" ".join(paragraph.splitlines()) for paragraph in paragraphs)


def _schema(shape: Shape) -> dict[str, Any]:
    match shape:
        case Kind():
            return dict(shape.schema)
        case Many():
            item = _schema(shape.item)
            return {"anyOf": [item, {"type": "array", "items": item}]}
        case Named():
            names = {"propertyNames": dict(shape.name.schema)}
            return {"type": ["object", "null"], **names, "additionalProperties": _schema(shape.item)}
        case Record():
            whole = {"$ref": f"#/$defs/{shape.cls.__name__}"}
            return {"anyOf": [whole, _schema(shape.keys[shape.short])]} if shape.short else whole


def _words(shape: Shape) -> str:
    match shape:
        case Kind():
            return shape.what.replace("|", "\\|")
        case Many():
            return f"{_words(shape.item)}; or a list"
        case Named():
            return "a mapping of names"
        case Record():
            return f"a mapping, or its {shape.short} alone" if shape.short else "a mapping"
