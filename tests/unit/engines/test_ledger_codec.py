"""A release that was written down is read as an equal one, and a record cut short is none."""

from __future__ import annotations

import collections.abc
import dataclasses
import types
import typing
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.engines.docker.ledger_codec import (
    Outcome,
    decode_release,
    encode,
    outcome_name,
    records,
    release_name,
    torn,
)
from fairway.model.app import App, Location
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.release import Release

text = st.text(max_size=5)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2), max_leaves=3
)
PLAIN = {
    str: text,
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
    typing.Any: anything,
}


def values(kind: typing.Any) -> st.SearchStrategy[typing.Any]:
    """Any value of a type that the model uses."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, arguments))
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is collections.abc.Mapping:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    hints = typing.get_type_hints(kind)
    wanted = {f.name: f for f in dataclasses.fields(kind) if f.name != "locations"}
    optional = {name for name, f in wanted.items() if f.default_factory is not dataclasses.MISSING}
    optional |= {name for name, f in wanted.items() if f.default is not dataclasses.MISSING}
    given_ = {name: st.deferred(lambda name=name: values(hints[name])) for name in wanted if name not in optional}
    # A handful of the optional ones at a time: all of a service's at once would be too much for each example.
    some = st.lists(st.sampled_from(sorted(optional)), max_size=6, unique=True) if optional else st.just([])
    return some.flatmap(lambda chosen: st.builds(kind, **given_, **{name: values(hints[name]) for name in chosen}))


@settings(max_examples=200, deadline=None)
@given(values(Release))
def test_a_release_is_read_as_it_was_written(release: Release) -> None:
    assert decode_release(encode(release)) == release


def small(number: int) -> Release:
    app = App(name="a", services={}, locations={("services", "web"): Location("compose.yaml", 3)})
    return Release(number=number, environment=Environment("a", "e"), app=app, images={}, revisions={})


def test_places_in_files_are_not_kept() -> None:
    assert b"compose.yaml" not in encode(small(1))


def test_the_last_word_on_a_release_counts() -> None:
    files = {release_name(number): encode(small(number)) for number in (10, 9, 2)}
    for when, said in ((200, "promoted"), (1000, "rolled back"), (30, "interrupted")):
        files[outcome_name(9, when)] = encode(Outcome(outcome=said, finished="2026-11-21T00:00:00Z", detail="d"))

    read = records(files)

    assert [(record.release.number, record.outcome) for record in read] == [(2, ""), (9, "rolled back"), (10, "")]


@given(st.integers(min_value=0))
def test_every_beginning_of_a_record_is_torn_and_ignored(length: int) -> None:
    whole = encode(small(1))
    start = whole[: length % len(whole)]
    assert torn(start)
    assert records({"1.release.json": start, "2.release.json": encode(small(2))})[0].release.number == 2


@pytest.mark.parametrize("data", [b"[]", b'{"number": "x"}', b"{} {}", b"\xff"])
def test_what_is_no_record_is_an_error_and_not_lost_in_silence(data: bytes) -> None:
    with pytest.raises(EngineError, match=r"7\.release\.json cannot be read"):
        records({"7.release.json": data})


def test_other_files_are_left_alone() -> None:
    assert records({"notes.txt": b"?", "lost+found": b""}) == ()
