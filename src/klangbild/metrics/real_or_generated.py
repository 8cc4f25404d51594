"""Can a classifier tell generated music from real music?

Gradient boosting on the sixty-one features of 8-bar sections, trained and tested on different files.

Conventions
    0.5: it cannot tell (best), 1.0: it always can. Sections of one piece are on one side of each fold. With few pieces the
    number is noisy and leans up: always read it beside its control, two random halves of the real pieces told apart in the
    same way (should be .5), and use equal numbers of pieces.

Metrics
    auc    area under the ROC curve of the out-of-fold scores of sections; interval by bootstrap over pieces. Fawcett (2006).
    Source: ours (the goal: at most .80); the idea is the classifier two-sample test of Lopez-Paz and Oquab, arXiv 1610.06545.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.metrics.intervals import Estimate
from klangbild.metrics.sections import Sections

FOLDS = 5


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Chance that one of `positive` (n,) scores above one of `negative` (m,), ties half: 0..1; NaN where one side is empty.

    >>> auc(np.array([3.0, 2.0]), np.array([1.0, 2.0]))
    0.875
    """
    if not len(positive) or not len(negative):
        return float("nan")
    from scipy.stats import mannwhitneyu

    above = mannwhitneyu(positive, negative, method="asymptotic").statistic
    return float(above / (len(positive) * len(negative)))


def tell_apart(a: Sections, b: Sections, *, seed: int = 0, resamples: int = 500) -> Estimate:
    """AUC of telling sections of `a` (called 1) from those of `b`, out of fold, folds by piece.

    Raises:
        InputError: fewer than 5 pieces with sections on a side. NotAvailableError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError:
        raise NotAvailableError("the classifier needs scikit-learn; pip install 'klangbild[train]'") from None
    from scipy.stats import rankdata

    pieces = [np.unique(side.piece) for side in (a, b)]
    if min(map(len, pieces)) < FOLDS:
        raise InputError(
            f"{len(pieces[0])} and {len(pieces[1])} pieces with sections; need {FOLDS} or more on each side"
        )
    rng = np.random.default_rng(seed)
    features = np.concatenate([a.features, b.features]).astype(np.float64)
    target = np.r_[np.ones(len(a.piece)), np.zeros(len(b.piece))]
    fold = []
    for side, names in zip((a, b), pieces, strict=True):
        of_piece = rng.permutation(np.arange(len(names)) % FOLDS)
        fold.append(of_piece[np.searchsorted(names, side.piece)])
    fold = np.concatenate(fold)
    piece = np.concatenate([a.piece, b.piece + int(a.piece.max()) + 1])
    score = np.zeros(len(target))
    for number in range(FOLDS):
        train, test = fold != number, fold == number
        # every piece counts alike and both sides weigh the same, however long
        weight = np.zeros(len(target))
        for side in (0, 1):
            mine = train & (target == side)
            _, inverse, count = np.unique(piece[mine], return_inverse=True, return_counts=True)
            weight[mine] = 1.0 / count[inverse] / len(count)
        model = HistGradientBoostingClassifier(
            max_iter=80,
            learning_rate=0.1,
            max_leaf_nodes=8,
            min_samples_leaf=10,
            l2_regularization=1.0,
            random_state=seed,
        )
        model.fit(features[train], target[train], sample_weight=weight[train] * train.sum())
        # ranks within the fold: the five models' scales differ, and pooling them raw pushes the AUC of chance below .5
        score[test] = rankdata(model.decision_function(features[test])) / test.sum()
    return _with_interval(score, piece, target, rng, resamples)


def _with_interval(score, piece, target, rng, resamples: int) -> Estimate:
    sides = [[score[(piece == p) & (target == side)] for p in np.unique(piece[target == side])] for side in (1, 0)]
    drawn = []
    for _ in range(resamples):
        drawn.append(auc(*(np.concatenate([s[i] for i in rng.integers(0, len(s), len(s))]) for s in sides)))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(auc(*map(np.concatenate, sides)), float(low), float(high), sum(map(len, sides)))


def evaluate(generated: Sections, real: Sections, *, seed: int = 0) -> OrderedDict[str, Estimate]:
    """`auc_real_generated`, and the control on equally many pieces: `auc_real_real`."""
    n = len(np.unique(generated.piece))
    order = np.random.default_rng(seed).permutation(np.unique(real.piece))
    half = min(n, len(order) // 2)
    scores = OrderedDict(auc_real_generated=tell_apart(generated, _some(real, order[: max(n, FOLDS)]), seed=seed))
    scores["auc_real_real"] = tell_apart(_some(real, order[:half]), _some(real, order[half : 2 * half]), seed=seed)
    return scores


def _some(sections: Sections, pieces: np.ndarray) -> Sections:
    keep = np.isin(sections.piece, pieces)
    return Sections(sections.features[keep], sections.piece[keep])
