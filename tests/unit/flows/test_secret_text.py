"""All secrets as one text for an editor, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.flows.secret_text import differences, from_text, to_text
from fairway.flows.secrets import random_value
from fairway.model.errors import UsageError

NAMES = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,20}", fullmatch=True)
VALUES = st.binary(min_size=1, max_size=60) | st.text(min_size=1, max_size=60).map(lambda text: text.encode())


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_an_editor_that_changes_nothing_changes_nothing(values: dict[str, bytes]) -> None:
    assert differences(values, from_text(to_text(values, "secrets/production.age"))) == {}


def test_what_an_editor_has_changed() -> None:
    before = {"a": b"1", "b": b"2", "c": b"3"}
    text = "a: 01\nb: 2\nnew: |\n  two\n  lines\n"
    assert differences(before, from_text(text)) == {"a": b"01", "c": None, "new": b"two\nlines\n"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: [sesame", "this is not YAML (line"),
        ("a: {b: sesame}", "a secret is one text (line 1)"),
        ("- sesame", "there is no `NAME: value` (line 1)"),
        ("a: 1\na: sesame", "this name is here twice (line 2)"),
        ("b: x\na:\n", "this secret would be empty (line 2)"),
        ("a: !!binary sesame!", "this is not base64 (line 1)"),
        ("a: \x01sesame", "this is not text"),
    ],
)
def test_what_is_wrong_is_told_without_its_words(text: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_text(text)
    assert what in caught.value.what
    assert "sesame" not in f"{caught.value} {caught.value.why} {caught.value.__cause__}"


@pytest.mark.parametrize(("form", "length"), [("hex", 64), ("base64", 44), ("base64url", 43), ("letters", 32)])
def test_random_values(form: str, length: int) -> None:
    made = {random_value(32, form) for _ in range(20)}
    assert len(made) == 20
    assert {len(value) for value in made} == {length}
