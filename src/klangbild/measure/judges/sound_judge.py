"""The judge for sound: valence and arousal read from a sound alone, and the axes of `sound_embedding`.

`klangbild measure sound-judge RAW_DIR` plays rated piano pieces and unrated band pieces with our player, measures 120 raw
numbers a clip, and fits (1) the axes of the embedding on unrated real music and (2) a ridge for each rated corpus.

Conventions
    As for notes (`measure.judge`): numbers become percentiles within music of its kind, the score becomes its percentile
    within real band music, so -1..1 is uniform over real music. A sound is the mean of its clips. It has heard our SoundFont
    only: on recordings and on sound of diffusion models it is a guess, and no accuracy is known.

Metrics
    read_sound          valence and arousal, -1..1.
    Accuracy as in `measure.judge_train`: AUC on EMOPIA's official val and test parts, Spearman on VGMIDI.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError, KlangbildError, UsageError
from klangbild.metrics.emotion_judge import JUDGES, _percentile
from klangbild.metrics.intervals import bootstrap, spearman
from klangbild.metrics.real_or_generated import auc
from klangbild.metrics.sound_embedding import GROUPS, raw_features, weights_file
from klangbild.models.bars.data.emotion_labels import ridge
from klangbild.sound.audio import Audio
from klangbild.whole_files import atomic_npz, atomic_write

N_AXES, N_KNOTS, PENALTY = 48, 17, 100.0
LIMITS = "the sound judge has heard one SoundFont; on recordings and diffusion models its readings are a guess"


@dataclass(frozen=True)
class SoundJudge:
    """knots (120, k): percentiles of band music's raw numbers. weights (2, 120). score_knots (2, k)."""

    name: str
    knots: np.ndarray
    weights: np.ndarray
    score_knots: np.ndarray
    card: dict[str, Any]

    @property
    def accuracy(self) -> str:
        """One line to stand beside every score."""
        return str(self.card["accuracy_in_words"])

    def read(self, raw: np.ndarray) -> np.ndarray:
        """(clips, 120) raw numbers -> (2,) valence and arousal."""
        score = ranked(raw, self.knots).mean(axis=0) @ self.weights.T
        return np.array([_percentile(score[a : a + 1], self.score_knots[a])[0] for a in range(2)])


def load_sound_judge(name: str = "emopia") -> SoundJudge:
    """Raises UsageError: an unknown name. InputError: the weights are not here or damaged."""
    if name not in JUDGES:
        raise UsageError(f"--judge {name}: there is no such judge; choose from {', '.join(JUDGES)}")
    try:
        with np.load(weights_file(), allow_pickle=False) as archive:
            cards = json.loads(str(archive["cards"]))
            return SoundJudge(
                name, archive["knots"], archive[f"{name}_weights"], archive[f"{name}_score_knots"], cards[name]
            )
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{weights_file()}: no sound judge there ({error}); fit one with 'measure sound-judge'"
        ) from None


def read_sound(judge: SoundJudge, audio: Audio) -> tuple[float, float]:
    """Valence and arousal in -1..1 of a sound (channels, n). Raises InputError: silent, empty or not finite."""
    valence, arousal = judge.read(raw_features(audio))
    return float(valence), float(arousal)


def ranked(raw: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Raw numbers (n, 120) -> percentiles -1..1 of each between its quantiles (120, k)."""
    return np.stack([_percentile(raw[:, i], knots[i]) for i in range(raw.shape[1])], axis=1)


def fit_axes(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(clips, 120) of real music -> mean, scale (120,), axes (120, 48): directions of most spread, spread 1 along the first.

    Each group of numbers weighs alike, however many it has: else 80 levels of mel bands would drown 6 numbers of harmony.
    Directions keep their own spread: making them all alike doubled the noise of the distance without showing more of the
    controls.
    """
    mean, scale = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-3)
    weight = np.repeat(1 / np.sqrt(GROUPS), GROUPS)
    values, vectors = np.linalg.eigh(np.cov((((raw - mean) / scale) * weight).T))
    order = np.argsort(values)[::-1][:N_AXES]
    vectors = vectors[:, order] * np.sign(vectors[np.abs(vectors[:, order]).argmax(axis=0), order])
    return mean, scale, weight[:, None] * vectors / np.sqrt(values[order[0]])


