"""A large PNG a band of rows at a time, so that it is never held whole: a file of 400 kB can be 100 megapixels.

The stream of rows is unpacked as far as a band needs, and each band is given to Pillow as a small PNG of its own, behind the row
before it, which the filters of the first row refer to (PNG third edition, section 9). Not for interlaced pictures, nor for 16-bit
colors, whose rows cannot be had back from what Pillow keeps of them.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# bytes a pixel -> the 8-bit color type that has them, for reading rows as they are
_AS_BYTES = {1: 0, 2: 4, 3: 2, 4: 6}


def can_band(content: bytes) -> bool:
    """Whether `png_bands` reads this PNG."""
    if not content.startswith(_SIGNATURE) or content[12:16] != b"IHDR" or len(content) < 33:
        return False
    bits, color, interlaced = content[24], content[25], content[28]
    return color in _SAMPLES and not interlaced and bits in (1, 2, 4, 8, 16) and bits * _SAMPLES[color] <= 32


def png_orientation(content: bytes) -> int:
    """The EXIF orientation, 1 to 8, wherever its chunk stands; 1 where there is none."""
    for kind, data in _chunks(content):
        if kind == b"eXIf":
            exif = Image.Exif()
            try:
                exif.load(data)
                return int(exif.get(0x0112, 1))
            except Exception:  # noqa: BLE001 - damaged EXIF data: the pixels are good, so show them unturned
                return 1
    return 1


def png_bands(content: bytes, rows: int) -> Iterator[Image.Image]:
    """Images of `rows` rows each (the last perhaps of fewer), from above.

    Raises:
        ValueError, OSError, zlib.error: the stream of rows is cut off or damaged.
    """
    width, height, bits, color = struct.unpack(">IIBB", content[16:26])
    row_bytes = (width * bits * _SAMPLES[color] + 7) // 8
    pixel_bytes = max(1, bits * _SAMPLES[color] // 8)
    kept = [(kind, data) for kind, data in _chunks(content) if kind in (b"PLTE", b"tRNS")]
    stream, before = _Rows(content), b""
    for top in range(0, height, rows):
        count = min(rows, height - top)
        filtered = stream.read(count * (row_bytes + 1))
        above = 1 if before else 0
        data = (b"\0" + before if before else b"") + filtered
        band = _png(width, count + above, bits, color, kept, data)
        if bits == 8:
            last = np.asarray(band.crop((0, count + above - 1, width, count + above))).tobytes()
        else:
            plain = _png(row_bytes // pixel_bytes, count + above, 8, _AS_BYTES[pixel_bytes], [], data)
            last = np.asarray(plain)[-1].tobytes()
        before = last
        yield band.crop((0, above, width, count + above))


def _png(width: int, height: int, bits: int, color: int, kept: list[tuple[bytes, bytes]], data: bytes) -> Image.Image:
    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    chunks = [(b"IHDR", head), *kept, (b"IDAT", zlib.compress(data, 0)), (b"IEND", b"")]
    file = _SIGNATURE + b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in chunks
    )
    with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
        image.load()
        return image


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, data) of each chunk but those of pixels, whose data is left out."""
    at = 8
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        yield kind, b"" if kind == b"IDAT" else content[at + 8 : at + 8 + length]
        at += 12 + length


class _Rows:
    """The unpacked stream of rows, read as a file is."""

    def __init__(self, content: bytes) -> None:
        self._pieces = self._unpacked(content)
        self._left = bytearray()

    def read(self, count: int) -> bytes:
        """The next `count` bytes. Raises ValueError: there are fewer."""
        while len(self._left) < count:
            piece = next(self._pieces, None)
            if piece is None:
                raise ValueError("image file is truncated")
            self._left += piece
        found = bytes(self._left[:count])
        del self._left[:count]
        return found

    @staticmethod
    def _unpacked(content: bytes) -> Iterator[bytes]:
        unpack, at = zlib.decompressobj(), 8
        while at + 12 <= len(content):
            length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
            if kind == b"IDAT":
                end = min(at + 8 + length, len(content))
                for start in range(at + 8, end, 1 << 16):
                    left = content[start : min(start + (1 << 16), end)]
                    while left:
                        yield unpack.decompress(left, 1 << 20)
                        left = unpack.unconsumed_tail
            at += 12 + length
        while piece := unpack.decompress(b"", 1 << 20):
            yield piece
