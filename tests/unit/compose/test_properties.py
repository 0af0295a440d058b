"""What holds of every input. FAIRWAY_EXAMPLES says how many are tried (default 300, and 100 of large ones)."""

from __future__ import annotations

import os
from typing import Any

import jsonschema
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairway.compose import load, to_compose
from fairway.compose.node import plain
from fairway.compose.problems import Problems
from fairway.compose.schema import schema, validate
from fairway.compose.yaml import parse
from fairway.model.app import App
from fairway.model.errors import InvalidFiles

from .parts import DIRECTORY, FILE, Memory, app
from .specimen import DATA, TEXT, documents, keys, mutations, trees

often = settings(
    max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
seldom = settings(often, max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "100")))
"""For large documents, which take some 20 ms each."""


def attempt(*texts: str) -> App | None:
    """The application, or None where the files are wrong. Anything but InvalidFiles is a fault of ours."""
    names = [FILE, f"{DIRECTORY}/over.yaml"][: len(texts)]
    reader = Memory({})
    reader.texts = dict(zip(names, texts, strict=True))
    try:
        return load(names, reader=reader, directory=DIRECTORY, environment={"HOME": "/h", "TAG": "2"}, profiles=["*"])
    except InvalidFiles as error:
        assert error.problems
        assert all(problem.what and problem.where for problem in error.problems)
        return None


def written(data: Any) -> str:
    text: str = yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    return text


def again(found: App) -> App:
    reader = Memory({FILE: written(to_compose(found))})
    return load([FILE], reader=reader, directory=DIRECTORY, environment={}, profiles=["*"])


def test_the_specimen_is_valid_and_comes_back() -> None:
    found = app(TEXT, files={"a.env": "E=1"}, profiles=["*"])
    assert sorted(found.services) == ["cache", "db", "tool", "web"]
    assert again(found) == found


@often
@given(documents)
def test_any_document_loads_or_is_refused(data: dict[str, Any]) -> None:
    attempt(written(data))


@seldom
@given(mutations())
def test_any_change_of_a_valid_file_loads_or_is_refused_and_comes_back(data: dict[str, Any]) -> None:
    found = attempt(written(data))
    if found:
        assert again(found) == found


@seldom
@given(mutations(), mutations())
def test_any_two_files_load_or_are_refused(base: dict[str, Any], over: dict[str, Any]) -> None:
    attempt(written(base), written(over))


@often
@given(st.data())
def test_any_change_of_the_text_loads_or_is_refused(data: st.DataObject) -> None:
    text = TEXT
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 5)))
        text = (
            text[:start]
            + data.draw(st.sampled_from([*"&*:-{}[]$!#'\"\n\t ,?|>%@", "<<: ", "!reset ", "x"]))
            + text[end:]
        )
    attempt(text)


def _without_required(rule: Any) -> Any:
    """The schema as it is applied to one file of several; alternatives of triggers aside."""
    if isinstance(rule, dict):
        return {
            key: value if key == "anyOf" else _without_required(value)
            for key, value in rule.items()
            if key != "required" or not isinstance(value, list)
        }
    return [_without_required(value) for value in rule] if isinstance(rule, list) else rule


_OFFICIAL = jsonschema.Draft202012Validator(_without_required(schema()))


def verdicts(data: Any) -> tuple[bool, bool]:
    """Whether jsonschema, and whether Fairway, finds nothing wrong."""
    (document,) = parse(written(data), "f", Problems())
    problems = Problems()
    cleaned = validate(document, problems)
    assert _OFFICIAL.is_valid(plain(cleaned)), "what validation leaves over is valid"
    return _OFFICIAL.is_valid(plain(document)), not problems.errors


def test_the_specimen_is_valid_by_the_schema() -> None:
    assert verdicts(DATA) == (True, True)


@seldom
@given(mutations())
def test_the_schema_s_verdict_is_that_of_jsonschema(data: dict[str, Any]) -> None:
    official, ours = verdicts(data)
    assert official == ours


@often
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "services": st.dictionaries(keys, st.dictionaries(keys, trees, max_size=4), max_size=2),
            "networks": st.dictionaries(keys, trees, max_size=2),
            "jobs": st.dictionaries(keys, st.dictionaries(keys, trees, max_size=2), max_size=2),
        },
    )
)
def test_the_schema_s_verdict_on_any_document_is_that_of_jsonschema(data: dict[str, Any]) -> None:
    official, ours = verdicts(data)
    assert official == ours
