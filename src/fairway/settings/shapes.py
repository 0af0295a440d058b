"""The shape of the file, derived from the annotations of the settings' structs: for reading, and for its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from fairway.settings.kinds import FLAG, TEXT, Kind


class Many(Struct, frozen=True):
    """A list; one item alone will do."""

    item: Shape


class Named(Struct, frozen=True):
    """A mapping whose keys the user chooses; `name` says what they may be."""

    name: Kind
    item: Shape


class Record(Struct, frozen=True):
    """A mapping with known keys. `later` are keys of versions to come; `short` is the key that stands alone as text."""

    cls: type
    keys: Mapping[str, Shape]
    required: frozenset[str]
    later: tuple[str, ...] = ()
    short: str | None = None
    fields: Mapping[str, str] = {}
    """The names of fields whose keys Python could not have as names."""


Shape = Kind | Many | Named | Record


def shape_of(hint: Any) -> Shape:
    """The shape of an annotation: a settings struct, a kind (Annotated), tuple[X, ...], Mapping[name, X], X | None."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated and isinstance(hint.__metadata__[0], Kind):
        return hint.__metadata__[0]
    if origin in (Union, UnionType):
        return shape_of(next(part for part in parts if part is not NoneType))
    if origin is tuple:
        return Many(shape_of(parts[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        name = shape_of(parts[0])
        assert isinstance(name, Kind)
        return Named(name, shape_of(parts[1]))
    if isinstance(hint, type) and issubclass(hint, Struct):
        return record(hint)
    return {str: TEXT, bool: FLAG}[hint]


@cache
def record(cls: Any) -> Record:
    """The shape of a settings struct."""
    hints = get_type_hints(cls, include_extras=True)
    written = [field for field in fields(cls) if field.name not in getattr(cls, "unwritten", ())]
    required = {field.encode_name for field in written if field.required}
    keys = {field.encode_name: shape_of(hints[field.name]) for field in written}
    names = {field.encode_name: field.name for field in written if field.encode_name != field.name}
    return Record(cls, keys, frozenset(required), getattr(cls, "later", ()), getattr(cls, "short", None), names)


def keys(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """Every key of the file with its shape; a name that the user chooses is `NAME` in the path."""
    match shape:
        case Record():
            for key, inner in shape.keys.items():
                yield (*path, key), inner
                yield from keys(inner, (*path, key))
        case Named():
            yield from keys(shape.item, (*path, "NAME"))
        case Many():
            yield from keys(shape.item, path)
