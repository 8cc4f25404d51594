"""Where in the bar things happen: learnt odds of kick, snare, other drums, low and high notes by position.

They decide which of several readings of a pulse (how many pulses a beat, how many beats a bar, where the bar starts) is
the likeliest. A reading's score is the mean log-odds of the notes' positions plus the logarithm of the bar's length, as
longer bars leave each note more places to be in, plus a preference for usual tempi.

The table `bar-profiles.json` was counted in files whose own tempo map is right (`klangbild data bar-profiles`, in
`count_positions.py`): each row is the share of a channel's onsets at each of the bar's steps, every piece weighing alike.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

from klangbild.music.piece import Piece

STEPS_PER_BEAT = 12
CHANNELS = ("kick", "snare", "drum", "low", "high")
LOW_PITCH = 48
"""Notes below C3, or of the bass, count as low: they carry the harmony's root and the bar's start."""
USUAL_BPM, TEMPO_WIDTH = 112.0, 0.38
"""Tempo preference: a normal distribution of the tempo's logarithm (base 2)."""
_FLOOR = 2e-4


@dataclass(frozen=True)
class MeterReading:
    """One way to hear a pulse: `pulses_per_beat`, `beats_per_bar`, the pulse 0 <= `phase` that starts a bar; its score."""

    pulses_per_beat: int
    beats_per_bar: int
    phase: int
    score: float


def note_channels(piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """Onsets in beats (n,) and channel numbers (n,) of all notes."""
    onsets, channels = [], []
    for track in piece.tracks:
        pitch = track.notes["pitch"].astype(int)
        if track.is_drum:
            channel = np.where(np.isin(pitch, (35, 36)), 0, np.where((pitch >= 37) & (pitch <= 40), 1, 2))
        else:
            channel = np.where((pitch < LOW_PITCH) | (track.family == "bass"), 3, 4)
        onsets.append(track.notes["onset"])
        channels.append(channel)
    return np.concatenate(onsets), np.concatenate(channels)


@lru_cache(maxsize=1)
def _table() -> dict[int, np.ndarray]:
    text = (resources.files("klangbild.models.bars.data") / "bar-profiles.json").read_text(encoding="utf-8")
    return {int(beats): np.maximum(np.array(rows), _FLOOR) for beats, rows in json.loads(text).items()}


def _log_odds(beats: int, pulses: int) -> np.ndarray:
    """(channels, pulses * beats): log-odds at each pulse of a bar; a pulse between two steps has next to none."""
    table = _table()[beats]
    step = np.arange(pulses * beats) * STEPS_PER_BEAT / pulses
    whole = np.abs(step - np.rint(step)) < 1e-6
    picked = table[:, np.rint(step).astype(int) % table.shape[1]]
    return np.log(np.where(whole, picked, _FLOOR))


def best_reading(
    pulse: np.ndarray,
    channel: np.ndarray,
    pulses_per_s: float,
    *,
    pulses_per_beat: tuple[int, ...] = (2, 3, 4, 6, 8),
    beats_per_bar: tuple[int, ...] = (4, 3),
    likelihood_weight: float = 2.0,
    triple_prior: float = -0.35,
) -> MeterReading:
    """Notes at whole pulses (n,), their channels (n,), and the pulse's rate -> the likeliest reading.

    Raises:
        ValueError: no reading has a tempo of 45..210 bpm.
    """
    best: MeterReading | None = None
    for beats in beats_per_bar:
        for pulses in pulses_per_beat:
            bpm = 60.0 * pulses_per_s / pulses
            if not 45.0 <= bpm <= 210.0:
                continue
            bar = pulses * beats
            counts = np.zeros((len(CHANNELS), bar))
            np.add.at(counts, (channel, pulse % bar), 1.0)
            counts /= max(counts.sum(), 1.0)
            log_odds = _log_odds(beats, pulses)
            prior = -0.5 * (np.log2(bpm / USUAL_BPM) / TEMPO_WIDTH) ** 2 * 0.3
            prior += np.log(bar / pulses_per_s) * likelihood_weight + (triple_prior if beats == 3 else 0.0)
            for phase in range(bar):
                fit = float((np.roll(counts, -phase, axis=1) * log_odds).sum())
                score = likelihood_weight * fit + prior
                if best is None or score > best.score:
                    best = MeterReading(pulses, beats, phase, score)
    if best is None:
        raise ValueError(f"no usual tempo fits a pulse of {pulses_per_s:.2f} a second")
    return best
