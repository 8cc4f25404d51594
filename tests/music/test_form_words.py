"""The form of a piece in words: who begins, enters, leaves; whether it slows down."""

import doctest

from klangbild.music import form_words as module
from klangbild.music.form_words import form_words
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.music.timing import Timing


def test_docstring_examples():
    assert doctest.testmod(module).failed == 0


def test_what_has_no_form_is_not_spoken_of():
    def steady(n_bars: int) -> Piece:
        beats = range(4 * n_bars)
        return Piece((Track("piano", 0, make_notes(beats, [1] * len(beats), [60] * len(beats), [80] * len(beats))),))

    assert form_words(Piece(())) == form_words(steady(4)) == form_words(steady(16)) == ""
    assert form_words(Timing(0.7).of(steady(16))) == "slows down at the end"
