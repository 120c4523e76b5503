#!/usr/bin/env python3
"""Unpacks CIFAR-10's test set (https://www.cs.toronto.edu/~kriz/cifar.html, "CIFAR-10 binary version") into PNG files, a folder for each
class, as survey.py wants them:

    Benchmarks/survey/photographs.py cifar-10-binary.tar.gz FOLDER
"""
import pathlib
import struct
import sys
import tarfile
import zlib

SIDE = 32
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(planes):
    """Three planes of SIDE × SIDE bytes as an RGB PNG."""
    area = SIDE * SIDE
    rows = b"".join(
        b"\0" + bytes(planes[color * area + row * SIDE + column] for column in range(SIDE) for color in range(3))
        for row in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    archive, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    with tarfile.open(archive) as tar:
        member = next((name for name in tar.getnames() if name.endswith("test_batch.bin")), None)
        if member is None:
            sys.exit(f"{archive}: expected a test_batch.bin, found none")
        data = tar.extractfile(member).read()
    record = 1 + 3 * SIDE * SIDE
    if not data or len(data) % record:
        sys.exit(f"{archive}: expected records of {record} bytes in {member}, found {len(data)} bytes")
    for name in NAMES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    counts = [0] * len(NAMES)
    for start in range(0, len(data), record):
        label = data[start]
        (folder / NAMES[label] / f"{counts[label]:04}.png").write_bytes(png(data[start + 1:start + record]))
        counts[label] += 1


if __name__ == "__main__":
    main()
