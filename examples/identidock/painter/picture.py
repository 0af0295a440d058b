"""A digest as a picture: five by five fields, mirrored, in a colour of its own."""

import colorsys
import struct
import zlib

FIELDS = 5
PAPER = (246, 244, 238)


def fields(digest: bytes) -> list[list[bool]]:
    """Which fields are painted; the right half mirrors the left one."""
    half = (FIELDS + 1) // 2
    bits = [digest[index % len(digest)] & 1 == 1 for index in range(FIELDS * half)]
    rows = [bits[row * half : (row + 1) * half] for row in range(FIELDS)]
    return [row + row[-2::-1] for row in rows]


def colour(digest: bytes) -> tuple[int, int, int]:
    red, green, blue = colorsys.hls_to_rgb(digest[-1] / 256, 0.45, 0.35 + digest[-2] / 512)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw(digest: bytes, size: int) -> bytes:
    """A PNG of size by size pixels, the same for the same digest; raises ValueError if it cannot be drawn."""
    if len(digest) < 2 or not 16 <= size <= 512:
        raise ValueError("a picture needs two bytes of digest, and 16 to 512 pixels")
    ink, painted = bytes(colour(digest)), fields(digest)
    margin = size // 12
    field = (size - 2 * margin) / FIELDS

    def at(pixel: int) -> int | None:
        index = int((pixel - margin) // field)
        return index if 0 <= index < FIELDS else None

    columns = [at(x) for x in range(size)]
    lines = []
    for row in columns:
        painted_row = painted[row] if row is not None else [False] * FIELDS
        lines.append(b"\0" + b"".join(ink if x is not None and painted_row[x] else bytes(PAPER) for x in columns))
    return png(size, b"".join(lines))


def png(size: int, lines: bytes) -> bytes:
    """Wrap scan lines of 8-bit RGB, each with its filter byte, as the PNG specification (ISO/IEC 15948) has it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