def fit(clips: dict[str, np.ndarray], targets: np.ndarray, band_knots: np.ndarray, band: list[np.ndarray]) -> tuple:
    """Weights (2, 120) and score knots (2, k) from (pieces, 120) mean percentiles and their ratings (pieces, 2)."""
    centred = targets - targets.mean(axis=0)
    weights = np.array([
        ridge(clips["ranked"], centred[:, a] / centred[:, a].std(), np.ones(len(centred)), penalty=PENALTY)[:-1] for a in (0, 1)
    ])  # fmt: skip
    scores = np.array([ranked(piece, band_knots).mean(axis=0) @ weights.T for piece in band])
    return weights, np.quantile(scores, np.linspace(0, 1, N_KNOTS), axis=0).T


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure sound-judge`."""
    parser.add_argument("raw", type=Path, metavar="RAW_DIR", help="folder of the MIDI sets, with emopia and vgmidi")
    parser.add_argument("--data", type=Path, default=Path("data/prepared/notes.npz"), help="prepared notes data")
    parser.add_argument("--band", type=int, default=200, metavar="N", help="unrated band pieces to play (default 200)")
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/sound-judge"), help="folder of what was measured already"
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("src/klangbild/weights/judge-sound.npz"), metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """Play, measure, fit, write; resumes where it stopped."""
    rated = _rated(args.raw, args.cache)
    band = _band(args.data, args.band, args.cache)
    stacked = np.concatenate(band)
    mean, scale, axes = fit_axes(stacked)
    band_knots = np.quantile(stacked, np.linspace(0, 1, N_KNOTS), axis=0).T
    arrays: dict[str, np.ndarray] = {"mean": mean, "scale": scale, "axes": axes, "knots": band_knots}
    cards: dict[str, Any] = {}
    own = {}
    for corpus in JUDGES:
        mine = [r for r in rated if r["set"] == corpus]
        knots = np.quantile(np.concatenate([r["raw"] for r in mine]), np.linspace(0, 1, N_KNOTS), axis=0).T
        own[corpus] = {
            "ranked": np.array([ranked(r["raw"], knots).mean(axis=0) for r in mine]),
            "target": np.array([r["rating"] for r in mine]),
            "train": np.array([r["split"] not in ("val", "test") for r in mine]),
        }
    for corpus in JUDGES:
        table = own[corpus]
        train = table["train"]
        weights, score_knots = fit({"ranked": table["ranked"][train]}, table["target"][train], band_knots, band)
        other = next(name for name in JUDGES if name != corpus)
        numbers = {f"on {other}": _accuracy(other, own[other]["ranked"] @ weights.T, own[other]["target"])}
        if corpus == "emopia":
            test = ~train
            numbers["official val and test"] = _accuracy(
                corpus, table["ranked"][test] @ weights.T, table["target"][test]
            )
        else:
            numbers["10-fold"] = _accuracy(corpus, _out_of_fold(table, band_knots, band), table["target"])
        words = "; ".join(
            f"{where}: " + ", ".join(f"{k.replace('_', ' ')} {v['value']:.2f}" for k, v in n.items())
            for where, n in reversed(numbers.items())
        )
        cards[corpus] = {
            "fitted_on": f"{corpus}, {int(train.sum())} pieces played with our SoundFont",
            **numbers, "accuracy_in_words": f"sound judge fitted on {corpus}: {words}",
        }  # fmt: skip
        arrays |= {f"{corpus}_weights": weights, f"{corpus}_score_knots": score_knots}
    arrays = {name: value.astype(np.float32) for name, value in arrays.items()}
    atomic_npz(args.out, cards=np.array(json.dumps(cards)), **arrays)
    card = {
        "name": "judge-sound",
        "kind": "axes of the sound embedding (48 numbers a clip of 8 s) and linear judges of valence and arousal",
        "licence": "CC BY-NC-SA 4.0",
        "data": {"axes and percentiles": f"{len(band)} band pieces, first 30 s, {len(stacked)} clips, played by us"},
        "command": f"klangbild measure sound-judge RAW_DIR --band {args.band}",
        "seed": 0,
        "judges": cards,
        "limits": LIMITS,
    }
    atomic_write(args.out.with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    print(json.dumps(cards, indent=1))
    return 0


def _out_of_fold(table: dict[str, np.ndarray], knots: np.ndarray, band: list[np.ndarray]) -> np.ndarray:
    fold = np.random.default_rng(0).permutation(np.arange(len(table["target"])) % 10)
    out = np.zeros((len(fold), 2))
    for number in range(10):
        train = fold != number
        weights, _ = fit({"ranked": table["ranked"][train]}, table["target"][train], knots, band[:10])
        out[~train] = table["ranked"][~train] @ weights.T
    return out


def _accuracy(corpus: str, read: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    out = {}
    for axis, name in enumerate(("valence", "arousal")):
        rows = np.stack([target[:, axis], read[:, axis]], axis=1)
        if corpus == "emopia":
            estimate = bootstrap(rows, lambda r: auc(r[r[:, 0] > 0, 1], r[r[:, 0] < 0, 1]), resamples=300)
            out[f"{name}_auc"] = estimate.as_dict()
        else:
            out[f"{name}_spearman"] = bootstrap(rows, lambda r: spearman(r[:, 0], r[:, 1]), resamples=300).as_dict()
    return out


def _rated(raw_dir: Path, cache: Path) -> list[dict[str, Any]]:
    from klangbild.models.bars.data.raw_sets import read_sets

    signs = {1: (1, 1), 2: (-1, 1), 3: (-1, -1), 4: (1, -1)}
    out = []
    for file in read_sets(raw_dir):
        if file.set not in JUDGES:
            continue
        rating = signs[file.quadrant] if file.quadrant else (file.valence, file.arousal)
        raw = _measured(file.data, cache / file.set / f"{Path(file.file).stem}.npy")
        if raw is not None and rating[0] is not None:
            out.append({"set": file.set, "split": file.split, "rating": rating, "raw": raw})
    return out


def _measured(data: bytes, path: Path) -> np.ndarray | None:
    from klangbild.measure.play import played
    from klangbild.music.midi import read_midi

    if path.is_file():
        return np.load(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        raw = raw_features(played(read_midi(data)))
    except KlangbildError:
        return None  # silent or damaged files teach nothing
    temporary = path.with_suffix(".part.npy")
    np.save(temporary, raw)
    temporary.replace(path)
    return raw


def _band(data_file: Path, n: int, cache: Path) -> list[np.ndarray]:
    from klangbild.measure.real_music import pieces_of
    from klangbild.models.bars.data.prepared import NoteData
    from klangbild.music.midi import to_midi_bytes

    data = NoteData.load(data_file)
    found = []
    for name, piece in pieces_of(data, "band", heldout=False, most=n):
        raw = _measured(to_midi_bytes(piece), cache / "band" / f"{Path(name).stem}.npy")
        if raw is not None:
            found.append(raw)
    return found
