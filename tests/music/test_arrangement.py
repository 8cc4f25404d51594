"""Arrangement: a piece written with everyone begins with few, grows and thins; nobody is lost and nothing is added."""

from dataclasses import replace

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.metrics import form
from klangbild.metrics.bar_grid import bar_grid
from klangbild.metrics.beat import longest_gap
from klangbild.music.arrangement import LONGEST_REST, SHORTEST, arranged, arrangement
from klangbild.music.piece import Piece, Track, make_notes

NEUTRAL = Emotion(0.0, 0.0)


def band(n_bars: int = 32, *names: str) -> Piece:
    """Every player strikes eighths in each bar, strings hold whole bars; drums and guitar are the densest."""
    rates = {"drums": 4, "guitar": 4, "piano": 2, "bass": 1, "strings": 0.25, "winds": 1}
    tracks = []
    for place, name in enumerate(names or rates):
        onset = np.arange(0, 4 * n_bars, 1 / rates[name])
        pitch = 40 + 7 * place + (onset // 4 % 8).astype(int)
        tracks.append(Track(name, 0, make_notes(onset, [1 / rates[name]] * len(onset), pitch, [80] * len(onset))))
    return Piece(tuple(tracks), length_beats=4.0 * n_bars)


def rows(piece: Piece) -> set[tuple]:
    return {(t.family, float(n["onset"]), int(n["pitch"])) for t in piece.tracks for n in t.notes}


@pytest.mark.parametrize("seed", range(12))
def test_a_band_begins_with_few_and_everyone_is_heard(seed):
    whole = band()
    piece = arranged(whole, NEUTRAL, np.random.default_rng(seed))
    scores = form.evaluate(bar_grid(piece))
    assert scores["opening_parts"] < 1 and scores["opening_density"] < 0.95 and scores["density_range"] > 0.15
    assert piece.families == whole.families and rows(piece) < rows(whole)
    drums, pitched = (
        np.concatenate([t.notes["onset"] // 4 for t in piece.tracks if t.is_drum == is_drum])
        for is_drum in (True, False)
    )
    assert longest_gap(pitched) == 0 and longest_gap(drums) < LONGEST_REST
    again = arranged(whole, NEUTRAL, np.random.default_rng(seed))
    assert rows(again) == rows(piece)


def test_openings_are_as_those_of_real_music_and_differ():
    scores = [form.evaluate(bar_grid(arranged(band(), NEUTRAL, np.random.default_rng(s)))) for s in range(30)]
    density, parts = (np.array([s[name] for s in scores]) for name in ("opening_density", "opening_parts"))
    assert 0.45 < density.mean() < 0.8 and density.std() > 0.08
    assert 0.3 < parts.mean() < 0.65 and len(set(parts)) >= 2


def test_who_enters_plays_on():
    """A stray stroke before a long rest is no entry."""
    whole = band()
    stray = whole.tracks[0].notes
    stray = stray[(stray["onset"] < 4) | (stray["onset"] >= 48) | (stray["onset"] == 16.0)]
    piece = replace(whole, tracks=(replace(whole.tracks[0], notes=stray), *whole.tracks[1:]))
    for seed in range(20):
        plan = arrangement(piece, NEUTRAL, np.random.default_rng(seed))
        if plan is not None and not plan.plays[0, 0]:
            notes = arranged(piece, NEUTRAL, np.random.default_rng(seed)).tracks[0].notes
            assert notes["onset"].min() >= 47


def test_no_note_rings_on_in_a_rest():
    for seed in range(10):
        plan = arrangement(band(), NEUTRAL, np.random.default_rng(seed))
        piece = arranged(band(), NEUTRAL, np.random.default_rng(seed))
        strings = next(i for i, part in enumerate(plan.parts) if part.family == "strings")
        notes = next(t for t in piece.tracks if t.family == "strings").notes
        for rest in np.flatnonzero(np.diff(plan.plays[strings].astype(int)) == -1) + 1:
            over = notes[notes["onset"] < 4 * rest]
            assert ((over["onset"] + over["duration"]) <= 4 * rest + 1 + 1e-9).all()


def test_a_band_whose_drums_were_written_to_rest_long_begins_with_few_all_the_same():
    whole = band()
    drums = whole.tracks[0].notes
    resting = replace(whole.tracks[0], notes=drums[(drums["onset"] < 48) | (drums["onset"] >= 92)])
    piece = replace(whole, tracks=(resting, *whole.tracks[1:]))
    for seed in range(6):
        assert form.evaluate(bar_grid(arranged(piece, NEUTRAL, np.random.default_rng(seed))))["opening_parts"] < 1


def test_what_is_short_alone_or_given_stays_as_it_is():
    for same in (band(SHORTEST - 1), band(32, "winds")):
        assert arranged(same, NEUTRAL, np.random.default_rng(0)) is same
    for seed in range(8):
        given = arranged(band(), NEUTRAL, np.random.default_rng(seed), given_until=80.0)
        early = [{row for row in rows(p) if row[1] < 80} for p in (given, band())]
        assert early[0] == early[1]
        loop = arranged(band(), NEUTRAL, np.random.default_rng(seed), loops=True)
        ends = [{row for row in rows(p) if not 16 <= row[1] < 112} for p in (loop, band())]
        assert ends[0] == ends[1]


def test_who_was_wished_is_heard_in_every_section():
    names = ("drums", "piano", "winds")
    for seed in range(10):
        piece = arranged(band(33, *names), NEUTRAL, np.random.default_rng(seed), wished=names)
        for track in piece.tracks:
            assert {int(s) for s in track.notes["onset"] // 32} >= {0, 1, 2, 3}


def test_a_pianist_begins_with_one_hand():
    onset = np.arange(0, 96, 0.5)
    low, high = (
        make_notes(onset, [0.5] * len(onset), base + (onset % 8).astype(int), [70] * len(onset)) for base in (40, 70)
    )
    piece = Piece((Track("piano", 0, np.sort(np.concatenate([low, high]), order="onset")),), length_beats=96.0)
    found = [arranged(piece, NEUTRAL, np.random.default_rng(seed)).tracks[0].notes for seed in range(8)]
    first = [notes[notes["onset"] < 8]["pitch"] for notes in found]
    assert sum((pitch < 55).all() or (pitch > 55).all() for pitch in first) >= 4


def test_calm_music_thins_out_and_wild_music_does_not():
    def last(arousal: float) -> float:
        ends = [arranged(band(), Emotion(0.0, arousal), np.random.default_rng(seed)) for seed in range(16)]
        return float(np.mean([sum((t.notes["onset"] >= 120).sum() for t in piece.tracks) for piece in ends]))

    assert last(-0.9) < 0.8 * last(0.9)
