"""Programs belong to their families, the emotion chooses among them, and accents stay within MIDI's range."""

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.families import FAMILY_NAMES, family_of
from klangbild.music.orchestrate import _PALETTE, in_key, orchestrate
from klangbild.music.piece import Key, Piece, Track, make_notes


def piece(velocity: int = 100) -> Piece:
    notes = make_notes([0, 0.5, 1, 4], [1, 0.5, 1, 4], [60, 64, 67, 72], [velocity] * 4)
    return Piece((Track("guitar", 24, notes),), key=Key(0, "major"), length_beats=8)


def test_every_program_is_of_its_family():
    assert set(_PALETTE) == set(FAMILY_NAMES)
    for name, choices in _PALETTE.items():
        for program, *_ in choices:
            assert family_of(program, is_drum=name == "drums") == name


def test_emotion_chooses_the_guitar():
    calm = {orchestrate(piece(), Emotion(0.2, -0.9), np.random.default_rng(s)).tracks[0].program for s in range(10)}
    angry = {orchestrate(piece(), Emotion(-0.8, 0.9), np.random.default_rng(s)).tracks[0].program for s in range(10)}
    assert 24 in calm and 30 in angry and not calm & angry


def test_accents():
    """In a piece played with nuance; what was written level stays level."""
    level = orchestrate(piece(126), Emotion(0, 0), np.random.default_rng(0)).tracks[0].notes
    assert level["velocity"].tolist() == [126] * 4
    written = piece(126)
    written.tracks[0].notes["velocity"][-1] = 100
    notes = orchestrate(written, Emotion(0, 0), np.random.default_rng(0)).tracks[0].notes
    assert notes["velocity"].tolist() == [127, 124, 127, 103]  # on the bar, between beats, on a beat, on the bar


def test_in_key_takes_the_wish_by_the_shorter_way():
    moved = in_key(piece(), Key(11, "major"), np.random.default_rng(0))
    assert moved.key == Key(11, "major") and moved.tracks[0].notes["pitch"].tolist() == [59, 63, 66, 71]
    drawn = {in_key(piece(), None, np.random.default_rng(s)).key.tonic for s in range(60)}
    assert len(drawn) > 6
