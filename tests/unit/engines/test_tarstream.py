"""A tar file that flows by: all bytes of it, in any pieces; whole members left out; nothing that is broken goes through."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.engines.docker.tarstream import Member, Piece, TarError, TarReader

EXAMPLES = settings(max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "100")), deadline=None)
NAMES = st.text(st.sampled_from("abcé/_. "), min_size=1, max_size=40).map(lambda name: f"x{name.replace('//', '/')}y")
LONG = st.builds(lambda name, count: "/".join([name] * count), NAMES, st.integers(1, 60))
FORMATS = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
Files = dict[str, bytes | str | None]
"""By name: content, the target of a symbolic link, or a directory."""


def archive(files: Files, form: int, pax: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.pax_headers = dict(pax or {})
            match content:
                case None:
                    entry.type = tarfile.DIRTYPE
                case str():
                    entry.type, entry.linkname = tarfile.SYMTYPE, content
                case bytes():
                    entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else None)
    return buffer.getvalue()


@st.composite
def archives(draw: st.DrawFn) -> tuple[bytes, Files]:
    form = draw(FORMATS)
    names = NAMES if form == tarfile.USTAR_FORMAT else st.one_of(NAMES, LONG)
    content = st.one_of(st.binary(max_size=1500), names, st.none())
    files = draw(st.dictionaries(names, content, max_size=6))
    pax = {"comment": "é" * draw(st.integers(1, 700))} if form == tarfile.PAX_FORMAT and draw(st.booleans()) else {}
    return archive(files, form, pax), files


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def pieces(chunks: list[bytes]) -> Iterator[Piece]:
    reader = TarReader()
    for chunk in chunks:
        yield from reader.feed(chunk)
    reader.close()


def left(chunks: list[bytes], keep: Callable[[Member], bool]) -> bytes:
    return b"".join(piece.data for piece in pieces(chunks) if keep(piece.member))


def unpacked(data: bytes) -> Files:
    found: Files = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isfile() else None
            found[entry.name] = file.read() if file else entry.linkname if entry.issym() else None
    return found


@EXAMPLES
@given(st.data())
def test_in_whatever_chunks_it_comes_the_same_bytes_go_out(data: st.DataObject) -> None:
    whole, _ = data.draw(archives())
    assert left(data.draw(cut(whole)), lambda member: True) == whole


@EXAMPLES
@given(st.data())
def test_each_member_has_its_name_and_its_content(data: st.DataObject) -> None:
    whole, files = data.draw(archives())
    found: dict[Member, bytes] = {}
    for piece in pieces(data.draw(cut(whole))):
        found[piece.member] = found.get(piece.member, b"") + (bytes(piece.data) if piece.content else b"")
    *members, end = found
    assert not end.kind
    assert [member.name.rstrip("/") for member in members] == list(unpacked(whole))
    contents = [content if isinstance(content, bytes) else b"" for content in files.values()]
    assert [found[member] for member in members] == contents
    assert [member.size for member in members] == [len(content) for content in contents]


@EXAMPLES
@given(st.data())
def test_what_is_left_out_is_gone_and_the_rest_is_a_tar_file(data: st.DataObject) -> None:
    whole, files = data.draw(archives())
    gone = set(data.draw(st.lists(st.sampled_from(sorted(files)), unique=True))) if files else set()
    out = left(data.draw(cut(whole)), lambda member: member.name.rstrip("/") not in gone)
    before = unpacked(whole)
    assert unpacked(out) == {name: content for name, content in before.items() if name not in gone}


@EXAMPLES
@given(st.data())
def test_one_that_ends_too_early_is_an_error(data: st.DataObject) -> None:
    whole, _ = data.draw(archives())
    end = len(whole.rstrip(b"\0"))
    end += -end % 512 + 1024
    short = whole[: data.draw(st.integers(0, end - 1))]
    with pytest.raises(TarError):
        left(data.draw(cut(short)), lambda member: True)


@EXAMPLES
@given(st.data())
def test_a_broken_header_is_an_error(data: st.DataObject) -> None:
    whole = bytearray(archive({"a": b"x" * 600, "b": b"y"}, tarfile.GNU_FORMAT))
    at = data.draw(st.integers(0, 511)) + data.draw(st.sampled_from([0, 512 + 1024]))
    whole[at] ^= data.draw(st.integers(1, 255))
    try:
        out = left([bytes(whole)], lambda member: True)
    except TarError:
        return
    assert out == whole
    assert 148 <= at % 512 < 156  # another way of writing the same checksum


@EXAMPLES
@given(st.binary(max_size=3000))
def test_anything_else_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(TarError):
        left([data + b"x"], lambda member: True)


def test_an_engine_s_last_words_are_told() -> None:
    whole = archive({"a": b"x" * 600}, tarfile.GNU_FORMAT)[:2048]
    with pytest.raises(TarError, match="no space left on device"):
        left([whole + b'{"message":"write /x: no space left on device"}'], lambda member: True)


def test_a_file_of_nine_gigabytes_in_either_form() -> None:
    size = 9 << 30
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        entry = tarfile.TarInfo("big")
        entry.size = size
        first = next(iter(TarReader().feed(entry.tobuf(form))))
        assert first.member.size == size


def test_sizes_of_links_and_directories_are_no_content() -> None:
    entry = tarfile.TarInfo("link")
    entry.type, entry.size, entry.linkname = tarfile.LNKTYPE, 600, "x"
    whole = entry.tobuf(tarfile.GNU_FORMAT) + archive({"b": b"y"}, tarfile.GNU_FORMAT)
    assert [piece.member.name for piece in pieces([whole]) if piece.member.kind][:2] == ["link", "b"]


def test_names_have_an_end() -> None:
    reader = TarReader()
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.XHDTYPE, 1 << 21
    with pytest.raises(TarError, match="too long"):
        list(reader.feed(entry.tobuf(tarfile.USTAR_FORMAT)))
