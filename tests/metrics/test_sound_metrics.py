"""The sound metrics against numbers worked by hand, and against what must not be accepted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from klangbild.errors import InputError
from klangbild.metrics import frechet, imsm, inception, kid, kl, similarity, spectral_kl


def rng():
    return np.random.default_rng(0)


def test_frechet_by_hand_and_by_matrix_root():
    assert frechet.frechet_distance(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]])) == pytest.approx(9)
    a, b = rng().standard_normal((50, 6)), rng().standard_normal((40, 6)) * 2 + 1
    root = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root)
    assert frechet.frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert frechet.evaluate(a, a)["frechet_distance"] == pytest.approx(0, abs=1e-9)
    thin = rng().standard_normal((3, 20))  # fewer rows than columns
    assert frechet.frechet_distance(thin, thin + 1) == pytest.approx(20)
    for bad in (np.zeros((1, 3)), np.full((4, 3), np.nan), np.zeros((4, 2))):
        with pytest.raises(InputError):
            frechet.frechet_distance(bad, np.zeros((4, 3)))


def test_kernel_distance():
    a = rng().standard_normal((200, 4))
    near, _ = kid.kernel_distance(a, np.random.default_rng(1).standard_normal((200, 4)), n_subsets=5)
    far, _ = kid.kernel_distance(a, a + 2, n_subsets=5)
    assert abs(near) < 0.2 < far
    assert kid.evaluate(a, a + 2) == kid.evaluate(a, a + 2)


def test_kl_by_hand():
    generated, reference = np.array([[0.0, 0.0]]), np.array([[np.log(3.0), 0.0]])
    expected = 0.75 * np.log(0.75 / (0.5 + 1e-6)) + 0.25 * np.log(0.25 / (0.5 + 1e-6))
    assert kl.kl_softmax(generated, reference) == pytest.approx(expected)
    assert kl.kl_softmax_by_item(generated, reference)[0] == pytest.approx(expected / 2)
    names = ["a", "b"]
    logits = rng().standard_normal((2, 5))
    swapped = kl.evaluate(logits, logits[::-1], names, names[::-1])
    assert swapped["kl_softmax"] == pytest.approx(0, abs=1e-4)
    assert np.isnan(kl.evaluate(logits, logits, names, ["c", "d"])["kl_softmax"])  # not -1: that reads as better than 0
    with pytest.raises(InputError, match="twice"):
        kl.evaluate(logits, logits, ["a", "a"], names)


def test_inception_score():
    certain = np.eye(10)[np.arange(200) % 10] * 50  # each item one class, all classes there
    mean, _ = inception.inception_score(certain, n_chunks=1)
    assert mean == pytest.approx(10)
    assert inception.evaluate(np.zeros((20, 5))) == {"inception_score_mean": 1, "inception_score_std": 0}
    with pytest.raises(InputError):
        inception.inception_score(np.zeros((5, 3)))


def test_imsm_and_its_bound():
    certain = np.eye(3) * 100
    scores = imsm.evaluate(certain, certain)
    assert scores["imsm_before_softmax"] == pytest.approx(1)
    assert scores["imsm"] == pytest.approx(scores["imsm_bound"]) == pytest.approx(0.5761, abs=1e-4)
    assert scores["bridged_similarity"] == pytest.approx(1)
    pictures, audios = rng().standard_normal((4, 8)), rng().standard_normal((5, 8))
    alone = imsm.bridged_similarity(pictures[1:2], audios[2:3])[0, 0]
    assert imsm.bridged_similarity(pictures, audios)[1, 2] == pytest.approx(alone)  # free of the batch
    assert imsm.imsm(pictures, audios)[1, 2] != pytest.approx(imsm.imsm(pictures[1:2], audios[2:3])[0, 0])
    with pytest.raises(InputError, match="same texts"):
        imsm.imsm(pictures, audios[:, :5])


def test_cosines_and_their_control():
    a = np.array([[1.0, 0], [0, 2]])
    assert similarity.cosine_rows(a, a).tolist() == [1, 1]
    assert similarity.evaluate(a, a) == {"cosine": 1, "cosine_shuffled": 0}
    b = rng().standard_normal((6, 3))
    c = np.random.default_rng(1).standard_normal((6, 3))
    full = np.array([[similarity.cosine_rows(x[None], y[None])[0] for y in c] for x in b])
    expected = (full.sum(axis=1) - np.diag(full)) / 5
    np.testing.assert_allclose(similarity.shuffled_cosine_rows(b, c), expected)
    with pytest.raises(InputError):
        similarity.shuffled_cosine_rows(a[:1], a[:1])


def test_spectral_kl():
    noise, tone = rng().standard_normal(20000) * 0.1, np.sin(np.arange(20000) / 5)
    assert spectral_kl.spectral_kl(noise, noise) == 0
    assert spectral_kl.evaluate(noise, tone)["spectral_kl"] > 0
    assert spectral_kl.quietness_profile(noise).sum() == pytest.approx(1)
    for bad in (np.zeros(100), np.zeros((2, 100)), np.array([])):
        with pytest.raises(InputError):
            spectral_kl.quietness_profile(bad)
