"""The table of fields covers the official schema, and the document is what the table says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairway.render.docker_docs import document
from fairway.render.docker_refusals import NEWER, REFUSED
from fairway.render.docker_row import Kind
from fairway.render.docker_table import BY_PATH, ROWS, row

CHECKOUT = Path(__file__).parents[3]
SCHEMA = json.loads((CHECKOUT / "src/fairway/data/compose-spec.json").read_text())
SECTIONS = {"services", "networks", "volumes", "configs", "secrets"}


def fields(node: dict[str, Any], path: tuple[str, ...] = (), seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The dotted path of every property of the schema."""
    if reference := node.get("$ref"):
        name = reference.rpartition("/")[2]
        if name not in seen:
            yield from fields(SCHEMA["$defs"][name], path, seen | {name})
        return
    below = [*node.get("oneOf", []), *node.get("allOf", []), *node.get("anyOf", [])]
    below += [item for pattern, item in node.get("patternProperties", {}).items() if pattern != "^x-"]
    below += [node[key] for key in ("items", "additionalProperties") if isinstance(node.get(key), dict)]
    for item in below:
        yield from fields(item, path, seen)
    for key, item in node.get("properties", {}).items():
        yield ".".join((*path, key))
        yield from fields(item, (*path, key), seen)


ALL = sorted({field for field in fields(SCHEMA) if field not in SECTIONS})


def test_the_walk_sees_the_schema() -> None:
    assert len(ALL) > 600
    assert "services.deploy.resources.limits.pids" in ALL


@pytest.mark.parametrize("field", ALL)
def test_every_field_has_a_row(field: str) -> None:
    assert row(field), f"{field} is neither honoured nor refused"


def test_no_row_is_for_a_field_that_does_not_exist() -> None:
    assert set(BY_PATH) - set(ALL) == set()
    assert len(BY_PATH) == len(ROWS)


def test_every_row_says_something() -> None:
    for item in ROWS:
        assert item.how or item.refused
        assert item.hint or not item.refused, f"{item.path}: what to do instead?"


def test_every_refusal_is_found_somewhere() -> None:
    refused = {
        item.path.removeprefix("services.") for item in ROWS if item.refused and item.path.startswith("services.")
    }
    newer = {item.path.removeprefix("services.") for item in ROWS if item.api and item.path.startswith("services.")}
    assert set(REFUSED) <= refused
    assert all("." not in key and row(f"services.{key}").kind is Kind.REFUSED for key in refused - set(REFUSED))  # type: ignore[union-attr]
    assert set(NEWER) == newer


def test_the_document_is_current() -> None:
    assert (CHECKOUT / "docs/compose.md").read_text() == document(), (
        "python -m fairway.render.docker_docs > docs/compose.md"
    )
