"""Drawing among the ids that may come gives what drawing from the whole table of probabilities gives."""

import numpy as np
import pytest

from klangbild.models.bars.token_sampling import (
    NOTE,
    RHYTHM,
    TEMPO,
    UNBOUND,
    VELOCITY,
    Sampling,
    chances,
    log_odds,
    pick,
)


def weights(seed: int, n: int) -> np.ndarray:
    return np.exp(3.0 * np.random.default_rng(seed).normal(size=n))


def picked_from_all(weights: np.ndarray, sampling: Sampling, rng: np.random.Generator) -> int:
    """`pick` as it is defined: everything is sorted, then top-k, then top-p."""
    order = np.argsort(-weights, kind="stable")
    ranked = weights[order] / weights.sum()
    if sampling.top_k:
        ranked[sampling.top_k :] = 0.0
    if sampling.top_p < 1.0:
        ranked[np.cumsum(ranked) - ranked >= sampling.top_p * ranked.sum()] = 0.0
    cumulative = np.cumsum(ranked)
    place = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    return int(order[min(place, int((ranked > 0).sum()) - 1)])


@pytest.mark.parametrize("top_p", [1.0, 0.995, 0.6, 0.05])
@pytest.mark.parametrize("top_k", [0, 1, 7, 2000])
def test_what_is_not_sorted_would_not_have_been_picked(top_p, top_k):
    sampling = Sampling(top_p=top_p, top_k=top_k)
    ours, theirs = np.random.default_rng(5), np.random.default_rng(5)
    for seed in range(200):
        given = weights(seed, 1 + seed % 90)
        assert pick(given, sampling, ours) == picked_from_all(given, sampling, theirs)


def test_one_chance_still_uses_up_one_random_number():
    ours, theirs = np.random.default_rng(5), np.random.default_rng(5)
    assert pick(np.array([0.3]), Sampling(), ours) == 0
    theirs.random()
    assert ours.random() == theirs.random()


def test_a_lean_acts_within_a_kind_and_leaves_its_share_alone():
    odds = np.log([0.1, 0.2, 0.3, 0.1, 0.3])
    kinds = np.array([RHYTHM, RHYTHM, NOTE, NOTE, VELOCITY])
    leaning = np.array([0.0, 1.0, 0.0, -2.0, 5.0])
    found = chances(odds, leaning, kinds, Sampling(), moved=False)
    found /= found.sum()
    for kind, share in ((RHYTHM, 0.3), (NOTE, 0.4), (VELOCITY, 0.3)):
        assert np.isclose(found[kinds == kind].sum(), share)
    assert np.isclose(found[1] / found[0], 2.0 * np.e) and np.isclose(found[3] / found[2], np.exp(-2.0) / 3.0)


def test_each_kind_has_its_temperature_and_a_move_loosens_two():
    odds = np.log([0.1, 0.3, 0.1, 0.3, 0.1, 0.1])
    kinds = np.array([NOTE, NOTE, TEMPO, TEMPO, VELOCITY, VELOCITY])
    still = chances(odds, np.zeros(6), kinds, Sampling(note_temperature=0.5, rest_temperature=2.0), moved=False)
    assert np.isclose(still[1] / still[0], 3.0**2) and np.isclose(still[3] / still[2], 3.0**0.5)
    moved = chances(odds, np.zeros(6), kinds, Sampling(), moved=True)
    assert np.isclose(moved[1] / moved[0], 3.0) and np.isclose(moved[3] / moved[2], 3.0**UNBOUND)


def test_cold_temperatures_do_not_underflow():
    odds = np.array([-400.0, -401.0, -900.0])
    found = chances(odds, np.zeros(3), np.array([RHYTHM, NOTE, NOTE]), Sampling(rest_temperature=0.1), moved=False)
    assert np.isfinite(found).all() and found.max() == 1.0


def test_guidance_goes_away_from_the_second_row_but_brings_nothing_unlikely_up():
    logits = np.array([[2.0, 1.0, -20.0, 0.0], [1.0, 2.0, -40.0, 0.0]], np.float32)
    own, free = (row - np.log(np.exp(row).sum()) for row in logits)
    ids = np.array([3, 0, 2])
    assert np.allclose(log_odds(logits[:1], ids, 4.0), own[ids])
    guided = log_odds(logits, ids, 3.0)
    assert np.allclose(guided[:2], (own + 2.0 * (own - free))[ids[:2]], atol=1e-5)
    assert np.isclose(guided[2], own[2] - 50.0)
