"""The key that a listener would name: tonic and mode, wherever it stands."""

import numpy as np
import pytest

from klangbild.music.key import estimate_key, key_fits
from klangbild.music.piece import Key, Piece, Track, make_notes

MAJOR = (0, 4, 7, 0, 5, 9, 0, 7, 11, 2, 7, 4, 0)
MINOR = (0, 3, 7, 0, 5, 8, 0, 7, 11, 2, 7, 3, 0)  # harmonic


def piece(pitches: list[int]) -> Piece:
    n = len(pitches)
    return Piece((Track("piano", 0, make_notes(np.arange(n), [1.0] * n, pitches, [80] * n)),))


@pytest.mark.parametrize(("mode", "melody"), [("major", MAJOR), ("minor", MINOR)])
def test_a_melody_is_heard_in_its_key_on_every_tonic(mode, melody):
    for tonic in range(12):
        assert estimate_key(piece([60 + tonic + step for step in melody])) == Key(tonic, mode)


def test_the_first_row_is_major_and_the_second_minor():
    for row, triad in ((0, (0, 4, 7)), (1, (0, 3, 7))):
        fits = key_fits(np.isin(np.arange(12), triad).astype(float))
        assert fits[row, 0] > fits[1 - row, 0] and fits[row, 0] == fits.max()
