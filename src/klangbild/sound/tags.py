"""Tags of sound files, written and read by hand: ID3v2 (MP3, WAV), Vorbis comments (FLAC, OGG), with a cover picture.

Formats as their standards give them: ID3v2.3 and v2.4 (id3.org), Vorbis comments (xiph.org), FLAC metadata blocks
(RFC 9639), OGG pages (RFC 3533). Writing is plain and always the same: equal tags give equal bytes. Reading takes what
other programs make of a file too (other versions, encodings, orders), and gives nothing, never an error, on damage.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

RECORD_FIELD = "klangbild"
# our tag -> ID3 frame; any other becomes `TXXX:name`
_FRAMES = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "comment": "COMM",
    "copyright": "TCOP",
    "software": "TSSE",
    "genre": "TCON",
}
_FIRST = ("TIT2", "TPE1", "TALB", "TCON")
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_BLOCK_COMMENT, _BLOCK_PICTURE, _BLOCK_PADDING = 4, 6, 1
_BYTE_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def id3(fields: Mapping[str, str], record: str | None, cover: bytes | None) -> bytes:
    """An ID3v2.4 tag of UTF-8 frames; empty where there is nothing to tell (a tag without frames is taken for damage)."""
    frames = []
    for name, text in fields.items():
        frame = _FRAMES.get(name, "TXXX")
        before = {"COMM": b"eng\0", "TXXX": _utf8(name) + b"\0"}.get(frame, b"")
        frames.append((frame, b"\3" + before + _utf8(text) + b"\0"))
    if record:
        frames.append(("TXXX", b"\3" + RECORD_FIELD.encode() + b"\0" + _utf8(record) + b"\0"))
    # what players show first comes first, what is long comes last
    frames.sort(key=lambda frame: (_FIRST.index(frame[0]) if frame[0] in _FIRST else len(_FIRST), len(frame[1])))
    if cover:
        frames.append(("APIC", b"\3" + _mime(cover) + b"\0\3\0" + cover))
    body = b"".join(name.encode() + _syncsafe(len(data)) + bytes(2) + data for name, data in frames)
    return b"ID3\4\0\0" + _syncsafe(len(body)) + body if body else b""


def flac_blocks(head: bytes, fields: Mapping[str, str], record: str | None, cover: bytes | None) -> bytes:
    """The head of a FLAC file (from `fLaC` to the first frame), with these comments and cover in place of its own."""
    kept, vendor = [], b""
    for kind, data in _flac_blocks(head):
        if kind == _BLOCK_COMMENT:
            vendor = _vendor(data)
        elif kind not in (_BLOCK_PICTURE, _BLOCK_PADDING):
            kept.append((kind, data))
    kept.append((_BLOCK_COMMENT, _comments(vendor, fields, record)))
    if cover:
        kept.append((_BLOCK_PICTURE, _picture(cover)))
    kept.append((_BLOCK_PADDING, b""))
    last = len(kept) - 1
    return b"fLaC" + b"".join(
        bytes([kind | (0x80 if i == last else 0)]) + len(data).to_bytes(3, "big") + data
        for i, (kind, data) in enumerate(kept)
    )


def ogg_pages(
    stream: BinaryIO, fields: Mapping[str, str], record: str | None, cover: bytes | None, *, serial: int
) -> Iterator[bytes]:
    """The pages of an OGG Vorbis file as libsndfile wrote it, with these comments, this serial number, new checksums."""
    pages = pages_of(stream)
    yield _page(next(pages), serial, 0)
    packets: list[bytes] = [b""]
    for page in pages:  # the comments and the codebooks, which end a page
        for part, ends in _parts(page):
            packets[-1] += part
            if ends:
                packets.append(b"")
        if len(packets) == 3:
            break
    more = {"METADATA_BLOCK_PICTURE": base64.b64encode(_picture(cover)).decode()} if cover else {}
    vendor = _vendor(packets[0][7:])
    comments = b"\3vorbis" + _comments(vendor, fields, record, more) + b"\1"
    number = 1
    for page in _paged([comments, packets[1]]):
        yield _page(page, serial, number)
        number += 1
    for page in pages:
        yield _page(page, serial, number)
        number += 1


def pages_of(stream: BinaryIO) -> Iterator[bytearray]:
    """The pages of an OGG stream, up to its end or to the first byte that is no page."""
    while len(head := stream.read(27)) == 27 and head[:4] == b"OggS":
        lacing = stream.read(head[26])
        yield bytearray(head + lacing + stream.read(sum(lacing)))


def read_field(stream: BinaryIO, name: str) -> str | None:
    """The free text field `name` in a WAV, MP3, FLAC or OGG file; None where there is none, or no way to read it."""
    try:
        return _found(stream, name.lower())
    except (ValueError, IndexError, struct.error, zlib.error, LookupError):
        return None


# --- reading ---------------------------------------------------------------------------------------------------------


def _found(stream: BinaryIO, name: str) -> str | None:
    head = stream.read(12)
    stream.seek(0)
    if head[:3] == b"ID3":
        tag = _id3_tag(stream)
        found = _id3_field(tag, name)
        if found is None and stream.read(4) == b"fLaC":  # some programs put ID3 before FLAC
            stream.seek(-4, 1)
            return _flac_field(stream, name)
        return found
    if head[:4] == b"RIFF" and head[8:] == b"WAVE":
        for chunk, size in _riff_chunks(stream):
            if chunk in (b"id3 ", b"ID3 ") and (found := _id3_field(stream.read(size), name)) is not None:
                return found
        return None
    if head[:4] == b"fLaC":
        return _flac_field(stream, name)
    if head[:4] == b"OggS":
        packet, number = b"", 0
        for page in pages_of(stream):
            for part, ends in _parts(page):
                packet += part
                if ends:
                    if number == 1:
                        return _comment(packet[7:], name) if packet[:7] == b"\3vorbis" else None
                    packet, number = b"", number + 1
    return None


def _riff_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """(name, size) of each chunk, the stream standing at its data."""
    at = 12
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], "little")
        yield head[:4], size
        at += 8 + size + size % 2


def _id3_tag(stream: BinaryIO) -> bytes:
    head = stream.read(10)
    return head + stream.read(_from_syncsafe(head[6:10]))


def _id3_field(tag: bytes, name: str) -> str | None:
    if tag[:3] != b"ID3" or len(tag) < 10 or tag[3] not in (3, 4):
        return None
    version, flags = tag[3], tag[5]
    body = tag[10 : 10 + _from_syncsafe(tag[6:10])]
    if version == 3 and flags & 0x80:
        body = _synchronised(body)
    at = 0
    if flags & 0x40:  # the extended header; its size counts itself in v2.4 only
        at = _from_syncsafe(body[:4]) if version == 4 else 4 + int.from_bytes(body[:4], "big")
    while len(body) - at > 10 and body[at : at + 1] != b"\0":
        size = _from_syncsafe(body[at + 4 : at + 8]) if version == 4 else int.from_bytes(body[at + 4 : at + 8], "big")
        if body[at : at + 4] == b"TXXX":
            data = _frame_data(body[at + 10 : at + 10 + size], version, body[at + 9])
            text = data[1:].decode(_ENCODINGS[data[0]], "replace") if data and data[0] < 4 else ""
            written, found, value = text.partition("\0")
            if found and written.lstrip("\ufeff").lower() == name:
                return value.lstrip("\ufeff").rstrip("\0")
        at += 10 + size
    return None


def _frame_data(data: bytes, version: int, flags: int) -> bytes:
    """A frame's content, unpacked where a program packed it. flags: its second flag byte."""
    if version == 3:
        return zlib.decompress(data[4:]) if flags & 0x80 else data
    if flags & 0x01:
        data = data[4:]
    if flags & 0x02:
        data = _synchronised(data)
    return zlib.decompress(data) if flags & 0x08 else data


