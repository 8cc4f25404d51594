"""What stands in the bytes of a .mid, read here by hand: the key's sharps, the tempo, how hard each note is struck, how long it lasts."""

import numpy as np
import pytest

from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.piece import Key, Piece, Track, make_notes

# sharps (positive) and flats (negative) as any book on harmony has them
SHARPS = {
    "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F": -1, "Bb": -2, "Eb": -3, "Ab": -4, "Db": -5,
    "Am": 0, "Em": 1, "Bm": 2, "F#m": 3, "C#m": 4, "G#m": 5, "Dm": -1, "Gm": -2, "Cm": -3, "Fm": -4, "Bbm": -5,
}  # fmt: skip
PITCHES, VELOCITIES = [60, 64, 67, 72], [30, 60, 90, 120]


def piece(*, key: str = "C", bpm: float = 90.0) -> Piece:
    notes = make_notes(np.arange(4.0), [0.5, 1.0, 0.5, 1.0], PITCHES, VELOCITIES)
    return Piece((Track("piano", 0, notes),), tempos=((0.0, bpm),), key=Key.parse(key))


def meta(data: bytes, kind: int, size: int) -> bytes:
    """The data of the one meta event of a kind."""
    start = bytes([0xFF, kind, size])
    assert data.count(start) == 1
    at = data.index(start) + 3
    return data[at : at + size]


@pytest.mark.parametrize("key", SHARPS)
def test_the_key_signature_has_the_sharps_of_the_key(key):
    sharps, minor = meta(to_midi_bytes(piece(key=key)), 0x59, 2)
    assert (sharps + 128) % 256 - 128 == SHARPS[key] and minor == key.endswith("m")


@pytest.mark.parametrize("bpm", [60.0, 90.0, 180.0])
def test_the_tempo_is_microseconds_of_a_beat(bpm):
    assert int.from_bytes(meta(to_midi_bytes(piece(bpm=bpm)), 0x51, 3), "big") == pytest.approx(60e6 / bpm, abs=1)


def test_notes_are_as_loud_and_as_long_as_in_the_piece():
    data = to_midi_bytes(piece())
    for pitch, velocity in zip(PITCHES, VELOCITIES, strict=True):
        assert bytes([pitch, velocity]) in data
    back = read_midi(data)
    assert back.tracks[0].notes["velocity"].tolist() == VELOCITIES
    np.testing.assert_allclose(back.tracks[0].notes["duration"], [0.5, 1.0, 0.5, 1.0])
    np.testing.assert_allclose(back.tracks[0].notes["onset"], np.arange(4.0))
    assert back.tempos[0][1] == pytest.approx(90.0, abs=1e-3) and back.key == Key.parse("C")
