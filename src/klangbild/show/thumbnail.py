"""The picture small on the sheet: its own shape, its five main colors under it, and with `--gaze` the places looked at, numbered in order.

The same numbers stand at the time axis where the music is at each place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PIL import Image

from klangbild.picture.picture import Picture
from klangbild.show.canvas import INK, LINE, PANEL, Canvas

Gaze = Sequence[tuple[float, float, float]]
"""When (seconds) the music is where in the picture: x from the left, y from the top, in shares of its sides."""
_RADIUS = 10.0


def draw_picture(canvas: Canvas, picture: Picture, x: float, y: float, height: float, gaze: Gaze = ()) -> float:
    """At most `height` high and 430 wide, with the colors below in 15 pixels; returns its width."""
    image = Image.fromarray(picture.rgb)
    shape = min(max(image.width / image.height, 0.25), 4.0)
    high = min(height, 430 / shape)
    wide = max(high * shape, 24)
    canvas.paste(image, x, y, wide, high)
    canvas.rectangle(x, y, x + wide, y + high, outline=LINE)
    tiny = image.convert("RGB").resize((64, 64), Image.Resampling.BOX)
    reduced = tiny.quantize(5, method=Image.Quantize.MEDIANCUT)
    palette = reduced.getpalette()
    counts = sorted(reduced.getcolors(), reverse=True)
    for index, (_, entry) in enumerate(counts):
        x0, x1 = (x + wide * k / len(counts) for k in (index, index + 1))
        canvas.rectangle(x0, y + high + 7, x1, y + high + 15, fill=tuple(palette[3 * entry : 3 * entry + 3]))
    _draw_way(canvas, gaze, x, y, wide, high)
    return wide


def draw_gaze_times(canvas: Canvas, gaze: Gaze, x_of_seconds: Callable[[float], float], y: float, end: float) -> None:
    """Each place's number at height y, where the music comes to it; end: the piece's seconds."""
    for number, (seconds, _, _) in enumerate(gaze, start=1):
        if seconds < end:
            _draw_number(canvas, x_of_seconds(seconds), y, number, _RADIUS * 0.8)


def _draw_way(canvas: Canvas, gaze: Gaze, x: float, y: float, wide: float, high: float) -> None:
    """The places and the way between them; a place at the edge keeps its whole disc inside where there is room."""
    inset = min(_RADIUS + 1, wide / 2, high / 2)
    places = [
        (
            min(max(x + wide * across, x + inset), x + wide - inset),
            min(max(y + high * down, y + inset), y + high - inset),
        )
        for _, across, down in gaze
    ]
    if len(places) > 1:  # light on dark, so that it is seen on any picture
        canvas.line(places, fill=INK, line=4)
        canvas.line(places, fill=PANEL, line=2)
    for number, place in enumerate(places, start=1):
        _draw_number(canvas, *place, number, _RADIUS)


def _draw_number(canvas: Canvas, x: float, y: float, number: int, radius: float) -> None:
    canvas.ellipse(x, y, radius, radius, fill=INK, outline=PANEL, line=1.5)
    canvas.text(x, y, str(number), size=radius * 1.25, fill=PANEL, anchor="mm", bold=True)
