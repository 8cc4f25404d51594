"""How well a piece fits what was asked: emotion read back from its notes, and plain musical checks.

Used to choose among `--candidates`. Read-back here is two formulas of the notes study, not a judge: arousal from how much
happens (notes per second, loudness, brevity), valence from how much more major than minor it is. Each is put on -1..1 through
the quantiles of the training sections (`ANCHORS`).

References: key profiles as in `notes.key`; for rate, loudness and articulation as arousal cues, Gabrielsson & Lindstrom (2010),
"The role of structure in the musical expression of emotions".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from itertools import pairwise

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.key import key_fits, pitch_class_histogram
from klangbild.music.piece import Piece

# 5 %, 25 %, 50 %, 75 %, 95 % of 3,000 training sections of eight bars, drawn from all sets
ANCHORS = {
    "notes_per_second": (3.7, 6.3, 9.9, 17.6, 35.0),
    "velocity": (47.0, 77.0, 88.0, 96.0, 112.0),
    "log_length_s": (-2.12, -1.62, -1.16, -0.75, -0.20),
    "majorness": (-0.26, -0.09, 0.095, 0.23, 0.34),
}
_LEVELS = np.array([-0.9, -0.5, 0.0, 0.5, 0.9])


@dataclass(frozen=True)
class Score:
    """emotion_fit 0..1 (1 = asked and read agree), variety 0..1, harmony 0..1; total is what candidates are ranked by."""

    valence_read: float
    arousal_read: float
    emotion_fit: float
    variety: float
    harmony: float
    total: float

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def read_back(piece: Piece) -> tuple[float, float]:
    """(valence, arousal) in [-1, 1] from the notes alone."""
    notes = np.concatenate([track.notes for track in piece.tracks])
    pitched = [track.notes for track in piece.tracks if not track.is_drum]
    pitched = np.concatenate(pitched) if pitched else notes[:0]
    seconds = max(piece.seconds, 1e-3)
    scale = seconds / max(piece.end_beats, 1e-3)
    lengths = np.log(np.maximum(pitched["duration"] * scale, 1e-2)) if len(pitched) else np.array([-1.25])
    fits = key_fits(pitch_class_histogram(pitched))
    arousal = np.mean([
        _on_scale("notes_per_second", len(notes) / seconds),
        _on_scale("velocity", float(notes["velocity"].mean())),
        -_on_scale("log_length_s", float(lengths.mean())),
    ])  # fmt: skip
    return _on_scale("majorness", float(fits[0].max() - fits[1].max())), float(np.clip(arousal * 1.5, -1, 1))


def score_piece(piece: Piece, asked: Emotion) -> Score:
    """How well `piece` fits `asked` (music's plane), and whether it is musically sound."""
    valence, arousal = read_back(piece)
    distance = np.hypot(valence - asked.valence, arousal - asked.arousal)
    fit = float(1.0 - min(distance / 2.0, 1.0))
    variety, harmony = _variety(piece), _harmony(piece)
    return Score(valence, arousal, fit, variety, harmony, 0.6 * fit + 0.2 * variety + 0.2 * harmony)


def score_course(piece: Piece, asked: Sequence[tuple[float, Emotion]]) -> Score:
    """As `score_piece`, of a piece of which these emotions were asked from these beats on: the mean of its stretches."""
    if len(asked) == 1:
        return score_piece(piece, asked[0][1])
    ends = [beat for beat, _ in asked[1:]] + [piece.end_beats + 1.0]
    parts = [(piece.between(beat, end), emotion) for (beat, emotion), end in zip(asked, ends, strict=True)]
    scores = [astuple(score_piece(part, emotion)) for part, emotion in parts if part.n_notes]
    return Score(*np.mean(scores, axis=0).tolist())


def _on_scale(name: str, value: float) -> float:
    return float(np.interp(value, ANCHORS[name], _LEVELS))


def _variety(piece: Piece) -> float:
    """Share of bars that differ from the bar before, each taken as its set of (position, pitch)."""
    starts = piece.bar_starts()
    contents = []
    for start, end in zip(starts, [*starts[1:], piece.end_beats], strict=True):
        inside = set()
        for track in piece.tracks:
            notes = track.notes[(track.notes["onset"] >= start - 1e-6) & (track.notes["onset"] < end - 1e-6)]
            inside |= {(track.family, round((n["onset"] - start) * 12), int(n["pitch"])) for n in notes}
        contents.append(inside)
    if len(contents) < 2:
        return 1.0
    changed = [a != b and bool(b) for a, b in pairwise(contents)]
    return float(np.mean(changed))


def _harmony(piece: Piece) -> float:
    """Share of pitched note time inside the seven-note scale that fits best."""
    pitched = [track.notes for track in piece.tracks if not track.is_drum and len(track.notes)]
    if not pitched:
        return 1.0
    histogram = pitch_class_histogram(np.concatenate(pitched))
    scale = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1])
    return float(max(histogram @ np.roll(scale, tonic) for tonic in range(12)))
