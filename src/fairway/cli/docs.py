"""fairway docs: the manual, from the program itself, so that it is the manual of this version."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Literal

from fairway.cli.common import Common, Options, show
from fairway.model.errors import Exit, FairwayError, UsageError
from fairway.settings import docs as settings

MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "failed, and nothing has changed for users",
    Exit.USAGE: "a wrong command line, or files that are not right",
    Exit.ROLLED_BACK: "the new release failed; the one before it serves",
    Exit.PARTIAL: "some of it is done, and some is not",
    Exit.LOCKED: "somebody else is changing the environment",
    Exit.REFUSED: "a policy says no, or `check --security --fail-on` has found something",
    Exit.HELD: "the new release failed; the one before it serves, and the new replicas stay to be looked at",
    Exit.INTERRUPTED: "interrupted",
}


def docs(
    topic: str | None = None,
    *,
    form: Literal["text", "markdown", "schema"] = "text",
    options: Options = Common(),  # noqa: B008
) -> None:
    """Print the manual of a topic, or the list of topics.

    Parameters
    ----------
    topic:
        One of those that `fairway docs` lists.
    form:
        For settings: the commented example, a page of tables, or the JSON schema for editors.
    """
    if topic is None:
        show("\n".join(f"fairway docs {name}" for name in topics()))
    elif topic == "settings" and form != "text":
        show(settings.page().rstrip() if form == "markdown" else json.dumps(settings.schema(), indent=2))
    elif topic == "settings":
        show(settings.example().rstrip())
    elif topic == "errors":
        show(errors().rstrip())
    elif topic == "security":
        from fairway.security.docs import page  # the rules are of no use to the other topics

        show(page().rstrip())
    elif topic in topics():
        show(files("fairway.data").joinpath("manual", f"{topic}.md").read_text(encoding="utf-8").rstrip())
    else:
        raise UsageError(f"there is no topic {topic}", hint=f"there are: {', '.join(topics())}")


def topics() -> tuple[str, ...]:
    """What there is to read: made from the code, or a page of the package."""
    manual = files("fairway.data").joinpath("manual")
    pages = [page.name.removesuffix(".md") for page in manual.iterdir()] if manual.is_dir() else []
    return ("settings", *sorted(pages), "security", "errors")


def errors() -> str:
    """Exit statuses, and the errors behind them."""
    lines = ["# Errors and exit statuses", "", "<!-- Made by `fairway docs errors`. -->", ""]
    lines += ["| status | meaning |", "| --- | --- |"]
    lines += [f"| {int(status)} | {meaning} |" for status, meaning in MEANINGS.items()]
    lines += [
        "",
        "Every error says what happened, where, why, and what to do next. `--debug` shows the traceback, too.",
        "",
    ]
    lines += ["| error | status | |", "| --- | --- | --- |"]
    lines += [f"| {error.__name__} | {int(error.exit)} | {_first_line(error)} |" for error in _tree(FairwayError)]
    return "\n".join(lines) + "\n"


def _tree(error: type[FairwayError]) -> Iterator[type[FairwayError]]:
    for kind in error.__subclasses__():
        if kind.__module__ == FairwayError.__module__:
            yield kind
            yield from _tree(kind)


def _first_line(error: type[FairwayError]) -> str:
    return (inspect.getdoc(error) or "").partition("\n")[0]
