"""A piece as the live piano roll draws it: seconds, lanes by family, notes as small lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from klangbild.music.describe import main_meter, main_tempo
from klangbild.music.families import FAMILIES
from klangbild.music.piece import Piece


def roll_of(piece: Piece) -> dict[str, Any]:
    """{"seconds", "tempo" (bpm), "meter", "bars": [s, ...], "lanes": [{"family", "colour", "notes": [[onset_s, duration_s,
    pitch, velocity], ...]}]}: seconds rounded to milliseconds, families in their usual order."""
    notes_of = piece.by_family()
    lanes = []
    for family in FAMILIES:
        notes = notes_of.get(family.name)
        if notes is None:
            continue
        onset = piece.beats_to_seconds(notes["onset"])
        ends = piece.beats_to_seconds(notes["onset"] + notes["duration"])
        rows = zip(
            np.round(onset, 3).tolist(), np.round(ends - onset, 3).tolist(), notes["pitch"].tolist(),
            notes["velocity"].tolist(), strict=True,
        )  # fmt: skip
        lanes.append({"family": family.name, "colour": family.colour, "notes": [list(row) for row in rows]})
    bars = np.round(piece.beats_to_seconds(np.array(piece.bar_starts())), 3).tolist() if piece.n_notes else []
    numerator, denominator = main_meter(piece)
    return {
        "seconds": round(piece.seconds, 3) if piece.n_notes else 0.0,
        "tempo": round(main_tempo(piece), 2),
        "meter": f"{numerator}/{denominator}",
        "bars": bars,
        "lanes": lanes,
    }
