"""The drums on a roll: a row and a shape for each kind of drum, so that a kit is read without knowing its MIDI keys."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from klangbild.show.canvas import Canvas


class DrumRow(NamedTuple):
    """name: as it stands beside the row. shape: of its hits, as `draw_hit` takes it. keys: General MIDI's."""

    name: str
    shape: str
    keys: frozenset[int]


_KNOWN = (
    DrumRow("cymbals", "cross", frozenset({49, 51, 52, 53, 55, 57, 59})),
    DrumRow("hi-hat", "cross", frozenset({42, 44, 46})),
    DrumRow("hand", "ring", frozenset({39, 54, 56, *range(58, 82)} - {59})),
    DrumRow("toms", "diamond", frozenset({41, 43, 45, 47, 48, 50})),
    DrumRow("snare", "square", frozenset({37, 38, 40})),
    DrumRow("kick", "disc", frozenset({35, 36})),
)


def drum_rows(notes: np.ndarray) -> list[DrumRow]:
    """The rows, from the top, that the notes of a kit (structured, (n,)) need."""
    played = set(notes["pitch"].tolist())
    known = [row for row in _KNOWN if played & row.keys]
    rest = played - frozenset().union(*(row.keys for row in _KNOWN))
    return [*known, DrumRow("other", "ring", frozenset(rest))] if rest else known


def draw_hit(canvas: Canvas, shape: str, x: float, y: float, r: float, fill: Any) -> None:
    """One stroke about (x, y), `r` pixels large."""
    if shape == "disc":
        canvas.ellipse(x, y, r, r, fill=fill)
    elif shape == "ring":
        canvas.ellipse(x, y, r * 0.9, r * 0.9, outline=fill, line=1.5)
    elif shape == "square":
        canvas.rectangle(x - r * 0.85, y - r * 0.85, x + r * 0.85, y + r * 0.85, fill=fill)
    elif shape == "diamond":
        canvas.polygon([(x, y - r * 1.15), (x + r * 1.15, y), (x, y + r * 1.15), (x - r * 1.15, y)], fill=fill)
    else:
        k = r * 0.75
        canvas.line([(x - k, y - k), (x + k, y + k)], fill=fill, line=1.5)
        canvas.line([(x - k, y + k), (x + k, y - k)], fill=fill, line=1.5)
