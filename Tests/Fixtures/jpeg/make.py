"""Makes the JPEG files beside it with Pillow (13.0.0 made these): kinds of files that the package reads, and one that it refuses."""

import pathlib

from PIL import Image

FOLDER = pathlib.Path(__file__).parent


def sample(x, y, channel):
    """A gradient, since sharp edges don't survive."""
    return [7 * x + 20, 9 * y + 40, 220 - 4 * (x + y)][channel]


def picture(mode, width, height):
    channels = {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    values = [[sample(x, y, c % 3) for c in range(channels)] for y in range(height) for x in range(width)]
    return Image.frombytes(mode, (width, height), bytes(v for pixel in values for v in pixel))


def write(name, mode, width, height, **options):
    picture(mode, width, height).save(FOLDER / f"{name}.jpg", "JPEG", **options)


write("rgb-444-17x9", "RGB", 17, 9, quality=100, subsampling=0)
write("rgb-420-progressive-21x13", "RGB", 21, 13, quality=95, subsampling=2, progressive=True)
write("grey-11x7", "L", 11, 7, quality=100)
write("rgb-444-16x8", "RGB", 16, 8, quality=95, subsampling=0)
write("cmyk-8x8", "CMYK", 8, 8, quality=90)
