"""The tempo as it is felt: what is written at 114 and moves in half notes is slow, what is written at 50 and moves in eighths is not."""

import numpy as np
import pytest

from klangbild.music.describe import describe, felt_tempo
from klangbild.music.piece import Key, Piece, Track, make_notes


def piece(bpm, step, beats=32.0):
    onsets = np.arange(0.0, beats, step)
    notes = make_notes(onsets, [step] * len(onsets), [60 + i % 5 for i in range(len(onsets))], [70] * len(onsets))
    return Piece((Track("piano", 0, notes),), tempos=((0.0, bpm),), meters=((0.0, 4, 4),), key=Key(0, "major"))


@pytest.mark.parametrize(
    ("bpm", "step", "felt"),
    [(114.0, 2.0, 57.0), (114.0, 1.0, 114.0), (114.0, 0.5, 114.0), (50.0, 0.5, 100.0), (60.0, 0.5, 60.0)],
)
def test_half_or_twice_where_the_music_moves_so(bpm, step, felt):
    assert felt_tempo(piece(bpm, step)) == felt


def test_words_go_by_what_is_felt_and_say_both():
    said = describe(piece(114.0, 2.0))
    assert said.startswith("slow, major") and "114 bpm (felt as 57) in 4/4" in said
    assert "felt" not in describe(piece(114.0, 1.0))


def test_nothing_to_tap_to():
    assert felt_tempo(piece(100.0, 40.0)) == 100.0
