"""Train the emotion heads: from rated pictures to a head file and its card.

    python -m klangbild.train.emotion --data ../shared/data/images --model features --evaluate --save

Grouped folds everywhere (photographs by theme, paintings by artist): scores, interval widths and the music plane all rest
on predictions for pictures whose group was not trained on.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.data.pictures import RatedPicture, folds_of, rated_pictures, read_set
from klangbild.emotion.heads import EmotionHeads, save_heads
from klangbild.emotion.music_plane import fit_music_plane
from klangbild.emotion.predict import WEIGHTS, inputs_of, open_reader
from klangbild.emotion.reasons import SIGNS, sign_inputs, sign_table
from klangbild.picture.features import FEATURE_NAMES
from klangbild.train.emotion_ridge import fit_gate, fit_ridge_heads
from klangbild.train.emotion_score import Score, score

CELLS = ("photo valence", "photo arousal", "painting valence", "painting arousal")
MODEL_NAMES = {"features": "emotion-features", "klangbild": "emotion-klangbild"}
# an encoder's embedding carries more than the features do: shares of the kernel's trace (a study's choice, not tuned)
EMBEDDING_SHARE = 0.75


@dataclass(frozen=True)
class Table:
    """Rated pictures as arrays: inputs (n, d), y (n, 2), kind (n,) 0 photo 1 painting, group (n,); n_features of d lead."""

    inputs: np.ndarray
    y: np.ndarray
    kind: np.ndarray
    group: np.ndarray


@dataclass(frozen=True)
class Unrated:
    """Unrated pictures for the gate and the reasons: inputs (m, d) and painting (m,) 0 or 1."""

    inputs: np.ndarray
    painting: np.ndarray


def measure_inputs(data: Path, model: str, *, cache: Path | None, most_unrated: int = 1000) -> tuple[Table, Unrated]:
    """Look at every rated picture and at some unrated ones with the reader of `model`; cached when a path is given."""
    rated = rated_pictures(data)
    if cache is not None and cache.is_file():
        with np.load(cache) as stored:
            inputs, other, painting = stored["inputs"], stored["other"], stored["painting"]
    else:
        reader = open_reader(model)
        by_set: dict[str, list[RatedPicture]] = {}
        for item in rated:
            by_set.setdefault(item.set_name, []).append(item)
        inputs = np.concatenate(
            [
                inputs_of(reader, (p for _, p in read_set(data, s, [r.file for r in items])))[0]
                for s, items in by_set.items()
            ]
        )
        rng = np.random.default_rng(0)
        parts, labels = [], []
        for set_name, label in (("photos", 0), ("wikiart", 1)):
            names = np.array([name for name, _ in _names(data, set_name)])
            chosen = sorted(rng.permutation(names)[:most_unrated])
            parts.append(inputs_of(reader, (p for _, p in read_set(data, set_name, chosen)))[0])
            labels.append(np.full(len(chosen), label))
        other, painting = np.concatenate(parts), np.concatenate(labels)
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            np.savez(cache, inputs=inputs, other=other, painting=painting)
    y = np.array([(r.valence, r.arousal) for r in rated])
    kind = np.array([int(r.kind == "painting") for r in rated])
    return Table(inputs, y, kind, np.array([r.group for r in rated])), Unrated(other, painting)


def _names(data: Path, set_name: str) -> list[tuple[str, None]]:
    import zipfile

    with zipfile.ZipFile(data / f"{set_name}.zip") as archive:
        return [(name, None) for name in sorted(archive.namelist()) if not name.endswith("/")]


@dataclass(frozen=True)
class Standard:
    """How inputs are scaled, fitted on training pictures only: both kinds weigh alike."""

    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        return np.clip((inputs - self.mean) / self.scale, -3, 3) * self.weight


def fit_standard(inputs: np.ndarray, kind: np.ndarray) -> Standard:
    """Per input: mean and deviation averaged over the kinds present; blocks weighted by their share of the kernel."""
    kinds = [inputs[kind == k] for k in np.unique(kind)]
    mean = np.mean([part.mean(axis=0) for part in kinds], axis=0)
    scale = np.maximum(np.mean([part.std(axis=0) for part in kinds], axis=0), 1e-6)
    features, embedded = len(FEATURE_NAMES), inputs.shape[1] - len(FEATURE_NAMES)
    weight = np.ones(inputs.shape[1])
    if embedded:
        weight[:features] = np.sqrt((1 - EMBEDDING_SHARE) / features)
        weight[features:] = np.sqrt(EMBEDDING_SHARE / embedded)
    return Standard(mean, scale, weight)


def cross_validate(table: Table, unrated: Unrated, *, folds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions (n, 2) for each picture by heads that never saw its group: of its own kind's head, and gated.

    The gated ones are what a user gets who does not say which kind it is.
    """
    rng = np.random.default_rng(seed)
    fold = folds_of(table.group, folds=folds, rng=rng)
    own, gated = np.zeros_like(table.y), np.zeros_like(table.y)
    for number in range(folds):
        test = fold == number
        inputs, kind = table.inputs[~test], table.kind[~test]
        standard = fit_standard(inputs, kind)
        heads = fit_ridge_heads(standard(inputs), table.y[~test], kind, table.group[~test], rng)
        coef, bias = _gate(standard, inputs, kind, unrated)
        z = standard(table.inputs[test])
        painting = 1 / (1 + np.exp(-(z @ coef + bias)))[:, None]
        by_kind = [heads.predict(z, np.full(len(z), k)) for k in (0, 1)]
        own[test] = np.where(table.kind[test][:, None] == 1, by_kind[1], by_kind[0])
        gated[test] = (1 - painting) * by_kind[0] + painting * by_kind[1]
    return own, gated


