"""What goes to another machine, and what comes back."""

from __future__ import annotations

import base64
import subprocess
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.net.script import BEGIN, END, answers, whole

SCRIPTS = sorted(path.name for path in files("fairway.data").joinpath("bootstrap").iterdir())


def run(text: str) -> list[str]:
    return subprocess.run(["sh", "-s"], input=text, capture_output=True, text=True, check=False).stdout.splitlines()


def test_a_value_is_no_program() -> None:
    hostile = "it's\n$(echo no) `echo no` \"\\ é"
    assert run(whole('printf "%s" "$text"', {"text": hostile})) == [
        BEGIN,
        *hostile.splitlines()[:-1],
        hostile.splitlines()[-1] + END,
    ]


def test_what_comes_in_part_does_nothing() -> None:
    text = whole("echo done", {"a": "b"})
    for end in range(text.rindex("}")):
        assert "done" not in run(text[:end])


def test_what_reads_reads_nothing_of_the_script() -> None:
    assert run(whole("cat; echo after", {})) == [BEGIN, "after", END]


@given(st.lists(st.text(max_size=60)))
def test_what_is_no_answer_is_none(lines: list[str]) -> None:
    for key, value in answers(lines).items():
        assert key.isascii()
        assert len(value) <= 500


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a=b=c", {"a": "b=c"}),
        ("a=\x1b[31mred\x07", {"a": "[31mred"}),
        ("a.64=" + base64.b64encode(b"x\ny").decode(), {"a": "x\ny"}),
        ("a.64=!", {}),
        ("a.64=" + base64.b64encode(b"\xff").decode(), {}),
        ("A=b", {}),
        ("__class__=x", {"__class__": "x"}),
        ("no answer", {}),
    ],
)
def test_answers(line: str, found: dict[str, str]) -> None:
    assert answers([line]) == found


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name.endswith(".sh")])
def test_every_script_is_posix_shell(name: str) -> None:
    text = files("fairway.data").joinpath(f"bootstrap/{name}").read_text()
    subprocess.run(["sh", "-n", "-s"], input=whole(text, {"user": "x"}), text=True, check=True)
    for word in ("[[", "function ", "local ", "&>", "<<<", "echo -", "$'"):
        assert word not in text
