"""The lean does what it says: excited is faster and louder, pleasant is major, neutral is left alone."""

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.models.bars import language as bars
from klangbild.models.bars.emotion_bias import bias_towards, pace_bias, pitch_class_bias, tempo_bias


def test_neutral_is_left_alone():
    assert not bias_towards(Emotion(0, 0), "major").any()


def test_signs():
    glad, sad = bias_towards(Emotion(0.8, 0.8), "major"), bias_towards(Emotion(-0.8, -0.8), "major")
    tempo = slice(bars.TEMPO_0, bars.POSITION_0)
    assert (np.diff(glad[tempo]) >= 0).all() and (np.diff(sad[tempo]) <= 0).all()
    assert (np.diff(glad[bars.VELOCITY_0 :]) > 0).all() and (np.diff(sad[bars.VELOCITY_0 :]) < 0).all()
    length = slice(bars.DURATION_0, bars.VELOCITY_0)
    assert (np.diff(glad[length]) < 0).all() and (np.diff(sad[length]) > 0).all()
    assert glad[bars.BAR_0] > 0 > glad[bars.BAR_0 + 1] and sad[bars.BAR_0] < 0 < sad[bars.BAR_0 + 1]


def test_harmony_waits_for_the_mode_and_spares_the_drums():
    notes = slice(bars.NOTE_0, bars.DURATION_0)
    assert not bias_towards(Emotion(0.8, 0), None)[notes].any()
    lean = bias_towards(Emotion(0.8, 0), "major")
    piano = 1
    assert lean[bars.note_id(piano, 61)] < lean[bars.note_id(piano, 60)]
    assert lean[bars.note_id(piano, 61)] == lean[bars.note_id(piano, 73)]
    assert not lean[bars.note_id(0, 35) : bars.note_id(0, 81)].any()
    assert not lean[bars.DURATION_0 : bars.VELOCITY_0].any()


def test_excited_music_has_more_notes_and_each_section_its_tempo():
    excited, calm = pace_bias(Emotion(0, 0.8)), pace_bias(Emotion(0, -0.8))
    notes = slice(bars.NOTE_0, bars.DURATION_0)
    assert (excited[notes] > 0).all() and (calm[notes] < 0).all() and not excited[: bars.NOTE_0].any()
    lean = tempo_bias(120.0)
    assert bars.TEMPI_BPM[lean[bars.TEMPO_0 : bars.POSITION_0].argmax()] == pytest.approx(120, rel=0.03)
    assert not lean[bars.POSITION_0 :].any()


def test_pitch_classes_are_leant_on_in_every_octave_and_by_all_who_have_pitch():
    lean = pitch_class_bias(np.arange(12.0))
    assert lean[bars.note_id(1, 60)] == lean[bars.note_id(5, 72)] == 0.0
    assert lean[bars.note_id(1, 71)] == lean[bars.note_id(7, 59)] == 11.0
    assert not lean[bars.note_id(0, 35) : bars.note_id(0, 81)].any()
