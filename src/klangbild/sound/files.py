"""Sound files in and out: WAV (24 bit), FLAC (24 bit), OGG Vorbis and MP3, each with tags, the result record and a cover.

Where things stand in a file:
- WAV: a RIFF `LIST INFO` chunk for players that read nothing else, and an `id3 ` chunk with everything;
- MP3: an ID3v2.4 header, then the encoder's own with its delay and padding, by which players cut it to its length; FLAC and OGG: Vorbis comments, the picture as a FLAC picture block (see `tags`).

The record is one text field, `klangbild` (ID3: `TXXX:klangbild`). Equal input gives equal bytes: no clock time is
written, and an OGG stream's serial number comes from the sound itself. Encoders write into real files, never into Python
objects: an exception (Ctrl-C) inside a callback from C would be lost, and half a sound kept.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from klangbild.errors import InputError, UsageError
from klangbild.input_file import open_input
from klangbild.sound import tags as tag_blocks
from klangbild.sound.audio import Audio, LongAudio, spans
from klangbild.whole_files import atomic_path, output_error

FORMATS = ("wav", "flac", "ogg", "mp3")
# libsndfile crashes on long Vorbis input given at once
_BLOCK = 65_536
CEILING = 10 ** (-1 / 20)
"""The highest true peak that is heard of a file, -1 dBTP."""
_ATTEMPTS = 4
_OVERLAP = 256
_SUBTYPES = {"flac": ("FLAC", "PCM_24"), "ogg": ("OGG", "VORBIS"), "mp3": ("MP3", "MPEG_LAYER_III")}
_INFO = {
    "title": b"INAM",
    "artist": b"IART",
    "album": b"IPRD",
    "comment": b"ICMT",
    "copyright": b"ICOP",
    "software": b"ISFT",
    "genre": b"IGNR",
    "keywords": b"IKEY",
}


def write_audio(
    path: str | Path,
    audio: Audio | LongAudio,
    *,
    tags: Mapping[str, str] | None = None,
    record: str | None = None,
    cover: bytes | None = None,
    loops: bool = False,
) -> Path:
    """Write sound (channels, n) in the format of the path's suffix (.wav, .flac, .ogg, .mp3), whole or not at all;
    returns the path.

    Args:
        tags: title, artist, album, comment, copyright, software, genre, keywords; any other name is kept as a free field.
        record: the result record (JSON text) that `read_record` gives back.
        cover: PNG or JPEG bytes.
        loops: its end leads to its start: told to samplers and game engines, by a `smpl` chunk in WAV, in FLAC and OGG by the comments
            LOOPSTART and LOOPLENGTH.

    Raises:
        UsageError: the suffix is none of the four.
        OutputError: the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    _check_kind(kind)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        _write(file, path.parent, audio, kind, tags, record, cover, loops)
    return path


def encode_into(
    to: BinaryIO,
    audio: Audio | LongAudio,
    kind: str,
    *,
    tags: Mapping[str, str] | None = None,
    record: str | None = None,
    cover: bytes | None = None,
    loops: bool = False,
) -> None:
    """The bytes that `write_audio` writes, block after block into an open file, of a sound (channels, n). kind: wav,
    flac, ogg or mp3."""
    _check_kind(kind)
    _write(to, None, audio, kind, tags, record, cover, loops)


def encode_audio(
    audio: Audio | LongAudio,
    kind: str,
    *,
    tags: Mapping[str, str] | None = None,
    record: str | None = None,
    cover: bytes | None = None,
    loops: bool = False,
) -> bytes:
    """The bytes that `write_audio` writes of a sound (channels, n). kind: wav, flac, ogg or mp3."""
    stream = io.BytesIO()
    try:
        encode_into(stream, audio, kind, tags=tags, record=record, cover=cover, loops=loops)
    except OSError as error:
        raise output_error(Path(tempfile.gettempdir()), error) from error
    return stream.getvalue()


