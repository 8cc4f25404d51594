"""Standard MIDI files in and out: `Piece` <-> .mid, through symusic.

Written files carry track names, programs, tempo, key, meter, markers and, as one text event at the start of the first
track, the result record (JSON) that `replay` reads. Equal pieces give equal bytes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import symusic

from klangbild.errors import InputError
from klangbild.music.families import FAMILY_NAMES, MELODIC_DRUMS, family_of
from klangbild.music.instrument_names import GENERAL_MIDI
from klangbild.music.meters import METERS, known_meter
from klangbild.music.midi_plain import MAX_CONTINUED_S, PlainMidi, check_seconds, plain_midi, read_bytes
from klangbild.music.midi_track import variable_length, write_tracks
from klangbild.music.piece import Key, Piece, Track, make_notes

TICKS_PER_BEAT = 480
RECORD_PREFIX = "klangbild:"
NO_EFFECTS = "sound effects (programs 120 to 128) are left out"
# flats (negative) to sharps (positive) of each tonic, as MIDI's key signature wants them
_MAJOR_SHARPS = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5)
_MINOR_SHARPS = (-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2)


def piece_to_score(piece: Piece) -> symusic.Score:
    """A symusic tick score at 480 ticks per beat; one track for each track of the piece, in its order."""
    score = symusic.Score(TICKS_PER_BEAT)
    for track, name in zip(piece.tracks, track_names(piece), strict=True):
        out = symusic.Track(name, track.program, track.plays_kit)
        start = np.rint(track.notes["onset"] * TICKS_PER_BEAT).astype(np.int32)
        end = np.rint((track.notes["onset"] + track.notes["duration"]) * TICKS_PER_BEAT).astype(np.int32)
        out.notes = symusic.core.NoteTickList.from_numpy(
            start,
            np.maximum(end - start, 1),
            track.notes["pitch"].astype(np.int8),
            track.notes["velocity"].astype(np.int8),
        )
        score.tracks.append(out)
    for beat, bpm in piece.tempos:
        score.tempos.append(symusic.Tempo(round(beat * TICKS_PER_BEAT), bpm))
    for beat, numerator, denominator in piece.meters:
        score.time_signatures.append(symusic.TimeSignature(round(beat * TICKS_PER_BEAT), numerator, denominator))
    if piece.key:
        score.key_signatures.append(symusic.KeySignature(0, sharps_of(piece.key), int(piece.key.mode == "minor")))
    for beat, text in piece.markers:
        score.markers.append(symusic.TextMeta(round(beat * TICKS_PER_BEAT), text))
    return score


def track_names(piece: Piece) -> list[str]:
    """What each track is called in a file: its family, as its stem is, and the instrument; alike ones are numbered.

    >>> from klangbild.music.piece import Piece, Track, make_notes
    >>> track_names(Piece((Track("drums", 0, make_notes()), Track("winds", 73, make_notes()), Track("winds", 73, make_notes()))))
    ['drums', 'winds: flute', 'winds: flute 2']
    """
    names: list[str] = []
    for track in piece.tracks:
        name = track_name(track.family, track.program, kit=track.plays_kit)
        alike = sum(other == name or other.startswith(f"{name} ") for other in names)
        names.append(f"{name} {alike + 1}" if alike else name)
    return names


def track_name(family: str, program: int, *, kit: bool) -> str:
    """What one track is called.

    >>> track_name("winds", 73, kit=False), track_name("drums", 0, kit=True)
    ('winds: flute', 'drums')
    """
    return family if kit else f"{family}: {GENERAL_MIDI[program]}"


def sharps_of(key: Key) -> int:
    """The signature of a key: sharps, or flats as a negative number."""
    return (_MAJOR_SHARPS if key.mode == "major" else _MINOR_SHARPS)[key.tonic]


def to_midi_bytes(piece: Piece, *, record: str | None = None) -> bytes:
    """The bytes of a type-1 MIDI file; `record` (or the piece's own) becomes its first text event."""
    data = piece_to_score(piece).dumps_midi()
    record = record if record is not None else piece.record
    return _with_text(data, RECORD_PREFIX + record) if record else data


def read_midi(source: str | Path | bytes) -> Piece:
    """A file of anybody's -> `Piece`. Sound-effect programs (119..127) are dropped; tracks keep their programs.

    What of it is passed over or was put right stands in the piece's `told`. Files beyond the limits of `notes.midi_plain`
    (an hour, 200,000 notes, 8 MB) are refused before any work.

    Raises:
        InputError: the file is missing, damaged, not MIDI, or beyond a limit.
    """
    name = "the MIDI data" if isinstance(source, bytes) else str(source)
    data = source if isinstance(source, bytes) else read_bytes(source)
    return piece_of(plain_midi(data, name), name)


def piece_of(plain: PlainMidi, name: str) -> Piece:
    """What `read_midi` gives, of bytes that were looked through. Raises InputError: they are damaged."""
    try:
        try:
            score = symusic.Score.from_midi(plain.data, sanitize_data=True)
        except Exception:  # noqa: BLE001 - the C++ reader is less forgiving than others; it reads what is written anew
            plain = replace(plain, data=write_tracks(plain.tracks, plain.division))
            score = symusic.Score.from_midi(plain.data, sanitize_data=True)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - it raises several kinds, all meaning "damaged"
        raise InputError(
            f"{name}: is a damaged MIDI file ({str(error).splitlines()[0]}); export it again from the program it came from"
        ) from None
    return _score_to_piece(score, record=read_record(plain.data), told=plain.told)


def read_music(path: str | Path) -> Piece:
    """As `read_midi`, for a file that is to be heard. Raises InputError also when it holds no note."""
    piece = read_midi(path)
    if piece.n_notes == 0:
        raise InputError(f"{path}: holds no note that we can play; give another .mid file")
    return piece


def read_continued(path: str | Path) -> Piece:
    """As `read_music`, for a file that a piece goes on from: a meter that our grid lacks is told. Raises InputError."""
    piece = read_music(path)
    check_seconds(piece.seconds, MAX_CONTINUED_S, str(path))
    told = list(piece.told)
    for numerator, denominator in dict.fromkeys(meter[1:] for meter in piece.meters):
        near = METERS[known_meter(numerator, denominator)]
        if near[0] / near[1] != numerator / denominator:
            told.append(f"its {numerator}/{denominator} is counted as {near[0]}/{near[1]}")
    return replace(piece, told=tuple(told))


def read_record(data: bytes) -> str | None:
    """The result record inside our own MIDI bytes, or None."""
    text = _first_text(data)
    return text[len(RECORD_PREFIX) :] if text and text.startswith(RECORD_PREFIX) else None


def _score_to_piece(score: symusic.Score, *, record: str | None, told: tuple[str, ...]) -> Piece:
    ticks = score.ticks_per_quarter
    tracks = []
    for track in score.tracks:
        family = family_of(track.program, is_drum=track.is_drum)
        if len(track.notes) == 0:
            continue
        if family is None:
            told = (*told, NO_EFFECTS) if NO_EFFECTS not in told else told
            continue
        program = 0 if track.is_drum and track.program in MELODIC_DRUMS else int(track.program)
        columns = track.notes.numpy()
        notes = make_notes(
            columns["time"] / ticks,
            np.maximum(columns["duration"], 1) / ticks,
            np.clip(columns["pitch"], 0, 127),
            np.clip(columns["velocity"], 1, 127),
        )
        tracks.append(Track(family, program, notes))
    tracks.sort(key=lambda track: FAMILY_NAMES.index(track.family))
    return Piece(
        tracks=tuple(tracks),
        tempos=_from_zero([(t.time / ticks, round(t.qpm, 4)) for t in score.tempos], (120.0,)),
        meters=_from_zero([(t.time / ticks, t.numerator, t.denominator) for t in score.time_signatures], (4, 4)),
        key=_key(score),
        markers=tuple((m.time / ticks, m.text) for m in score.markers),
        record=record,
        told=told,
    )


def _from_zero(changes: list[tuple], default: tuple) -> tuple:
    """Changes in order, the last of each beat kept, the first moved to (or the default added at) beat 0."""
    unique = {change[0]: change for change in sorted(changes, key=lambda c: c[0])}
    kept = list(unique.values())
    if not kept or kept[0][0] > 0:
        kept.insert(0, (0.0, *default))
    return tuple(kept)


def _key(score: symusic.Score) -> Key | None:
    if not score.key_signatures:
        return None
    signature = score.key_signatures[0]
    table = _MINOR_SHARPS if signature.tonality else _MAJOR_SHARPS
    enharmonic = {7: -5, -7: 5, -6: 6 if not signature.tonality else -6, 6: 6 if not signature.tonality else -6}
    sharps = signature.key if signature.key in table else enharmonic.get(signature.key, 0)
    return Key(table.index(sharps), "minor" if signature.tonality else "major")


def _with_text(data: bytes, text: str) -> bytes:
    """The MIDI bytes with one text meta event (FF 01) put before everything else in the first track."""
    at = data.index(b"MTrk")
    length = int.from_bytes(data[at + 4 : at + 8], "big")
    payload = text.encode()
    event = b"\x00\xff\x01" + variable_length(len(payload)) + payload
    return data[: at + 4] + (length + len(event)).to_bytes(4, "big") + event + data[at + 8 :]


def without_record(data: bytes) -> bytes:
    """MIDI bytes without the result record that opens the first track of our own; those of others as they are."""
    if read_record(data) is None:
        return data
    at = data.index(b"MTrk")
    length = int.from_bytes(data[at + 4 : at + 8], "big")
    size, after = 0, at + 11
    while True:
        byte = data[after]
        size, after = size << 7 | byte & 0x7F, after + 1
        if byte < 0x80:
            break
    after += size
    return data[: at + 4] + (length - (after - at - 8)).to_bytes(4, "big") + data[after:]


def with_record(data: bytes, record: str) -> bytes:
    """The inverse: MIDI bytes with the result record as the first text event."""
    return _with_text(data, RECORD_PREFIX + record)


def _first_text(data: bytes) -> str | None:
    """The text of a text event that opens the first track, or None."""
    at = data.find(b"MTrk") + 8
    if not re.match(rb"\x00\xff\x01", data[at : at + 3]):
        return None
    at, size = at + 3, 0
    while at < len(data):
        size = size << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            break
    return data[at : at + size].decode("utf-8", "replace")
