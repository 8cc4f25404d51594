"""Writing: can the instruments play what is written for them?

Conventions
    A track is one instrument, by its General MIDI program (0-based). An onset is a step of a twelfth of a beat; a *chord* is
    two pitches or more at one onset, a *triad* three pitch classes or more. Something written now and then is no fault (a double
    stop, a grace note): a part is counted where more than a tenth of its onsets are so.

Metrics (of one piece; NaN without pitched notes)
    chords_of_solos    1 where winds (64-79), solo brass (56-60) or solo strings (40-43) play chords.
    distorted_triads   1 where an overdriven or distorted guitar (29, 30) plays triads.
    bass_below_e1      1 where a bass (32-39) plays more than a tenth of its notes below E1 (MIDI 28).
    out_of_range       1 where more than a tenth of the notes of a wind, brass or string instrument lie outside its range.
    Source: ours; ranges as in Adler, The Study of Orchestration (2002), sounding pitch.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import BarGrid
from klangbild.music.programs import DISTORTED, E1, RANGES, SOLOS

OFTEN = 0.1


def at_once(notes: np.ndarray, *, classes: bool) -> np.ndarray:
    """Notes of one part (n,) -> different pitches (or pitch classes) at each of its onsets, (onsets,)."""
    pitch = notes["pitch"] % 12 if classes else notes["pitch"]
    pairs = np.unique(np.stack([notes["step"], pitch], axis=1), axis=0)
    return np.unique(pairs[:, 0], return_counts=True)[1]


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    out = OrderedDict.fromkeys(("chords_of_solos", "distorted_triads", "bass_below_e1", "out_of_range"), float("nan"))
    pitched = grid.pitched
    if not len(pitched):
        return out
    out.update(dict.fromkeys(out, 0.0))
    for number in np.unique(pitched["part"]).tolist():
        track, notes = grid.piece.tracks[number], pitched[pitched["part"] == number]
        found = {
            "chords_of_solos": track.program in SOLOS and (at_once(notes, classes=False) >= 2).mean() > OFTEN,
            "distorted_triads": track.program in DISTORTED and (at_once(notes, classes=True) >= 3).mean() > OFTEN,
            "bass_below_e1": track.family == "bass" and (notes["pitch"] < E1).mean() > OFTEN,
        }
        if track.program in RANGES:
            low, high = RANGES[track.program]
            found["out_of_range"] = ((notes["pitch"] < low) | (notes["pitch"] > high)).mean() > OFTEN
        for name, yes in found.items():
            out[name] = max(out[name], float(yes))
    return out
