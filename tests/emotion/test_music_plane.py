"""Percentiles of pictures become percentiles of music, and back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from klangbild.emotion.music_plane import fit_music_plane
from klangbild.emotion.space import Emotion


@pytest.fixture
def plane():
    rng = np.random.default_rng(0)
    return fit_music_plane(rng.normal((0.1, -0.1), (0.2, 0.1), (4000, 2)), np.ones(4000))


def test_eightieth_percentile(plane):
    # the 80th percentile of N(0.1, 0.2) and of N(-0.1, 0.1); on the music's uniform side that is 0.6
    asked = plane.asked(Emotion(0.1 + 0.8416 * 0.2, -0.1 + 0.8416 * 0.1))
    assert asked.valence == pytest.approx(0.6, abs=0.05) and asked.arousal == pytest.approx(0.6, abs=0.05)
    middle = plane.asked(Emotion(0.1, -0.1))
    assert abs(middle.valence) < 0.05 and abs(middle.arousal) < 0.05


def test_monotone_bounded_and_invertible(plane):
    values = np.linspace(-1, 1, 81)
    asked = [plane.asked(Emotion(float(v), float(v))) for v in values]
    assert all(a.valence < b.valence and a.arousal < b.arousal for a, b in pairwise(asked))
    assert (asked[0].valence, asked[-1].valence) == (-1, 1)
    for value, emotion in zip(values, asked, strict=True):
        assert plane.seen(emotion).valence == pytest.approx(value, abs=1e-4)


def test_weights_count():
    values = np.array([[0.0, 0.0]] * 10 + [[0.5, 0.5]] * 90)
    even = fit_music_plane(values, np.array([9.0] * 10 + [1.0] * 90))
    assert abs(even.asked(Emotion(0.25, 0.25)).valence) < 0.2
