"""Tags of an MP4 file, read by hand: what iTunes, and everybody since, keeps in moov/udta/meta/ilst.

Format: ISO/IEC 14496-12 (boxes), and Apple's QuickTime File Format for the list of tags. They are written by the library that makes the
film (`show/mp4.py`); reading needs none. On damage there is nothing, never an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

COMMENT = b"\xa9cmt"
_WAY = (b"moov", b"udta", b"meta", b"ilst")
_LONGEST = 16 * 2**20


def read_tag(stream: BinaryIO, name: bytes) -> str | None:
    """The text of a tag, like `COMMENT`; None where there is none, or no way to read it."""
    begin, end = 0, stream.seek(0, 2)
    for box in (*_WAY, name, b"data"):
        found = next((place for kind, place in _boxes(stream, begin, end) if kind == box), None)
        if found is None:
            return None
        begin, end = found
        if box == b"meta":  # a version and flags come before its boxes
            begin += 4
    if not 8 <= end - begin <= _LONGEST:
        return None
    stream.seek(begin + 8)  # what kind of value, and in which language
    return stream.read(end - begin - 8).decode("utf-8", "replace")


def _boxes(stream: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """(kind, (begin, end) of its content) of each box in a stretch of the file."""
    at = begin
    while at + 8 <= end:
        stream.seek(at)
        head = stream.read(16)
        if len(head) < 8:
            return
        size, inside = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, inside = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:  # to the end
            size = end - at
        if size < inside or at + size > end:
            return
        yield head[4:8], (at + inside, at + size)
        at += size
