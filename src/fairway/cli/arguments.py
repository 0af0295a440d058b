"""A command's arguments: read from its function's signature and docstring, and bound by argparse.

A parameter that can be given by its place is an argument, one that cannot is an option; `*words` takes all that is left.
Why no library does this: docs/decisions/0020.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from fairway.model.errors import UsageError

METAVARS = {int: "N", Path: "DIR"}
PARAMETERS = re.compile(r"\n\s*Parameters\n\s*-+\n")


class Parameter(Struct, frozen=True):
    """What an annotation says of an option: its names, where they are not --NAME."""

    name: tuple[str, ...] = ()


class Argument(Struct, frozen=True, kw_only=True):
    """`names` are empty for what is given by its place; `group` is the parameter whose field it is, or nothing."""

    key: str
    names: tuple[str, ...] = ()
    type: type = str
    choices: tuple[str, ...] = ()
    many: bool = False
    required: bool = False
    default: Any = None
    help: str = ""
    group: str = ""

    @property
    def flag(self) -> bool:
        return self.type is bool

    @property
    def shown(self) -> str:
        name = self.key.rstrip("_").upper().replace("_", "-")
        return METAVARS.get(self.type, name) if self.names else name


def arguments(function: Callable[..., Any]) -> list[Argument]:
    hints = get_type_hints(function, include_extras=True)
    helps = _helps(function)
    found: list[Argument] = []
    for name, parameter in inspect.signature(function).parameters.items():
        hint, said = _unwrapped(hints[name])
        if isinstance(hint, type) and issubclass(hint, Struct):
            found += _group(name, hint)
            continue
        default = None if parameter.default is parameter.empty else parameter.default
        by_place = parameter.kind is not parameter.KEYWORD_ONLY
        rest = parameter.kind is parameter.VAR_POSITIONAL
        found.append(
            _argument(
                name,
                hint,
                names=() if by_place else said.name or (_dashed(name),),
                many=rest,
                required=by_place and not rest and parameter.default is parameter.empty,
                default=default,
                help=helps.get(name, ""),
            )
        )
    return found


def _group(name: str, kind: type[Struct]) -> list[Argument]:
    """The fields of a struct are options of their own; their help is written in its docstring."""
    hints, helps = get_type_hints(kind, include_extras=True), _helps(kind)
    found = []
    for field in fields(kind):
        hint, said = _unwrapped(hints[field.name])
        default = None if field.default is NODEFAULT else field.default
        names = said.name or (_dashed(field.name),)
        found.append(
            _argument(field.name, hint, names=names, default=default, help=helps.get(field.name, ""), group=name)
        )
    return found


def _argument(key: str, hint: Any, **more: Any) -> Argument:
    choices: tuple[str, ...] = ()
    if get_origin(hint) is tuple:
        hint, more["many"] = get_args(hint)[0], True
    if get_origin(hint) is Literal:
        hint, choices = str, get_args(hint)
    return Argument(key=key, type=hint, choices=choices, **more)


def _unwrapped(hint: Any) -> tuple[Any, Parameter]:
    """Without `Annotated` and `| None`."""
    said = Parameter()
    if get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        said = next((one for one in more if isinstance(one, Parameter)), said)
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    return hint, said


def _dashed(name: str) -> str:
    return f"--{name.rstrip('_').replace('_', '-')}"


def description(function: Callable[..., Any]) -> str:
    return PARAMETERS.split(inspect.getdoc(function) or "")[0].strip()


def _helps(documented: Any) -> dict[str, str]:
    """What stands below each name in the docstring's list of parameters."""
    _, _, listed = (inspect.getdoc(documented) or "").partition("Parameters\n----------\n")
    found: dict[str, str] = {}
    name = ""
    for line in listed.splitlines():
        if line and not line[0].isspace():
            name = line.rstrip(":")
        elif name and line.strip():
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found


