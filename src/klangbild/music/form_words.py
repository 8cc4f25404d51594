"""The form of a piece in words, read from its notes: who begins, who enters and leaves when, and whether it slows down at its end."""

from __future__ import annotations

import numpy as np

from klangbild.music.piece import Piece
from klangbild.music.timing import without_ritardando

SHORTEST = 8
"""Bars below which a piece has no form to tell."""
_OPENING_BARS, _CLOSING_BARS = 2, 2


def form_words(piece: Piece) -> str:
    """One line; "" where there is nothing to tell.

    >>> from klangbild.music.piece import Track, make_notes
    >>> played = {"piano": range(0, 40), "bass": range(16, 40), "drums": range(16, 28)}
    >>> tracks = [Track(n, 0, make_notes(b, [1] * len(b), [50] * len(b), [80] * len(b))) for n, b in played.items()]
    >>> form_words(Piece(tuple(tracks), length_beats=40.0))
    'begins with the piano alone; drums and bass enter at 0:08; drums leave at 0:14'
    """
    starts = np.array(piece.bar_starts())
    families = piece.by_family()
    if len(starts) < SHORTEST or not families:
        return ""
    bars = {name: np.searchsorted(starts, notes["onset"] + 1e-6, side="right") - 1 for name, notes in families.items()}
    lines = []
    begins = [name for name, bar in bars.items() if bar[0] < _OPENING_BARS]
    if 0 < len(begins) < len(bars):
        lines.append(f"begins with {_names(begins)}" if len(begins) > 1 else f"begins with the {begins[0]} alone")
    lines += _changes(piece, starts, "enter", {name: int(bar[0]) for name, bar in bars.items() if name not in begins})
    closing = len(starts) - 1 - _CLOSING_BARS
    lines += _changes(
        piece, starts, "leave", {name: int(bar[-1]) + 1 for name, bar in bars.items() if bar[-1] < closing}
    )
    if without_ritardando(piece) is not piece:
        lines.append("slows down at the end")
    return "; ".join(lines)


def _changes(piece: Piece, starts: np.ndarray, verb: str, at: dict[str, int]) -> list[str]:
    """{family: bar} -> a line for each of these bars, in order."""
    lines = []
    for bar in sorted(set(at.values())):
        names = [name for name, other in at.items() if other == bar]
        seconds = int(piece.beats_to_seconds(starts[bar]))
        plural = len(names) > 1 or (names[0].endswith("s") and names[0] != "bass")
        lines.append(f"{_names(names)} {verb}{'' if plural else 's'} at {seconds // 60}:{seconds % 60:02d}")
    return lines


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