def _synchronised(data: bytes) -> bytes:
    return data.replace(b"\xff\0", b"\xff")


def _flac_field(stream: BinaryIO, name: str) -> str | None:
    head = stream.read(4)
    while len(block := stream.read(4)) == 4:
        data = stream.read(int.from_bytes(block[1:], "big"))
        if block[0] & 0x7F == _BLOCK_COMMENT:
            return _comment(data, name)
        if block[0] & 0x80 or head != b"fLaC":
            break
    return None


def _comment(data: bytes, name: str) -> str | None:
    """One field of a Vorbis comment block."""
    at = 4 + struct.unpack_from("<I", data)[0]
    count = struct.unpack_from("<I", data, at)[0]
    at += 4
    for _ in range(count):
        size = struct.unpack_from("<I", data, at)[0]
        written, found, value = data[at + 4 : at + 4 + size].partition(b"=")
        if found and written.decode("latin-1").lower() == name:
            return value.decode("utf-8", "replace")
        at += 4 + size
    return None


# --- writing ---------------------------------------------------------------------------------------------------------


def _utf8(text: str) -> bytes:
    """UTF-8 without what no tag may hold: NUL, which ends a field, and halves of surrogate pairs (names that are not UTF-8)."""
    return text.replace("\0", "").encode("utf-8", "replace")


