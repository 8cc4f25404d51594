"""A fitted labelling: the pseudo-labels of emotion as a small file, for folders of music in which people rated nothing.

`emotion_labels` fits valence on rated pieces and ranks sections among thousands of others of their set. A user's own folder
may have neither. So what the full preparation came to is kept: the ridge's coefficients and, for each "crowd" of sections,
where the quantiles of every feature and of both scores lie, and how much of valence arousal explains. A new section is
placed in a crowd that its piece resembles and scored by the same formulas.

Crowds are the sets it was fitted on, met by name, and two mixtures of them for all other music: sets with drums, and sets
without whose loudness varies, each set weighing the same.

    Labelling.fit(data).save(path)      what `data prepare notes` does beside NAME.npz where people rated enough pieces
    Labelling.load().label(...)         what it does where they did not; the file ships with the package
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.bars.data.emotion_labels import (
    MIN_NOTES,
    NO_LABEL,
    PSEUDO,
    RIDGE_SHARE,
    RatedPieces,
    arousal_score,
    drive_score,
    fit_valence,
    has_drums,
    pool_ranks,
    ridge_columns,
)
from klangbild.models.bars.data.prepared import NoteData
from klangbild.music.section_features import FEATURES
from klangbild.shipped import weights_folder
from klangbild.training.manifest import sha256_of
from klangbild.whole_files import atomic_npz, atomic_write

SHIPPED = "labels-notes.npz"
"""Name in the package's weights; its card is the .json beside it."""
N_LEVELS = 33
"""Quantiles kept of a feature or score: every 1/32 of the sections."""
WITH_DRUMS, WITHOUT_DRUMS = "with drums", "without drums"
"""The two mixtures that music of unknown sets is placed in."""


