from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.compose.dotenv import parse, parse_raw
from fairway.compose.problems import Problems

from .parts import app, load_all, problems, shown, web, web_problems


def read(text: str, variables: dict[str, str] | None = None) -> dict[str, str | None]:
    found = Problems()
    values = parse(text, "f", variables or {}, found)
    assert not found.errors
    return values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=b", {"A": "b"}),
        ("A=", {"A": ""}),
        ("A=''", {"A": ""}),
        ("  A = b  ", {"A": "b"}),
        ("export A=b", {"A": "b"}),
        ("A: b", {"A": "b"}),
        ("# A=b\n\n   # c\nB=1", {"B": "1"}),
        ("A=b # comment", {"A": "b"}),
        ("A=b# no comment", {"A": "b# no comment"}),
        ("A=#comment", {"A": ""}),
        ('A="b # no comment"', {"A": "b # no comment"}),
        ('A="b" # comment', {"A": "b"}),
        ("A='b' # comment", {"A": "b"}),
        ("A='$B ${C}'", {"A": "$B ${C}"}),
        (r"A='Let\'s go!'", {"A": "Let's go!"}),
        (r'A="{\"hello\": \"json\"}"', {"A": '{"hello": "json"}'}),
        (r'A="some\tvalue\n\\"', {"A": "some\tvalue\n\\"}),
        (r"A='some\tvalue'", {"A": r"some\tvalue"}),
        (r"A=some\tvalue", {"A": r"some\tvalue"}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ("A='one\ntwo'\nB=3", {"A": "one\ntwo", "B": "3"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=1\nB=$A${A}2", {"A": "1", "B": "112"}),
        ('A=1\nB="${A}-${C:-d}"', {"A": "1", "B": "1-d"}),
        (r'A="\$B"', {"A": "$B"}),
        ("A=$$B", {"A": "$B"}),
        ("A=http://u:p@h/?x=1&y=2", {"A": "http://u:p@h/?x=1&y=2"}),
        ("A=b\r\nB=c\r\n", {"A": "b", "B": "c"}),
        ("A", {"A": None}),
        ("a.b-c=1", {"a.b-c": "1"}),
    ],
)
def test_the_format(text: str, values: dict[str, str | None]) -> None:
    assert read(text) == values


def test_the_environment_wins_in_interpolation_and_gives_names_without_value() -> None:
    assert read("A=1\nB=$A\nC", {"A": "0", "C": "c"}) == {"A": "1", "B": "0", "C": "c"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("A=1\nwhat is this", "f:2: `what is this` is not of the form VAR=value"),
        ("=x", "f:1: `=x` is not of the form VAR=value"),
        ("A=1\n\nB='x", "f:3: a quote is never closed"),
        ("A='x' y", "f:1: `y` stands after the closing quote"),
        ("A=${B?why}", "f:1: the required variable B is not set: why"),
        ("A=$(date)", "f:1: `$(date)` names no variable (write `$$` for a dollar sign)"),
    ],
)
def test_faults_have_lines(text: str, fault: str) -> None:
    found = Problems()
    parse(text, "f", {}, found)
    assert [shown(one) for one in found.errors] == [fault]


def test_the_raw_format_takes_values_as_they_are() -> None:
    text = "# c\nA='$x' # y\n\nB=\"q\"\nC\nD= a=b "
    assert parse_raw(text, "f", {"C": "c"}, Problems()) == {"A": "'$x' # y", "B": '"q"', "C": "c", "D": " a=b "}


@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse(text, "f", {}, Problems())
    parse_raw(text, "f", {}, Problems())


@given(st.dictionaries(st.from_regex(r"[A-Z_][A-Z0-9_]*", fullmatch=True), st.text(alphabet="ab$ '\"#\\\n{}=")))
def test_any_value_can_be_written_in_double_quotes(values: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
        return f'"{escaped}"'

    assert read("\n".join(f"{name}={quoted(value)}" for name, value in values.items())) == values


def test_the_project_file_gives_variables_and_the_environment_wins() -> None:
    text = "services: {web: {image: 'web:$TAG$OTHER'}}"
    files = {".env": "TAG=file\nOTHER=x"}
    assert app(text, files=files, environment={"TAG": "env"}).services["web"].image == "web:envx"


def test_named_files_replace_the_default_and_the_later_wins() -> None:
    text = "services: {web: {image: 'web:$TAG$OTHER'}}"
    files = {".env": "TAG=no", "a.env": "TAG=a\nOTHER=a", "b.env": "TAG=b"}
    env_files = ["/project/a.env", "/project/b.env"]
    assert app(text, files=files, env_files=env_files).services["web"].image == "web:ba"
    assert problems(text, env_files=["/project/none.env"])[0] == "none.env: there is no file /project/none.env"


def test_a_service_takes_its_files_in_order_and_its_own_environment_over_them() -> None:
    service = web(
        """
        env_file: [a.env, {path: b.env, format: raw}, {path: none.env, required: false}]
        environment: {OWN: own, B: "", TAKEN: , GONE: , NUMBER: 1.50, TRUTH: true}
        """,
        files={"a.env": "A=1\nB=1\nC=$X\nGONE=file", "b.env": "A='2'", ".env": "X=x"},
        environment={"TAKEN": "taken"},
    )
    assert service.environment == {
        "A": "'2'",
        "B": "",
        "C": "x",
        "OWN": "own",
        "TAKEN": "taken",
        "NUMBER": "1.5",
        "TRUTH": "true",
    }


def test_a_missing_file_is_told_where_it_is_named() -> None:
    assert web_problems("env_file: none.env") == ["4: services.web.env_file.0: there is no file /project/none.env"]


def test_labels_come_from_files_too() -> None:
    service = web("label_file: [a, b]\nlabels: [own=1, bare]", files={"a": "x=a\ny=a", "b": "y=b\nown=b"})
    assert service.labels == {"x": "a", "y": "b", "own": "1", "bare": ""}


def test_an_unset_variable_in_a_file_is_a_warning_with_its_line() -> None:
    _, warnings = load_all("services: {web: {image: a, env_file: a.env}}", files={"a.env": "A=1\nB=$NONE"})
    assert [shown(one) for one in warnings] == ["a.env:2: the variable NONE is not set; it stands for an empty string"]