def _syncsafe(number: int) -> bytes:
    """28 bits in four bytes of seven. Raises ValueError: 256 MB or more."""
    if number >= 1 << 28:
        raise ValueError("an ID3 tag holds less than 256 MB")
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _from_syncsafe(four: bytes) -> int:
    return (four[0] & 127) << 21 | (four[1] & 127) << 14 | (four[2] & 127) << 7 | four[3] & 127


def _mime(cover: bytes) -> bytes:
    return b"image/png" if cover[:4] == b"\x89PNG" else b"image/jpeg"


def _picture(cover: bytes) -> bytes:
    """A FLAC picture block: front cover, no description; its size in pixels is left to the reader."""
    mime = _mime(cover)
    return struct.pack(">II", 3, len(mime)) + mime + bytes(20) + struct.pack(">I", len(cover)) + cover


def _vendor(comments: bytes) -> bytes:
    """Who encoded it, as the encoder wrote it."""
    size = struct.unpack_from("<I", comments)[0]
    return comments[4 : 4 + size]


def _comments(
    vendor: bytes, fields: Mapping[str, str], record: str | None, more: Mapping[str, str] | None = None
) -> bytes:
    every = [(name.upper(), text) for name, text in fields.items()]
    if record:
        every.append((RECORD_FIELD.upper(), record))
    every += (more or {}).items()
    written = [_utf8(f"{name}={text}") for name, text in every]
    sized = b"".join(struct.pack("<I", len(one)) + one for one in written)
    return struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(written)) + sized


def _flac_blocks(head: bytes) -> Iterator[tuple[int, bytes]]:
    at = 4
    while at + 4 <= len(head):
        size = int.from_bytes(head[at + 1 : at + 4], "big")
        yield head[at] & 0x7F, head[at + 4 : at + 4 + size]
        at += 4 + size


def _parts(page: bytes | bytearray) -> Iterator[tuple[bytes, bool]]:
    """(bytes, whether a packet ends with them) of the pieces of packets in a page."""
    at = begin = 27 + page[26]
    for lacing in page[27 : 27 + page[26]]:
        at += lacing
        if lacing < 255:
            yield bytes(page[begin:at]), True
            begin = at
    if begin < at:
        yield bytes(page[begin:at]), False


def _paged(packets: Iterable[bytes]) -> Iterator[bytearray]:
    """Header packets laid into pages as full as they can be; only lacing, data, flags and position are set."""
    lacing, data = b"", b""
    for packet in packets:
        lacing += bytes([255]) * (len(packet) // 255) + bytes([len(packet) % 255])
        data += packet
    continued = False
    for first in range(0, len(lacing), 255):
        own = lacing[first : first + 255]
        size = sum(own)
        # the position of a page on which no packet ends is -1, else 0: no sound yet
        position = bytes(8) if min(own) < 255 else b"\xff" * 8
        yield bytearray(b"OggS\0" + bytes([continued]) + position + bytes(12) + bytes([len(own)]) + own + data[:size])
        data, continued = data[size:], own[-1] == 255


def _page(page: bytearray, serial: int, number: int) -> bytes:
    page[14:18] = serial.to_bytes(4, "little")
    page[18:22] = number.to_bytes(4, "little")
    page[22:26] = bytes(4)
    page[22:26] = ogg_checksum(page).to_bytes(4, "little")
    return bytes(page)


def ogg_checksum(page: bytes | bytearray) -> int:
    """CRC-32 of RFC 3533, 6: zlib's polynomial, but highest bit first, and nothing inverted."""
    mirrored = zlib.crc32(page.translate(_BYTE_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_BYTE_REVERSED), "big")
