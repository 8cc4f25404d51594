"""A film as an MP4 file: H.264 and AAC through PyAV, frame after frame, so that an hour takes no more memory than a minute.

The sound is encoded first and heard again, and where a peak of what is decoded lies above the ceiling, encoded softer, as MP3 and OGG are.
Equal input gives equal bytes: no clock time is written, and the encoder's threads are told, not counted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from klangbild.errors import NotAvailableError, OutputError
from klangbild.show.film import FPS, Film
from klangbild.show.planes import Planes
from klangbild.sound.audio import Audio, LongAudio, spans
from klangbild.sound.files import CEILING, decoded_peak
from klangbild.whole_files import atomic_path

if TYPE_CHECKING:
    from typing import BinaryIO

_ENCODERS = (
    (
        "libx264",
        {
            "preset": "superfast",
            "crf": "20",
            "x264-params": "b-adapt=0:colorprim=bt709:transfer=bt709:colormatrix=bt709",
        },
    ),
    ("libopenh264", {"b": "8000000"}),
)
"""H.264 encoders, the better first; a build of FFmpeg may have either."""
_THREADS = 2
_SECONDS_APART = 4
"""Between two whole frames at the most: where a player can jump to."""
_SOUND_BITS = 192_000
_BLOCK = 65_536
_ATTEMPTS = 4


def write_film(
    path: str | Path,
    film: Film,
    audio: Audio | LongAudio,
    *,
    tags: Mapping[str, str],
    record: str | None,
    on_progress: Callable[[float, float], object] | None = None,
) -> Path:
    """Write a film with its sound (channels, n), whole or not at all; returns the path.

    tags: title, artist, comment, genre, copyright. record: kept as the comment, so that the film can be replayed; what was the comment is
    then the description. on_progress(frames done, frames): called once a second of the film.

    Raises:
        NotAvailableError: PyAV is not installed, or has no H.264. OutputError: the file cannot be written.
    """
    av = _av()
    with tempfile.TemporaryFile() as sound:
        _encode_sound(av, sound, audio)
        sound.seek(0)
        # through a file of its own, not through Python: the head is put first when all is written
        with atomic_path(path) as temporary, av.open(sound, format="mp4") as heard:
            try:
                _mux(av, str(temporary), film, heard, _metadata(tags, record), on_progress)
            except av.error.FFmpegError as error:
                if isinstance(error, OSError) and error.errno:
                    raise OSError(error.errno, error.strerror) from error
                raise OutputError(f"{path}: the encoder failed ({error}); give another place with -o") from error
    return Path(path)


def _mux(av: Any, path: str, film: Film, heard: Any, metadata: Mapping[str, str], on_progress: Any) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(path, "w", format="mp4", options=options) as out:
        out.metadata.update(metadata)
        name, settings = next((one for one in _ENCODERS if one[0] in av.codecs_available), ("", {}))
        if not name:
            raise NotAvailableError("-f mp4 needs a PyAV with H.264; run: pip install --force-reinstall av")
        picture = out.add_stream(name, rate=FPS, options=settings)
        picture.width, picture.height = film.size
        picture.pix_fmt, picture.time_base = "yuv420p", Fraction(1, FPS)
        context = picture.codec_context
        context.thread_count, context.gop_size = _THREADS, FPS * _SECONDS_APART
        context.color_range, context.colorspace = 1, 1  # limited, BT.709
        context.color_primaries, context.color_trc = 1, 1
        sound = out.add_stream_from_template(heard.streams.audio[0])
        waiting = _packets(heard)
        packet = next(waiting, None)
        for number, planes in enumerate(film.frames()):
            for encoded in picture.encode(_frame(av, planes, number)):
                out.mux(encoded)
            while packet is not None and packet.dts * packet.time_base <= Fraction(number + 1, FPS):
                packet.stream = sound
                out.mux(packet)
                packet = next(waiting, None)
            if on_progress is not None and number % FPS == 0:
                on_progress(number, film.n_frames)
        for encoded in picture.encode(None):
            out.mux(encoded)
        while packet is not None:
            packet.stream = sound
            out.mux(packet)
            packet = next(waiting, None)


def _packets(heard: Any) -> Iterator[Any]:
    return (packet for packet in heard.demux(audio=0) if packet.dts is not None)


def _frame(av: Any, planes: Planes, number: int) -> Any:
    frame = av.VideoFrame(planes.width, planes.height, "yuv420p")
    for mine, theirs in zip(planes.all, frame.planes, strict=True):
        rows = np.frombuffer(theirs, np.uint8).reshape(theirs.height, theirs.line_size)
        rows[:, : theirs.width] = mine
    frame.pts, frame.time_base = number, Fraction(1, FPS)
    return frame


def _encode_sound(av: Any, into: BinaryIO, audio: Audio | LongAudio) -> None:
    """AAC, in an MP4 of its own; what is heard of it peaks below the ceiling."""
    gain = 1.0
    for attempt in range(_ATTEMPTS):
        into.seek(0)
        into.truncate()
        with av.open(into, "w", format="mp4", options={"fflags": "+bitexact"}) as out:
            layout = "stereo" if audio.channels == 2 else "mono"
            stream = out.add_stream("aac", rate=audio.rate, layout=layout)
            stream.bit_rate = _SOUND_BITS
            for first, last in spans(audio.frames, _BLOCK):
                block = np.clip(np.ascontiguousarray(audio.read(first, last)) * np.float32(gain), -1.0, 1.0)
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.sample_rate, frame.pts, frame.time_base = audio.rate, first, Fraction(1, audio.rate)
                for packet in stream.encode(frame):
                    out.mux(packet)
            for packet in stream.encode(None):
                out.mux(packet)
        if attempt == _ATTEMPTS - 1:
            return
        into.seek(0)
        peak = decoded_peak(_decoded(av, into))
        if peak <= CEILING:
            return
        gain *= CEILING / peak * 0.995


def _decoded(av: Any, sound: BinaryIO) -> Iterator[np.ndarray]:
    """(channels, n) float32, a second or so at a time."""
    with av.open(sound, format="mp4") as heard:
        parts, held = [], 0
        for frame in heard.decode(audio=0):
            parts.append(frame.to_ndarray())
            held += frame.samples
            if held >= _BLOCK:
                yield np.concatenate(parts, axis=1)
                parts, held = [], 0
        if parts:
            yield np.concatenate(parts, axis=1)


def _metadata(tags: Mapping[str, str], record: str | None) -> dict[str, str]:
    told = {name: text.replace("\0", "") for name, text in tags.items() if text}
    if record:
        told["description"] = told.get("comment", "")
        told["comment"] = record
    return {name: text for name, text in told.items() if text}


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise NotAvailableError(
            "-f mp4 needs av, which is not installed; run: pip install 'klangbild[video]'"
        ) from None
    return av
