"""A command's words become arguments of its function."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from fairway.cli.arguments import Parameter, arguments, bound, description
from fairway.cli.commands import COMMANDS, MORE
from fairway.cli.common import Common
from fairway.cli.main import FUNCTIONS, called, function
from fairway.model.errors import UsageError


def told(
    place: str,
    count: int | None = None,
    *words: str,
    shell: Literal["bash", "zsh"] = "bash",
    dry_run: bool = False,
    env: Annotated[tuple[str, ...], Parameter(("--env", "-e"))] = (),
    options: Common = Common(),  # noqa: B008
) -> dict[str, Any]:
    """Say what was said.

    More of it.

    Parameters
    ----------
    place:
        Where,
        over two lines.
    env:
        NAME=VALUE.
    """
    return locals()


def call(*words: str) -> dict[str, Any]:
    result: dict[str, Any] = bound(told, "fairway told", words)()
    return result


def test_places_options_and_the_options_of_all_commands() -> None:
    said = call("-C", "/x", "here", "--env", "A=1", "7", "-e", "B=--x", "--shell=zsh", "--dry-run", "--debug")
    assert said == {
        "place": "here",
        "count": 7,
        "words": (),
        "shell": "zsh",
        "dry_run": True,
        "env": ("A=1", "B=--x"),
        "options": Common(directory=Path("/x"), debug=True),
    }


def test_defaults() -> None:
    said = call("here")
    assert (said["count"], said["words"], said["shell"], said["env"], said["options"]) == (
        None,
        (),
        "bash",
        (),
        Common(),
    )


@pytest.mark.parametrize(
    ("words", "rest"),
    [
        (("here", "1", "ls", "-la", "--env", "x"), ("ls", "-la", "--env", "x")),
        (("here", "1", "--", "ls", "-la"), ("ls", "-la")),
        (("--dry-run", "here", "1", "--", "--", "-x"), ("--", "-x")),
        (("here", "1", "--"), ()),
        (("here", "1", "-e", "A=1", "sh", "-c", "exit 9"), ("sh", "-c", "exit 9")),
    ],
)
def test_the_last_words_are_somebody_else_s(words: tuple[str, ...], rest: tuple[str, ...]) -> None:
    assert call(*words)["words"] == rest


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ((), "`fairway told` needs to be told PLACE"),
        (("here", "soon"), "COUNT: 'soon' is no number"),
        (("--shell", "tcsh", "here"), "--shell: 'tcsh' is none of 'bash', 'zsh'"),
        (("--env",), "--env/-e needs a value"),
        (("--dry", "here"), "there is no option --dry. Did you mean --dry-run?"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        call(*words)
    assert caught.value.what == what
    assert caught.value.hint == "`fairway told --help` says how it is called"


def test_help_is_the_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    assert description(told) == "Say what was said.\n\nMore of it."
    with pytest.raises(SystemExit) as ended:
        call("--help")
    said = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "Where, over two lines." in said
    assert "--env ENV, -e ENV NAME=VALUE." in said
    assert "Parameters" not in said


@pytest.mark.parametrize(
    "place",
    [*(f"{name}:{FUNCTIONS.get(name, name)}" for name, _, _ in COMMANDS), *(p for m in MORE.values() for _, p, _ in m)],
)
def test_every_command_explains_every_argument(place: str) -> None:
    command = function(place)
    known = arguments(command)
    assert [one.key for one in known if not one.help] == []
    assert {one.key for one in known} >= {"directory", "debug"}
    listed = (inspect.getdoc(command) or "").count(":\n    ")
    assert listed == len([one for one in known if not one.group])


def test_an_unknown_command() -> None:
    with pytest.raises(UsageError, match="Did you mean 'deploy'"):
        called(["deplyo"])
