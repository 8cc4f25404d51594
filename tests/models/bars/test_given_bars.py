"""What a model's language cannot hold of the bars that a piece goes on from is told, and nothing where it holds all."""

from dataclasses import replace

import pytest

from klangbild.models.bars.given_bars import told_of_given_bars
from klangbild.music.piece import Piece, Track, make_notes

NOTES = make_notes(range(8), [1.0] * 8, [60, 62, 64, 65, 67, 65, 64, 62], [80] * 8)
GIVEN = Piece(tracks=(Track("strings", 40, NOTES), Track("strings", 42, NOTES[:4])))
MORE = make_notes(range(8, 12), [1.0] * 4, [72] * 4, [80] * 4)


def longer(piece: Piece) -> Piece:
    return replace(piece, tracks=(*piece.tracks, Track("piano", 0, MORE)))


def test_kept_bars_are_not_spoken_of():
    assert told_of_given_bars(GIVEN, longer(GIVEN)) is None
    near = replace(GIVEN, tempos=((0.0, 120.4),))
    assert told_of_given_bars(GIVEN, longer(near)) is None


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (GIVEN.transposed(3), "notes are moved by +3 semitones"),
        (GIVEN.transposed(-2), "notes are moved by -2 semitones"),
        (replace(GIVEN, tempos=((0.0, 139.0),)), "120 bpm become 139"),
        (Piece(tracks=(Track("strings", 48, NOTES),)), "2 tracks of strings become 1; violin and cello are played as string ensemble 1"),
        (Piece(tracks=(Track("piano", 1, MORE),)), "12 of 12 notes are moved, joined or left out; strings are left out"),
    ],
)  # fmt: skip
def test_each_change_is_told(made, says):
    assert told_of_given_bars(GIVEN, longer(made)) == f"its own bars are not kept as they were: {says}"


def test_long_notes_that_are_cut_are_told():
    long = Piece(tracks=(Track("piano", 0, make_notes([0, 0], [24.0, 24.0], [48, 60], [80, 80])),))
    cut = Piece(tracks=(Track("piano", 0, make_notes([0, 0], [4.0, 24.0], [48, 60], [80, 80])),))
    assert told_of_given_bars(long, cut).endswith(": 1 of 2 notes are shortened, to 4 beats at most")


def test_taiko_on_the_kit_is_told():
    drums, kit = (Piece(tracks=(Track("drums", program, NOTES),)) for program in (116, 0))
    assert told_of_given_bars(drums, kit).endswith(": taiko drum is played as drum kit")
    assert told_of_given_bars(kit, kit) is None