def read_audio(path: str | Path) -> Audio:
    """A sound file of any of the four formats -> float32 `Audio` (channels, n) at the file's own rate.

    Raises:
        InputError: the file is missing, or is not sound we can read.
    """
    import soundfile

    try:
        with open_input(path) as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            samples, rate = sound.read(dtype="float32", always_2d=True), sound.samplerate
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
    with open_input(path) as file:
        return tag_blocks.read_field(file, tag_blocks.RECORD_FIELD)


def _check_kind(kind: str) -> None:
    if kind not in FORMATS:
        raise UsageError(f"'{kind}' is not a sound format; give one of {', '.join(FORMATS)}")


def _write(
    to: BinaryIO,
    beside: Path | None,
    audio: Audio | LongAudio,
    kind: str,
    tags: Mapping[str, str] | None,
    record: str | None,
    cover: bytes | None,
    loops: bool,
) -> None:
    """The whole file into `to`. beside: a folder for what is only needed meanwhile (default: the system's)."""
    fields = {name: str(text) for name, text in (tags or {}).items() if text is not None and str(text)}
    if kind == "wav":
        _write_wav(to, audio, fields, record, cover, loops=loops)
        return
    if loops and kind in ("flac", "ogg"):
        fields |= {"loopstart": "0", "looplength": str(audio.frames)}
    with tempfile.TemporaryFile(dir=beside) as bare:
        _encode_under(bare, audio, kind)
        bare.seek(0)
        if kind == "ogg":
            serial = _ogg_serial(bare)
            bare.seek(0)
            to.writelines(tag_blocks.ogg_pages(bare, fields, record, cover, serial=serial))
            return
        if kind == "mp3":
            to.write(tag_blocks.id3(fields, record, cover))
        else:
            to.write(tag_blocks.flac_blocks(_flac_head(bare), fields, record, cover))
        shutil.copyfileobj(bare, to, 1 << 20)


def _blocks(audio: Audio | LongAudio, gain: float = 1.0) -> Iterator[np.ndarray]:
    """(n, channels) float32 within -1..1, a block at a time."""
    for first, last in spans(audio.frames, _BLOCK):
        yield np.clip(np.ascontiguousarray(audio.read(first, last).T) * np.float32(gain), -1.0, 1.0)


def _encode_under(bare: BinaryIO, audio: Audio | LongAudio, kind: str) -> None:
    """The bare stream into a real file. What is heard of MP3 and OGG has other peaks than what was encoded: it is decoded and measured,
    and encoded again a little softer where a peak lies above -1 dBTP."""
    gain = 1.0
    for attempt in range(_ATTEMPTS):
        _encode(bare, _blocks(audio, gain), audio.rate, audio.channels, kind)
        if kind == "flac" or attempt == _ATTEMPTS - 1:
            return
        peak = decoded_peak(_decoded(bare))
        if peak <= CEILING:
            return
        gain *= CEILING / peak * 0.995
        bare.seek(0)
        bare.truncate()


