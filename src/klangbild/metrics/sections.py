"""Sixty-one numbers of an 8-bar section: what the classifier, the note embedding and the emotion judge look at.

The first thirty are those of `data.section_features` (pace, loudness, length, mode, harmony, register, rhythm), the others
say which instruments play, how the rhythm is made, and how the bars of the section hang together.

Conventions
    Sections are cut every 8 bars from the start; a shorter rest is left out unless it is all there is.
    Sections with fewer than 20 notes are left out. Everything is relative to key and section, so that pieces in other keys
    compare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.metrics.bar_grid import GRID_DTYPE, STEPS_PER_BEAT, BarGrid
from klangbild.metrics.groove_consistency import groove_consistency
from klangbild.metrics.polyphony import sounding_notes
from klangbild.metrics.repetition import longest_loop, repeated_bars
from klangbild.metrics.structure import self_similarity, similarity_at
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.section_features import FEATURES, NoteTable

SECTION_BARS, MIN_NOTES = 8, 20
MORE: tuple[str, ...] = (
    *(f"share_{name}" for name in FAMILY_NAMES),
    "groove", "alike_1", "alike_2", "alike_4", "phrase", "bar_loop", "bars_repeated", "bar_density_sd", "bar_families_sd",
    "on_beat", "on_eighth", "on_sixteenth", "on_triplet", "polyphony_sd", "chord_size", "step_share", "leap_share",
    "same_pitch_share", "duration_entropy", "in_scale",
)  # fmt: skip
NAMES: tuple[str, ...] = (*FEATURES, *MORE)


@dataclass(frozen=True)
class Sections:
    """features (S, 61) float32 and the piece (S,) that each section is of."""

    features: np.ndarray
    piece: np.ndarray

    @staticmethod
    def of(grids: list[BarGrid]) -> Sections:
        """All sections of all pieces; a piece may have none."""
        tables = [section_features(grid) for grid in grids]
        piece = [np.full(len(table), number) for number, table in enumerate(tables)]
        return Sections(
            np.concatenate([np.zeros((0, len(NAMES)), np.float32), *tables]), np.concatenate([[], *piece]).astype(int)
        )


def section_features(grid: BarGrid) -> np.ndarray:
    """One piece -> (sections, 61) float32."""
    table = NoteTable(grid.piece)
    rows = []
    for first in range(0, max(grid.n_bars, 1), SECTION_BARS):
        last = min(first + SECTION_BARS, grid.n_bars)
        if last - first < SECTION_BARS and first > 0:
            break
        part = _part(grid, first, last)
        if len(part.notes) >= MIN_NOTES:
            begin, end = grid.starts[[first, last]] / STEPS_PER_BEAT
            rows.append(np.concatenate([table.features(begin, end), _more(part)]))
    features = np.array(rows, np.float32).reshape(-1, len(NAMES))
    # in the precision of the stored reference, which could else be known by its rounding alone
    return np.nan_to_num(features, nan=0.0).astype(np.float16).astype(np.float32)


def _part(grid: BarGrid, first: int, last: int) -> BarGrid:
    """Some bars as a grid of their own, from step 0 on."""
    notes = np.concatenate([np.zeros(0, GRID_DTYPE), *grid.bar_notes[first:last]])
    notes["step"] -= grid.starts[first]
    notes["bar"] -= first
    part = BarGrid(grid.piece, notes, grid.starts[first : last + 1] - grid.starts[first])
    return part


def _more(part: BarGrid) -> np.ndarray:
    notes, pitched = part.notes, part.pitched
    matrix = self_similarity(part)
    onsets = np.unique(notes["step"]) % STEPS_PER_BEAT
    per_bar = np.array([len(b) for b in part.bar_notes], float)
    families = np.array([len(np.unique(b["family"])) for b in part.bar_notes], float)
    row = {f"share_{name}": (notes["family"] == i).mean() for i, name in enumerate(FAMILY_NAMES)}
    row |= {
        "groove": groove_consistency(part),
        "alike_1": similarity_at(matrix, 1),
        "alike_2": similarity_at(matrix, 2),
        "alike_4": similarity_at(matrix, 4),
        "phrase": _phrase(matrix),
        "bar_loop": min(longest_loop(part), SECTION_BARS),
        "bars_repeated": repeated_bars(part),
        "bar_density_sd": per_bar.std() / max(per_bar.mean(), 1e-9),
        "bar_families_sd": families.std(),
        "on_beat": (onsets == 0).mean(),
        "on_eighth": (onsets == 6).mean(),
        "on_sixteenth": np.isin(onsets, (3, 9)).mean(),
        "on_triplet": np.isin(onsets, (2, 4, 8, 10)).mean(),
    }
    row |= dict.fromkeys(MORE[len(row) :], 0.0)
    if len(pitched):
        row |= _of_pitched(part, pitched)
    return np.array([row[name] for name in MORE])


def _phrase(matrix: np.ndarray) -> float:
    """How much more alike bars 2 and 4 apart are than bars 1 and 3 apart; 0 for too few bars."""
    if len(matrix) < 5:
        return 0.0
    return float(sum(sign * similarity_at(matrix, d) for d, sign in ((2, 0.5), (4, 0.5), (1, -0.5), (3, -0.5))))


def _of_pitched(part: BarGrid, pitched: np.ndarray) -> dict[str, float]:
    sounding = sounding_notes(part)
    moments, sizes = np.unique(pitched["step"], return_counts=True)
    tops = np.maximum.reduceat(pitched["pitch"], np.searchsorted(pitched["step"], moments))
    steps = np.abs(np.diff(tops)) if len(tops) > 1 else np.array([12])
    _, lengths = np.unique(pitched["length"], return_counts=True)
    share = lengths / lengths.sum()
    classes = np.bincount(pitched["pitch"] % 12, minlength=12) / len(pitched)
    white = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1])
    return {
        "polyphony_sd": float(sounding.std()),
        "chord_size": float(sizes.mean()),
        "step_share": float(((steps > 0) & (steps <= 2)).mean()),
        "leap_share": float((steps > 7).mean()),
        "same_pitch_share": float((steps == 0).mean()),
        "duration_entropy": float(-(share * np.log2(share)).sum()),
        "in_scale": float(max(classes @ np.roll(white, tonic) for tonic in range(12))),
    }
