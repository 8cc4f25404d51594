"""`klangbild measure judge`: fit the emotion judges, each on one rated corpus, and say how good each is.

Conventions
    Input is the prepared notes data (raw section features and human ratings; its pseudo-labels are not looked at). Features
    that solo piano does not have, or that are constant in a rated set (tempo, drums, families), are left out. A piece's
    sections share its rating, and every piece weighs the same. Penalty: the one fixed number of the study, not searched.

Metrics (of the judge)
    EMOPIA quadrants: area under the ROC curve of high against low valence and arousal, and the share of right quadrants.
    VGMIDI means: Spearman. Each on music the judge was not fitted on, a piece being the mean of its sections.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from klangbild.errors import InputError
from klangbild.metrics.emotion_judge import JUDGES, Judge, _percentile
from klangbild.metrics.intervals import bootstrap, spearman
from klangbild.metrics.real_or_generated import auc
from klangbild.models.bars.data.choose_labels import relabelled
from klangbild.models.bars.data.emotion_labels import PSEUDO, ridge
from klangbild.models.bars.data.prepared import NoteData
from klangbild.music.section_features import FEATURES, PERCUSSION_FEATURES
from klangbild.whole_files import atomic_npz, atomic_write

N_KNOTS = 33
SOLO_SETS, BAND_SETS = ("piano", "vgmidi", "emopia"), ("band",)
_SIGNS = np.array([[np.nan, 1.0, -1.0, -1.0, 1.0], [np.nan, 1.0, 1.0, -1.0, -1.0]])


def fit(data: NoteData, corpus: str, *, pieces: np.ndarray | None = None) -> Judge:
    """A judge from the ratings of one corpus, on `pieces` (n,) of it, by number (default: what is not held out).

    Raises:
        InputError: the data lacks the corpus or a set of real music to take percentiles in.
    """
    _needed(data, (corpus, *SOLO_SETS[:1], *BAND_SETS))
    columns = np.array([i for i, name in enumerate(FEATURES) if name not in PERCUSSION_FEATURES])
    pool = _set_of_sections(data)
    enough = data.features[:, FEATURES.index("notes_per_s")] * data.section_seconds >= 20
    levels = np.linspace(0, 1, N_KNOTS)
    knots = np.stack([
        np.quantile(data.features[np.isin(pool, sets) & enough][:, columns], levels, axis=0).T
        for sets in (("piano",), BAND_SETS)
    ])  # fmt: skip
    if pieces is None:
        pieces = rated_pieces(data, corpus, heldout=False)
    chosen = np.isin(data.section_piece, pieces) & enough
    # within its own corpus: recorded performances are louder or longer as a whole than written files
    own = np.quantile(data.features[(pool == corpus) & enough][:, columns], levels, axis=0).T
    ranked = _ranked(data.features[chosen][:, columns], own)
    count = np.bincount(data.section_piece[chosen], minlength=len(data.piece_name))
    weight = 1.0 / count[data.section_piece[chosen]]
    coefficients = []
    for axis in range(2):
        targets = ratings(data, axis)[data.section_piece[chosen]]
        coefficients.append(ridge(ranked, targets - np.average(targets, weights=weight), weight))
    weights, bias = np.array([c[:-1] for c in coefficients]), np.array([c[-1] for c in coefficients])
    score_knots = []
    for kind, sets in enumerate((("piano",), BAND_SETS)):
        real = _ranked(data.features[np.isin(pool, sets) & enough][:, columns], knots[kind])
        score_knots.append(np.quantile(real @ weights.T + bias, levels, axis=0).T)
    return Judge(corpus, columns, knots, weights, bias, np.array(score_knots), {"own_knots": own})


def ratings(data: NoteData, axis: int) -> np.ndarray:
    """(pieces,) rated means, else the sign of the quadrant, else NaN; axis 0 valence, 1 arousal."""
    signs = _SIGNS[axis][data.piece_rating[:, 2].astype(int)]
    return np.where(np.isfinite(data.piece_rating[:, axis]), data.piece_rating[:, axis], signs)


def rated_pieces(data: NoteData, corpus: str, *, heldout: bool | None) -> np.ndarray:
    """Numbers (n,) of the corpus's rated pieces on one side of the split (None: both)."""
    mine = data.piece_pool == data.about["pools"].index(corpus)
    side = mine if heldout is None or corpus == "vgmidi" else mine & (data.piece_heldout == heldout)
    return np.flatnonzero(side & np.isfinite(ratings(data, 0)))