def decoded_peak(blocks: Iterable[np.ndarray]) -> float:
    """The highest true peak of a sound, blocks of float32 (channels, n), where it comes near the ceiling; else what lies below."""
    from klangbild.sound.loudness import true_peaks

    highest, before = 0.0, None
    for block in blocks:
        part = block if before is None else np.concatenate([before, block], axis=1)
        before = part[:, -_OVERLAP:]
        near = np.unique(np.flatnonzero(np.abs(part).max(axis=0) > 0.7 * CEILING) // _OVERLAP)
        for window in near.tolist():
            at = max((window - 1) * _OVERLAP, 0)
            highest = max(highest, float(true_peaks(part[:, at : at + 3 * _OVERLAP]).max()))
    return highest


def _decoded(bare: BinaryIO) -> Iterator[np.ndarray]:
    import soundfile

    bare.seek(0)
    with soundfile.SoundFile(bare.fileno(), closefd=False) as sound:
        for block in sound.blocks(_BLOCK, dtype="float32", always_2d=True):
            yield block.T


def _encode(bare: BinaryIO, blocks: Iterable[np.ndarray], rate: int, channels: int, kind: str) -> None:
    """The bare stream, through libsndfile, into a real file. Raises OSError: it does not fit there."""
    import soundfile

    container, subtype = _SUBTYPES[kind]
    quality = {"compression_level": 0.2, "bitrate_mode": "VARIABLE"} if kind == "mp3" else {}
    try:
        with soundfile.SoundFile(
            bare.fileno(), "w", rate, channels, format=container, subtype=subtype, closefd=False, **quality
        ) as file:
            for block in blocks:
                file.write(block)
    except (soundfile.LibsndfileError, AssertionError) as error:
        # libsndfile tells only that less was written than asked; the disk tells why
        bare.seek(0, os.SEEK_END)
        bare.write(bytes(_BLOCK))
        bare.flush()
        raise OSError(f"the {kind} encoder failed: {error}") from error


def _flac_head(stream: BinaryIO) -> bytes:
    """`fLaC` and the metadata blocks; the stream then stands at the first frame."""
    head = stream.read(4)
    while True:
        block = stream.read(4)
        head += block + stream.read(int.from_bytes(block[1:], "big"))
        if block[0] & 0x80:
            return head


def _ogg_serial(stream: BinaryIO) -> int:
    """A checksum of the packets' bytes, in place of the random serial number that libsndfile writes."""
    serial = 0
    for page in tag_blocks.pages_of(stream):
        serial = zlib.crc32(page[27:], serial)
    return serial


# --- WAV -------------------------------------------------------------------------------------------------------------


def _write_wav(
    to: BinaryIO,
    audio: Audio | LongAudio,
    fields: Mapping[str, str],
    record: str | None,
    cover: bytes | None,
    *,
    loops: bool,
) -> None:
    channels, n = audio.channels, audio.frames
    width = 3 * channels
    form = b"".join(
        value.to_bytes(size, "little")
        for value, size in ((1, 2), (channels, 2), (audio.rate, 4), (audio.rate * width, 4), (width, 2), (24, 2))
    )
    told = _chunk(b"smpl", _loop_of_all(n, audio.rate)) if loops else b""
    if info := b"".join(
        _chunk(_INFO[name], text.encode("utf-8", "replace") + b"\0") for name, text in fields.items() if name in _INFO
    ):
        told += _chunk(b"LIST", b"INFO" + info)
    if tag := tag_blocks.id3(fields, record, cover):
        told += _chunk(b"id3 ", tag)
    data_size = n * width
    size = 4 + 8 + len(form) + 8 + data_size + data_size % 2 + len(told)
    if size >= 2**32:
        raise UsageError(f"{n / audio.rate:.0f} seconds are too long for a WAV file (4 GB); write FLAC")
    to.write(b"RIFF" + size.to_bytes(4, "little") + b"WAVE" + _chunk(b"fmt ", form))
    to.write(b"data" + data_size.to_bytes(4, "little"))
    for block in _blocks(audio):
        to.write(_pcm24(block))
    to.write(bytes(data_size % 2) + told)


def _loop_of_all(frames: int, rate: int) -> bytes:
    """A `smpl` chunk's data: one loop for ever, forwards, from the first sample to the last (which it includes)."""
    header = (0, 0, round(1e9 / rate), 60, 0, 0, 0, 1, 0)
    loop = (0, 0, 0, frames - 1, 0, 0)
    return b"".join(value.to_bytes(4, "little") for value in (*header, *loop))


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)


def _pcm24(block: np.ndarray) -> bytes:
    """Interleaved little-endian 24-bit samples of a block, rounded."""
    whole = np.rint(block.astype(np.float64) * 8388607).astype("<i4")
    return np.ascontiguousarray(whole).view(np.uint8).reshape(*block.shape, 4)[:, :, :3].tobytes()
