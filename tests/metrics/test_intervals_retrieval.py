"""Intervals, p-values, retrieval and steering against examples worked by hand."""

import warnings

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.measure import fit, steering
from klangbild.metrics import retrieval
from klangbild.metrics.frechet import frechet_distance
from klangbild.metrics.frechet_infinity import extrapolate, frechet_infinity
from klangbild.metrics.intervals import (
    bootstrap,
    bootstrap_spearman,
    centred_interval,
    permutation_p_value,
    spearman,
)
from klangbild.metrics.real_or_generated import auc, tell_apart
from klangbild.metrics.sections import NAMES, Sections


def test_bootstrap():
    assert bootstrap(np.array([2.0, np.nan, 4.0])).value == 3.0
    found = bootstrap(np.array([2.0, np.nan, 4.0]))
    assert (found.n, found.missing) == (2, 1) and 2 <= found.low <= 3 <= found.high <= 4
    nothing = bootstrap(np.array([np.nan]))
    assert np.isnan(nothing.value) and nothing.n == 0 and str(nothing) == "not defined"
    assert nothing.as_dict()["value"] is None
    one = bootstrap(np.array([7.0]))
    assert (one.value, one.n, str(one)) == (7.0, 1, "7") and np.isnan([one.low, one.high]).all()
    # 95 % of the normal: 1.96 / sqrt(n)
    drawn = bootstrap(np.random.default_rng(0).normal(size=2500), resamples=4000)
    assert drawn.high - drawn.low == pytest.approx(2 * 1.96 / 50, rel=0.06)
    assert bootstrap(np.arange(5.0), seed=1) == bootstrap(np.arange(5.0), seed=1)
    assert centred_interval(1.0, np.array([4.0, 5.0, 6.0])) == pytest.approx((0.05, 1.95))
    assert np.isnan(centred_interval(float("nan"), np.ones(3))[0])


