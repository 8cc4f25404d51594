"""Sound files in and out: WAV (24 bit), FLAC (24 bit), OGG Vorbis and MP3, each with tags, the result record and a cover.

Where things stand in a file:
- WAV: a RIFF `LIST INFO` chunk for players that read nothing else, and an `id3 ` chunk with everything;
- MP3: an ID3v2.4 header; FLAC and OGG: Vorbis comments, the picture as a FLAC picture block.

The record is one text field, `klangbild` (ID3: `TXXX:klangbild`). Equal input gives equal bytes: no clock time is
written, and an OGG stream's serial number comes from the sound itself.
"""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from klangbild.atomic import atomic_write
from klangbild.errors import InputError, UsageError
from klangbild.sound.audio import Audio

FORMATS = ("wav", "flac", "ogg", "mp3")
RECORD_FIELD = "klangbild"
# libsndfile crashes on long Vorbis input given at once
_BLOCK = 65_536
_SUBTYPES = {"flac": ("FLAC", "PCM_24"), "ogg": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III")}
# our tag -> (RIFF INFO, ID3 frame); other tags become INFO-less, `TXXX:name` and NAME
_TAGS = {
    "title": ("INAM", "TIT2"),
    "artist": ("IART", "TPE1"),
    "album": ("IPRD", "TALB"),
    "comment": ("ICMT", "COMM"),
    "copyright": ("ICOP", "TCOP"),
    "software": ("ISFT", "TSSE"),
    "genre": ("IGNR", "TCON"),
    "keywords": ("IKEY", "TXXX"),
}


def write_audio(
    path: str | Path,
    audio: Audio,
    *,
    tags: Mapping[str, str] | None = None,
    record: str | None = None,
    cover: bytes | None = None,
) -> Path:
    """Write sound in the format of the path's suffix (.wav, .flac, .ogg, .mp3), whole or not at all; returns the path.

    Args:
        tags: title, artist, album, comment, copyright, software, genre, keywords; any other name is kept as a free field.
        record: the result record (JSON text) that `read_record` gives back.
        cover: PNG or JPEG bytes.

    Raises:
        UsageError: the suffix is none of the four.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    return atomic_write(path, encode_audio(audio, kind, tags=tags, record=record, cover=cover))


def encode_audio(
    audio: Audio,
    kind: str,
    *,
    tags: Mapping[str, str] | None = None,
    record: str | None = None,
    cover: bytes | None = None,
) -> bytes:
    """The bytes that `write_audio` writes. kind: wav, flac, ogg or mp3."""
    if kind not in FORMATS:
        raise UsageError(f"'{kind}' is not a sound format; give one of {', '.join(FORMATS)}")
    fields = {name: str(text) for name, text in (tags or {}).items() if text is not None and str(text)}
    if kind == "wav":
        return _wav_bytes(audio, fields, record, cover)
    data = _encoded(audio, kind)
    if kind == "mp3":
        return _id3_bytes(fields, record, cover) + data
    if kind == "flac":
        return _with_flac_comments(data, fields, record, cover)
    return _with_ogg_comments(data, fields, record, cover)


def read_audio(path: str | Path) -> Audio:
    """A sound file of any of the four formats -> float32 `Audio`.

    Raises:
        InputError: the file is missing, or is not sound we can read.
    """
    import soundfile

    try:
        samples, rate = soundfile.read(io.BytesIO(_read(path)), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(
            f"{path}: is not a sound file we can read ({error.error_string}); give WAV, FLAC, OGG or MP3"
        ) from None
    return Audio(np.ascontiguousarray(samples.T), int(rate))


def read_record(path: str | Path) -> str | None:
    """The result record inside a sound file of ours; None when it carries none.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    data = _read(path)
    import mutagen

    stream = io.BytesIO(data)
    try:
        file = mutagen.File(stream)
    except mutagen.MutagenError:
        return None
    if file is None or file.tags is None:
        return None
    if hasattr(file.tags, "getall"):  # ID3
        frames = file.tags.getall(f"TXXX:{RECORD_FIELD}")
        return str(frames[0].text[0]) if frames else None
    found = file.tags.get(RECORD_FIELD)
    return found[0] if found else None


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def _encoded(audio: Audio, kind: str) -> bytes:
    """The bare encoded stream, through libsndfile in blocks."""
    import soundfile

    stream = io.BytesIO()
    container, subtype = _SUBTYPES[kind]
    channels = audio.samples.shape[0]
    quality = {"compression_level": 0.2, "bitrate_mode": "VARIABLE"} if kind == "mp3" else {}
    with soundfile.SoundFile(stream, "w", audio.rate, channels, format=container, subtype=subtype, **quality) as file:
        for first in range(0, audio.samples.shape[1], _BLOCK):
            part = np.ascontiguousarray(audio.samples[:, first : first + _BLOCK].T)
            file.write(np.clip(part, -1.0, 1.0))
    return stream.getvalue()


# --- WAV -------------------------------------------------------------------------------------------------------------


def _wav_bytes(audio: Audio, fields: Mapping[str, str], record: str | None, cover: bytes | None) -> bytes:
    channels, n = audio.samples.shape
    width = 3 * channels
    form = b"".join(
        value.to_bytes(size, "little")
        for value, size in ((1, 2), (channels, 2), (audio.rate, 4), (audio.rate * width, 4), (width, 2), (24, 2))
    )
    chunks = [_chunk(b"fmt ", form), _chunk(b"data", pcm24(audio))]
    info = b"".join(
        _chunk(_TAGS[name][0].encode(), text.encode() + b"\0") for name, text in fields.items() if name in _TAGS
    )
    if info:
        chunks.append(_chunk(b"LIST", b"INFO" + info))
    if fields or record or cover:
        chunks.append(_chunk(b"id3 ", _id3_bytes(fields, record, cover)))
    body = b"WAVE" + b"".join(chunks)
    if len(body) >= 2**32:
        raise UsageError(f"{n / audio.rate:.0f} seconds are too long for a WAV file (4 GB); write FLAC")
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def pcm24(audio: Audio) -> bytes:
    """Interleaved little-endian 24-bit samples, rounded; what lies outside -1..1 is held at full scale."""
    channels, n = audio.samples.shape
    out = np.empty((n, channels, 3), np.uint8)
    for first in range(0, n, _BLOCK):
        part = np.rint(np.clip(audio.samples[:, first : first + _BLOCK].T.astype(np.float64), -1, 1) * 8388607)
        octets = np.ascontiguousarray(part.astype("<i4")).view(np.uint8).reshape(part.shape[0], channels, 4)
        out[first : first + _BLOCK] = octets[:, :, :3]
    return out.tobytes()


# --- ID3 (WAV, MP3) --------------------------------------------------------------------------------------------------


def _id3_bytes(fields: Mapping[str, str], record: str | None, cover: bytes | None) -> bytes:
    from mutagen import id3

    header = id3.ID3()
    for name, text in fields.items():
        frame = _TAGS.get(name, (None, "TXXX"))[1]
        if frame == "TXXX":
            header.add(id3.TXXX(encoding=3, desc=name, text=[text]))
        elif frame == "COMM":
            header.add(id3.COMM(encoding=3, lang="eng", desc="", text=[text]))
        else:
            header.add(getattr(id3, frame)(encoding=3, text=[text]))
    if record:
        header.add(id3.TXXX(encoding=3, desc=RECORD_FIELD, text=[record]))
    if cover:
        header.add(id3.APIC(encoding=3, mime=_mime(cover), type=3, desc="", data=cover))
    if not header:
        return b""  # a header without frames is taken for damage
    stream = io.BytesIO()
    header.save(stream, v2_version=4, padding=lambda info: 0)
    return stream.getvalue()


def _mime(cover: bytes) -> str:
    return "image/png" if cover[:4] == b"\x89PNG" else "image/jpeg"


# --- Vorbis comments (FLAC, OGG) -------------------------------------------------------------------------------------


def _set_comments(file, fields: Mapping[str, str], record: str | None) -> None:
    if file.tags is None:
        file.add_tags()
    file.tags.clear()
    for name, text in fields.items():
        file.tags[name.upper()] = [text]
    if record:
        file.tags[RECORD_FIELD.upper()] = [record]


def _picture(cover: bytes):
    from mutagen.flac import Picture

    picture = Picture()
    picture.type, picture.mime, picture.data = 3, _mime(cover), cover
    return picture


def _with_flac_comments(data: bytes, fields: Mapping[str, str], record: str | None, cover: bytes | None) -> bytes:
    from mutagen.flac import FLAC

    stream = io.BytesIO(data)
    file = FLAC(stream)
    _set_comments(file, fields, record)
    if cover:
        file.add_picture(_picture(cover))
    stream.seek(0)
    file.save(stream, padding=lambda info: 0)
    return stream.getvalue()


def _with_ogg_comments(data: bytes, fields: Mapping[str, str], record: str | None, cover: bytes | None) -> bytes:
    from mutagen.oggvorbis import OggVorbis

    stream = io.BytesIO(_with_serial(data))
    file = OggVorbis(stream)
    _set_comments(file, fields, record)
    if cover:
        file.tags["METADATA_BLOCK_PICTURE"] = [base64.b64encode(_picture(cover).write()).decode("ascii")]
    stream.seek(0)
    file.save(stream, padding=lambda info: 0)
    return stream.getvalue()


def _with_serial(data: bytes) -> bytes:
    """An OGG stream whose serial number, random when libsndfile wrote it, is a checksum of the packets' bytes."""
    pages, at = [], 0
    while at < len(data):
        segments = data[at + 26]
        size = 27 + segments + sum(data[at + 27 : at + 27 + segments])
        pages.append(bytearray(data[at : at + size]))
        at += size
    serial = 0
    for page in pages:
        serial = zlib.crc32(page[27:], serial)
    for page in pages:
        page[14:18] = serial.to_bytes(4, "little")
        page[22:26] = bytes(4)
        page[22:26] = _ogg_checksum(page).to_bytes(4, "little")
    return b"".join(pages)


@lru_cache(maxsize=1)
def _ogg_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = value << 1 ^ (0x104C11DB7 if value & 0x80000000 else 0)
        table.append(value)
    return tuple(table)


def _ogg_checksum(page: bytes) -> int:
    """CRC-32 with polynomial 0x04C11DB7, not reflected (RFC 3533, 6)."""
    checksum, table = 0, _ogg_table()
    for byte in page:
        checksum = (checksum << 8 & 0xFFFFFFFF) ^ table[checksum >> 24 ^ byte]
    return checksum
