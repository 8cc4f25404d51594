"""TIFF pictures of numbers that Pillow does not read, or not rightly: floats, 32-bit and 64-bit colors, planes apart.

Strips and tiles, uncompressed or packed by Deflate, LZW, PackBits, Zstandard or LZMA, with the predictors for whole numbers and
for floats (TIFF 6.0, Adobe's technical note 3). Packed strips are given to Pillow's own decoder as if they were grey bytes, so
that nothing is decoded twice over here.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, features

from klangbild.errors import InputError
from klangbild.picture import tiff_tags as tag
from klangbild.picture.color_profile import conversion_of
from klangbild.picture.decode import (
    Pixels,
    assemble,
    check_memory,
    check_pixels,
    factor_for,
    float_scale,
    grey_to_8_bit,
    kept_bytes,
    size_notes,
)  # fmt: skip

_DEFLATE, _PACKED = (8, 32946), {5: "LZW", 32773: "PackBits", 50000: "Zstandard", 34925: "LZMA"}
_WHITE_IS_ZERO, _GREY, _RGB = 0, 1, 2
_ICC, _ORIENTATION = 34675, 274
_NAMES = {1: "whole-number", 2: "whole-number", 3: "float", 4: "untyped", 5: "complex", 6: "complex"}


@dataclass(frozen=True)
class _Layout:
    """How the first page lies in the file; sizes in pixels, `chunks` strips or tiles as (offset, bytes)."""

    width: int
    height: int
    samples: int
    kind: np.dtype
    compression: int
    predictor: int
    planes: int
    chunk_width: int
    chunk_height: int
    tiled: bool
    chunks: list[tuple[int, int]]
    white_is_zero: bool
    alpha: bool


def tiff_numbers(content: bytes, label: str, *, refused: bool = False) -> Pixels | None:
    """The first page of a TIFF that Pillow does not read; None: leave it to Pillow.

    refused: Pillow has been asked and does not know it.

    Raises:
        InputError: it is of a kind that is not read either, is damaged, or would take too much memory.
    """
    pages = tag.directories(content)
    if not pages or tag.WIDTH not in pages[0] or tag.HEIGHT not in pages[0]:
        return None
    page = pages[0]
    formats, bits = set(page.get(tag.SAMPLE_FORMAT, [1])), set(page.get(tag.BITS, [1]))
    samples, apart = page.get(tag.SAMPLES, [1])[0], page.get(tag.PLANAR, [1])[0] == 2
    photometric = page.get(tag.PHOTOMETRIC, [1])[0]
    if photometric in (32844, 32845) or page.get(tag.COMPRESSION, [1])[0] in (34676, 34677):
        raise InputError(f"{label}: is a TIFF in LogLuv, which is not read here; save it with 8 or 16 bits")
    width, height = page[tag.WIDTH][0], page[tag.HEIGHT][0]
    if len(formats) > 1 or len(bits) > 1:
        return None
    kind, depth = formats.pop(), bits.pop()
    # Pillow takes some more, but floats and 32-bit numbers of the other byte order, or without sign, it reads wrongly
    if not refused and kind in (1, 4) and (depth <= 12 or (depth == 16 and not apart)):
        return None
    check_pixels((width, height), label)
    layout = _layout(page, content, kind, depth)
    if isinstance(layout, str):
        raise InputError(
            f"{label}: is a TIFF with {depth}-bit {_NAMES.get(kind, '')} samples{layout}; save it with 8 or 16 bits"
        )
    row_bytes = layout.chunk_width * layout.kind.itemsize * (1 if layout.planes > 1 else samples)
    across = -(-width // layout.chunk_width)
    needed = row_bytes * layout.chunk_height * across * layout.planes * 5
    check_memory(needed + kept_bytes((width, height)) + len(content), label, (width, height))
    try:
        rgb = _assembled(layout, content)
    except (ValueError, IndexError, OSError, zlib.error, struct.error, SyntaxError) as error:
        raise InputError(f"{label}: is cut off or damaged ({error}); save or download it again") from error
    image = Image.new("RGB", (1, 1))
    if _ICC in page:
        image.info["icc_profile"] = bytes(page[_ICC])
    to_srgb, note = conversion_of(image)
    if to_srgb is not None:
        for top in range(0, len(rgb), 1000):
            rgb[top : top + 1000] = np.asarray(to_srgb.apply(Image.fromarray(rgb[top : top + 1000])))
    size = (width, height)
    turn = page.get(_ORIENTATION, [1])[0]
    if turn in (5, 6, 7, 8):
        rgb, size = rgb.swapaxes(0, 1), (height, width)
    # what is left after rows and columns have changed places: which ends are swapped
    rgb = rgb[::-1] if turn in (3, 4, 7, 8) else rgb
    rgb = np.array(rgb[:, ::-1] if turn in (2, 3, 6, 7) else rgb)
    return Pixels(rgb, size, (*((note,) if note else ()), *size_notes(rgb, size)))


def _layout(page: tag.Tags, content: bytes, kind: int, depth: int) -> _Layout | str:
    """The layout, or in words why it is not read."""
    samples, planar = page.get(tag.SAMPLES, [1])[0], page.get(tag.PLANAR, [1])[0]
    photometric, compression = page.get(tag.PHOTOMETRIC, [1])[0], page.get(tag.COMPRESSION, [1])[0]
    letter = {1: "u", 2: "i", 3: "f"}.get(kind)
    if letter is None or depth not in ((16, 32, 64) if kind == 3 else (8, 16, 32, 64)):
        return ", which are not read here"
    expected = {_WHITE_IS_ZERO: 1, _GREY: 1, _RGB: 3}.get(photometric)
    if expected is None or samples not in (expected, expected + 1):
        return f" in {samples} channels of this kind, which are not read here"
    if compression not in (1, *_DEFLATE, *_PACKED):
        return " packed in a way that is not read here"
    if page.get(tag.FILL_ORDER, [1])[0] != 1:
        return " with their bits turned around, which is not read here"
    tiled = tag.TILE_OFFSETS in page
    width, height = page[tag.WIDTH][0], page[tag.HEIGHT][0]
    offsets = page.get(tag.TILE_OFFSETS if tiled else tag.STRIP_OFFSETS, [])
    counts = page.get(tag.TILE_BYTES if tiled else tag.STRIP_BYTES, [])
    if not counts and len(offsets) == 1:
        counts = [len(content) - offsets[0]]
    rows = page.get(tag.ROWS_PER_STRIP, [height])[0]
    chunk = (
        (page.get(tag.TILE_WIDTH, [0])[0], page.get(tag.TILE_HEIGHT, [0])[0]) if tiled else (width, min(rows, height))
    )
    if not all(chunk) or not counts:
        return " whose places are not told"
    order = ">" if page.get(tag.PREDICTOR, [1])[0] == 3 else tag.byte_order(content)
    return _Layout(
        width, height, samples, np.dtype(f"{order}{letter}{depth // 8}"), compression, page.get(tag.PREDICTOR, [1])[0],
        samples if planar == 2 else 1, *chunk, tiled, list(zip(offsets, counts, strict=False)),
        photometric == _WHITE_IS_ZERO, samples == expected + 1,
    )  # fmt: skip


def _assembled(layout: _Layout, content: bytes) -> np.ndarray:
    """The page as uint8 (height, width, 3), averaged where it is large."""
    colors = layout.samples - layout.alpha
    scale, largest, unit = None, 65535, 1.0
    if layout.kind.kind == "f":
        some = [rows[..., :colors][np.isfinite(rows[..., :colors])] for rows in _rows(layout, content, every=7)]
        scale = float_scale(np.concatenate(some))
    elif layout.kind.itemsize > 2:
        largest = max(int(rows[..., :colors].max()) for rows in _rows(layout, content))
        unit = float(np.iinfo(layout.kind).max)
        largest = int(unit) if largest > unit / 16 else largest
    else:
        unit = float(np.iinfo(layout.kind).max)

    def bands() -> Iterator[np.ndarray]:
        for rows in _rows(layout, content):
            band = rows[..., :colors]
            band = band if band.dtype == np.uint8 else grey_to_8_bit(band, scale=scale, largest=largest)
            if layout.white_is_zero:
                band = 255 - band
            if layout.alpha:
                share = np.nan_to_num(np.clip(rows[..., colors:].astype(np.float32) / unit, 0, 1))
                band = (band * share + 255 * (1 - share) + 0.5).astype(np.uint8)
            yield band if colors == 3 else np.repeat(band, 3, axis=2)

    size = (layout.width, layout.height)
    factor = factor_for(size)
    return assemble(_in_pairs(bands(), factor), size, factor)


def _in_pairs(bands: Iterator[np.ndarray], factor: int) -> Iterator[np.ndarray]:
    """The same rows in bands of a multiple of `factor` rows (the last may have fewer)."""
    left = None
    for band in bands:
        band = band if left is None else np.concatenate([left, band])
        whole = len(band) // factor * factor
        left = band[whole:]
        if whole:
            yield band[:whole]
    if left is not None and len(left):
        yield left


def _rows(layout: _Layout, content: bytes, *, every: int = 1) -> Iterator[np.ndarray]:
    """Rows of chunks from above -> (rows, width, samples) in the file's numbers, or each `every`-th pixel of them."""
    across, down = -(-layout.width // layout.chunk_width), -(-layout.height // layout.chunk_height)
    for row in range(down):
        rows = min(layout.chunk_height, layout.height - row * layout.chunk_height)
        planes = []
        for plane in range(layout.planes):
            parts = [
                _chunk(
                    layout,
                    content,
                    (plane * down + row) * across + column,
                    layout.chunk_height if layout.tiled else rows,
                )
                for column in range(across)
            ]
            planes.append(np.concatenate(parts, axis=1)[:rows, : layout.width])
        whole = np.concatenate(planes, axis=2)
        yield whole if every == 1 else whole.reshape(-1, layout.samples)[::every]


def _chunk(layout: _Layout, content: bytes, number: int, rows: int) -> np.ndarray:
    """One strip or tile -> (rows, its width, its samples)."""
    samples, width = 1 if layout.planes > 1 else layout.samples, layout.chunk_width
    offset, length = layout.chunks[number]
    row_bytes = width * samples * layout.kind.itemsize
    packed = content[offset : offset + length]
    if layout.compression == 1:
        data = packed
    elif layout.compression in _DEFLATE:
        data = zlib.decompressobj().decompress(packed, row_bytes * rows)
    else:
        data = _unpacked(packed, layout.compression, row_bytes, rows)
    if len(data) < row_bytes * rows:
        raise ValueError(f"{len(data)} of {row_bytes * rows} bytes")
    array = np.frombuffer(data, np.uint8, row_bytes * rows).reshape(rows, row_bytes)
    if layout.predictor == 3:
        summed = np.cumsum(array.reshape(rows, -1, samples), axis=1, dtype=np.uint8).reshape(
            rows, layout.kind.itemsize, -1
        )
        array = np.ascontiguousarray(summed.swapaxes(1, 2)).reshape(rows, row_bytes)
    found = array.view(layout.kind).reshape(rows, width, samples)
    if layout.predictor == 2:
        unsigned = np.dtype(f"{layout.kind.str[0]}u{layout.kind.itemsize}")
        native = found.view(unsigned).astype(unsigned.newbyteorder("="))
        summed = np.cumsum(native, axis=1, dtype=native.dtype)
        found = summed.view(layout.kind.newbyteorder("="))
    return found


def _unpacked(packed: bytes, compression: int, row_bytes: int, rows: int) -> bytes:
    """A strip unpacked by libtiff, as rows of grey bytes."""
    if not features.check("libtiff"):
        raise ValueError("this Pillow was built without libtiff")
    entries = ((256, 4, row_bytes), (257, 4, rows), (258, 3, 8), (259, 3, compression), (262, 3, 1), (273, 4, 122),
               (277, 3, 1), (278, 4, rows), (279, 4, len(packed)))  # fmt: skip
    head = b"II*\0" + struct.pack("<IH", 8, len(entries))
    head += b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in entries) + bytes(4)
    with Image.open(io.BytesIO(head + packed), formats=["TIFF"]) as image:
        return np.asarray(image).tobytes()
