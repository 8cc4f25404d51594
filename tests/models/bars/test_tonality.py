"""What sounds too minor for its valence is drawn to major, and the reverse; what sounds as asked is left alone."""

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.models.bars import language as bars
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.tonality import tonality_bias
from klangbild.music.key import key_fits
from klangbild.music.piece import Key, Piece, Track, make_notes

C, E_FLAT, E, A = 0, 3, 4, 9


def section(pitches: list[int]) -> np.ndarray:
    """Ids of quarter notes in C major's writing."""
    notes = make_notes(np.arange(len(pitches)), [1.0] * len(pitches), pitches, [80] * len(pitches))
    piece = Piece((Track("piano", 0, notes),), key=Key(0, "major"))
    return BarsLanguage().encode(piece)[1:-1]


MAJOR = section([60, 64, 67, 72, 65, 69, 60, 64, 67, 62, 71, 67, 60, 64, 67, 60])
MINOR = section([57, 60, 64, 57, 62, 65, 57, 60, 64, 56, 59, 64, 57, 60, 64, 57])


def test_the_lean_goes_where_majorness_is_missing():
    too_sad, too_glad = tonality_bias(MINOR, Emotion(0.9, 0.0)), tonality_bias(MAJOR, Emotion(-0.9, 0.0))
    assert too_sad[7] > too_sad[A]  # G, of C major, before A, of its relative minor
    assert too_glad[A] > too_glad[7]
    assert np.abs(tonality_bias(MINOR, Emotion(-0.9, 0.0))).max() < np.abs(too_sad).max() / 3


def test_following_it_makes_the_music_more_major():
    histogram = np.bincount([9, 0, 4, 9, 2, 5, 9, 0, 4, 8, 11, 4], minlength=12).astype(float)
    lean = tonality_bias(MINOR, Emotion(0.9, 0.0))

    def majorness(h: np.ndarray) -> float:
        fits = key_fits(h).max(axis=1)
        return float(fits[0] - fits[1])

    assert majorness(histogram * np.exp(lean)) > majorness(histogram) + 0.05


def test_of_nothing_it_says_nothing():
    assert not tonality_bias(np.array([bars.BAR_0, bars.TEMPO_0]), Emotion(1.0, 0.0)).any()
    few, many = tonality_bias(MINOR[:6], Emotion(0.9, 0.0)), tonality_bias(MINOR, Emotion(0.9, 0.0))
    assert np.abs(few).max() < np.abs(many).max()  # a first note is no key yet


def test_a_wished_mode_is_kept_whatever_the_emotion():
    glad = Emotion(0.9, 0.0)
    assert tonality_bias(MAJOR, glad, "minor")[A] > 0 > tonality_bias(MAJOR, glad, "minor")[7]
    assert np.array_equal(tonality_bias(MAJOR, glad, "major"), tonality_bias(MAJOR, glad))
