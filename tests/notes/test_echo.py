"""The echo knows what the bar four bars ago would go on with, and pieces that lean on it answer their phrases."""

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.measure.bar_grid import bar_grid
from klangbild.measure.structure import self_similarity, similarity_at
from klangbild.notes import bars, echo
from klangbild.notes.engine import compose_notes
from klangbild.notes.models import load_notes_model
from klangbild.settings import Settings

BAR = bars.BAR_0
C, E, G = (bars.note_id(1, pitch) for pitch in (60, 64, 67))


def at(step: int) -> int:
    return bars.POSITION_0 + step


def heard(*tokens: int) -> echo.Echo:
    listener = echo.Echo()
    for number, token in enumerate(tokens):
        listener.read(token, opens_section=number == 0)
    return listener


FIRST = (BAR, at(0), C, E, at(12), G)
REST = (BAR, at(0), C)


def test_nothing_is_answered_in_the_first_phrase():
    assert heard(*FIRST, *REST * 3).answers() == []


def test_notes_then_steps_then_the_next_bar():
    fifth = (*FIRST, *REST * 3, BAR)
    assert heard(*fifth).answers() == [at(0)]
    assert heard(*fifth, at(0)).answers() == [C, E]
    assert heard(*fifth, at(0), C).answers() == [E]
    assert heard(*fifth, at(0), E).answers() == [at(12)]  # C can no more come: notes of a step rise
    assert heard(*fifth, at(0), C, E, at(12), G).answers() == [BAR]


def test_a_section_forgets_the_one_before():
    listener = heard(*FIRST, *REST * 4)
    listener.read(BAR, opens_section=True)
    assert listener.answers() == []


def test_strengths_are_drawn_around_the_mean():
    drawn = [echo.draw_strength(np.random.default_rng(seed)) for seed in range(2000)]
    assert min(drawn) >= 0 and max(drawn) <= echo.LARGEST
    mean = echo.STRENGTH * (1 - np.exp(-echo.LARGEST / echo.STRENGTH))  # what is over the largest is cut
    assert abs(np.mean(drawn) - mean) < 0.1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_strong_echo_makes_bars_four_apart_alike(monkeypatch, seed):
    model = load_notes_model(None, "continuous_concat").model
    alike = []
    for strength in (0.0, 6.0):
        monkeypatch.setattr("klangbild.notes.sample.draw_strength", lambda _rng, strength=strength: strength)
        piece = compose_notes(Emotion(0.3, 0.3), Settings(bars=8), seed, model=model).piece
        alike.append(similarity_at(self_similarity(bar_grid(piece)), 4))
    assert alike[1] > alike[0] + 0.2
