"""In the last bar nothing rings against the tonic chord."""

from klangbild.metrics.bar_grid import bar_grid
from klangbild.metrics.tonality import end_rubs
from klangbild.music.home import clear_last_bar, tonic_triad
from klangbild.music.piece import Key, Piece, Track, make_notes

C = Key(0, "major")
OVER = make_notes([0, 2, 2, 4], [4, 6, 6, 4], [55, 62, 64, 60], [80] * 4)


def test_what_rings_over_and_is_foreign_ends_at_the_bar_line():
    piece = Piece((Track("strings", 48, OVER),), key=C, length_beats=8)
    assert end_rubs(bar_grid(piece), C)
    home = clear_last_bar(piece)
    assert not end_rubs(bar_grid(home), C)
    assert home.tracks[0].notes["duration"].tolist() == [4, 2, 6, 4]  # the D is let go, the E is of the chord


def test_what_was_given_keeps_its_length():
    piece = Piece((Track("strings", 48, OVER),), key=C, length_beats=8)
    assert clear_last_bar(piece, 4.0).tracks[0].notes.tolist() == OVER.tolist()


def test_the_triad_of_a_minor_key():
    assert tonic_triad(Key(9, "minor")) == (9, 0, 4)
