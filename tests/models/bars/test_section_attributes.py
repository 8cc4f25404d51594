"""Attributes: read off ids, placed among training sections, hidden by group."""

from __future__ import annotations

import numpy as np

from klangbild.models.bars import language as bars
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.section_attributes import (
    GROUP_OF,
    GROUPS,
    N_INPUTS,
    NAMES,
    fit_knots,
    inputs,
    jittered,
    raw_attributes,
    to_values,
)
from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.piece import Key, Piece, Track, make_notes

FOUR_FOUR = bars.BAR_0 + 2 * bars.METERS.index((4, 4))


def test_a_section_counted_by_hand():
    piano, drums = FAMILY_INDEX["piano"], FAMILY_INDEX["drums"]
    bar = [
        FOUR_FOUR, bars.POSITION_0, bars.note_id(drums, 36), bars.VELOCITY_0 + 6, bars.note_id(piano, 60),
        bars.DURATION_0 + bars.DURATIONS.index(24), bars.note_id(piano, 64), bars.POSITION_0 + 18, bars.note_id(piano, 66),
    ]  # fmt: skip
    found = dict(zip(NAMES, raw_attributes(np.array(bar + bar)), strict=True))
    assert {n for n in FAMILY_NAMES if found[n]} == {"drums", "piano"}
    assert found["notes_per_beat"] == 1.0 and found["onsets_per_beat"] == 0.5 and found["drums_per_beat"] == 0.25
    assert found["chord_size"] == 1.5 and np.isclose(found["pitch"], np.mean([60, 64, 66])) and found["top_pitch"] == 65
    assert found["alike_1"] == 1.0 and np.isnan(found["alike_4"]) and found["density_sd"] == 0
    assert np.isclose(found["polyphony"], 1.5) and np.isclose(found["silence"], 6 / 48)  # 24 steps each, to 42 of 48
    assert found["on_beat"] == found["on_eighth"] == 0.5 and np.isclose(found["white_keys"], 2 / 3)
    assert found["duration"] == np.float32(np.log2(24)) and np.isclose(found["velocity"], (4 + 6 * 3) / 4)


def test_nothing_played_has_no_attributes_but_nobody():
    found = raw_attributes(np.array([FOUR_FOUR, FOUR_FOUR]))
    assert found[0] == 0 and np.isnan(found[NAMES.index("pitch")])
    values = to_values(found, np.zeros((len(NAMES), 33), np.float32))
    assert (values[: len(FAMILY_NAMES)] == -1).all() and np.isfinite(values).all()


def test_it_reads_what_the_language_writes():
    notes = make_notes(np.arange(32) / 2.0, np.full(32, 0.5), 60 + np.arange(32) % 12, np.full(32, 80))
    piece = Piece((Track("winds", 73, notes),), ((0.0, 100.0),), ((0.0, 4, 4),), Key(0, "major"), 16.0)
    found = dict(zip(NAMES, raw_attributes(BarsLanguage().encode_sections(piece)[0].ids), strict=True))
    assert found["winds"] == 1 and found["notes_per_beat"] == 2 and found["chord_size"] == 1 and found["velocity"] == 5


def test_places_are_quantiles_and_ties_stand_in_their_middle():
    rng = np.random.default_rng(0)
    raw = np.abs(rng.normal(size=(2000, len(NAMES)))).astype(np.float32)
    raw[:, -1] = np.where(rng.random(2000) < 0.5, 0.0, raw[:, -1])
    values = to_values(raw, fit_knots(raw))
    assert np.abs(np.quantile(values[:, 15], [0.0, 0.25, 0.5, 1.0]) - [-1, -0.5, 0, 1]).max() < 0.05
    assert np.abs(values[raw[:, -1] == 0, -1] + 0.5).max() < 0.05


def test_hidden_groups_say_nothing():
    values = np.full(len(NAMES), 0.7, np.float32)
    known = np.array([name != "density" for name in GROUPS])
    told = inputs(values, known)
    density = list(GROUPS).index("density")
    hidden = np.flatnonzero(density == GROUP_OF)
    assert told.shape == (N_INPUTS,) and (told[hidden] == 0).all() and (told[: len(NAMES)] != 0).sum() == len(NAMES) - 3
    assert (told[len(NAMES) :] == known).all()
    noisy = jittered(values, np.random.default_rng(0))
    assert (noisy[: len(FAMILY_NAMES)] == values[: len(FAMILY_NAMES)]).all() and (
        noisy[len(FAMILY_NAMES) :] != 0.7
    ).all()
