"""A set of pieces as all note metrics see it: scores of each piece, its distributions, its sections.

Conventions
    `NoteSet.of` measures once; everything in a report is worked out from the set. Pieces without notes are not part of it:
    they are counted (`empty`). A reference set of held-out band music ships (`judge-reference.npz`), as numbers only: the
    notes cannot be got back from it.

Metrics
    of each piece     `PIECE_SCORES`; of a set: the mean, and the Kolmogorov distance of its values from the reference's,
                      0 (same distribution) .. 1 (no overlap). Massey (1951).
    of the set        overlap areas, Frechet music distance, the classifier's AUC.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.metrics import (
    distributions,
    empty_beats,
    groove_consistency,
    note_embedding,
    pitch_class_entropy,
    polyphony,
    real_or_generated,
    repetition,
    scale_consistency,
    structure,  # fmt: skip
)
from klangbild.metrics.bar_grid import BarGrid, bar_grid
from klangbild.metrics.frechet import frechet_distance
from klangbild.metrics.intervals import Estimate, bootstrap, centred_interval
from klangbild.metrics.note_embedding import NoteAxes
from klangbild.metrics.sections import Sections
from klangbild.music.piece import Piece
from klangbild.shipped import weights_folder
from klangbild.whole_files import atomic_npz

_MODULES = (pitch_class_entropy, scale_consistency, groove_consistency, empty_beats, polyphony, repetition, structure)
PIECE_SCORES = (
    "pitch_class_entropy", "scale_consistency", "groove_consistency", "empty_beat_rate", "polyphony", "polyphony_rate",
    "longest_loop", "hangs", "repeated_bars", "neighbour_similarity", "phrase_pulse", "return_similarity",
    "notes_per_second", "families",
)  # fmt: skip


RESAMPLES, FEW = 200, 60


@dataclass(frozen=True)
class NoteSet:
    """scores (pieces, len(PIECE_SCORES)), counts (pieces, distributions.WIDTH), sections; `empty` pieces left out."""

    scores: np.ndarray
    counts: np.ndarray
    sections: Sections
    empty: int = 0

    @staticmethod
    def of(pieces: Iterable[Piece]) -> NoteSet:
        """Measure pieces. Raises InputError: none of them has notes."""
        grids = [bar_grid(piece) for piece in pieces]
        sounding = [grid for grid in grids if len(grid.notes)]
        if not sounding:
            raise InputError(f"none of the {len(grids)} pieces has notes; give MIDI files with music in them")
        return NoteSet(
            np.array([list(piece_scores(grid).values()) for grid in sounding]),
            np.array([distributions.counts(grid) for grid in sounding]),
            Sections.of(sounding),
            len(grids) - len(sounding),
        )

    def __len__(self) -> int:
        return len(self.scores)

    def some(self, pieces: np.ndarray) -> NoteSet:
        """The set of some of its pieces (k,), by number; a number may come twice."""
        rows = [np.flatnonzero(self.sections.piece == p) for p in pieces]
        piece = np.concatenate([np.full(len(r), i) for i, r in enumerate(rows)])
        sections = Sections(self.sections.features[np.concatenate(rows)], piece)
        return NoteSet(self.scores[pieces], self.counts[pieces], sections)


def piece_scores(grid: BarGrid) -> OrderedDict[str, float]:
    """All single numbers of one piece with notes, in the order of `PIECE_SCORES`."""
    scores: OrderedDict[str, float] = OrderedDict()
    for module in _MODULES:
        scores.update(module.evaluate(grid))
    scores["notes_per_second"] = len(grid.notes) / max(grid.piece.seconds, 1e-3)
    scores["families"] = float(len(grid.piece.families))
    return scores


def kolmogorov_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest gap between the cumulative distributions of values (n,) and (m,), 0..1; NaN left out, NaN where one is empty.

    >>> kolmogorov_distance(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    1.0
    """
    a, b = (np.sort(values[np.isfinite(values)]) for values in (a, b))
    if not len(a) or not len(b):
        return float("nan")
    at = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, at, "right") / len(a) - np.searchsorted(b, at, "right") / len(b)).max())


def compare(
    generated: NoteSet, reference: NoteSet, axes: NoteAxes, *, seed: int = 0, classifier: bool = True
) -> OrderedDict[str, Estimate]:
    """All scores of a set by name, each with its interval (where one is worked out) over pieces."""
    out: OrderedDict[str, Estimate] = OrderedDict()
    draws = np.random.default_rng(seed).integers(0, len(generated), (RESAMPLES, len(generated)))
    for column, name in enumerate(PIECE_SCORES):
        out[name] = bootstrap(generated.scores[:, column])
        pair = generated.scores[:, column], reference.scores[:, column]
        drawn = [kolmogorov_distance(pair[0][draw], pair[1]) for draw in draws]
        distance = kolmogorov_distance(*pair)
        interval = centred_interval(distance, drawn) if len(generated) > 1 else (np.nan, np.nan)
        out[f"{name}_distance"] = Estimate(distance, *interval, len(generated))
    out.update(distributions.evaluate(generated.counts, reference.counts, seed=seed))
    pair = [axes.embed(s.sections) for s in (generated, reference)]
    if min(map(len, pair)) >= 2:
        for name, value in note_embedding.evaluate(*pair, seed=seed).items():
            out[name] = Estimate(value, np.nan, np.nan, len(pair[0]))
        rows = [np.flatnonzero(generated.sections.piece == p) for p in range(len(generated))]
        again = [np.concatenate([rows[i] for i in draw]) for draw in draws[:FEW]]
        drawn = [frechet_distance(pair[0][r], pair[1]) for r in again if len(r) >= 2]  # a piece may have no section
        value = out["frechet_music_distance"].value
        out["frechet_music_distance"] = Estimate(value, *centred_interval(value, drawn), len(generated))
    enough = min(len(np.unique(s.sections.piece)) for s in (generated, reference)) >= 2 * real_or_generated.FOLDS
    if classifier and enough:
        with suppress(NotAvailableError):  # without scikit-learn everything else stands
            out.update(real_or_generated.evaluate(generated.sections, reference.sections, seed=seed))
    return out


def reference_file() -> Path:
    return weights_folder() / "judge-reference.npz"


def save_reference(path: Path, reference: NoteSet, axes: NoteAxes) -> None:
    """Numbers of real music, half precision, at most some hundred KB."""
    atomic_npz(
        path,
        scores=reference.scores.astype(np.float32),
        counts=np.minimum(reference.counts, 65535).astype(np.uint16),
        features=reference.sections.features.astype(np.float16),
        piece=reference.sections.piece.astype(np.uint16),
        mean=axes.mean.astype(np.float32),
        scale=axes.scale.astype(np.float32),
        axes=axes.axes.astype(np.float32),
    )


def load_reference(path: Path | None = None) -> tuple[NoteSet, NoteAxes]:
    """The set that ships, or another file of `klangbild measure reference`.

    Raises:
        NotAvailableError: it is not in this installation. InputError: it is damaged.
    """
    path = path or reference_file()
    if not path.is_file():
        raise NotAvailableError(f"{path}: is not here; make it with 'klangbild measure reference'")
    try:
        with np.load(path, allow_pickle=False) as a:
            sections = Sections(a["features"].astype(np.float32), a["piece"].astype(int))
            note_set = NoteSet(a["scores"].astype(np.float64), a["counts"].astype(np.float64), sections)
            return note_set, NoteAxes(*(a[n].astype(np.float64) for n in ("mean", "scale", "axes")))
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{path}: is not a reference of ours ({error}); make it with 'klangbild measure reference'"
        ) from None
