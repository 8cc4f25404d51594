"""Sections begin every 8 bars and where something is to change; what changes is heard there, and the model keeps counting right."""

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.sections_begin import SHORTEST_BARS, stretch_sections
from klangbild.models.bars.weights import load_notes_model
from klangbild.settings import Settings


@pytest.fixture(scope="module")
def model():
    return load_notes_model(None, "continuous_concat").model


@pytest.mark.parametrize("n_bars", range(1, 40))
def test_a_stretch_is_cut_whole(n_bars):
    for ends in (True, False):
        lengths = stretch_sections(n_bars, ends_piece=ends)
        assert sum(lengths) == n_bars and all(1 <= length <= 8 for length in lengths)
    assert n_bars < SHORTEST_BARS or min(stretch_sections(n_bars, ends_piece=False)) >= SHORTEST_BARS


GLOOMY, JOYFUL = "-0.7,-0.6", "0.8,0.7"


@pytest.mark.parametrize(("first", "second", "at", "seed"), [(GLOOMY, JOYFUL, 11, 3), (JOYFUL, GLOOMY, 13, 4)])
def test_a_section_begins_at_the_point_and_tempo_mode_and_players_follow(model, first, second, at, seed):
    settings = Settings(seconds=24, path=f"0:{first} {at}:{second}")
    piece = compose_notes(Emotion(0, 0), settings, seed, model=model).piece
    (_, _), (beat, name) = piece.moods
    before, after = (piece.between(at_beat, at_beat + 1.0).tempos[0][1] for at_beat in (0.0, beat))
    assert name == ("joyful" if second == JOYFUL else "sad")
    change_s = float(piece.beats_to_seconds(beat))
    assert abs(change_s - at) <= 4 * 60 / before / 2 + 1e-6 and beat in piece.bar_starts()
    assert (after > before) == (second == JOYFUL)
    halves = (change_s, piece.seconds - change_s)
    counts = [sum(side(t.notes["onset"], beat).sum() for t in piece.tracks) for side in (np.less, np.greater_equal)]
    assert (counts[1] / halves[1] > counts[0] / halves[0]) == (second == JOYFUL)
    assert abs(piece.seconds - 24) < 4 * 60 / min(before, after)


@pytest.mark.parametrize(
    "wish", [{"instruments": ("piano", "bass")}, {"tempo": 90.0}, {"key": "D minor"}, {"meter": "3/4"}]
)
def test_wishes_hold_through_a_change(model, wish):
    piece = compose_notes(
        Emotion(0, 0), Settings(seconds=16, path="0:-0.7,-0.6 8:0.8,0.7", **wish), 5, model=model
    ).piece
    if "instruments" in wish:
        assert set(piece.families) <= {"piano", "bass"}
    if "tempo" in wish:
        assert piece.tempos == ((0.0, 90.0),)
    if "key" in wish:
        assert str(piece.key) == "D minor"
    if "meter" in wish:
        assert piece.meters == ((0.0, 3, 4),)


def test_the_model_reads_whole_sections_alone(model):
    """At every step it has read a first id and then sections of 8 bars, so that bar 1 of a section is bar 1 to it."""
    from klangbild.models.bars.language import BAR_0, TEMPO_0, BarsLanguage
    from klangbild.models.bars.sampler import Sampler, Sampling
    from klangbild.music.rules import Rules

    sampler = Sampler(
        model, BarsLanguage(), Rules(seconds=40, changes_s=(9.0, 21.0)), Sampling(), rng=np.random.default_rng(2),
        emotion_at=lambda s: Emotion(-0.5, 0.2) if s < 9 else Emotion(0.6, 0.5) if s < 21 else Emotion(-0.6, -0.4),
    )  # fmt: skip
    seen = []
    read = sampler._read
    sampler._read = lambda ids, condition: (read(ids, condition), seen.append(list(sampler.stream)))[0]
    take = sampler.run()
    assert len(take.ids) > 200 and max(map(len, seen)) < len(take.ids)
    for stream in seen[:: len(seen) // 60]:
        bars = [i for i, (token, _) in enumerate(stream) if BAR_0 <= token < TEMPO_0]
        opens = [i for i, at in enumerate(bars) if at + 1 < len(stream) and TEMPO_0 <= stream[at + 1][0] < TEMPO_0 + 32]
        assert all(number % 8 == 0 for number in opens)
