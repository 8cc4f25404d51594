"""Music that moves: a harmony, a pitch or few pitches that stand for long lose odds, the more the longer; what moves keeps its own."""

from __future__ import annotations

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.metrics import chords, form, tonality
from klangbild.metrics.bar_grid import bar_grid
from klangbild.models.bars import language as bars
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.movement import MOST_PUSH, MOST_THAW, STILL_S, Movement
from klangbild.models.bars.section_plan import SectionTable
from klangbild.models.bars.weights import load_notes_model
from klangbild.music.families import FAMILY_INDEX
from klangbild.settings import Settings

PIANO, STRINGS = FAMILY_INDEX["piano"], FAMILY_INDEX["strings"]
BAR = bars.BAR_0 + 2 * bars.METERS.index((4, 4))
C, F, G = (60, 64, 67), (60, 65, 69), (59, 62, 67)


def heard(bars_of_chords, *, family: int = PIANO, beat_s: float = 0.5) -> Movement:
    """A whole note of each chord, a bar each."""
    movement = Movement()
    for chord in bars_of_chords:
        for token in (BAR, bars.POSITION_0, *(bars.note_id(family, p) for p in chord)):
            movement.read(token, beat_s)
            if token >= bars.NOTE_0:
                movement.read(bars.DURATION_0 + bars.DURATIONS.index(48), beat_s)
    movement.read(BAR, beat_s)
    return movement


def lean(movement: Movement, pitch: int, family: int = STRINGS) -> float:
    return float(movement.bias[bars.note_id(family, pitch)])


def test_a_standing_harmony_is_led_on_the_more_the_longer():
    found = [heard([C] * n) for n in (1, 4, 6, 12)]
    tonic, other = ([lean(m, pitch) for m in found] for pitch in (67, 62))
    assert tonic[0] >= -2.5 and tonic[1] > tonic[2] > tonic[3] >= -MOST_PUSH - 3
    assert all(a > b for a, b in zip(other[1:], tonic[1:], strict=True))
    assert lean(heard([C] * 4, beat_s=0.2), 67) > lean(heard([C] * 4), 67)  # seconds count, and not bars


def test_what_moves_keeps_its_odds():
    moving = heard([C, F, G, C, F, G, C, F, (62, 65, 69), (57, 60, 64), (55, 71, 74), (48, 77, 81), (41, 53, 72)])
    assert moving.bias.max() == 0 and moving.bias.min() >= -2.5
    rows = moving.bias[bars.NOTE_0 : bars.DURATION_0].reshape(-1, bars.N_PITCHES)
    assert not rows[bars.DRUMS].any()
    classes = {round(float(rows[PIANO, p - bars.MIN_PITCH]), 6) for p in (37, 49, 61, 73)}
    assert classes == {0.0}  # none of these was heard, and no class of theirs loses


def test_one_pitch_in_one_part_gives_way_to_its_others():
    few, many = heard([(60,)] * 5), heard([(60,)] * 12)
    assert lean(many, 60, PIANO) < lean(few, 60, PIANO) < lean(few, 60, STRINGS) + 1e-9
    assert lean(many, 60, PIANO) - lean(many, 60, STRINGS) >= -MOST_THAW
    octaves = heard([(60,), (48,)] * 6)
    assert lean(octaves, 60, PIANO) == lean(many, 60, PIANO) and lean(octaves, 72, PIANO) < lean(octaves, 74, PIANO) - 5
    alternating = heard([(60,), (62,)] * 6)
    assert lean(alternating, 62, PIANO) == lean(alternating, 62, STRINGS)


def test_a_piece_of_few_pitches_is_led_to_new_ones():
    few = heard([C, F, G] * 4)
    assert lean(few, 60) < lean(few, 72) and lean(few, 60) < lean(few, 48)


def test_sections_that_stand_still_are_seldom_drawn():
    table = load_notes_model(None, "continuous_concat").model.sections
    assert isinstance(table, SectionTable)
    still = table.stillness > 0.1
    assert 0.01 < still.mean() < 0.2
    for asked in (Emotion(0.0, -0.9), Emotion(-0.5, 0.8)):
        weights = table.weights(asked)
        assert weights[still].sum() < 0.03 * weights.sum()


@pytest.mark.parametrize("seed", range(4))
def test_no_piece_stands_still(seed):
    model = load_notes_model(None, "continuous_concat").model
    place = ((-0.5, 1.0), (-1.0, -0.5), (0.0, 0.0), (0.6, -0.8))[seed]
    piece = compose_notes(Emotion(*place), Settings(seconds=40, drafts=0), seed, model=model).piece
    grid = bar_grid(piece)
    assert chords.longest_still_s(grid, chords.chords_of(grid)) < chords.STATIC_S
    assert form.pitch_frozen_bars(grid) < form.FROZEN
    assert len(np.unique(grid.pitched["pitch"])) > tonality.FEW


def test_seconds_until_it_leans():
    assert heard([C] * 2).bias.min() >= -2.5 and STILL_S >= 2 * 2.0