class Parser(argparse.ArgumentParser):
    """Says what is wrong as everything else here does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(_words(message, self.prog), hint=f"`{self.prog} --help` says how it is called")


def _words(message: str, program: str) -> str:
    if found := re.fullmatch(r"the following arguments are required: (.*)", message):
        return f"`{program}` needs to be told {found[1].split(', ')[0]}"
    if found := re.fullmatch(r"argument (\S+): expected one argument", message):
        return f"{found[1]} needs a value"
    if found := re.fullmatch(r"argument (\S+): invalid int value: (.*)", message):
        return f"{found[1]}: {found[2]} is no number"
    if found := re.fullmatch(r"argument (\S+): invalid choice: (.*) \(choose from (.*)\)", message):
        return f"{found[1]}: {found[2]} is none of {found[3]}"
    return message


def _formatter(prog: str) -> argparse.HelpFormatter:
    """With its width: without, argparse asks a module for it that imports three compressions."""
    try:
        width = os.get_terminal_size().columns
    except OSError:
        width = 80
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=32, width=min(width, 120) - 2)


def parser(function: Callable[..., Any], program: str, more: str = "") -> Parser:
    """`more` is shown below the help."""
    made = Parser(
        prog=program,
        description=description(function),
        epilog=more or None,
        allow_abbrev=False,
        formatter_class=_formatter,
    )
    for one in arguments(function):
        known: dict[str, Any] = {"help": one.help, "dest": one.key}
        if one.flag:
            made.add_argument(*one.names, action="store_true", dest=one.key, help=one.help)
            continue
        known |= {"type": one.type, "metavar": one.shown, "default": one.default}
        if one.choices:
            known["choices"] = one.choices
        if one.names:
            if one.many:
                known |= {"action": "append", "default": list(one.default)}
            made.add_argument(*one.names, **known)
        else:
            del known["dest"]
            known["nargs"] = "*" if one.many else None if one.required else "?"
            made.add_argument(one.key, **known)
    return made


def bound(function: Callable[..., Any], program: str, words: Sequence[str], more: str = "") -> Callable[[], Any]:
    """The function with the arguments that the words say. Raises UsageError; SystemExit after `--help` was shown."""
    known = arguments(function)
    own, tail = _split(known, words)
    told, unknown = parser(function, program, more).parse_known_intermixed_args(own)
    if unknown:
        raise _unknown(program, unknown[0], [name for one in known for name in one.names])
    return _called(function, known, vars(told), tail)


def _split(known: Sequence[Argument], words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own words, and those of a command that is to be run: they begin after `--`, or after the last place of ours."""
    if not any(one.many and not one.names for one in known):
        return list(words), []
    places = sum(not (one.many or one.names) for one in known)
    valued = {name for one in known if not one.flag for name in one.names}
    value = False
    for at, word in enumerate(words):
        if word == "--" and not value:
            return list(words[:at]), list(words[at + 1 :])
        if value or word.startswith("-"):
            value = not value and word in valued
        elif places:
            places -= 1
        else:
            return list(words[:at]), list(words[at:])
    return list(words), []


def _called(
    function: Callable[..., Any], known: Sequence[Argument], told: dict[str, Any], tail: list[str]
) -> Callable[[], Any]:
    hints = get_type_hints(function)
    places: list[Any] = []
    options: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for one in known:
        value = tuple(told[one.key] or ()) if one.many else told[one.key]
        if one.group:
            groups.setdefault(one.group, {})[one.key] = value
        elif one.names:
            options[one.key] = value
        else:
            places += [*value, *tail] if one.many else [value]
    options |= {name: hints[name](**values) for name, values in groups.items()}
    return lambda: function(*places, **options)


def _unknown(program: str, word: str, names: Sequence[str]) -> UsageError:
    from difflib import get_close_matches

    if not word.startswith("-"):
        return UsageError(f"`{program}` takes no more: {word!r}", hint=f"`{program} --help` says how it is called")
    close = get_close_matches(word.partition("=")[0], names, n=1, cutoff=0.7)
    meant = f" Did you mean {close[0]}?" if close else ""
    return UsageError(f"there is no option {word}.{meant}", hint=f"`{program} --help` says how it is called")
