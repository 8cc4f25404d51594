"""Lengths to the sample: the tempo moves where whole bars can fill the seconds, and else the last chord is held or let go."""

import numpy as np
import pytest

from klangbild.music.length import MOST_TEMPO_CHANGE, of_length
from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes


def scale(n_bars: int, bpm: float = 120.0) -> Piece:
    """A note a beat, the last of them short of the last bar's end by half a beat, and one that rings on beyond it."""
    onset = np.arange(4.0 * n_bars)
    duration = np.full(len(onset), 0.5)
    duration[-4] = 7.0
    notes = make_notes(onset, duration, 60 + onset.astype(int) % 12, np.full(len(onset), 90))
    return Piece((Track("piano", 0, notes),), tempos=((0.0, bpm),), length_beats=4.0 * n_bars)


@pytest.mark.parametrize(("n_bars", "seconds"), [(36, 73.0), (37, 73.0), (5, 10.2), (1, 2.03), (300, 599.99)])
def test_whole_bars_fill_the_seconds_and_the_tempo_goes_the_way_that_it_must(n_bars, seconds):
    plain = scale(n_bars)
    piece, told = of_length(plain, seconds)
    assert piece.seconds == pytest.approx(seconds, abs=1e-9)
    assert len(piece.bar_starts()) == n_bars and piece.n_notes == plain.n_notes
    faster = piece.tempos[0][1] / 120.0
    assert (faster > 1) == (2.0 * n_bars > seconds)  # too long at 120: quicker; too short: slower
    assert abs(faster - 1) <= MOST_TEMPO_CHANGE
    assert (told is None) == (abs(faster - 1) < 1e-3) and (told is None or "120" in told)


@pytest.mark.parametrize(("n_bars", "seconds", "word"), [(1, 3.1, "longer"), (4, 7.0, "sooner"), (3, 1.0, "sooner")])
def test_where_no_bars_fit_the_tempo_stays_and_the_end_gives(n_bars, seconds, word):
    piece, told = of_length(scale(n_bars), seconds)
    assert piece.seconds == pytest.approx(seconds, abs=1e-9) and piece.tempos == ((0.0, 120.0),)
    assert word in told
    ends = piece.tracks[0].notes["onset"] + piece.tracks[0].notes["duration"]
    assert ends.max() == pytest.approx(piece.length_beats)


def test_a_map_of_tempi_keeps_its_shape():
    plain = Piece(scale(8).tracks, tempos=((0.0, 120.0), (16.0, 90.0), (24.0, 60.0)), length_beats=32.0)
    piece, _ = of_length(plain, plain.seconds * 1.01)
    assert piece.seconds == pytest.approx(plain.seconds * 1.01, abs=1e-9)
    assert np.diff([bpm / old for (_, bpm), (_, old) in zip(piece.tempos, plain.tempos, strict=True)]).max() < 1e-9


def test_the_midi_file_lasts_as_long():
    for seconds in (10.2, 73.0, 599.99):
        piece, _ = of_length(scale(round(seconds / 2)), seconds)
        assert read_midi(to_midi_bytes(piece)).seconds == pytest.approx(seconds, abs=0.003)


def test_drums_alone_last_too():
    plain = scale(4)
    drums = Piece((Track("drums", 0, plain.tracks[0].notes),), tempos=plain.tempos, length_beats=plain.length_beats)
    piece, _ = of_length(drums, 8.1)
    assert piece.seconds == pytest.approx(8.1)
    assert read_midi(to_midi_bytes(piece)).seconds == pytest.approx(8.1, abs=0.003)
