import struct
import unittest
import zlib

from picture import PAPER, colour, draw, fields

DIGEST = bytes.fromhex("a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3")


class Picture(unittest.TestCase):
    def test_the_same_digest_gives_the_same_picture(self) -> None:
        self.assertEqual(draw(DIGEST, 80), draw(DIGEST, 80))
        self.assertNotEqual(draw(DIGEST, 80), draw(DIGEST[::-1], 80))

    def test_it_is_a_png_of_the_size_asked_for(self) -> None:
        picture = draw(DIGEST, 64)
        self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(struct.unpack(">II", picture[16:24]), (64, 64))
        length = struct.unpack(">I", picture[33:37])[0]
        lines = zlib.decompress(picture[41 : 41 + length])
        self.assertEqual(len(lines), 64 * (1 + 64 * 3))
        self.assertEqual({lines[i * 193 + 1 : i * 193 + 4] for i in range(64)}, {bytes(PAPER)})

    def test_it_is_mirrored(self) -> None:
        for row in fields(DIGEST):
            self.assertEqual(row, row[::-1])

    def test_its_colour_stands_out_from_the_paper(self) -> None:
        for byte in range(256):
            self.assertLess(min(colour(bytes([byte, byte]))), 160)

    def test_what_cannot_be_drawn_is_refused(self) -> None:
        for digest, size in ((b"", 80), (DIGEST, 0), (DIGEST, 100_000)):
            with self.assertRaises(ValueError):
                draw(digest, size)


if __name__ == "__main__":
    unittest.main()