def _gate(standard: Standard, inputs: np.ndarray, kind: np.ndarray, unrated: Unrated) -> tuple[np.ndarray, float]:
    """The gate for standardized inputs, from rated and unrated pictures of both kinds."""
    z = standard(np.concatenate([inputs, unrated.inputs])) / standard.weight
    coef, bias = fit_gate(z, np.concatenate([kind, unrated.painting]))
    return coef / standard.weight, bias


def half_widths(predicted: np.ndarray, table: Table) -> np.ndarray:
    """(2 kinds, 2 axes): split-conformal 80 % quantiles of the held-out errors (Lei et al. 2018)."""
    error = np.abs(predicted - table.y)
    widths = np.zeros((2, 2))
    for k in np.unique(table.kind):
        inside = np.sort(error[table.kind == k], axis=0)
        widths[k] = inside[min(int(np.ceil(0.8 * (len(inside) + 1))) - 1, len(inside) - 1)]
    return widths


def evaluate(table: Table, predicted: np.ndarray, *, seed: int) -> dict[str, Score]:
    """A `Score` for each of `CELLS`; interval widths for each fold half come from the other half."""
    rng = np.random.default_rng(seed)
    half = folds_of(table.group, folds=2, rng=rng)
    widths = np.zeros_like(predicted)
    for number in (0, 1):
        other = half != number
        part = Table(table.inputs[other], table.y[other], table.kind[other], table.group[other])
        widths[half == number] = half_widths(predicted[other], part)[table.kind[half == number]]
    scores = {}
    for index, cell in enumerate(CELLS):
        rows, axis = table.kind == index // 2, index % 2
        scores[cell] = score(predicted[rows, axis], table.y[rows, axis], widths[rows, axis], table.group[rows], rng)
    return scores


def fit_heads(
    table: Table, unrated: Unrated, predicted: np.ndarray, gated: np.ndarray, *, seed: int, names: list[str]
) -> EmotionHeads:
    """The heads on all rated pictures; widths and music plane from the held-out predictions (n, 2)."""
    rng = np.random.default_rng(seed)
    standard = fit_standard(table.inputs, table.kind)
    z = standard(table.inputs)
    ridge = fit_ridge_heads(z, table.y, table.kind, table.group, rng)
    gate_coef, gate_bias = _gate(standard, table.inputs, table.kind, unrated)
    alike = 0.5 / np.bincount(table.kind, minlength=2)[table.kind]
    reason_arrays = _fit_reasons(
        ridge.coef, standard, np.concatenate([table.inputs, unrated.inputs]),
        np.concatenate([table.kind, unrated.painting]), rng,
    )  # fmt: skip
    return EmotionHeads(
        names=np.array(names), mean=standard.mean, scale=standard.scale, weight=standard.weight, coef=ridge.coef,
        center=ridge.center, half_width=half_widths(predicted, table), gate_coef=gate_coef,
        gate_bias=np.array(gate_bias), far=np.percentile(((z / standard.weight) ** 2).mean(axis=1), 95),
        knots=fit_music_plane(gated, alike).knots, reason_names=np.array([sign.feature for sign in SIGNS]), **reason_arrays,
    )  # fmt: skip


