"""A player's last note and the high register lose a little; every note loses to going on; what is not a note is left alone."""

import numpy as np

from klangbild.models.bars import language as bars
from klangbild.models.bars.melodic_line import REGISTER, REPEAT, RESTRAINT, MelodicLines, register_bias
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
