"""Pairing is exact whatever the block size, bounded in memory, resumable; splits keep the shares of styles."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import numpy as np
import pytest

from klangbild.errors import InputError, Stopped, UsageError
from klangbild.models.published.art2mus.data.pairing import (
    Pairing,
    greedy_global,
    greedy_in_order,
    greedy_pairs,
    optimal,
    pair_statistics,
    unit_rows,
)
from klangbild.models.published.art2mus.data.split import stratified_split


def vectors(n, d, seed):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def test_by_hand():
    similarity = np.array([[0.9, 0.8, 0.1], [0.95, 0.2, 0.1], [0.9, 0.8, 0.7]])
    assert greedy_in_order(similarity).tolist() == [0, 1, 2]
    assert greedy_global(similarity).tolist() == [1, 0, 2]
    assert optimal(similarity).tolist() == [1, 0, 2]


@pytest.mark.parametrize("n_tracks", [300, 217, 40])
@pytest.mark.parametrize("memory_mb", [0.001, 0.1, 100])
def test_blocks_change_nothing(n_tracks, memory_mb):
    pictures, tracks = vectors(230, 16, 0), vectors(n_tracks, 16, 1)
    expected = greedy_in_order(unit_rows(pictures) @ unit_rows(tracks).T)
    pairing = greedy_pairs(pictures, tracks, memory_mb=memory_mb)
    assert pairing.track.tolist() == expected.tolist()
    found = pairing.pairs
    assert len(found) == min(230, n_tracks) == len(set(found[:, 1]))
    cosines = (unit_rows(pictures)[found[:, 0]] * unit_rows(tracks)[found[:, 1]]).sum(axis=1)
    np.testing.assert_allclose(pairing.similarity[found[:, 0]], cosines, atol=1e-6)
    assert np.isnan(pairing.similarity[pairing.track < 0]).all()


def test_equal_values_go_to_the_lowest_index():
    assert greedy_pairs(np.ones((3, 2)), np.ones((5, 2)), memory_mb=1e-5).track.tolist() == [0, 1, 2]


def test_memory_is_bounded():
    """3,000 x 3,000: the full matrix would be 36 MB."""
    pictures, tracks = vectors(3000, 8, 2), vectors(3000, 8, 3)
    tracemalloc.start()
    greedy_pairs(pictures, tracks, memory_mb=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6


def test_stop_and_go_on():
    pictures, tracks = vectors(100, 4, 4), vectors(120, 4, 5)
    whole = greedy_pairs(pictures, tracks)
    with pytest.raises(Stopped) as stopped:
        greedy_pairs(pictures, tracks, memory_mb=0.005, on_progress=lambda done, n: done < 40)
    so_far = stopped.value.args[1]
    assert isinstance(so_far, Pairing) and 0 < len(so_far.pairs) < 100
    assert greedy_pairs(pictures, tracks, start=so_far).track.tolist() == whole.track.tolist()


def test_bad_vectors_are_refused():
    with pytest.raises(InputError, match="one embedding"):
        greedy_pairs(np.zeros((2, 3)), np.zeros((2, 4)))
    bad = vectors(3, 4, 6)
    bad[1, 2] = np.nan
    with pytest.raises(InputError, match="track"):
        greedy_pairs(vectors(3, 4, 7), bad)
    with pytest.raises(InputError, match="picture"):
        greedy_pairs(bad, vectors(3, 4, 7))


def test_statistics_of_table_1():
    statistics = pair_statistics(np.array([0.1, 0.2, 0.6, np.nan]))
    assert (statistics.n, statistics.n_above_mean, statistics.n_below_mean) == (3, 1, 2)
    assert statistics.mean == pytest.approx(0.3) and statistics.largest == 0.6 and statistics.smallest == 0.1
    with pytest.raises(UsageError):
        pair_statistics(np.array([np.nan]))


def test_split_keeps_the_shares():
    rng = np.random.default_rng(8)
    strata = rng.choice(["baroque", "cubism", "pop"], size=1000, p=[0.6, 0.3, 0.1]).tolist()
    split = stratified_split(strata, rng=np.random.default_rng(0))
    counts = Counter(split)
    assert counts == {"train": 800, "test": 100, "validation": 100}
    for style, n in Counter(strata).items():
        held = sum(side != "train" and stratum == style for side, stratum in zip(split, strata, strict=True))
        assert abs(held - 0.2 * n) <= 1
    assert split == stratified_split(strata, rng=np.random.default_rng(0))
    assert split != stratified_split(strata, rng=np.random.default_rng(1))
    assert Counter(stratified_split(["a"] * 10, rng=rng)) == {"train": 8, "validation": 2}
    assert stratified_split([], rng=rng) == []
    with pytest.raises(UsageError):
        stratified_split(["a"], rng=rng, test_share=1)
