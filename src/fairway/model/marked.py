"""A rendered config with places for secrets: what a release may keep of it, for no value is in it.

A place is `NUL name:how NUL`; `how` says what is done to the value, such as `trim+urlencode`. A template's result has no other NUL.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote_from_bytes

from fairway.model.errors import FairwayError
from fairway.model.files import JINJA, FileObject
from fairway.model.secret import DOTS

_PLACE = re.compile(r"\0([A-Za-z0-9._-]+):([a-z0-9+]*)\0")

HOW: Mapping[str, Callable[[bytes], bytes]] = {
    "trim": bytes.strip,
    "urlencode": lambda value: quote_from_bytes(value, safe="").encode(),
    "b64encode": base64.b64encode,
    "tojson": lambda value: json.dumps(value.decode()).encode(),
}
"""What can be done to a value on its way into the text, by the name of the filter."""


def place(name: str, how: tuple[str, ...] = ()) -> str:
    return f"\0{name}:{'+'.join(how)}\0"


def names(text: str) -> frozenset[str]:
    """The secrets that have a place in the text."""
    return frozenset(found[1] for found in _PLACE.finditer(text))


def masked(text: str) -> str:
    """For people."""
    return _PLACE.sub(DOTS, text)


def filled(text: str, values: Mapping[str, bytes]) -> bytes | None:
    """The text with the values in their places; None where one is not among `values`. Raises FairwayError."""
    if names(text) - values.keys():
        return None
    pieces = _PLACE.split(text)
    parts = [pieces[0].encode()]
    for name, how, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        parts += [_value(name, how, values[name]), after.encode()]
    return b"".join(parts)


def _value(name: str, how: str, value: bytes) -> bytes:
    for one in filter(None, how.split("+")):
        try:
            value = HOW[one](value)
        except UnicodeDecodeError:
            # without its cause, which quotes the value
            raise FairwayError(
                f"the secret {name!r} is no text, and `{one}` wants one", hint="use `b64encode` in the template"
            ) from None
    return bytes(value)


def secrets_of(config: FileObject | None, encoded: str) -> frozenset[str]:
    """The secrets that a config of a release (its content, base64) has places for: none, unless it is a template's result."""
    if config is None or config.template_driver != JINJA:
        return frozenset()
    return names(base64.b64decode(encoded).decode())
