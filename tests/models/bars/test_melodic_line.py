"""A player's last note, octaves and the high register lose, steps and motifs that return gain; what is not a note is left alone."""

import numpy as np

from klangbild.models.bars import language as bars
from klangbild.models.bars.melodic_line import (
    OCTAVE,
    REGISTER,
    REPEAT,
    RESTRAINT,
    SCALE_TO,
    MelodicLines,
    moves_bias,
    register_bias,
)
from klangbild.music.families import FAMILY_NAMES

PIANO, BASS = (FAMILY_NAMES.index(name) for name in ("piano", "bass"))


def test_an_octave_up_costs_the_same_for_every_player():
    lean = register_bias()
    for family in range(1, len(FAMILY_NAMES)):
        at = [bars.note_id(family, pitch) for pitch in (48, 60, 72)]
        assert np.allclose(lean[at] + RESTRAINT, [REGISTER, 0.0, -REGISTER])
    assert np.allclose(lean[bars.NOTE_0 : bars.note_id(1, bars.MIN_PITCH)], -RESTRAINT)  # drums
    assert not lean[: bars.NOTE_0].any() and not lean[bars.DURATION_0 :].any()


def test_the_highest_note_a_player_struck_last_loses():
    lines = MelodicLines()
    for token in (
        bars.BAR_0,
        bars.POSITION_0,
        bars.note_id(PIANO, 60),
        bars.note_id(PIANO, 64),
        bars.note_id(BASS, 36),
    ):
        lines.read(token)
    assert np.array_equal(lines.bias(), register_bias())  # the chord in hand may go on
    lines.read(bars.POSITION_0 + 6)
    change = lines.bias() - register_bias()
    assert np.allclose(change[[bars.note_id(PIANO, 64), bars.note_id(BASS, 36)]], -REPEAT)
    assert np.count_nonzero(change) == 2
    lines.read(bars.note_id(BASS, 38))
    lines.read(bars.BAR_0)
    change = lines.bias() - register_bias()
    assert np.allclose(change[[bars.note_id(PIANO, 64), bars.note_id(BASS, 38)]], -REPEAT)


def test_drums_may_repeat():
    lines = MelodicLines()
    for token in (bars.POSITION_0, bars.note_id(bars.DRUMS, 42), bars.POSITION_0 + 6):
        lines.read(token)
    assert np.array_equal(lines.bias(), register_bias())


UP = len(moves_bias(1.0, 0, 0)) // 2


def test_steps_gain_in_a_line_and_not_in_chords():
    line, chords = moves_bias(1.0, 0, 0), moves_bias(0.0, 0, 0)
    assert line[UP + 2] == line[UP - 1] > line[UP + 5] == 0 > line[UP]
    assert chords[UP + 2] == chords[UP + 5] == chords[UP] == 0
    assert line[UP + 12] == chords[UP - 12] == OCTAVE and line[UP + 13] < 0


def test_after_a_leap_steps_back_gain_most():
    leapt = moves_bias(1.0, 9, 0)
    assert leapt[UP - 2] > leapt[UP + 2] > 0


def test_a_scale_does_not_go_on_for_ever():
    bias = [moves_bias(1.0, 2, run)[UP + 1] for run in range(SCALE_TO + 2)]
    assert bias[0] == bias[3] > bias[4] > bias[7] > bias[SCALE_TO] and bias[SCALE_TO] < -10
    assert moves_bias(1.0, 2, SCALE_TO)[UP - 1] == bias[0]  # down again


def tune(*pitches: int, family: int = PIANO) -> MelodicLines:
    """One note on each eighth of 4/4, then the next position."""
    lines = MelodicLines()
    for number, pitch in enumerate((*pitches, 0)):
        if number % 8 == 0:
            lines.read(bars.BAR_0 + 2 * bars.METERS.index((4, 4)))
        lines.read(bars.POSITION_0 + number % 8 * 6)
        if pitch:
            lines.read(bars.note_id(family, pitch))
    return lines


def test_a_motif_that_begins_as_before_may_go_on_as_before():
    motif = (60, 64, 62, 65, 72)  # 4, -2, 3, then 7
    lines = tune(*motif, 50, *(pitch - 3 for pitch in motif[:4]))
    fresh = tune(*(pitch - 3 for pitch in motif[:4]))
    gain = lines.within - fresh.within
    assert gain.argmax() == bars.note_id(PIANO, 62 + 7) and gain.max() > 0.3


def test_an_ostinato_loses_in_the_end():
    figure = (60, 64, 67, 64)
    once, often = (tune(*figure * n, 60).within[bars.note_id(PIANO, 64)] for n in (2, 20))
    assert once > 0.3 > often


def test_the_bass_is_no_tune():
    assert not (tune(36, 38, family=BASS).within > 0).any()
