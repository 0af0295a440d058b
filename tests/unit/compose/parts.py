"""Compose files in memory."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from fairway.compose import load_with_warnings
from fairway.model.app import App, Service
from fairway.model.errors import InvalidFiles, Problem

DIRECTORY = "/project"
FILE = f"{DIRECTORY}/compose.yaml"


class Memory:
    """A reader over a mapping from paths to texts."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = {self._path(name): textwrap.dedent(text) for name, text in texts.items()}

    @staticmethod
    def _path(name: str) -> str:
        return name if name.startswith("/") else f"{DIRECTORY}/{name}"

    def read(self, path: str) -> str:
        if path not in self.texts:
            raise FileNotFoundError(path)
        return self.texts[path]

    def exists(self, path: str) -> bool:
        return path in self.texts


def load_all(
    *texts: str,
    files: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    profiles: Collection[str] = (),
    project: str | None = None,
    env_files: list[str] | None = None,
) -> tuple[App, tuple[Problem, ...]]:
    """Loads `texts` as compose.yaml, compose.1.yaml, …, with `files` beside them."""
    names = ["compose.yaml", *(f"compose.{number}.yaml" for number in range(1, len(texts)))]
    reader = Memory({**dict(zip(names, texts, strict=True)), **(files or {})})
    return load_with_warnings(
        [f"{DIRECTORY}/{name}" for name in names],
        reader=reader,
        directory=DIRECTORY,
        environment={"HOME": "/home/me"} if environment is None else environment,
        project=project,
        profiles=profiles,
        env_files=env_files,
    )


def app(*texts: str, **options: Any) -> App:
    return load_all(*texts, **options)[0]


def web(fields: str, top: str = "", **options: Any) -> Service:
    """The service `web`, which has an image and these fields."""
    body = textwrap.indent(textwrap.dedent(fields), "    ")
    text = f"services:\n  web:\n    image: web\n{body}\n{top}"
    return app(text, **options).services["web"]


def problems(*texts: str, **options: Any) -> list[str]:
    """Each problem as `line: path: what (hint)`; the file is named where it is not compose.yaml."""
    with pytest.raises(InvalidFiles) as raised:
        load_all(*texts, **options)
    return [shown(problem) for problem in raised.value.problems]


def web_problems(fields: str, top: str = "", **options: Any) -> list[str]:
    body = textwrap.indent(textwrap.dedent(fields), "    ")
    return problems(f"services:\n  web:\n    image: web\n{body}\n{top}", **options)


def shown(problem: Problem) -> str:
    place = str(problem.where).replace(f"{FILE}:", "").replace(f"{DIRECTORY}/", "")
    path = ".".join(problem.path)
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{place}: {path}: {problem.what}{hint}" if path else f"{place}: {problem.what}{hint}"
