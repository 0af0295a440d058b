"""A tar file read while it flows by: which bytes belong to which member. Pure.

Whoever passes on the bytes of some members, and not those of others, passes on a tar file again.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

BLOCK = 512
PREFACE = 1 << 20
"""The most that a long name or pax records may take, in bytes."""
REGULAR = b"0"
HARD_LINK = b"1"
WITHOUT_CONTENT = b"123456"
LONG_NAME, LONG_LINK, PAX = b"L", b"K", b"x"
SPARSE = b"S"
END = b""
"""The kind of what stands behind the last member: blocks of zeros."""


class TarError(Exception):
    """It is no tar file, or only the beginning of one."""


class Member(Struct, eq=False):
    """`kind` is the header's type flag; `size` is the content's, in bytes. Each is itself alone, whatever its name."""

    name: str
    kind: bytes
    size: int
    mode: int = 0


class Piece(Struct):
    """Bytes of a member, in the order of the stream. `content`: they are the file's own, and neither header nor padding."""

    member: Member
    data: memoryview
    content: bool = False


class TarReader:
    """Fed with a tar file in chunks, it gives out all of it, as pieces. It keeps one header, with its long names, at most."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._preface = bytearray()
        """The long names and pax records of the member to come."""
        self._records: dict[str, bytes] = {}
        self._member = Member("", END, 0)
        self._extension = b""
        """The kind of the extension that is being read."""
        self._start = 0
        """Where its content begins in the preface."""
        self._content = 0
        self._padding = 0
        self._zeros = 0
        """Blocks of zeros so far."""

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """The pieces that are known now; they are views of `chunk` where they can. Raises TarError."""
        view, at = memoryview(chunk), 0
        while at < len(view):
            if self._extension:
                at = self._extend(view, at)
            elif self._content:
                end = min(len(view), at + self._content)
                self._content -= end - at
                yield Piece(self._member, view[at:end], content=True)
                at = end
            elif self._padding:
                end = min(len(view), at + self._padding)
                self._padding -= end - at
                yield Piece(self._member, view[at:end])
                at = end
            elif self._zeros > 1:
                yield Piece(self._member, view[at:])
                return
            else:
                end = min(len(view), at + BLOCK - len(self._header))
                self._header += view[at:end]
                at = end
                if len(self._header) == BLOCK and (piece := self._begin()):
                    yield piece

    def close(self) -> None:
        """Raises TarError where the tar file was not whole."""
        if self._zeros > 1:
            return
        said = self._header.decode("utf-8", "replace").strip("\0 \n")
        raise TarError(f"it ends too early{f': {said[:300]}' if said.isprintable() and said else ''}")

    def _begin(self) -> Piece | None:
        """What a whole header says; None for an extension, that goes with the member it is about."""
        header = bytes(self._header)
        self._header.clear()
        if not any(header):
            if self._preface:
                raise TarError("a long name belongs to no file")
            if not self._zeros:
                self._member = Member("", END, 0)
            self._zeros += 1
            return Piece(self._member, memoryview(header))
        if self._zeros:
            raise TarError("a file follows its end")
        kind, size = header[156:157], _size(header)
        if kind in (LONG_NAME, LONG_LINK, PAX):
            self._begin_extension(header, kind, size)
            return None
        if kind == SPARSE:
            raise TarError("it has sparse files of GNU's old form")
        size = _number(self._records.get("size"), size)
        if kind in WITHOUT_CONTENT:
            size = 0
        kind = REGULAR if kind == b"\0" else kind
        self._member = Member(self._name(header), kind, size, _octal(header[100:108]))
        self._content, self._padding = size, -size % BLOCK
        before, self._preface, self._records = bytes(self._preface), bytearray(), {}
        return Piece(self._member, memoryview(before + header))

    def _begin_extension(self, header: bytes, kind: bytes, size: int) -> None:
        self._preface += header
        if len(self._preface) + size > PREFACE:
            raise TarError("a name in it is too long")
        self._extension, self._start = kind, len(self._preface)
        self._content, self._padding = size, -size % BLOCK
        if not size:
            self._end_extension()

    def _extend(self, view: memoryview, at: int) -> int:
        """Reads an extension; the place behind it, or behind the view."""
        end = min(len(view), at + self._content + self._padding)
        self._preface += view[at:end]
        content = min(self._content, end - at)
        self._content -= content
        self._padding -= end - at - content
        if not self._content + self._padding:
            self._end_extension()
        return end

    def _end_extension(self) -> None:
        content = bytes(self._preface[self._start :])
        match self._extension:
            case b"L":
                self._records["path"] = content.rstrip(b"\0")
            case b"x":
                self._records |= _records(content)
        self._extension = b""

    def _name(self, header: bytes) -> str:
        name = header[:100].partition(b"\0")[0]
        if header[257:263] == b"ustar\0" and (prefix := header[345:500].partition(b"\0")[0]):
            name = prefix + b"/" + name
        return self._records.get("path", name).decode("utf-8", "surrogateescape")


def _size(header: bytes) -> int:
    """The content's size. Raises TarError where the header's checksum is wrong."""
    told = _octal(header[148:156])
    if told != sum(header) - sum(header[148:156]) + 8 * ord(" "):
        said = header.decode("utf-8", "replace").strip("\0 \n")
        raise TarError(f"a header's checksum is wrong{f': {said[:300]}' if said.isprintable() else ''}")
    field = header[124:136]
    if field[0] & 0x80:
        size = int.from_bytes(field, "big") & ((1 << 95) - 1)
        return size if field[0] != 0xFF else _negative()
    return _octal(field)


def _negative() -> int:
    raise TarError("a size is below zero")


def _octal(field: bytes) -> int:
    digits = field.strip(b"\0 ")
    try:
        return int(digits or b"0", 8)
    except ValueError:
        raise TarError("a number in a header is none") from None


def _number(said: bytes | None, otherwise: int) -> int:
    if said is None:
        return otherwise
    if not said.isdigit():
        raise TarError("a size in pax records is none")
    return int(said)


def _records(content: bytes) -> dict[str, bytes]:
    """Pax records: `LENGTH KEY=VALUE` and a newline, one after the other; the length counts all of it."""
    found: dict[str, bytes] = {}
    while content.strip(b"\0"):
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or not len(length) < int(length) <= len(content):
            raise TarError("its pax records cannot be read")
        key, equals, value = content[len(length) + 1 : int(length) - 1].partition(b"=")
        if not equals:
            raise TarError("its pax records cannot be read")
        found[key.decode("utf-8", "replace")] = value
        content = content[int(length) :]
    return found