def read_rated(judge: Judge, data: NoteData, pieces: np.ndarray, corpus: str) -> np.ndarray:
    """(pieces, 2) scores of rated pieces, percentiles taken within their own corpus; NaN where too short."""
    pool = _set_of_sections(data)
    enough = data.features[:, FEATURES.index("notes_per_s")] * data.section_seconds >= 20
    own = np.quantile(data.features[(pool == corpus) & enough][:, judge.columns], np.linspace(0, 1, N_KNOTS), axis=0).T
    raw = _ranked(data.features[:, judge.columns], own) @ judge.weights.T
    out = np.full((len(pieces), 2), np.nan)
    for row, piece in enumerate(pieces):
        mine = (data.section_piece == piece) & enough
        if mine.any():
            out[row] = raw[mine].mean(axis=0)
    return out


def accuracy(judge: Judge, data: NoteData, corpus: str, pieces: np.ndarray) -> dict[str, Any]:
    """How well the judge reads rated pieces (n,), by number, with intervals over pieces."""
    read = read_rated(judge, data, pieces, corpus)
    known = np.isfinite(read[:, 0])
    truth = np.stack([ratings(data, 0)[pieces], ratings(data, 1)[pieces]], axis=1)[known]
    read = read[known]
    out: dict[str, Any] = {"pieces": int(known.sum())}
    quadrants = corpus == "emopia"
    for axis, name in enumerate(("valence", "arousal")):
        rows = np.stack([truth[:, axis], read[:, axis]], axis=1)
        score = _auc_of_rows if quadrants else _spearman_of_rows
        out[f"{name}_{'auc' if quadrants else 'spearman'}"] = bootstrap(rows, score, resamples=500).as_dict()
    if quadrants:
        right = np.sign(read - np.median(read, axis=0)) == truth
        out["quadrants_right"] = bootstrap(right.all(axis=1).astype(float)).as_dict()
    return out


def cross_validated(data: NoteData, corpus: str, *, folds: int = 10) -> dict[str, Any]:
    """Spearman of out-of-fold readings of all rated pieces of a corpus."""
    pieces, read = _read_out_of_fold(data, corpus, folds)
    known = np.isfinite(read[:, 0])
    out: dict[str, Any] = {"pieces": int(known.sum()), "folds": folds}
    for axis, name in enumerate(("valence", "arousal")):
        rows = np.stack([ratings(data, axis)[pieces][known], read[known, axis]], axis=1)
        out[f"{name}_spearman"] = bootstrap(rows, _spearman_of_rows, resamples=500).as_dict()
    return out


