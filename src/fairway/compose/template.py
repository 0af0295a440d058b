"""Configs that are templates (`template_driver: jinja`), rendered in a sandbox. Secrets are places in the result, never values."""

from __future__ import annotations

import functools
import re
import secrets as randomness
import string
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fairway.model import marked
from fairway.model.app import App

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

LONGEST = 1 << 20
"""Characters of a result: it is kept with every release."""


class TemplateError(ValueError):
    """What is wrong with a template; `line` is its own, 0 where none is known."""

    def __init__(self, what: str, line: int = 0, hint: str = "") -> None:
        super().__init__(what)
        self.line = line
        self.hint = hint


def facts(app: App, environment: str, values: Mapping[str, str]) -> dict[str, Any]:
    """What a template may ask for: the environment's values by their names, and what the application is."""
    services = {
        name: {
            "replicas": service.deploy.replicas,
            "environment": dict(service.environment),
            "ports": [port.target for port in service.ports],
            "expose": list(service.expose),
        }
        for name, service in app.services.items()
    }
    told = {"values": dict(values), "app": app.name, "environment": environment, "services": services}
    return {**values, **told}


def render(text: str, told: Mapping[str, Any], secrets: Collection[str]) -> str:
    """The result, with places for secrets (`model.marked`). Raises TemplateError."""
    import jinja2

    places = _Places(frozenset(secrets))
    environment = _sandbox(places)
    try:
        result = environment.from_string(text).render({**told, "secret": places.secret})
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(str(error.message), error.lineno) from None
    except TemplateError as error:
        raise TemplateError(str(error), _line(error.__traceback__), error.hint) from None
    except Exception as error:
        raise TemplateError(str(error) or type(error).__name__, _line(error.__traceback__)) from None
    if len(result) > LONGEST:
        raise TemplateError(f"the result has {len(result):,} characters: at most {LONGEST:,} are kept with a release")
    return places.settled(result)


class _Place:
    """A secret, as a template has it: it can be put out, as it is or written in another way, and nothing else."""

    def __init__(self, places: _Places, name: str, how: tuple[str, ...] = ()) -> None:
        self._places, self._name, self._how = places, name, how

    def written(self, how: str) -> _Place:
        return _Place(self._places, self._name, (*self._how, how))

    def __str__(self) -> str:
        return self._places.mark(self._name, self._how)

    def __eq__(self, other: object) -> bool:
        raise _refused()

    def __bool__(self) -> bool:
        raise _refused()

    def __repr__(self) -> str:
        raise _refused()

    __hash__ = None  # type: ignore[assignment]


def _refused() -> TemplateError:
    return TemplateError(
        "a secret can only be put out here", hint=f"filters that it may go through: {', '.join(marked.HOW)}"
    )


class _Places:
    """Marks of this rendering, which nothing else in the text can be taken for."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        letters = (randomness.choice(string.ascii_letters) for _ in range(24))
        self._sign = f"aZ{''.join(letters)}"
        self._made: list[str] = []

    def secret(self, name: str) -> _Place:
        if name not in self._known:
            there = ", ".join(sorted(self._known)) or "none"
            raise TemplateError(f"there is no secret {name!r}", hint=f"declare it under `secrets`; there is: {there}")
        return _Place(self, name)

    def mark(self, name: str, how: tuple[str, ...]) -> str:
        self._made.append(marked.place(name, how))
        return f"\0{self._sign}:{len(self._made) - 1}\0"

    def settled(self, result: str) -> str:
        """With the places that are kept, once nothing has been done to the marks."""
        pieces = re.split(f"\0{self._sign}:([0-9]+)\0", result)
        if any("\0" in piece or self._sign.lower() in piece.lower() for piece in pieces[::2]):
            raise TemplateError(
                "a secret can only be put out, or the template has a NUL byte in it",
                hint=f"filters that a secret may go through: {', '.join(marked.HOW)}, each right after `secret(…)`",
            )
        return "".join(self._made[int(piece)] if index % 2 else piece for index, piece in enumerate(pieces))


def _sandbox(places: _Places) -> SandboxedEnvironment:
    import base64

    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    made.globals.pop("lipsum", None)
    made.filters["b64encode"] = lambda value: base64.b64encode(_clean(str(value)).encode()).decode()
    for name, function in list(made.filters.items()):
        made.filters[name] = _careful(name, function)
    return made


def _clean(text: str) -> str:
    if "\0" in text:
        raise _refused()
    return text


def _careful(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, but for secrets: they are written otherwise later on, or not at all."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        given = [one for one in (*arguments, *named.values()) if isinstance(one, _Place)]
        if not given:
            return function(*arguments, **named)
        if name not in marked.HOW or len(given) != 1 or arguments[-1] is not given[0]:
            raise _refused()
        return given[0].written(name)

    return call


def _line(trace: TracebackType | None) -> int:
    """The last line of the template that was under way."""
    found = 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            found = trace.tb_lineno
        trace = trace.tb_next
    return found
