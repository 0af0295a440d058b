"""What an age file holds: nothing is lost on the way to the file and back, and what is pinned stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.model.errors import SecretError
from fairway.model.secret import Recipient
from fairway.secrets import document
from fairway.secrets.document import BLOCK, Document

NAMES = st.sampled_from(["a", "b", "db-password"])
CHANGES = st.lists(st.dictionaries(NAMES, st.none() | st.binary(min_size=1, max_size=40), min_size=1), max_size=8)


def made(changes: list[dict[str, bytes | None]]) -> Document:
    found = Document(recipients=(Recipient("age1x", "ann"),))
    for at, values in enumerate(changes):
        found = document.changed(found, values, at=f"2026-01-0{at + 1}", by="ann@desk")
    return found


@given(CHANGES)
def test_what_is_written_is_read_again(changes: list[dict[str, bytes | None]]) -> None:
    whole = made(changes)
    written = document.encode(whole)
    assert document.decode(written, "f") == whole
    assert len(written) % BLOCK == 0, "the size tells little of what changed"
    json.loads(written)


@given(CHANGES)
def test_every_value_that_there_ever_was_is_found_under_its_number(changes: list[dict[str, bytes | None]]) -> None:
    whole = made(changes)
    told: dict[str, list[bytes | None]] = {}
    for values in changes:
        for name, value in values.items():
            so_far = told.setdefault(name, [])
            if (so_far[-1] if so_far else None) != value:
                so_far.append(value)
    for name, expected in told.items():
        assert [whole.find(name, str(number)) for number in range(1, len(expected) + 1)] == expected
        assert whole.find(name) == (expected[-1] if expected else None)
        if found := whole.find(name):
            assert found.number == str(len(expected))


@given(CHANGES, st.sets(st.tuples(NAMES, st.integers(1, 8))))
def test_pruning_leaves_what_is_needed_and_the_newest(
    changes: list[dict[str, bytes | None]], pins: set[tuple[str, int]]
) -> None:
    whole = made(changes)
    needed: dict[str, set[str]] = {}
    for name, number in pins:
        needed.setdefault(name, set()).add(str(number))
    left, gone = document.pruned(whole, needed)
    for name, numbers in needed.items():
        assert [left.find(name, number) for number in numbers] == [whole.find(name, number) for number in numbers]
    assert left.newest() == whole.newest()
    assert all(left.find(entry.name, entry.number) is None for entry in gone)
    again = document.changed(left, {"a": b"something new", "b": b"also"}, at="", by="")
    was = {name: versions[-1].number for name, versions in whole.secrets.items()}
    assert all(again.secrets[name][-1].number == was.get(name, 0) + 1 for name in ("a", "b")), "no number comes twice"


@given(st.lists(st.dictionaries(NAMES, st.binary(min_size=12, max_size=40), min_size=1), min_size=1, max_size=4))
def test_the_names_have_no_values(changes: list[dict[str, bytes | None]]) -> None:
    text = document.names(made(changes), "production.age").encode()
    assert not any(value in text for values in changes for value in values.values() if value)


def test_names_are_what_a_reviewer_reads() -> None:
    whole = document.changed(made([{"token": b"x" * 20}]), {"token": None, "db": b"y"}, at="2026-02-01", by="bob@desk")
    assert document.names(whole, "production.age").splitlines()[1:] == [
        "recipient age1x ann",
        "secret db version 1 2026-02-01 bob@desk",
        "secret token version 2 removed 2026-02-01 bob@desk",
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"sesame",
        b'{"fairway": 2, "recipients": [], "secrets": {}}',
        b'{"fairway": 1, "recipients": [], "secrets": {"a": []}}',
        b'{"fairway": 1, "recipients": [], "secrets": {"a": [{"number": 2, "value": "sesame"}, {"number": 1}]}}',
        b'{"fairway": 1, "recipients": [], "secrets": {"a": [{"number": 1, "base64": "sesame!"}]}}',
        b'{"fairway": 1, "recipients": [], "secrets": {"a": "sesame"}}',
    ],
)
def test_what_is_no_such_text_is_told_without_its_words(text: bytes) -> None:
    with pytest.raises(SecretError) as caught:
        document.decode(text, "production.age")
    assert "sesame" not in f"{caught.value} {caught.value.why} {caught.value.__cause__}"
    assert caught.value.where == "production.age"
