"""The directories of a TIFF file, read safely: enough to tell camera raw files and kinds of samples.

TIFF 6.0, BigTIFF, and the tags of DNG and TIFF/EP that camera raw files use. Nothing is followed twice, nothing is believed
about lengths: what does not lie inside the file is left out.
"""

from __future__ import annotations

import struct

import numpy as np

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANAR, PREDICTOR = 273, 277, 278, 279, 284, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SUB_IFDS, EXTRA_SAMPLES, SAMPLE_FORMAT = (
    322, 323, 324, 325, 330, 338, 339)  # fmt: skip
_DNG_VERSION = 50706
_RAW_PHOTOMETRIC = {32803, 34892}  # color filter array, linear raw
_RAW_COMPRESSION = {32767, 32769, 32770, 34713, 65000, 65535}  # Sony, packed raw, Samsung, Nikon, Kodak, Pentax
_WHOLE_NUMBERS = {1: "u1", 7: "u1", 3: "u2", 4: "u4", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MAX_DIRECTORIES, _MAX_ENTRIES, _MAX_VALUES = 64, 1000, 1_000_000

Tags = dict[int, list[int]]


def is_tiff(content: bytes) -> bool:
    """Whether it begins as a TIFF or BigTIFF does."""
    return content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def byte_order(content: bytes) -> str:
    """ "<" or ">", as numpy and struct write it."""
    return "<" if content[:2] == b"II" else ">"


def directories(content: bytes) -> list[Tags]:
    """{tag: whole numbers} of each directory: the chain of pages first, then those that the pages point to (SubIFDs)."""
    order, big = byte_order(content), content[2:4] in (b"+\0", b"\0+")
    try:
        first = struct.unpack_from(f"{order}{'Q' if big else 'I'}", content, 8 if big else 4)[0]
    except struct.error:
        return []
    seen: set[int] = set()
    pages: list[Tags] = []
    while first and first not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(first)
        tags, first = _directory(content, first, order, big)
        pages.append(tags)
    found, left = list(pages), [offset for tags in pages for offset in tags.get(SUB_IFDS, [])]
    while left and len(seen) < _MAX_DIRECTORIES:
        offset = left.pop(0)
        if offset and offset not in seen:
            seen.add(offset)
            tags, _ = _directory(content, offset, order, big)
            found.append(tags)
            left += tags.get(SUB_IFDS, [])
    return found


def is_camera_raw(content: bytes) -> bool:
    """Whether a TIFF is a camera raw file: DNG, or a picture in it that is seen through a color filter or packed by a maker."""
    return any(
        _DNG_VERSION in tags
        or tags.get(PHOTOMETRIC, [0])[0] in _RAW_PHOTOMETRIC
        or tags.get(COMPRESSION, [1])[0] in _RAW_COMPRESSION
        for tags in directories(content)
    )


def _directory(content: bytes, at: int, order: str, big: bool) -> tuple[Tags, int]:
    """(tags of the directory at this place, place of the next or 0)."""
    tags: Tags = {}
    counted, entry, pointer = ("Q", 20, "Q") if big else ("H", 12, "I")
    head, inline = struct.calcsize(counted), struct.calcsize(pointer)
    try:
        count = struct.unpack_from(order + counted, content, at)[0]
        if count > _MAX_ENTRIES:
            return tags, 0
        for number in range(count):
            place = at + head + entry * number
            tag, kind, values = struct.unpack_from(f"{order}HH{pointer}", content, place)
            length = _SIZES.get(kind, 0) * values
            where = place + entry - inline
            if length > inline:
                where = struct.unpack_from(order + pointer, content, where)[0]
            if tag == _DNG_VERSION:
                tags[tag] = []
            elif kind in _WHOLE_NUMBERS and 0 < values <= _MAX_VALUES and where + length <= len(content):
                tags[tag] = np.frombuffer(content, order + _WHOLE_NUMBERS[kind], values, where).tolist()
        after = at + head + entry * count
        return tags, struct.unpack_from(order + pointer, content, after)[0]
    except (struct.error, ValueError, OverflowError):
        return tags, 0
