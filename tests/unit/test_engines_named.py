"""Stories, strategies and commands know no engine: what names one is in the rooms that adapt to it, and in those that choose it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import fairway

SOURCE = Path(fairway.__file__).parent
ROOMS = (
    "cli",
    "compose",
    "conduct",
    "flows",
    "model",
    "pipeline",
    "policy",
    "ports",
    "rollout",
    "security",
    "settings",
)
"""All but engines, render, wiring and gateway, and the adapters that speak with a Docker daemon, with registries and builders."""
WORDS = SOURCE / "settings" / "types.py"
"""Where the words stand that users write: `engine: …`."""
NAMED = re.compile(r"swarm|kubernetes|k8s|(?<![a-z])(Docker|docker)(Engine|Fleet|Console|Ledger|Lease)", re.IGNORECASE)
ENGINES = ("docker", "swarm", "kubernetes")


def mentions(file: Path) -> Iterator[str]:
    """Names, imports and texts of the code that name an engine; what docstrings and comments explain does not count."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""  # a docstring
    for node in ast.walk(tree):
        for said in words(node):
            if said in ENGINES or NAMED.search(said) or said.startswith("fairway.engines"):
                yield f"{file.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}: {said}"


def words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(said)) | ast.Name(id=said) | ast.Attribute(attr=said) | ast.arg(arg=said):
            yield said
        case ast.FunctionDef(name=said) | ast.AsyncFunctionDef(name=said) | ast.ClassDef(name=said):
            yield said
        case ast.ImportFrom(module=str(said)) | ast.alias(name=said) | ast.keyword(arg=str(said)):
            yield said


def test_no_story_no_strategy_and_no_command_names_an_engine() -> None:
    files = [file for room in ROOMS for file in sorted((SOURCE / room).rglob("*.py")) if file != WORDS]
    assert len(files) > 200
    assert [found for file in files for found in mentions(file)] == []


def test_the_words_that_users_write_are_in_one_place() -> None:
    assert {said.rpartition(": ")[2] for said in mentions(WORDS)} == set(ENGINES)


def test_a_line_that_names_one_is_found(tmp_path: Path) -> None:
    told = SOURCE / "flows" / "deploy.py"
    assert list(mentions(told)) == []
    tree = ast.parse("if engine == 'swarm':\n    from fairway.engines.docker import DockerEngine\n")
    assert sum(1 for node in ast.walk(tree) for said in words(node) if said in ENGINES or "engines" in said) == 2
