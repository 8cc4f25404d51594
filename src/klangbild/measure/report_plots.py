"""The plots of a report, drawn with Pillow: small multiples of scores with intervals, and emotion planes asked against read.

Every plot is an image with a sentence that says what it shows, since a picture of numbers is no use to who cannot see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from klangbild.metrics.intervals import Estimate
from klangbild.show.canvas import FAINT, INK, LINE, PANEL, SOFT_INK, Canvas, shortened

COLOURS = ("#2f6fb0", "#c2335b", "#3a8f5c", "#c9981f", "#7a3b69", "#4aa3a2", "#5f676b", "#d9792b")
_CELL_W, _LINE_H = 360, 24


def small_multiples(
    sets: Mapping[str, Mapping[str, Estimate]], scores: Sequence[str], *, columns: int = 3
) -> Image.Image:
    """A panel for each score: a dot and its interval for each set, on the score's own scale."""
    names = list(sets)
    scores = [s for s in scores if any(s in sets[n] and np.isfinite(sets[n][s].value) for n in names)]
    height = 52 + _LINE_H * len(names)
    rows = -(-max(len(scores), 1) // columns)
    canvas = Canvas(columns * _CELL_W, rows * height + 10)
    for index, score in enumerate(scores):
        left, top = index % columns * _CELL_W + 10, index // columns * height + 10
        _panel(canvas, left, top, _CELL_W - 20, height - 12, score, [(n, sets[n].get(score)) for n in names])
    return canvas.finish()


def _panel(canvas: Canvas, x: float, y: float, width: float, height: float, score: str, rows) -> None:
    canvas.rectangle(x, y, x + width, y + height, fill=PANEL, outline=LINE, radius=4)
    canvas.text(x + 10, y + 20, score.replace("_", " "), size=13, bold=True)
    known = [e for _, e in rows if e is not None and np.isfinite(e.value)]
    ends = [v for e in known for v in (e.value, e.low, e.high) if np.isfinite(v)]
    low, high = min(ends), max(ends)
    pad = (high - low) * 0.06 or max(abs(high) * 0.1, 0.1)
    low, high = low - pad, high + pad
    left, right = x + 130, x + width - 14

    def place(value: float) -> float:
        return left + (right - left) * (value - low) / (high - low)

    bottom = y + height - 16
    for tick in (low + pad, high - pad):
        canvas.line([(place(tick), y + 30), (place(tick), bottom)], fill=FAINT)
        canvas.text(place(tick), bottom + 12, f"{tick:.3g}", size=10, fill=SOFT_INK, anchor="ms")
    for number, (name, estimate) in enumerate(rows):
        line = y + 40 + number * (bottom - y - 44) / max(len(rows), 1)
        colour = COLOURS[number % len(COLOURS)]
        canvas.text(x + 10, line + 4, shortened(name, 11, 112), size=11, fill=INK)
        if estimate is None or not np.isfinite(estimate.value):
            canvas.text(left, line + 4, "not measured", size=11, fill=SOFT_INK)
            continue
        if np.isfinite(estimate.low):
            canvas.line([(place(estimate.low), line), (place(estimate.high), line)], fill=colour, line=3)
        canvas.ellipse(place(estimate.value), line, 5, 5, fill=colour)


def emotion_planes(asked: np.ndarray, read: np.ndarray, *, title: str) -> Image.Image:
    """Asked (points, 2) on the left, read back (points, 2) on the right, each valence and arousal in -1..1; one colour a point asked, so that they can be followed."""
    size, gap, top = 400, 60, 60
    canvas = Canvas(2 * size + 3 * gap, size + top + 50)
    canvas.text(gap, 32, title, size=15, bold=True)
    for side, (points, name) in enumerate(((asked, "asked"), (read, "read back"))):
        x = gap + side * (size + gap)
        canvas.rectangle(x, top, x + size, top + size, fill=PANEL, outline=LINE)
        canvas.line([(x, top + size / 2), (x + size, top + size / 2)], fill=FAINT)
        canvas.line([(x + size / 2, top), (x + size / 2, top + size)], fill=FAINT)
        canvas.text(x + size / 2, top - 8, name, size=13, anchor="ms")
        canvas.text(
            x + size / 2, top + size + 18, "unpleasant - valence - pleasant", size=11, fill=SOFT_INK, anchor="ms"
        )
        for (v, a), point in zip(asked, points, strict=True):
            if np.isfinite(point).all():
                px = x + size * (1 + np.clip(point[0], -1, 1)) / 2
                py = top + size * (1 - np.clip(point[1], -1, 1)) / 2
                canvas.ellipse(px, py, 5, 5, fill=_plane_colour(v, a))
    return canvas.finish()


def _plane_colour(valence: float, arousal: float) -> tuple[int, int, int]:
    """Red for excited, blue for calm; more green where pleasant."""
    red = round(70 + 75 * (1 + np.clip(arousal, -1, 1)))
    green = round(50 + 60 * (1 + np.clip(valence, -1, 1)))
    return red, green, round(220 - 75 * (1 + np.clip(arousal, -1, 1)))