@dataclass(frozen=True)
class Labelling:
    """C crowds, F features, L levels. Quantiles are at L even steps from the lowest to the highest section."""

    crowds: tuple[str, ...]
    coefficients: np.ndarray
    """(R + 1,) the ridge of valence on features ranked in -1..1 (`emotion_labels.ridge_columns`), the constant last."""
    feature_quantiles: np.ndarray
    """(C, F, L) float16, in the features' own units."""
    center: np.ndarray
    spread: np.ndarray
    """(C, 2): mean and standard deviation of the ridge's score and of the drive's."""
    slope: np.ndarray
    """(C,): how much valence rises with arousal; it is taken out."""
    drums: np.ndarray
    """(C,) bool: whether drive counts."""
    score_quantiles: np.ndarray
    """(C, 2, L) float32: of valence and arousal, not yet mapped."""

    @staticmethod
    def fit(data: NoteData) -> Labelling:
        """From a prepared file with rated pieces: the numbers under its own pseudo-labels.

        Raises:
            ValueError: no piece is rated.
        """
        pool = data.piece_pool[data.section_piece]
        rating = data.piece_rating
        rated = RatedPieces(rating[:, 0], rating[:, 1], rating[:, 2].astype(int))
        coefficients = fit_valence(pool_ranks(data.features, pool), data.section_piece, rated)
        numbers = np.unique(pool).tolist()  # a set whose files were all dropped is none
        weights = [np.where(pool == number, 1.0 / (pool == number).sum(), 0.0) for number in numbers]
        weights += _mixtures(data.features, weights)
        crowds = [_crowd(data.features[w > 0], w[w > 0], coefficients) for w in weights]
        return Labelling(
            (*(data.about["pools"][number] for number in numbers), WITH_DRUMS, WITHOUT_DRUMS),
            coefficients.astype(np.float32),
            *(np.array(column) for column in zip(*crowds, strict=True)),
        )

    def save(self, path: Path) -> None:
        """Write `path` (.npz, a few tens of kilobytes at most)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f.name: np.array(getattr(self, f.name)) for f in fields(self)}
        atomic_npz(path, features=np.array(FEATURES), **arrays)

    @staticmethod
    def load(path: Path | None = None) -> Labelling:
        """From a file; from the package's own without a path.

        Raises:
            NotAvailableError: it is not there. InputError: it is no labelling, or one of other features.
        """
        path = shipped_path() if path is None else path
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            if arrays.pop("features").tolist() != list(FEATURES):
                raise ValueError("made for other features")
            return Labelling(**(arrays | {"crowds": tuple(arrays["crowds"].tolist())}))
        except FileNotFoundError:
            raise NotAvailableError(f"{path}: there is no fitted labelling; install klangbild again") from None
        except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not a fitted labelling ({error}); take another copy") from None

    def crowd_of(self, features: np.ndarray, set_name: str) -> int:
        """Which crowd a piece stands in. features: (n, F) of its sections; a known set's name decides at once."""
        if set_name in self.crowds:
            return self.crowds.index(set_name)
        return self.crowds.index(WITH_DRUMS if has_drums(features) else WITHOUT_DRUMS)

    def score(self, features: np.ndarray, crowd: int) -> tuple[np.ndarray, np.ndarray]:
        """Raw features (n, F) of sections -> valence (n,), arousal (n,) in [-1, 1] within crowd number `crowd`."""
        ranked = _ranked(features, self.feature_quantiles[crowd])
        raw = _raw_scores(ranked, self.coefficients)
        arousal = arousal_score(ranked)
        mixed = _mixed(raw, self.center[crowd], self.spread[crowd], bool(self.drums[crowd]))
        valence = mixed - self.slope[crowd] * arousal
        quantiles = self.score_quantiles[crowd].astype(np.float64)
        return _place(valence, quantiles[0]), _place(arousal, quantiles[1])

    def label(
        self, features: np.ndarray, n_notes: np.ndarray, piece: np.ndarray, sets: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sections -> valence, arousal (n,) float32 in [-1, 1] and their source (n,) uint8, NO_LABEL or PSEUDO.

        features: (n, F) raw; n_notes, piece: (n,); sets: the set's name of each piece, by piece number.
        """
        valence, arousal = np.zeros(len(features)), np.zeros(len(features))
        for number in np.unique(piece):
            here = piece == number
            valence[here], arousal[here] = self.score(features[here], self.crowd_of(features[here], sets[number]))
        known = n_notes >= MIN_NOTES
        source = np.where(known, PSEUDO, NO_LABEL).astype(np.uint8)
        return (valence * known).astype(np.float32), (arousal * known).astype(np.float32), source


def shipped_path() -> Path:
    """Where the package keeps its labelling."""
    return weights_folder() / SHIPPED


def card(data: NoteData, path: Path, command: str) -> dict[str, object]:
    """What the labelling in `path` was fitted on: `data`."""
    pool = data.piece_pool[data.section_piece]
    rated = np.isfinite(data.piece_rating[:, 0]) | (data.piece_rating[:, 2] > 0)
    pools = data.about["pools"]
    return {
        "name": path.stem,
        "kind": "pseudo-labels of 8-bar sections: a ridge and quantile maps",
        "licence": "CC BY-NC-SA 4.0",
        "sha256": sha256_of(path.read_bytes()),
        "data": data.about["licences"],
        "sections": {name: int((pool == i).sum()) for i, name in enumerate(pools)},
        "rated_pieces": {name: int((rated & (data.piece_pool == i)).sum()) for i, name in enumerate(pools)},
        "used_for": "'klangbild data prepare notes' of folders in which people rated fewer than eight pieces",
        "command": command,
        "split": "none: it says what labels the training got, so held-out pieces and ratings are in it",
        "limits": "valence is fitted on rated solo piano and means mode and harmony more than drive; "
        "both are places among the music it was fitted on, and no listener heard it",
    }


def write_card(data: NoteData, path: Path, command: str) -> None:
    """The card beside a labelling's file, as .json."""
    text = json.dumps(card(data, path, command), indent=1, ensure_ascii=False) + "\n"
    atomic_write(path.with_suffix(".json"), text.encode())


def _mixtures(features: np.ndarray, weights: list[np.ndarray]) -> list[np.ndarray]:
    """Weights of the sections (n,) in the two mixtures, from those of each set; of all sets where none is of the kind."""
    velocity = features[:, FEATURES.index("velocity")]
    with_drums = [w for w in weights if has_drums(features[w > 0])]
    # a score without dynamics, all at one velocity, cannot say how loud loud is
    dynamic = [w for w in weights if np.ptp(np.percentile(velocity[w > 0], (5, 95))) > 1.0]
    without = [w for w in dynamic if not has_drums(features[w > 0])]
    return [np.sum(chosen or weights, axis=0) for chosen in (with_drums, without)]


def _crowd(features: np.ndarray, weights: np.ndarray, coefficients: np.ndarray) -> tuple:
    """Sections (n, F) and their weights (n,) -> the fields of a `Labelling` from `feature_quantiles` on."""
    table = _quantiles(features, weights).astype(np.float16)
    ranked = _ranked(features, table)
    raw = _raw_scores(ranked, coefficients)
    center = np.average(raw, axis=1, weights=weights)
    spread = np.maximum(np.sqrt(np.average((raw - center[:, None]) ** 2, axis=1, weights=weights)), 1e-9)
    drums = has_drums(features)
    valence, arousal = _mixed(raw, center, spread, drums), arousal_score(ranked)
    centered = arousal - np.average(arousal, weights=weights)
    slope = np.average(valence * centered, weights=weights) / max(np.average(centered**2, weights=weights), 1e-9)
    scores = _quantiles(np.stack([valence - slope * arousal, arousal], axis=1), weights)
    return table, *(x.astype(np.float32) for x in (center, spread, slope)), drums, scores.astype(np.float32)


def _quantiles(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n, k), weights (n,) -> (k, N_LEVELS)."""
    out = np.empty((columns.shape[1], N_LEVELS))
    for row, values in enumerate(columns.T):
        order = np.argsort(values, kind="stable")
        reached = np.cumsum(weights[order])
        middle = reached - weights[order] / 2.0
        out[row] = np.interp(np.linspace(0.0, reached[-1], N_LEVELS), middle, values[order])
    return out


def _ranked(features: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    table = quantiles.astype(np.float64)
    return np.stack([_place(features[:, i], table[i]) for i in range(len(FEATURES))], axis=1)


def _raw_scores(ranked: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """(2, n): the ridge's and the drive's."""
    return np.stack([ranked[:, ridge_columns()] @ coefficients[:-1] + coefficients[-1], drive_score(ranked)])


def _mixed(raw: np.ndarray, center: np.ndarray, spread: np.ndarray, drums: bool) -> np.ndarray:
    ridge, drive = (raw - center[:, None]) / spread[:, None]
    return RIDGE_SHARE * ridge + (1.0 - RIDGE_SHARE) * drive if drums else ridge


def _place(values: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Where values stand among even quantiles, in [-1, 1]; a run of equal quantiles is met in its middle.

    A feature that hardly varies there (one velocity for all notes) says nothing, and is 0 for everyone, as its ranks were.
    """
    if quantiles[2] == quantiles[-3]:
        return np.zeros(len(values))
    levels = np.linspace(-1.0, 1.0, len(quantiles))
    values = np.asarray(values, np.float64)
    above = np.interp(values, quantiles, levels)
    below = -np.interp(-values, -quantiles[::-1], levels)
    return (above + below) / 2.0
