from __future__ import annotations

import pytest

from fairway.settings import load
from tests.unit.settings.parts import hints, settings, wrong


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "0 : there is nothing in this file"),
        ("# a comment", "0 : there is nothing in this file"),
        ("~", "0 : there is nothing in this file"),
        ("a: [", "1 : this is not YAML: while parsing a flow node did not find expected node content"),
        ("a: b: c", "1 : this is not YAML: mapping values are not allowed in this context"),
        ("a: 1\nb: \x01", "2 : this is not text: control characters are not allowed"),
        ("a: 1\nb: \ud800", "2 : this is not text: half a surrogate pair"),
        ("app: a\napp: b", "2 : the key `app` is here twice: first on line 1"),
        ("? [a]\n: 3", "1 : a key must be a plain word"),
        ("app: !!int x", "1 : the tag !!int means nothing here"),
        ("app: !secret x", "1 : the tag !secret means nothing here"),
        ("app: *name", "1 : the alias *name has no anchor before it"),
        ("x-a: &a [*a]", "1 : the alias *a has no anchor before it"),
        ("<<: 3", "1 : `<<` merges mappings only"),
        ("---\napp: a\n---\napp: b", "3 : a second document starts here; one file is one document"),
        ("[" * 100_000, "1 : this is nested more than 50 levels deep"),
        ("- " * 100_000, "1 : this is nested more than 50 levels deep"),
    ],
)
def test_what_is_not_one_yaml_document_is_told_with_its_line(text: str, problem: str) -> None:
    assert problem in wrong(lambda: load(text, file="f"))


def test_a_tab_is_explained() -> None:
    assert hints(lambda: load("a:\n\tb: 1", file="f")) == ["YAML indents with spaces, never with tabs"]


def test_scalars_are_those_of_yaml_1_2() -> None:
    values = settings("environments: {a: {values: {A: yes, B: 010, C: 1_000, D: 12:30, E: on, F: 2026-11-21}}}")
    written = {"A": "yes", "B": "010", "C": "1_000", "D": "12:30", "E": "on", "F": "2026-11-21"}
    assert values.environments["a"].values == written


def test_anchors_and_merges_share_what_services_have_in_common() -> None:
    text = """
x-shared: &shared {ready: {deadline: 5m}, rollout: &slow {surge: 1}}
services:
  a: *shared
  b: {<<: *shared, ready: {deadline: 1m}}
  c: {<<: [{ready: {http: /c}}, *shared]}
  d: {rollout: *slow}
"""
    found = settings(text).services
    assert found["a"].ready.deadline == 300
    assert (found["b"].ready.deadline, found["b"].rollout) == (60, found["a"].rollout)
    assert (found["c"].ready.http, found["c"].ready.deadline) == ("/c", None)
    assert found["d"].rollout == found["a"].rollout


def test_what_is_wrong_behind_an_alias_is_told_where_it_stands() -> None:
    text = "x-shared: &shared\n  surge: 0\nservices:\n  a:\n    rollout: *shared\n"
    (line,) = wrong(lambda: settings(text))
    assert line.startswith("2 services.a.rollout.surge: ")
