"""Validity: can a MIDI file be opened, and would a DAW play it as it is meant?

Conventions
    A complaint is a plain sentence; a valid file has none. Files are parsed with our reader, whose errors count.

Metrics
    complaints    no notes; a note longer than the piece or beyond its end; the same pitch struck twice at once in one
                  track; a tempo outside 10..400 bpm; pitches or velocities outside MIDI's range cannot be written at all.
    valid         1 or 0.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.music.midi import read_midi
from klangbild.music.piece import Piece

SLOWEST_BPM, FASTEST_BPM = 10.0, 400.0


def complaints(source: Piece | Path | bytes) -> list[str]:
    """What is wrong: empty when all is well."""
    if not isinstance(source, Piece):
        try:
            source = read_midi(source)
        except InputError as error:
            return [str(error)]
    found = []
    if not source.n_notes:
        return ["it has no notes"]
    for track in source.tracks:
        notes = track.notes
        if not (np.isfinite(notes["onset"]).all() and np.isfinite(notes["duration"]).all()):
            return [f"{track.family}: a note has no finite time"]
        if (notes["onset"] < 0).any() or (notes["duration"] <= 0).any():
            found.append(f"{track.family}: a note starts before the piece or lasts no time")
        if (notes["velocity"] < 1).any() or (notes["velocity"] > 127).any() or (notes["pitch"] > 127).any():
            found.append(f"{track.family}: pitch or velocity outside MIDI's range")
        order = np.lexsort((notes["onset"], notes["pitch"]))
        same = np.diff(notes["pitch"][order].astype(int)) == 0
        apart = np.diff(notes["onset"][order])
        if (same & (apart < 1e-6)).any():
            found.append(f"{track.family}: one key is struck twice at once")
    odd = [bpm for _, bpm in source.tempos if not SLOWEST_BPM <= bpm <= FASTEST_BPM]
    if odd:
        found.append(f"a tempo of {odd[0]:g} bpm")
    return found


def evaluate(source: Piece | Path | bytes) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    return OrderedDict(valid=float(not complaints(source)))