def _read_out_of_fold(data: NoteData, corpus: str, folds: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (n,) of all rated pieces of a corpus and what judges fitted without them read in them (n, 2)."""
    pieces = rated_pieces(data, corpus, heldout=None)
    fold = np.random.default_rng(0).permutation(np.arange(len(pieces)) % folds)
    read = np.full((len(pieces), 2), np.nan)
    for number in range(folds):
        judge = fit(data, corpus, pieces=pieces[fold != number])
        read[fold == number] = read_rated(judge, data, pieces[fold == number], corpus)
    return pieces, read


def error_of_all(data: NoteData) -> dict[str, float]:
    """See `emotion_judge.own_error`: of VGMIDI, which alone has ratings that are more than quadrants."""
    pieces, own = _read_out_of_fold(data, "vgmidi")
    reads = [own, *(read_rated(fit(data, name), data, pieces, "vgmidi") for name in JUDGES if name != "vgmidi")]
    known = np.isfinite(np.concatenate(reads, axis=1)).all(axis=1)
    error = {}
    for axis, name in enumerate(("valence", "arousal")):
        read = np.mean([_places(one[known, axis]) for one in reads], axis=0)
        error[name] = round(float(np.abs(read - _places(ratings(data, axis)[pieces][known])).mean()), 3)
    return error


def _places(values: np.ndarray) -> np.ndarray:
    """Values (n,) -> their places among each other, (n,) in (-1, 1)."""
    return 2.0 * (rankdata(values) - 0.5) / len(values) - 1.0


def label_leak(data: NoteData, corpus: str) -> dict[str, float]:
    """Spearman, over band sections, of the pseudo-labels made with and without this corpus's ratings: how much a model
    trained with them can have learnt of the judge's corpus (1: nothing changes without it)."""
    without = relabelled(data, exclude_labels=[corpus])
    with_all = relabelled(data)
    pool = _set_of_sections(data)
    chosen = (pool == "band") & (with_all.label_source == PSEUDO) & (without.label_source == PSEUDO)
    return {
        "valence": round(spearman(with_all.valence[chosen], without.valence[chosen]), 4),
        "arousal": round(spearman(with_all.arousal[chosen], without.arousal[chosen]), 4),
    }


def fit_all(data: NoteData, out: Path) -> dict[str, Any]:
    """Fit every judge, write `out` (.npz) and its card (.json); gives the cards."""
    arrays: dict[str, np.ndarray] = {"features": np.array(FEATURES)}
    cards: dict[str, Any] = {}
    for corpus in JUDGES:
        judge = fit(data, corpus)
        other = next(name for name in JUDGES if name != corpus)
        if corpus == "emopia":
            own = {"official val and test": accuracy(judge, data, corpus, rated_pieces(data, corpus, heldout=True))}
        else:
            own = {"10-fold": cross_validated(data, corpus)}
        across = accuracy(judge, data, other, rated_pieces(data, other, heldout=True))
        cards[corpus] = {
            "fitted_on": f"{corpus}, {len(rated_pieces(data, corpus, heldout=False))} pieces",
            "own": own,
            f"on {other}": across,
            "labels_with_and_without_it": label_leak(data, corpus),
        }
        if corpus == "vgmidi":
            cards[corpus]["error_of_all"] = error_of_all(data)
        cards[corpus]["accuracy_in_words"] = _in_words(corpus, own, other, across)
        for key in ("columns", "knots", "weights", "bias", "score_knots"):
            value = getattr(judge, key)
            arrays[f"{corpus}_{key}"] = value if key == "columns" else value.astype(np.float32)
    out.parent.mkdir(parents=True, exist_ok=True)
    atomic_npz(out, cards=np.array(json.dumps(cards)), **arrays)
    atomic_write(out.with_suffix(".json"), (json.dumps(_card(data, cards), indent=1) + "\n").encode())
    return cards


def _card(data: NoteData, cards: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "judge-emotion",
        "kind": "judge of emotion in notes, -1..1, linear on percentiles of 24 features of 8-bar sections",
        "licence": "CC BY-NC-SA 4.0",
        "data": {name: data.about["licences"].get(name) for name in (*JUDGES, "band", "piano")},
        "percentiles_in": {"solo": "piano", "band": "band"},
        "command": "klangbild measure judge",
        "seed": 0,
        "judges": cards,
        "limits": "fitted on solo piano; its valence means mode and harmony more than drive; it is no listener",
    }


def _in_words(corpus: str, own: dict, other: str, across: dict) -> str:
    (where, numbers), kind = next(iter(own.items())), "AUC" if corpus == "emopia" else "Spearman"
    key, other_key = ("auc", "spearman") if corpus == "emopia" else ("spearman", "auc")
    own_text = ", ".join(f"{axis} {kind} {numbers[f'{axis}_{key}']['value']:.2f}" for axis in ("valence", "arousal"))
    across_text = ", ".join(f"{axis} {across[f'{axis}_{other_key}']['value']:.2f}" for axis in ("valence", "arousal"))
    other_kind = "Spearman" if corpus == "emopia" else "AUC"
    return f"judge fitted on {corpus}: {where} {own_text}; on {other} {other_kind} {across_text}"


def _set_of_sections(data: NoteData) -> np.ndarray:
    return np.array(data.about["pools"])[data.piece_pool[data.section_piece]]


def _needed(data: NoteData, sets: tuple[str, ...]) -> None:
    missing = [name for name in sets if name not in data.about["pools"]]
    if missing or list(data.about["features"]) != list(FEATURES):
        raise InputError(
            f"the prepared data lacks {missing[0] if missing else 'our features'}; prepare it with all sets"
        )


def _ranked(features: np.ndarray, knots: np.ndarray) -> np.ndarray:
    return np.stack([_percentile(features[:, i], knots[i]) for i in range(features.shape[1])], axis=1)


def _auc_of_rows(rows: np.ndarray) -> float:
    return auc(rows[rows[:, 0] > 0, 1], rows[rows[:, 0] < 0, 1])


def _spearman_of_rows(rows: np.ndarray) -> float:
    return spearman(rows[:, 0], rows[:, 1])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure judge`."""
    parser.add_argument("--data", type=Path, default=Path("data/prepared/notes.npz"), help="prepared notes data")
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("src/klangbild/weights/judge-emotion.npz"), metavar="FILE"
    )


def run(args: argparse.Namespace) -> int:
    """Fit, write, and print the cards."""
    print(json.dumps(fit_all(NoteData.load(args.data), args.out), indent=1))
    return 0
