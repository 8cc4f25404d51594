"""The sound model's measurement: does it see what it claims to see?"""

from __future__ import annotations

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.measure.roll.fit import evaluate
from klangbild.measure.sound import sound_set
from klangbild.sound.audio import Audio

RATE = 16_000


def piece(i: int, *, grain: float = 0.0, seed: int = 0) -> Audio:
    """Struck tones, faster and higher with i; some noise on them."""
    rng = np.random.default_rng([seed, i])
    time = np.arange(int(8.2 * RATE)) / RATE
    every = 0.7 - 0.04 * i
    tone = np.sin(2 * np.pi * (150 + 60 * i) * time) * np.exp(-5 * (time % every)) + 0.02 * rng.standard_normal(
        len(time)
    )
    return Audio((0.2 * tone + grain * rng.standard_normal(len(time))).astype(np.float32)[None], RATE)


@pytest.fixture(scope="module")
def sets():
    truth, own, other = (
        sound_set([(f"{i}", piece(i, seed=s)) for i in order])
        for s, order in ((0, range(12)), (1, range(12)), (2, np.roll(range(12), 5)))
    )
    noise = np.random.default_rng(0).standard_normal((12, 1, 131_000)).astype(np.float32)
    return truth, own, other, sound_set([(f"{i}", Audio(0.1 * n, RATE)) for i, n in enumerate(noise)])


def test_the_right_sound_is_found_and_a_shuffled_one_is_not(sets):
    truth, own, other, _ = sets
    asked = np.column_stack([np.zeros(12), np.linspace(-0.9, 0.9, 12)])
    asked[:, 0] = np.random.default_rng(0).uniform(-1, 1, 12)
    right, wrong = (evaluate(s, truth, truth, asked) for s in (own, other))
    assert right["truth_top1"].value > 0.7 and right["truth_advantage_p"].value < 0.01
    assert wrong["truth_top1"].value < 0.2 and wrong["truth_advantage"].value < 0.5 * right["truth_advantage"].value


def test_noise_is_farther_than_music(sets):
    truth, own, _, noise = sets
    asked = np.random.default_rng(1).uniform(-1, 1, (12, 2))
    near, far = (evaluate(s, truth, truth, asked) for s in (own, noise))
    assert far["fad_own"].value > 10 * near["fad_own"].value
    assert far["flatness"].value > near["flatness"].value + 0.2 and far["pulse"].value < near["pulse"].value


def test_a_silent_sound_is_left_out_with_its_picture(sets):
    truth, *_ = sets
    own = [(f"{i}", piece(i, seed=1)) for i in range(12)]
    own[3] = ("3", Audio(np.zeros((1, 131_000), np.float32), RATE))
    asked = np.random.default_rng(1).uniform(-1, 1, (12, 2))
    genre = np.array(["pop"] * 9 + ["folk"] * 3)
    found = evaluate(sound_set(own), truth, truth, asked, genre=genre, reference_genre=genre)
    assert found["silent"].value == pytest.approx(1 / 12) and found["truth_top1"].value > 0.7
    assert found["pop: truth_mean_rank"].n == 8 and not any(name.startswith("folk") for name in found)


def test_a_silent_sound_without_a_name_is_refused(sets):
    truth, *_ = sets
    silent = sound_set([("a", piece(0)), ("b", Audio(np.zeros((1, 131_000), np.float32), RATE))])
    with pytest.raises(InputError, match="1 of 2 sounds"):
        evaluate(silent, truth, truth, np.zeros((2, 2)))


def test_a_sound_that_begins_late_is_heard():
    late = np.zeros((1, int(10.24 * RATE)), np.float32)
    late[:, int(9 * RATE) :] = piece(3).samples[:, : late.shape[1] - int(9 * RATE)]
    found = sound_set([("late", Audio(late, RATE))])
    assert found.raw[0].shape == (1, 120) and found.raw[0][0, 93] > 0.5  # most of it is silent
