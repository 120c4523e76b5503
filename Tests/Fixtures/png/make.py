#!/usr/bin/env python3
"""Writes the PNG files of this folder: inputs that the package itself never writes, with pixels that PNGTests states again.

Needs Python 3 alone; the same files come out each time. Sample (x, y, channel) is (37 x + 59 y + 83 channel) mod 256, of
16-bit samples in both bytes, of 1-bit samples its lowest bit, of palette indices modulo the palette's length.
"""
import os
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def sample(x, y, channel):
    return (37 * x + 59 * y + 83 * channel) % 256


def row(samples, depth):
    """Filter type 0, then the samples packed from the high bits on."""
    bits = "".join(format(value, f"0{depth}b") for value in samples)
    bits += "0" * (-len(bits) % 8)
    return b"\0" + bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def write(name, width, height, color, depth, channels, value, extra=b"", interlaced=False):
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    rows = b""
    for left, top, dx, dy in passes:
        for y in range(top, height, dy):
            samples = [value(x, y, c) for x in range(left, width, dx) for c in range(channels)]
            rows += row(samples, depth) if samples else b""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    with open(os.path.join(HERE, name + ".png"), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


palette = [(10, 20, 30), (250, 0, 0), (0, 240, 5), (70, 80, 255), (1, 2, 3)]
palette_chunks = chunk(b"PLTE", bytes(v for color in palette for v in color))

write("grey1-11x3", 11, 3, 0, 1, 1, lambda x, y, c: sample(x, y, c) & 1)
write("grey8-5x7", 5, 7, 0, 8, 1, sample)
write("grey16-3x5", 3, 5, 0, 16, 1, lambda x, y, c: sample(x, y, c) * 257)
write("grey-alpha-5x3", 5, 3, 4, 8, 2, lambda x, y, c: sample(x, y, c) if c == 0 else [0, 128, 255][x % 3])
write("palette4-7x5", 7, 5, 3, 4, 1, lambda x, y, c: sample(x, y, c) % 5, palette_chunks)
write("palette8-transparent-5x3", 5, 3, 3, 8, 1, lambda x, y, c: sample(x, y, c) % 5,
      palette_chunks + chunk(b"tRNS", bytes([255, 0])))
write("rgb16-3x3", 3, 3, 2, 16, 3, lambda x, y, c: sample(x, y, c) * 257)
write("rgba-7x3", 7, 3, 6, 8, 4, lambda x, y, c: sample(x, y, c) if c < 3 else [0, 128, 255][x % 3])
write("rgb-interlaced-11x9", 11, 9, 2, 8, 3, sample, interlaced=True)
