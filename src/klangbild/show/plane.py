"""The emotion plane, drawn: where a picture lies between unpleasant and pleasant, calm and excited."""

from __future__ import annotations

import math

from klangbild.emotion.space import Emotion
from klangbild.show.canvas import FAINT, INK, LINE, PANEL, SOFT_INK, Canvas, blend, text_width

# the four quadrants, counter-clockwise from pleasant and excited
_TINTS = ("#f3b53f", "#d9534f", "#5476a8", "#5fa777")
_PICTURE, _ASKED = "#23262b", "#c2335b"


def tint_of(emotion: Emotion) -> str:
    """The color of the quarter of the plane that an emotion lies in."""
    pleasant, excited = emotion.valence >= 0, emotion.arousal >= 0
    return _TINTS[(0 if pleasant else 1) if excited else (3 if pleasant else 2)]


def draw_plane(
    canvas: Canvas, x: float, y: float, size: float, *, emotion: Emotion | None, asked: Emotion | None = None
) -> None:
    """Valence to the right, arousal upwards, in a square at (x, y). The picture's point is a full dot with the ellipse of
    its spread, the point the music was asked for is a ring; each has its name beside it."""
    half = size / 2
    for index, (dx, dy) in enumerate(((half, 0), (0, 0), (0, half), (half, half))):
        canvas.rectangle(x + dx, y + dy, x + dx + half, y + dy + half, fill=blend(_TINTS[index], PANEL, 0.13))
    for ring in (1 / 3, 2 / 3, 1):
        canvas.ellipse(x + half, y + half, half * ring, half * ring, outline=FAINT if ring < 1 else LINE)
    canvas.line([(x, y + half), (x + size, y + half)], fill=LINE)
    canvas.line([(x + half, y), (x + half, y + size)], fill=LINE)
    canvas.rectangle(x, y, x + size, y + size, outline=LINE)
    small = max(size / 20, 10)
    canvas.text(x + half, y - small * 0.6, "excited", size=small, fill=SOFT_INK, anchor="ms")
    canvas.text(x + half, y + size + small * 1.25, "calm", size=small, fill=SOFT_INK, anchor="ms")
    canvas.text(x + size + small * 0.5, y + half, "pleasant", size=small, fill=SOFT_INK, anchor="lm")
    canvas.text(x - small * 0.5, y + half, "unpleasant", size=small, fill=SOFT_INK, anchor="rm")

    def place(point: Emotion) -> tuple[float, float]:
        return x + half * (1 + point.valence), y + half * (1 - point.arousal)

    apart = bool(
        emotion and asked and math.hypot(emotion.valence - asked.valence, emotion.arousal - asked.arousal) > 0.02
    )
    if emotion:
        px, py = place(emotion)
        if emotion.valence_spread or emotion.arousal_spread:
            _ellipse_inside(canvas, x, y, size, px, py, half * emotion.valence_spread, half * emotion.arousal_spread)
    if apart:
        canvas.line([place(emotion), place(asked)], fill=blend(_ASKED, PANEL, 0.5), line=1.2)
    if asked and (apart or not emotion):
        ax, ay = place(asked)
        canvas.ellipse(ax, ay, 8, 8, outline=_ASKED, line=2.6, fill=PANEL)
        _name(
            canvas,
            x,
            size,
            ax,
            ay,
            f"asked: {asked.name}",
            fill=_ASKED,
            above=not emotion or asked.arousal >= emotion.arousal,
        )
    if emotion:
        canvas.ellipse(px, py, 7, 7, fill=_PICTURE)
        _name(canvas, x, size, px, py, emotion.name, fill=INK, above=not apart or emotion.arousal > asked.arousal)


def _ellipse_inside(canvas: Canvas, x, y, size, px, py, rx, ry) -> None:
    """The spread's ellipse, cut at the square's edges: dashed, so that it is not taken for a grid ring."""
    steps = 72
    points = [
        (
            min(max(px + rx * math.cos(2 * math.pi * k / steps), x), x + size),
            min(max(py + ry * math.sin(2 * math.pi * k / steps), y), y + size),
        )
        for k in range(steps + 1)
    ]
    for k in range(0, steps, 2):
        canvas.line(points[k : k + 2], fill=SOFT_INK, line=1.4)


def _name(canvas: Canvas, x: float, size: float, px: float, py: float, text: str, *, fill: str, above: bool) -> None:
    """A point's name above or below it, kept inside the square."""
    points = max(size / 16, 12)
    width = text_width(text, points)
    left = min(max(px - width / 2, x + 4), x + size - width - 4)
    canvas.text(left, py - 13 if above else py + 12 + points * 0.75, text, size=points, fill=fill, bold=True)
