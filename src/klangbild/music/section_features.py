"""Thirty numbers that say how a stretch of music goes: pace, loudness, length, mode, harmony, register, rhythm.

They are measured on 8-bar sections, kept raw in the prepared file, and make the pseudo-labels of emotion. Seconds come
from the piece's tempo map; beats are quarter notes.

Sources of the choice: Livingstone et al. (2010), "Changing musical emotion"; Gabrielsson and Lindström (2010), "The role
of structure in the musical expression of emotions"; Krumhansl (1990) for the fits of the mode.
"""

from __future__ import annotations

import numpy as np

from klangbild.music.key import key_fits, pitch_class_histogram
from klangbild.music.piece import Piece

FEATURES: tuple[str, ...] = (
    "notes_per_s", "drums_per_s", "pitched_per_s", "notes_per_s_per_family", "onsets_per_s", "bpm",
    "velocity", "velocity_sd", "log_length_s", "log_length_beats", "staccato",
    "pitch", "pitch_sd", "pitch_high", "pitch_low", "melody_pitch", "melody_leap",
    "polyphony", "families", "major_fit", "minor_fit", "majorness", "key_clarity",
    "major_triads", "minor_triads", "other_triads", "chord_changes", "pitch_class_entropy", "dissonance", "offbeat",
)  # fmt: skip
PERCUSSION_FEATURES = ("drums_per_s", "bpm", "notes_per_s_per_family", "velocity_sd", "families", "offbeat")
"""Left out where a judge must serve solo piano too: absent there, or constant in one of the labelled sets."""
_TRIADS = np.zeros((12, 36))
for _root in range(12):
    for _kind, _steps in enumerate(((0, 4, 7), (0, 3, 7), (0, 3, 6))):
        _TRIADS[[(_root + s) % 12 for s in _steps], 12 * _kind + _root] = 1.0 / 3.0
_HARSH = (1, 2, 6, 10, 11)


class NoteTable:
    """A piece's notes as flat columns sorted by onset, made once and cut into sections."""

    def __init__(self, piece: Piece) -> None:
        by_family = piece.by_family()
        notes = list(by_family.values())
        index = [np.full(len(n), i) for i, n in enumerate(notes)]
        drums = [np.full(len(n), name == "drums") for name, n in by_family.items()]
        self.notes = np.concatenate(notes) if notes else np.zeros(0, [("onset", "f8"), ("duration", "f8")])
        order = np.argsort(self.notes["onset"], kind="stable")
        self.notes = self.notes[order]
        self.family = np.concatenate(index)[order] if notes else np.zeros(0, int)
        self.drum = np.concatenate(drums)[order] if notes else np.zeros(0, bool)
        self.piece = piece
        self.start_s = piece.beats_to_seconds(self.notes["onset"])
        self.end_s = piece.beats_to_seconds(self.notes["onset"] + self.notes["duration"])

    def features(self, start_beat: float, end_beat: float) -> np.ndarray:
        """The notes that start in [start_beat, end_beat) -> (len(FEATURES),) float32; zeros if there are none."""
        lo, hi = np.searchsorted(self.notes["onset"], (start_beat - 1e-6, end_beat - 1e-6))
        begin_s, finish_s = self.piece.beats_to_seconds([start_beat, end_beat])
        seconds = max(float(finish_s - begin_s), 0.1)
        if hi == lo:
            return np.zeros(len(FEATURES), np.float32)
        notes, drum, family = self.notes[lo:hi], self.drum[lo:hi], self.family[lo:hi]
        pitched = notes[~drum]
        length_s = (self.end_s - self.start_s)[lo:hi][~drum]
        row = dict.fromkeys(FEATURES, 0.0)
        onsets = np.unique(np.rint(notes["onset"] * 24.0)) / 24.0
        n_families = len(np.unique(family))
        row.update(
            notes_per_s=len(notes) / seconds,
            drums_per_s=drum.sum() / seconds,
            pitched_per_s=len(pitched) / seconds,
            notes_per_s_per_family=len(notes) / seconds / n_families,
            onsets_per_s=len(onsets) / seconds,
            bpm=60.0 * (end_beat - start_beat) / seconds,
            velocity=notes["velocity"].mean(),
            velocity_sd=notes["velocity"].std(),
            families=n_families,
            offbeat=float((np.abs(onsets - np.rint(onsets)) > 0.06).mean()),
        )
        if len(pitched):
            row.update(_of_pitched(pitched, length_s, start_beat, end_beat, seconds))
        return np.array([row[name] for name in FEATURES], np.float32)


def _of_pitched(notes: np.ndarray, length_s: np.ndarray, start: float, end: float, seconds: float) -> dict[str, float]:
    pitch = notes["pitch"].astype(np.float64)
    histogram = pitch_class_histogram(notes)
    fits = key_fits(histogram)
    high = np.r_[True, np.diff(np.rint(notes["onset"] * 24.0)) > 0]
    tops = np.maximum.reduceat(pitch, np.flatnonzero(high))  # the highest note of each onset: roughly the tune
    share = histogram[histogram > 0]
    chroma = _chroma_per_beat(notes, start, end)
    sounding = chroma.sum(axis=1) > 0
    triads = np.zeros(3)
    changes = 0.0
    harsh = 0.0
    if sounding.any():
        weights = chroma[sounding] / chroma[sounding].sum(axis=1, keepdims=True)
        best = (weights @ _TRIADS).argmax(axis=1)
        triads = np.bincount(best // 12, minlength=3) / len(best)
        changes = float((np.diff(best) != 0).sum()) / seconds
        pairs = sum((weights * np.roll(weights, -step, axis=1)).sum(axis=1) for step in _HARSH)
        harsh = float(pairs.mean())
    return {
        "log_length_s": float(np.log(np.maximum(length_s, 0.01)).mean()),
        "log_length_beats": float(np.log(np.maximum(notes["duration"], 0.01)).mean()),
        "staccato": float((length_s < 0.15).mean()),
        "pitch": pitch.mean(),
        "pitch_sd": pitch.std(),
        "pitch_high": float(np.percentile(pitch, 95)),
        "pitch_low": float(np.percentile(pitch, 5)),
        "melody_pitch": tops.mean(),
        "melody_leap": float(np.abs(np.diff(tops)).mean()) if len(tops) > 1 else 0.0,
        "polyphony": float(length_s.sum() / seconds),
        "major_fit": float(fits[0].max()),
        "minor_fit": float(fits[1].max()),
        "majorness": float(fits[0].max() - fits[1].max()),
        "key_clarity": float(fits.max()),
        "major_triads": triads[0],
        "minor_triads": triads[1],
        "other_triads": triads[2],
        "chord_changes": changes,
        "pitch_class_entropy": float(-(share * np.log2(share)).sum()) if len(share) else 0.0,
        "dissonance": harsh,
    }


def _chroma_per_beat(notes: np.ndarray, start: float, end: float) -> np.ndarray:
    """(beats, 12): how long each pitch class sounds within each beat (a note counts for at most 8 beats)."""
    beats = max(int(np.ceil(end - start)), 1)
    chroma = np.zeros((beats, 12))
    onset = notes["onset"] - start
    finish = onset + np.minimum(notes["duration"], 8.0)
    first = np.floor(onset).astype(int)
    for step in range(9):
        beat = first + step
        overlap = np.minimum(finish, beat + 1) - np.maximum(onset, beat)
        inside = (overlap > 0) & (beat < beats) & (beat >= 0)
        if not inside.any():
            break
        np.add.at(chroma, (beat[inside], notes["pitch"][inside] % 12), overlap[inside])
    return chroma
