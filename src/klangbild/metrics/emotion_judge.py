"""The judge: how positive and how excited does music sound, read from its notes, by data that did not make the labels?

The pseudo-labels that our models are trained on come from a formula (arousal) and a ridge (valence) fitted on rated piano
music. Reading generated music back with the same formula would be circular. A judge is another ridge on other features'
weights, fitted on **one** rated corpus alone (`measure/judges/judge_train.py`); it may judge models whose labels left that corpus out.
Two judges ship, so that one corpus can be left out on either side:

    emopia    1,078 piano clips with quadrants; fitted on the official train part, tested on val and test
    vgmidi    200 piano pieces of game music with valence and arousal of ~30 raters; tested by 10-fold cross-validation

Conventions
    An 8-bar section's features become percentiles (-1..1) within real music of its kind (`KINDS`: "solo" with one family,
    "band" with more), since a dense piano piece is a sparse band piece; a linear reader gives a score; the score becomes its
    percentile within real music of that kind: -1..1, uniform over real music, the plane on which music is asked for. A piece
    is the mean of its sections' scores. NaN for music with fewer than 20 notes.
    The judge's own accuracy (`accuracy`) belongs beside every number it gives.

Metrics
    read_sections, read_piece    valence and arousal, -1..1.
    hear                         the mean of the judges that ship; `own_error` says how far it is from listeners.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.metrics.bar_grid import BarGrid, bar_grid
from klangbild.metrics.sections import section_features
from klangbild.music.piece import Piece
from klangbild.music.section_features import FEATURES
from klangbild.shipped import weights_folder

KINDS = ("solo", "band")
JUDGES = ("emopia", "vgmidi")
FEATURES_FILE = "judge-emotion.npz"


@dataclass(frozen=True)
class Judge:
    """columns (d,) of `FEATURES` that are used. knots (2, d, k): quantiles of each feature, of solo and of band music.
    weights (2, d), bias (2,): of valence and arousal. score_knots (2, 2, k): quantiles of the scores, kind x axis.
    card: what it was fitted on and how well it does, from its weights' file.
    """

    name: str
    columns: np.ndarray
    knots: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    score_knots: np.ndarray
    card: dict[str, Any]

    @property
    def accuracy(self) -> str:
        """One line to stand beside every score."""
        return str(self.card["accuracy_in_words"])

    def percentiles(self, features: np.ndarray, kind: int) -> np.ndarray:
        """Raw features (n, F) -> (n, d) percentiles -1..1 within real music of a kind."""
        return np.stack([_percentile(features[:, c], self.knots[kind, i]) for i, c in enumerate(self.columns)], axis=1)

    def scores(self, features: np.ndarray, kind: int) -> np.ndarray:
        """(n, F) -> (n, 2) valence and arousal, -1..1, of each section."""
        raw = self.percentiles(features, kind) @ self.weights.T + self.bias
        return np.stack([_percentile(raw[:, a], self.score_knots[kind, a]) for a in range(2)], axis=1)


def _percentile(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Where values lie between quantiles: -1 at the lowest, 1 at the highest; the middle of equal quantiles."""
    levels = np.linspace(-1, 1, len(knots))
    unique, inverse, counts = np.unique(knots, return_inverse=True, return_counts=True)
    return np.interp(values, unique, np.bincount(inverse, weights=levels) / counts)


def load_judge(name: str = "emopia", *, path: Path | None = None) -> Judge:
    """A judge that ships, or one from a file of `klangbild measure judge`.

    Raises:
        UsageError: an unknown name. NotAvailableError: the weights are not in this installation. InputError: damaged.
    """
    if name not in JUDGES:
        raise UsageError(f"--judge {name}: there is no such judge; choose from {', '.join(JUDGES)}")
    file = path or weights_folder() / FEATURES_FILE
    if not file.is_file():
        raise NotAvailableError(f"{file}: the judge's weights are not here; fit one with 'klangbild measure judge'")
    try:
        with np.load(file, allow_pickle=False) as archive:
            cards = json.loads(str(archive["cards"]))
            if list(archive["features"]) != list(FEATURES):
                raise InputError(f"{file}: was fitted on other features; fit it again with 'klangbild measure judge'")
            arrays = {key: archive[f"{name}_{key}"] for key in ("columns", "knots", "weights", "bias", "score_knots")}
    except (ValueError, KeyError, OSError) as error:
        raise InputError(f"{file}: is not a judge of ours ({error}); fit one with 'klangbild measure judge'") from None
    return Judge(name, card=cards[name], **arrays)


def kind_of(piece: Piece) -> int:
    """0 for one family (solo), 1 for more (band)."""
    return int(len(piece.families) > 1)


def read_sections(judge: Judge, grid: BarGrid) -> np.ndarray:
    """(sections, 2) valence and arousal of a piece's 8-bar sections; a short piece is one section."""
    features = section_features(grid)[:, : len(FEATURES)]
    if not len(features):
        return np.zeros((0, 2))
    return judge.scores(features, kind_of(grid.piece))


def read_piece(judge: Judge, piece: Piece | BarGrid) -> tuple[float, float]:
    """(valence, arousal), -1..1; NaN for music with too few notes to read."""
    grid = piece if isinstance(piece, BarGrid) else bar_grid(piece)
    read = read_sections(judge, grid)
    return (float("nan"), float("nan")) if not len(read) else (float(read[:, 0].mean()), float(read[:, 1].mean()))


@lru_cache(maxsize=1)
def shipped_judges() -> tuple[Judge, ...]:
    """The judges that ship. Raises as `load_judge`."""
    return tuple(load_judge(name) for name in JUDGES)


def own_error() -> Emotion:
    """How far, on either axis, the mean of the judges that ship is from listeners: mean |read - rated| over VGMIDI's rated pieces,
    both as places from -1 to 1 among them, the pieces of the judge of that corpus held out. Blind answers would give .5."""
    return Emotion(**shipped_judges()[-1].card["error_of_all"])


def hear(piece: Piece) -> Emotion | None:
    """What the judges that ship hear in a piece on the mean, rounded to 1/1000; None: too few notes to read."""
    grid = bar_grid(piece)
    read = np.mean([read_piece(judge, grid) for judge in shipped_judges()], axis=0)
    if not np.isfinite(read).all():
        return None
    return Emotion(*(round(float(np.clip(axis, -1.0, 1.0)), 3) for axis in read))


def evaluate(judge: Judge, grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    valence, arousal = read_piece(judge, grid)
    return OrderedDict(valence_read=valence, arousal_read=arousal)
