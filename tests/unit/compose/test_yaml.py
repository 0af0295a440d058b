from __future__ import annotations

import math

import pytest

from fairway.compose.node import plain
from fairway.compose.problems import Problems
from fairway.compose.yaml import parse

from .parts import shown


def values(text: str) -> object:
    problems = Problems()
    documents = parse(text, "f", problems)
    assert not problems.errors
    return plain(documents[0])


def faults(text: str) -> list[str]:
    problems = Problems()
    parse(text, "f", problems)
    return [shown(problem) for problem in problems.errors]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("012", 12),
        ("+12", 12),
        ("-1", -1),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("22:22", "22:22"),
        ("1:30:00", "1:30:00"),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1e3", 1000.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("2026-11-21", "2026-11-21"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ('!!int "12"', 12),
        ("!!float 1", 1.0),
        ("!!null ''", None),
        ("=", "="),
        ("1.2.3", "1.2.3"),
        ("9" * 60, "9" * 60),
    ],
)
def test_scalars_follow_yaml_1_2(written: str, meant: object) -> None:
    assert values(f"a: {written}") == {"a": meant}
    assert type(values(f"a: {written}")["a"]) is type(meant)  # type: ignore[index]


def test_anchors_are_values() -> None:
    assert values("a: &a {x: 1}\nb: *a\nc: [*a]") == {"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": 1}]}


@pytest.mark.parametrize(
    ("merge", "result"),
    [
        ("<<: *a", {"x": 1, "y": 1}),
        ("<<: *a\n  x: 9", {"x": 9, "y": 1}),
        ("x: 9\n  <<: *a", {"x": 9, "y": 1}),
        ("<<: [*b, *a]", {"x": 2, "y": 1, "z": 2}),
        ("<<: [*a, *b]", {"x": 1, "y": 1, "z": 2}),
        ("<<: {x: 5}", {"x": 5}),
        ("'<<': 1", {"<<": 1}),
    ],
)
def test_merge_keys(merge: str, result: object) -> None:
    document = values(f"a: &a {{x: 1, y: 1}}\nb: &b {{x: 2, z: 2}}\nc:\n  {merge}")
    assert document["c"] == result  # type: ignore[index]


def test_keys_that_look_like_numbers_are_their_text() -> None:
    assert values("{080: a, 1.10: b, true: c}") == {"080": "a", "1.10": "b", "true": "c"}


def test_a_place_is_that_of_the_key() -> None:
    (document,) = parse("a:\n  b: 1\n  c:\n    - x\n    - y\n", "f", Problems())
    c = document.find("a", "c")
    assert c
    assert [str(c.at), *(str(element.at) for element in c.elements)] == ["f:3", "f:4", "f:5"]


def test_several_documents_in_one_file() -> None:
    assert [plain(one) for one in parse("a: 1\n---\nb: 2\n", "f", Problems())] == [{"a": 1}, {"b": 2}]


def test_an_empty_file_has_no_documents_and_an_empty_document_no_fields() -> None:
    assert parse("# nothing\n", "f", Problems()) == []
    assert [plain(one) for one in parse("---\n", "f", Problems())] == [{}]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3", "f:3: `a` is written twice, first in line 1"),
        ("a: &a {}\n<<: *a\n<<: *a", "f:3: `<<` is written twice, first in line 2 (write `<<: [*a, *b]`)"),
        ("a: *b", "f:1: `*b` has no anchor `&b` before it"),
        ("a: &a [*a]", "f:1: `*a` has no anchor `&a` before it"),
        ("<<: 1", "f:1: `<<` takes a mapping, or a list of mappings"),
        ("- a", "f:1: a Compose file is a mapping, and this is not (begin with `services:`)"),
        ("a", "f:1: a Compose file is a mapping, and this is not (begin with `services:`)"),
        ("[a]: 1", "f:1: a key must be a string"),
        ("~: 1", "f:1: a key must be a string"),
        ("a: !env B", "f:1: unknown tag `!env`"),
        ("a: !set [1]", "f:1: unknown tag `!set`"),
        ("a: !!int x", "f:1: `x` is no int"),
        ("a: b: c", "f:1: not valid YAML: no `:` is expected here (put a value that holds `: ` in quotes)"),
        ("a:\n\tb: 1", "f:2: not valid YAML: a tab in the indentation (indent with spaces)"),
        ("a: '", "f:1: not valid YAML: the quote is never closed"),
        ('a: 1\nb: "x\nc: 1\nd: 2', "f:2: not valid YAML: the quote is never closed"),
        ("a: @x", "f:1: not valid YAML: no value begins with `@` (put the value in quotes)"),
        ("a: 1\nb: [1, 2\nc: 3", "f:2: not valid YAML: the bracket is not closed, or a comma is missing"),
        (
            "a:\n  b: 1\n c: 2",
            "f:3: not valid YAML: this does not fit what is above it (look at the indentation, and at the quotes)",
        ),
        ("a:\n- b\n-c", "f:3: not valid YAML: a name without `:` (write `name: value`, or `- value`)"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_text_that_is_no_unicode_is_a_problem() -> None:
    assert "not valid YAML" in faults("a: \ud800")[0]
    assert "not valid YAML" in faults("a: \x00")[0]


@pytest.mark.parametrize("text", ["- " * 50_000 + "a", "[" * 50_000, "{a: " * 50_000])
def test_deep_nesting_is_a_problem_and_no_crash(text: str) -> None:
    assert faults(text)


def test_aliases_cannot_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert faults("\n".join(lines)) == ["f:1: too large: more than 100000 values when its aliases are expanded"]
