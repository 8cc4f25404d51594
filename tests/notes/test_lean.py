"""The lean does what it says: excited is faster and louder, pleasant is major, neutral is left alone."""

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.notes import bars
from klangbild.notes.lean import lean_towards


def test_neutral_is_left_alone():
    assert not lean_towards(Emotion(0, 0), "major").any()


def test_signs():
    glad, sad = lean_towards(Emotion(0.8, 0.8), "major"), lean_towards(Emotion(-0.8, -0.8), "major")
    tempo = slice(bars.TEMPO_0, bars.POSITION_0)
    assert (np.diff(glad[tempo]) >= 0).all() and (np.diff(sad[tempo]) <= 0).all()
    assert (np.diff(glad[bars.VELOCITY_0 :]) > 0).all() and (np.diff(sad[bars.VELOCITY_0 :]) < 0).all()
    assert glad[bars.BAR_0] > 0 > glad[bars.BAR_0 + 1] and sad[bars.BAR_0] < 0 < sad[bars.BAR_0 + 1]


def test_harmony_waits_for_the_mode_and_spares_the_drums():
    notes = slice(bars.NOTE_0, bars.DURATION_0)
    assert not lean_towards(Emotion(0.8, 0), None)[notes].any()
    lean = lean_towards(Emotion(0.8, 0), "major")
    piano = 1
    assert lean[bars.note_id(piano, 61)] < lean[bars.note_id(piano, 60)]
    assert lean[bars.note_id(piano, 61)] == lean[bars.note_id(piano, 73)]
    assert not lean[bars.note_id(0, 35) : bars.note_id(0, 81)].any()
    assert not lean[bars.DURATION_0 : bars.VELOCITY_0].any()
