"""What candidates are chosen by: nearer to what was asked is better, and the read-back goes up where the music does."""

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.music.fit import read_back, score_piece
from klangbild.music.piece import Piece, Track, make_notes

MAJOR, MINOR = (60, 64, 67, 72, 65, 69, 60, 62, 71, 67, 64, 60), (57, 60, 64, 69, 62, 65, 57, 59, 68, 64, 60, 57)


def piece(pitches=MAJOR, *, bpm: float = 110.0, velocity: int = 85, length: float = 1.0) -> Piece:
    pitches = [*pitches, *pitches]
    n = len(pitches)
    notes = make_notes(np.arange(n) / 2, [length / 2] * n, pitches, [velocity] * n)
    return Piece((Track("piano", 0, notes),), tempos=((0.0, bpm),), length_beats=n / 2)


def test_major_reads_happier_and_fast_loud_short_music_more_excited():
    assert read_back(piece(MAJOR))[0] > read_back(piece(MINOR))[0] + 0.3
    middle = read_back(piece())[1]
    assert read_back(piece(bpm=220.0))[1] > middle > read_back(piece(bpm=55.0))[1]
    assert read_back(piece(velocity=120))[1] > middle > read_back(piece(velocity=45))[1]
    assert read_back(piece(length=0.3))[1] > middle > read_back(piece(length=4.0))[1]


def test_nearer_to_what_was_asked_is_better_and_exact_is_one():
    one = piece()
    valence, arousal = read_back(one)
    assert score_piece(one, Emotion(valence, arousal)).emotion_fit == pytest.approx(1.0)
    away = [score_piece(one, Emotion(valence - step, arousal)) for step in (0.1, 0.4, 0.8)]
    assert away[0].emotion_fit > away[1].emotion_fit > away[2].emotion_fit
    assert away[0].total > away[1].total > away[2].total


def test_notes_inside_a_scale_and_bars_that_differ_are_better():
    odd = [60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71]
    asked = Emotion(0, 0)
    assert score_piece(piece(), asked).harmony == 1.0 > score_piece(piece(odd), asked).harmony
    assert score_piece(piece(), asked).variety > score_piece(piece([60] * 12), asked).variety
