"""Fitting the emotion heads, and measuring them in grouped folds: nothing here sees a picture whose group it is measured on.

Two recipes. "ridge": a linear head for each kind. "aria": two small networks with a concordance loss, as ARIA trains its image encoder's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from klangbild.emotion.heads import EmotionHeads, MlpEmotionHeads, distance_of, drawn_in, far_of, undecided
from klangbild.emotion.kind import KindGate
from klangbild.emotion.music_plane import fit_music_plane
from klangbild.emotion.reasons import SIGNS
from klangbild.emotion.training.data.pictures import folds_of
from klangbild.emotion.training.fit_gate import KindPictures, fit_kind_gate
from klangbild.emotion.training.fit_reasons import fit_reasons
from klangbild.emotion.training.fit_titles import Titled, fit_titles, lent
from klangbild.emotion.training.ridge import fit_ridge_heads
from klangbild.emotion.training.score import Score, score
from klangbild.emotion.training.table import Standard, Table, Unrated, fit_standard
from klangbild.metrics.intervals import bootstrap
from klangbild.picture.features import FEATURE_NAMES

CELLS = ("photo valence", "photo arousal", "painting valence", "painting arousal")
Gate = Callable[[np.ndarray], np.ndarray]
"""Rows of the table that are measured now (n,) -> how surely each is a painting (n,), by a gate that never saw their groups."""


class Values(Protocol):
    """What reads valence and arousal from standardized inputs."""

    def both(self, z: np.ndarray) -> np.ndarray:
        """z (n, d) -> (n, 2 kinds, 2 axes)."""
        ...


@dataclass(frozen=True)
class LinearValues:
    """coef (2 kinds, 2 axes, d), center (2, 2)."""

    coef: np.ndarray
    center: np.ndarray

    def both(self, z: np.ndarray) -> np.ndarray:
        """z (n, d) -> (n, 2 kinds, 2 axes)."""
        return self.center[None] + np.einsum("kad,nd->nka", self.coef, z)


def fit_values(
    table: Table, standard: Standard, recipe: str, rng: np.random.Generator, titled: Titled | None = None
) -> Values:
    """One recipe on all pictures of a table; titled: paintings whose titles lend the ridge what they know."""
    z = standard(table.inputs)
    if recipe == "aria":
        from klangbild.emotion.training.fit_mlp import fit_mlp

        return fit_mlp(z, table.y, table.group, rng)
    d = z.shape[1]
    directions = np.zeros((d, 0)) if titled is None else lent(z, table.kind, fit_titles(titled, standard.weight))
    ridge = fit_ridge_heads(np.concatenate([z, z @ directions], axis=1), table.y, table.kind, table.group, rng)
    coef, center = ridge.coef[..., :d] + ridge.coef[..., d:] @ directions.T, ridge.center
    for k in set(range(2)) - set(table.kind.tolist()):  # a kind that was not rated is read as the other
        coef[k], center[k] = coef[1 - k], center[1 - k]
    return LinearValues(coef, center)


def gate_of(pictures: KindPictures) -> Gate:
    """A gate fitted on rated and unrated pictures, without the rows that are measured."""

    def read(rows: np.ndarray) -> np.ndarray:
        # the table's rows come first, as they are
        return fit_kind_gate(pictures, rows).painting(pictures.surface[rows])

    return read


def borrowed_gate(gate: KindGate, surface: np.ndarray) -> Gate:
    """A gate that was fitted on other pictures, for surfaces (n, t)."""
    return lambda rows: gate.painting(surface[rows])


@dataclass(frozen=True)
class HeldOut:
    """Readings of rated pictures by heads and a gate that never saw their groups.

    told (n, 2): by the head of each picture's own kind. gated (n, 2): what a user gets who does not say which kind it is.
    painting (n,): how surely the gate takes each for a painting.
    """

    told: np.ndarray
    gated: np.ndarray
    painting: np.ndarray

    def recognized(self, table: Table, *, seed: int) -> dict[str, tuple[float, float, float]]:
        """Share of each kind that the gate takes for what it is, with its 95 % interval over groups."""
        found = {}
        for k, name in enumerate(("photo", "painting")):
            rows = table.kind == k
            right = (self.painting[rows] >= 0.5) == bool(k)
            _, index = np.unique(table.group[rows], return_inverse=True)
            groups = np.stack([np.bincount(index, right), np.bincount(index)], axis=1)
            share = bootstrap(groups, lambda drawn: drawn[:, 0].sum() / drawn[:, 1].sum(), seed=seed)
            found[name] = (share.value, share.low, share.high)
        return found


def cross_validate(
    table: Table, gate: Gate, *, folds: int, seed: int, recipe: str = "ridge", titled: Titled | None = None
) -> HeldOut:
    """Read every picture of the table in grouped folds; no title of an artist who is measured is learnt from."""
    rng = np.random.default_rng(seed)
    fold = folds_of(table.group, folds=folds, rng=rng)
    own, gated, paintings = np.zeros_like(table.y), np.zeros_like(table.y), np.zeros(len(table.y))
    for number in range(folds):
        test = fold == number
        train = table.rows(~test)
        standard = fit_standard(train.inputs, train.kind, train.blocks)
        values = fit_values(train, standard, recipe, rng, titled and titled.without(table.group[test]))
        z = standard(table.inputs[test])
        both = values.both(z)
        far = far_of(train.inputs, standard.mean, standard.scale)
        distance = distance_of(table.inputs[test], standard.mean, standard.scale, far)
        paintings[test] = undecided(gate(np.flatnonzero(test)), distance)
        painting = paintings[test][:, None]
        center = values.center if isinstance(values, LinearValues) else kind_means(train)
        both = drawn_in(both, center, distance)
        own[test] = both[np.arange(len(z)), table.kind[test]]
        gated[test] = (1 - painting) * both[:, 0] + painting * both[:, 1]
    return HeldOut(own, gated, paintings)


def kind_means(table: Table) -> np.ndarray:
    """Mean rating of each kind (2 kinds, 2 axes); of all where there are none of a kind."""
    kinds = [table.kind == k if (table.kind == k).any() else table.kind >= 0 for k in (0, 1)]
    return np.array([table.y[inside].mean(axis=0) for inside in kinds])


def half_widths(predicted: np.ndarray, table: Table) -> np.ndarray:
    """(2 kinds, 2 axes): split-conformal 80 % quantiles of the held-out errors (Lei et al. 2018)."""
    error = np.abs(predicted - table.y)
    widths = np.zeros((2, 2))
    kinds = np.unique(table.kind)
    for k in (0, 1):
        inside = np.sort(error[table.kind == (k if k in kinds else 1 - k)], axis=0)
        widths[k] = inside[min(int(np.ceil(0.8 * (len(inside) + 1))) - 1, len(inside) - 1)]
    return widths


def evaluate(table: Table, predicted: np.ndarray, *, seed: int) -> dict[str, Score]:
    """predicted (n, 2) in -1..1 -> a `Score` for each of `CELLS` that there are pictures for; interval widths for each
    half come from the other half."""
    half = folds_of(table.group, folds=2, rng=np.random.default_rng(seed))
    widths = np.zeros_like(predicted)
    for number in (0, 1):
        other = half != number
        widths[half == number] = half_widths(predicted[other], table.rows(other))[table.kind[half == number]]
    scores = {}
    for index, cell in enumerate(CELLS):
        rows, axis = table.kind == index // 2, index % 2
        if rows.any():
            of_cell = (column[rows, axis] for column in (predicted, table.y, widths))
            scores[cell] = score(*of_cell, table.group[rows], seed=seed)
    return scores


def fit_heads(
    table: Table, unrated: Unrated, gate: KindGate, held: HeldOut, *, seed: int, recipe: str = "ridge",
    titled: Titled | None = None,
) -> EmotionHeads:  # fmt: skip
    """The heads on all rated pictures; widths and music plane from the held-out readings."""
    rng = np.random.default_rng(seed)
    standard = fit_standard(table.inputs, table.kind, table.blocks)
    values = fit_values(table, standard, recipe, rng, titled)
    alike = 0.5 / np.maximum(np.bincount(table.kind, minlength=2), 1)[table.kind]
    every = np.concatenate([table.inputs, unrated.inputs])
    reasons = fit_reasons(values.both(standard(every)), every, np.concatenate([table.kind, unrated.painting]), rng)
    d = table.inputs.shape[1]
    names = [*FEATURE_NAMES, *(f"embedding{i}" for i in range(d - len(FEATURE_NAMES)))]
    center = np.array(
        [table.y[table.kind == k].mean(axis=0) if k in table.kind else table.y.mean(axis=0) for k in (0, 1)]
    )
    coef = np.zeros((2, 2, d))
    kind, extra = EmotionHeads, {}
    if isinstance(values, LinearValues):
        coef, center = values.coef, values.center
    else:
        kind = MlpEmotionHeads
        extra = {"layer_scale": values.scale}
        for number, (weight, bias) in enumerate(values.layers, start=1):
            extra |= {f"weight{number}": weight, f"bias{number}": bias}
    return kind(
        names=np.array(names), mean=standard.mean, scale=standard.scale, weight=standard.weight, coef=coef, center=center,
        half_width=half_widths(held.told, table), gate_mean=gate.mean, gate_scale=gate.scale,
        gate_coef=gate.coef, gate_bias=gate.bias,
        far=far_of(table.inputs, standard.mean, standard.scale), knots=fit_music_plane(held.gated, alike).knots,
        reason_names=np.array([sign.feature for sign in SIGNS]), **reasons, **extra,
    )  # fmt: skip