def test_spearman():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 40).astype(float), rng.normal(size=40)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b)[0], abs=1e-12)
    found = bootstrap_spearman(np.r_[a, np.nan], np.r_[b, 1.0])
    assert (
        found.value == pytest.approx(spearman(a, b)) and (found.n, found.missing) == (40, 1) and found.low < found.value
    )
    assert bootstrap_spearman(a, 2 * a + 1).low == pytest.approx(1.0)
    assert np.isnan(bootstrap_spearman(a[:2], b[:2]).value)
    # a third of these resamples has no order: they are left out, and nothing is warned of
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tied = bootstrap_spearman(np.array([1.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert -1 <= tied.low <= tied.value <= tied.high <= 1
    assert np.isnan(spearman(np.ones(4), np.arange(4.0))) and np.isnan(spearman(np.ones(1), np.ones(1)))


def test_permutation_p_value_counts_all_six_orders():
    # three pairs, the right matching is the best of 3! = 6 and unique: p is 1/6, and exact
    scores = np.array([[3.0, 0, 0], [0, 2.0, 0], [0, 0, 1.0]])
    assert permutation_p_value(scores) == pytest.approx(1 / 6, abs=1e-12)
    assert permutation_p_value(np.ones((4, 4)), shuffles=99) == 1.0
    for bad in (np.ones((2, 3)), np.ones((1, 1)), np.array([[1, np.nan], [1, 1]])):
        with pytest.raises(InputError):
            permutation_p_value(bad)


def test_retrieval_by_hand():
    # music 0: own .9 is best (rank 1); music 1: own .2, another .5 better (2); music 2: own .4 tied with one other (1.5)
    scores = np.array([[0.9, 0.5, 0.4], [0.1, 0.2, 0.3], [0.0, 0.1, 0.4]])
    assert retrieval.ranks(scores).tolist() == [1.0, 2.0, 1.5]
    # music 0 fits picture 1 better than its own (rank 2), though no other music fits picture 0 better: the other way it is 1
    assert retrieval.ranks(np.array([[0.5, 0.1], [0.9, 0.95]])).tolist() == [2.0, 1.0]
    found = retrieval.evaluate(scores, shuffles=200)
    assert found["top1"].value == pytest.approx(1 / 3) and found["top5"].value == 1.0
    assert found["mean_rank"].value == pytest.approx(1.5)
    assert found["right"].value == pytest.approx(0.5)
    # others, picture by picture: .45, .2, .05
    assert found["shuffled"].value == pytest.approx(0.7 / 3) and found["advantage"].value == pytest.approx(
        0.5 - 0.7 / 3
    )
    assert 0 < found["mean_rank_p"].value <= 1
    # a score that says nothing gets the rank of chance
    assert retrieval.evaluate(np.zeros((7, 7)), shuffles=50)["mean_rank"].value == 4.0
    for bad in (np.ones((1, 1)), np.ones((2, 3)), np.full((2, 2), np.nan)):
        with pytest.raises(InputError):
            retrieval.evaluate(bad)


def test_fit_by_hand():
    asked = np.array([[-0.5, -0.5], [0.5, 0.5], [0.5, -0.5]])
    found = fit.evaluate(asked, asked)
    assert found["emotion_top1"].value == 1.0 and found["emotion_right"].value == 0.0
    # each is 1 from one other and 1 or sqrt 2 from the third
    assert found["emotion_shuffled"].value == pytest.approx(-(1 + 1 + np.sqrt(2)) * 2 / 6)
    assert found["valence_spearman"].value == pytest.approx(1.0)
    with pytest.raises(InputError, match="shapes"):
        fit.evaluate(asked, asked[:2])
    with pytest.raises(InputError, match="finite"):
        fit.evaluate(asked, np.full((3, 2), np.nan))


def test_steering_by_hand():
    asked = np.array([(v, a) for v in (-0.8, 0.0, 0.8) for a in (-0.8, 0.0, 0.8)])
    found = steering.evaluate(asked, asked * 0.5)
    assert found["valence_spearman"].value == pytest.approx(1.0) and found["valence_cross"].value == pytest.approx(0.0)
    assert found["arousal_error"].value == pytest.approx(0.4 * 2 / 3)
    swapped = steering.evaluate(asked, asked[:, ::-1])
    assert swapped["valence_spearman"].value == pytest.approx(0.0, abs=1e-12) and swapped[
        "valence_cross"
    ].value == pytest.approx(1.0)
    holes = asked.copy()
    holes[0] = np.nan
    assert steering.evaluate(asked, holes)["valence_error"].missing == 1
    with pytest.raises(InputError, match="3 pieces"):
        steering.evaluate(asked[:2], asked[:2])


def test_auc_and_the_classifier():
    assert auc(np.array([2.0, 3.0]), np.array([1.0])) == 1.0 and auc(np.array([1.0]), np.array([1.0])) == 0.5
    assert np.isnan(auc(np.array([]), np.array([1.0])))
    rng = np.random.default_rng(0)

    def sections(shift):
        return Sections(rng.normal(shift, 1, (60, len(NAMES))).astype(np.float32), np.repeat(np.arange(20), 3))

    pytest.importorskip("sklearn")
    assert tell_apart(sections(0), sections(3), resamples=20).value > 0.95
    assert 0.3 < tell_apart(sections(0), sections(0), resamples=20).value < 0.7
    few = Sections(np.zeros((3, len(NAMES)), np.float32), np.arange(3))
    with pytest.raises(InputError, match="5 or more"):
        tell_apart(few, sections(0))


def test_frechet_infinity():
    # exact where distances lie on a line over 1/n
    sizes = np.array([10, 15, 20, 40])
    assert extrapolate(sizes, 2.5 + 7 / sizes) == pytest.approx(2.5, abs=1e-9)
    # two samples of one source: the distance of small samples is far from 0, the extrapolated one near
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(4000, 8))
    plain, extra = np.mean([
        (frechet_distance(s, reference), frechet_infinity(s, reference, seed=i))
        for i, s in enumerate(rng.normal(size=(12, 60, 8)))
    ], axis=0)  # fmt: skip
    assert plain > 0.4 and abs(extra) < plain / 3
    assert np.isnan(frechet_infinity(reference[:10], reference))
    with pytest.raises(InputError, match="finite"):
        frechet_infinity(np.full((30, 8), np.nan), reference)


def test_frechet_distance_is_scipys_on_random_gaussians():
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(3)
    for n, d in ((40, 3), (200, 12)):
        a, b = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)), rng.normal(1, 2, (n + 7, d))
        root = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
        expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
        assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
