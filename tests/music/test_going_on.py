"""What is given stays as it was given; what is made comes behind it."""

import numpy as np
import pytest

from klangbild.music.going_on import end_of_bars, going_on, key_heard
from klangbild.music.piece import Key, Piece, Track, make_notes


def notes_of(pitches, start=0.0, length=1.0):
    return make_notes(start + np.arange(len(pitches)), [length] * len(pitches), pitches, [70] * len(pitches))


GIVEN = Piece(
    (
        Track("strings", 42, notes_of([48, 50, 48, 43])),
        Track("strings", 40, notes_of([72, 74, 76, 72])),
        Track("piano", 3, notes_of([60, 64, 67, 60], length=9.0)),
    ),
    tempos=((0.0, 30.0), (2.0, 33.3)),
    markers=((1.0, "mine"),),
    length_beats=4.0,
)
MADE = Piece(
    (
        Track("strings", 48, notes_of([55, 55, 55, 55, 47, 75, 50, 71])),
        Track("winds", 73, notes_of([80, 81, 82, 83, 84, 85, 86, 87])),
    ),
    tempos=((0.0, 39.0),),
    length_beats=8.0,
)


def test_given_bars_stay_note_for_note_with_their_players_and_tempi():
    piece = going_on(GIVEN, MADE, made_from=4.0, given_until=12.0)
    for before, after in zip(GIVEN.tracks, piece.tracks, strict=False):
        assert (after.family, after.program) == (before.family, before.program)
        assert np.array_equal(after.notes[after.notes["onset"] < 12.0], before.notes)
    assert piece.tempos == ((0.0, 30.0), (2.0, 33.3), (12.0, 39.0)) and piece.markers == ((1.0, "mine"),)
    # new notes go to the player whose notes lie nearest; a new family joins with what it plays behind
    new = [track.notes[track.notes["onset"] >= 12.0]["pitch"].tolist() for track in piece.tracks]
    assert new == [[47, 50], [75, 71], [], [84, 85, 86, 87]]
    assert piece.tracks[3].notes["onset"].tolist() == [12.0, 13.0, 14.0, 15.0] and piece.length_beats == 16.0


def test_time_may_be_stretched_and_a_tempo_that_stays_is_not_said_again():
    piece = going_on(GIVEN, replace_tempo(33.3), made_from=4.0, given_until=4.0, stretch=0.5)
    assert piece.tempos == GIVEN.tempos and piece.length_beats == 6.0
    assert piece.tracks[3].notes["onset"].tolist() == [4.0, 4.5, 5.0, 5.5]


def replace_tempo(bpm):
    return Piece(MADE.tracks, tempos=((0.0, bpm),), length_beats=8.0)


def test_bars_end_when_the_last_note_has_sounded():
    assert end_of_bars(GIVEN) == 12.0
    waltz = Piece((Track("piano", 0, notes_of([60] * 4)),), meters=((0.0, 3, 4),))
    assert end_of_bars(waltz) == 6.0


@pytest.mark.parametrize(
    ("pitches", "declared", "heard"),
    [
        ([69, 76, 72, 69, 68, 71, 76, 80], "C", "A minor"),  # the signature alone was meant
        ([60, 64, 67, 72, 65, 69, 60, 67], "C", "C major"),
        ([63, 67, 70, 75, 68, 72, 63, 70], "C", "Eb major"),  # a program's "C major" in every file
        ([67, 71, 74, 67, 66, 69, 74, 62], "G", "G major"),  # fits D better, but nobody writes G by mistake
        ([62, 65, 69, 74, 61, 64, 69, 62], None, "D minor"),
    ],
)
def test_a_declared_key_is_believed_where_it_sounds(pitches, declared, heard):
    piece = Piece((Track("piano", 0, notes_of(pitches)),), key=Key.parse(declared) if declared else None)
    assert str(key_heard(piece)) == heard
