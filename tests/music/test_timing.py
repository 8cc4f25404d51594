"""Timing: a piece slows down into its last chord, and the seconds asked for count that."""

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.metrics import form
from klangbild.metrics.bar_grid import bar_grid
from klangbild.music.describe import main_tempo
from klangbild.music.length import of_length
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.music.timing import Timing, without_ritardando


def quarters(n_bars: int = 16, bpm: float = 100.0, meter=(4, 4)) -> Piece:
    beats = n_bars * 4 * meter[0] / meter[1]
    notes = make_notes(np.arange(beats), [1.0] * int(beats), [60] * int(beats), [80] * int(beats))
    return Piece((Track("piano", 0, notes),), ((0.0, bpm),), ((0.0, *meter),), length_beats=beats)


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (6, 8)])
@pytest.mark.parametrize("timing", [Timing(0.7), Timing(0.8, 0.06), Timing(1.0, 0.06)])
def test_it_takes_as_long_as_it_says_and_keeps_its_tempo(timing, meter):
    piece = timing.of(quarters(meter=meter))
    beats = 4 * meter[0] / meter[1]
    assert piece.seconds == pytest.approx((16 + timing.extra_bars(16, beats)) * beats * 0.6, abs=0.01)
    assert main_tempo(piece) == 100.0 == piece.tempos[0][1] and len(piece.tempos) > 1
    scores = form.evaluate(bar_grid(piece))
    assert scores["ritardando"] == (timing.final < 1)
    closing = [bpm for beat, bpm in piece.tempos if beat >= piece.bar_starts()[-2]]
    assert closing == sorted(closing, reverse=True) and bool(closing) == (timing.final < 1)


def test_short_pieces_and_none_asked_stay_in_time():
    assert Timing(0.7, 0.06).of(quarters(7)).tempos == ((0.0, 100.0),) and Timing(0.7).extra_bars(7, 4.0) == 0
    assert Timing().of(quarters()).tempos == ((0.0, 100.0),)


def test_calm_music_slows_down_more_and_more_often():
    calm, wild = (
        [Timing.drawn(np.random.default_rng(s), Emotion(0.0, a), breathes=True) for s in range(60)] for a in (-0.8, 0.8)
    )
    assert np.mean([t.final < 1 for t in calm]) > 0.9 > 0.3 > np.mean([t.final < 1 for t in wild])
    assert np.mean([t.final for t in calm]) < 0.85 and all(t.final > 0.5 for t in calm)
    assert {t.breath for t in wild} == {0.0} and min(t.breath for t in calm) > 0


def test_who_goes_on_from_a_piece_does_not_go_on_as_slow():
    slowed = Timing(0.7).of(quarters())
    assert without_ritardando(slowed).tempos == ((0.0, 100.0),)
    for tempos in (((0.0, 100.0),), ((0.0, 100.0), (60.0, 90.0)), ((0.0, 100.0), (60.0, 120.0), (62.0, 110.0))):
        other = Piece(quarters().tracks, tempos, length_beats=64.0)
        assert without_ritardando(other) is other


def test_exact_seconds_hold_with_a_ritardando():
    piece, _ = of_length(Timing(0.75).of(quarters()), 39.8)
    assert piece.seconds == pytest.approx(39.8, abs=1e-6) and form.evaluate(bar_grid(piece))["ritardando"] == 1
