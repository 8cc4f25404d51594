"""What is listened to of a piece whose music begins late."""

import numpy as np

from klangbild.measure.play import played, without_long_silence
from klangbild.music.piece import Piece, Track, make_notes

LATE = Piece(
    (Track("piano", 0, make_notes([80.0, 82.0], [1.0, 1.0], [60, 64], [90, 90])),),
    tempos=((0.0, 60.0), (40.0, 120.0), (81.0, 90.0)),
)
AT_ONCE = Piece(
    (Track("piano", 0, make_notes([0.0, 2.0], [1.0, 1.0], [60, 64], [90, 90])),), tempos=((0.0, 120.0), (1.0, 90.0))
)


def test_a_minute_of_silence_ahead_is_left_out():
    assert without_long_silence(LATE, 30.0).tempos == AT_ONCE.tempos
    assert without_long_silence(AT_ONCE, 30.0) is AT_ONCE
    assert np.array_equal(played(LATE).samples, played(AT_ONCE).samples)
