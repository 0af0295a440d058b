"""A release that was written down is read as an equal one, and a record cut short is none."""

from __future__ import annotations

import collections.abc
import math
import types
import typing
from collections.abc import Mapping
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from fairway.engines.common.ledger_codec import (
    Noted,
    Outcome,
    decode_release,
    encode,
    notes,
    outcome_name,
    progress_name,
    records,
    release_name,
    torn,
)
from fairway.model.app import App, Location, Service
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.judgement import Against, Counts, JudgePolicy, Measure, Opinion, Question, Reading, Ruling
from fairway.model.release import Progress, Release

text = st.text(max_size=5)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2), max_leaves=3
)
Plain = Mapping[typing.Any, st.SearchStrategy[typing.Any]]
PLAIN: Plain = {
    str: text,
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    type(None): st.none(),
    typing.Any: anything,
    JudgePolicy: st.builds(JudgePolicy, alpha=st.floats(0.001, 0.999), ratio=st.floats(1, 100)),
}
ENDLESS: Plain = {**PLAIN, float: st.floats(allow_nan=False)}
"""With infinities."""


def values(kind: typing.Any, plain: Plain = PLAIN) -> st.SearchStrategy[typing.Any]:
    """Any value of a type that the model uses; `plain` has those that are not made of others."""
    if kind in plain:
        return plain[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(values(one, plain) for one in arguments))
    if origin is tuple:
        return st.lists(values(arguments[0], plain), max_size=2).map(tuple)
    if origin is collections.abc.Mapping:
        return st.dictionaries(values(arguments[0], plain), values(arguments[1], plain), max_size=2)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    hints = typing.get_type_hints(kind)
    wanted = {f.name: f for f in fields(kind) if f.name != "locations"}
    optional = {name for name, f in wanted.items() if not f.required}
    given_ = {
        name: st.deferred(lambda name=name: values(hints[name], plain)) for name in wanted if name not in optional
    }
    # A handful of the optional ones at a time: all of a service's at once would be too much for each example.
    some = st.lists(st.sampled_from(sorted(optional)), max_size=6, unique=True) if optional else st.just([])
    # Sorted, as hypothesis takes `builds(a, b)` for `builds(b, a)` of an earlier example, and draws in that one's order.
    return some.map(sorted).flatmap(
        lambda chosen: st.builds(kind, **given_, **{name: values(hints[name], plain) for name in chosen})
    )


@settings(max_examples=100, deadline=None)
@given(values(Release))
def test_a_release_is_read_as_it_was_written(release: Release) -> None:
    assert decode_release(encode(release)) == release


def small(number: int) -> Release:
    web = Service(name="web", stop_grace_period=1.5)
    app = App(name="a", services={"web": web}, locations={("services", "web"): Location("compose.yaml", 3)})
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


@settings(max_examples=100, deadline=None)
@given(values(Progress, ENDLESS))
def test_progress_is_read_as_it_was_noted(progress: Progress) -> None:
    files = {release_name(1): encode(small(1)), progress_name(1, 1): encode(Noted(sequence=1, progress=progress))}
    assert records(files)[0].progress == progress


def test_evidence_without_a_doubt_and_bounds_of_any_size_are_noted() -> None:
    times = {0.5: 1, 1.0: 2, 1e16: 3, math.inf: 4}
    reading = Reading(Question(Measure.ERRORS, Against.OLD), math.inf, 0.5, 100.0, None, 0.1)
    opinion = Opinion(Ruling.ABORT, "worse", ("inf", "1.5"), (reading,), Counts(4, 1, times), Counts())
    noted = Noted(sequence=1, progress=Progress(phase=2, since=1.5, evidence={"web": opinion}))
    assert notes({progress_name(1, 1): encode(noted)}) == {1: noted}


def note(sequence: int) -> bytes:
    return encode(Noted(sequence=sequence, progress=Progress(phase=sequence)))


@given(st.integers(min_value=1, max_value=50), st.integers(min_value=0))
def test_a_note_that_was_cut_short_leaves_the_one_before(last: int, length: int) -> None:
    files = {release_name(1): encode(small(1))}
    files |= {progress_name(1, sequence): note(sequence) for sequence in range(1, last + 1)}
    assert len(files) <= 3
    assert records(files)[0].progress.phase == last
    files[progress_name(1, last + 1)] = note(last + 1)[: length % len(note(last + 1))]
    assert records(files)[0].progress.phase == last


def test_without_notes_nothing_is_known_of_the_way() -> None:
    files = {release_name(1): encode(small(1)), progress_name(7, 1): note(1)}
    assert [record.progress for record in records(files)] == [Progress()]


@pytest.mark.parametrize("data", [b"[]", b'{"number": "x"}', b"{} {}", b"\xff"])
def test_what_is_no_record_is_an_error_and_not_lost_in_silence(data: bytes) -> None:
    with pytest.raises(EngineError, match=r"7\.release\.json cannot be read"):
        records({"7.release.json": data})


def test_other_files_are_left_alone() -> None:
    assert records({"notes.txt": b"?", "lost+found": b""}) == ()
