"""All secrets as one text for an editor, and back: YAML, in which every value is text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import yaml

from fairway.model.errors import UsageError

BINARY = "tag:yaml.org,2002:binary"
HEAD = """# The secrets of {where}: NAME: value. Each value that changes is a new version; a name that is taken out is removed.
# Several lines: `NAME: |` and the lines, indented, below it. Nothing is changed until the editor ends.
"""


def to_text(values: Mapping[str, bytes], where: str) -> str:
    plain = {name: _plain(value) for name, value in sorted(values.items())}
    body = yaml.safe_dump(plain, allow_unicode=True, default_flow_style=False, width=1 << 20) if plain else ""
    return HEAD.format(where=where) + body


def _plain(value: bytes) -> str | bytes:
    """Text where it is text that YAML gives back as it was."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return bytes(value)
    return text if all(char.isprintable() or char in "\n\t" for char in text) else bytes(value)


def from_text(text: str) -> dict[str, bytes]:
    """Raises UsageError with the line, and none of its words: these may be secret."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _wrong("this is not YAML", mark.line + 1 if mark else 0) from None
    except yaml.YAMLError:
        raise _wrong("this is not text", 0) from None
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise _wrong("there is no `NAME: value`", root.start_mark.line + 1)
    found: dict[str, bytes] = {}
    for key, value in root.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise _wrong("a secret is one text", line)
        if key.value in found:
            raise _wrong("this name is here twice", line)
        found[key.value] = _bytes(value, line)
    return found


def _bytes(node: yaml.ScalarNode, line: int) -> bytes:
    if not node.value:
        raise _wrong("this secret would be empty", line)
    if node.tag != BINARY:
        return str(node.value).encode()
    try:
        return base64.b64decode(node.value, validate=False)
    except binascii.Error:
        raise _wrong("this is not base64", line) from None


def _wrong(what: str, line: int) -> UsageError:
    return UsageError(f"{what} (line {line})" if line else what, hint="nothing was changed")


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """What is new or other, and None for what was taken out."""
    changed: dict[str, bytes | None] = {name: value for name, value in after.items() if before.get(name) != value}
    return changed | {name: None for name in before if name not in after}