def _fit_reasons(
    coef: np.ndarray, standard: Standard, inputs: np.ndarray, kind: np.ndarray, rng: np.random.Generator
) -> dict:
    """Imitate the heads with the listed signs only, each held to its direction -> the reason_* arrays of `EmotionHeads`."""
    signs = sign_inputs(inputs[:, : len(FEATURE_NAMES)])
    out = {"reason_coef": np.zeros((2, 2, len(SIGNS))), "reason_share": np.zeros((2, 2))}
    out["reason_mean"] = np.array([signs[kind == k].mean(axis=0) for k in (0, 1)])
    out["reason_scale"] = np.array([np.maximum(signs[kind == k].std(axis=0), 1e-6) for k in (0, 1)])
    for k in (0, 1):
        rows = np.flatnonzero(kind == k)
        target = np.einsum("ad,nd->na", coef[k], standard(inputs[rows]))
        target = target - target.mean(axis=0)
        x = np.clip((signs[rows] - out["reason_mean"][k]) / out["reason_scale"][k], -3, 3)
        held = rng.permutation(len(rows)) < len(rows) // 3
        for axis in (0, 1):
            direction = sign_table(k, axis)
            used = np.flatnonzero(direction)

            signed = x[:, used] * direction[used]
            rest = target[held, axis] - signed[held] @ _positive_ridge(signed[~held], target[~held, axis])
            out["reason_share"][k, axis] = 1 - (rest**2).sum() / (target[held, axis] ** 2).sum()
            out["reason_coef"][k, axis, used] = _positive_ridge(signed, target[:, axis]) * direction[used]
    return out


def _positive_ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ridge whose coefficients are not negative: x (n, d), y (n,) -> (d,)."""
    from scipy.optimize import nnls

    damp = np.sqrt(0.05 * len(x)) * np.eye(x.shape[1])
    return nnls(np.concatenate([x, damp]), np.concatenate([y, np.zeros(x.shape[1])]))[0]


def card_of(model: str, table: Table, scores: dict[str, Score], heads: EmotionHeads, *, folds: int, seed: int) -> dict:
    """What the head file is, in numbers measured now."""
    return {
        "name": MODEL_NAMES.get(model, model),
        "task": "picture to (valence, arousal) on the raters' scale, (x - 4) / 3 of ratings from 1 to 7",
        "inputs": f"{len(heads.names)} ({len(FEATURE_NAMES)} interpretable features"
        + (f" and a {len(heads.names) - len(FEATURE_NAMES)}-d embedding)" if len(heads.names) > len(FEATURE_NAMES) else ")"),
        "data": "OASIS (704 photographs, research use, cite Kurdi, Lozano and Banaji 2017); "
        "Vienna Art Picture System ratings of 145 paintings (research use); gate: also WikiArt and ImageNet pictures, unrated",
        "licence": "CC BY-NC-SA 4.0",
        "split": f"{folds} grouped folds (photographs by theme, paintings by artist), seed {seed}; inner 5 folds choose",
        "metrics": {
            cell: {
                "r": round(s.r, 3), "r_95": [round(s.r_low, 3), round(s.r_high, 3)], "ccc": round(s.ccc, 3),
                "mae": round(s.mae, 3), "coverage_of_80": round(s.coverage, 3),
            }
            for cell, s in scores.items()
        },
        "half_width_80": np.round(heads.half_width, 3).tolist(),
        "reasons_explain_r2": dict(zip(CELLS, np.round(heads.reason_share, 2).ravel().tolist(), strict=True)),
        "limits": "a mean of many raters' answers, mostly from Western countries; one picture's interval is wide; "
        "drawings, screenshots and text are outside what was rated",
        "command": f"python -m klangbild.train.emotion --model {model} --folds {folds} --seed {seed} --evaluate --save",
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """The command line of this file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m klangbild.train.emotion", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/images"), help="folder with the picture sets")
    parser.add_argument("--model", default="features", help="features, klangbild, or a folder with an encoder")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--evaluate", action="store_true", help="print r / CCC / MAE / coverage in grouped folds")
    parser.add_argument("--save", action="store_true", help="write the head file and its card")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder for the head file and its card")
    parser.add_argument("--cache", type=Path, default=None, help="keep the measured inputs here (.npz)")
    given = parser.parse_args(arguments)
    table, unrated = measure_inputs(given.data, given.model, cache=given.cache)
    predicted, gated = cross_validate(table, unrated, folds=given.folds, seed=given.seed)
    scores = evaluate(table, predicted, seed=given.seed)
    for cell, cell_score in scores.items():
        print(f"{cell:17s} {cell_score}")
    for cell, cell_score in evaluate(table, gated, seed=given.seed).items():
        print(f"{cell:17s} {cell_score}   kind not told")
    if given.save:
        names = list(FEATURE_NAMES) + [f"embedding{i}" for i in range(table.inputs.shape[1] - len(FEATURE_NAMES))]
        heads = fit_heads(table, unrated, predicted, gated, seed=given.seed, names=names)
        given.out.mkdir(parents=True, exist_ok=True)
        stem = given.out / MODEL_NAMES.get(given.model, "emotion")
        save_heads(heads, stem.with_suffix(".npz"))
        card = card_of(given.model, table, scores, heads, folds=given.folds, seed=given.seed)
        stem.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        print(f"wrote {stem.with_suffix('.npz')}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
