"""A sheet to draw on with Pillow alone: sizes in output pixels, drawn at twice the size and halved for smooth edges.

Colours here are the sheet's own: paper, ink, lines. The one font is the scalable one that Pillow carries, so that a
picture comes out the same on every machine.
"""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

PAPER = "#fbf9f5"
PANEL = "#ffffff"
INK = "#23262b"
SOFT_INK = "#5d626b"  # 6:1 on paper
LINE = "#d9d5cc"
FAINT = "#ebe8e1"
_SCALE = 2


class Canvas:
    """A sheet of `width` x `height` pixels. All coordinates and sizes are in pixels of the finished picture."""

    def __init__(self, width: int, height: int, *, background: str = PAPER):
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width * _SCALE, height * _SCALE), background)
        self.draw = ImageDraw.Draw(self.image)

    def finish(self) -> Image.Image:
        """The picture at its own size."""
        return self.image.reduce(_SCALE)

    def rectangle(self, x0, y0, x1, y1, *, fill=None, outline=None, line: float = 1, radius: float = 0) -> None:
        box = _scaled(x0, y0, x1, y1)
        box[2], box[3] = max(box[2] - 1, box[0]), max(box[3] - 1, box[1])
        width = max(round(line * _SCALE), 1)
        r = min(radius * _SCALE, (box[2] - box[0]) / 2, (box[3] - box[1]) / 2)
        if r >= 1:
            self.draw.rounded_rectangle(box, r, fill=fill, outline=outline, width=width)
        else:
            self.draw.rectangle(box, fill=fill, outline=outline, width=width)

    def line(self, points, *, fill: str, line: float = 1) -> None:
        flat = [value * _SCALE for point in points for value in point]
        self.draw.line(flat, fill=fill, width=max(round(line * _SCALE), 1), joint="curve")

    def polygon(self, points, *, fill=None, outline=None, line: float = 1) -> None:
        flat = [(x * _SCALE, y * _SCALE) for x, y in points]
        self.draw.polygon(flat, fill=fill, outline=outline, width=max(round(line * _SCALE), 1))

    def ellipse(self, x, y, rx, ry, *, fill=None, outline=None, line: float = 1) -> None:
        box = _scaled(x - rx, y - ry, x + rx, y + ry)
        self.draw.ellipse(box, fill=fill, outline=outline, width=max(round(line * _SCALE), 1))

    def text(self, x, y, text: str, *, size: float, fill: str = INK, anchor: str = "ls", bold: bool = False) -> float:
        """Write one line; returns its width. anchor as in Pillow ("ls" = left, on the baseline)."""
        letters = font(round(size * _SCALE))
        # the font has one weight: a thin outline in its own colour makes it semi-bold
        stroke = max(round(size * _SCALE / 60), 1) if bold else 0
        at = (round(x * _SCALE), round(y * _SCALE))
        self.draw.text(at, text, font=letters, fill=fill, anchor=anchor, stroke_width=stroke, stroke_fill=fill)
        return text_width(text, size)

    def paste(self, image: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """A picture, resized to fill the box."""
        box = _scaled(x, y, x + width, y + height)
        size = (box[2] - box[0], box[3] - box[1])
        self.image.paste(
            image.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0), (box[0], box[1])
        )


def text_width(text: str, size: float) -> float:
    """Width of one line in pixels."""
    return font(round(size * _SCALE)).getlength(text) / _SCALE


def shortened(text: str, size: float, width: float) -> str:
    """The text, or its beginning and an ellipsis where it is wider than `width`."""
    text = " ".join(text.split())
    # no letter is narrower than a fifth of its size: what is beyond is never measured, however long the text
    most = int(5 * width / size) + 1
    if len(text) <= most and text_width(text, size) <= width:
        return text
    fits, too_long = 0, min(len(text), most) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if text_width(text[:middle] + "...", size) <= width:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + "..."


def wrapped(text: str, size: float, width: float, *, lines: int) -> list[str]:
    """The text in at most `lines` lines of `width` pixels, the last one shortened."""
    out: list[str] = []
    words = text.split()
    while words:
        count = 1
        while count < len(words) and text_width(" ".join(words[: count + 1]), size) <= width:
            count += 1
        if len(out) == lines - 1:
            return [*out, shortened(" ".join(words), size, width)]
        out.append(" ".join(words[:count]))
        words = words[count:]
    return out


def blend(colour: str, other: str, share: float) -> tuple[int, int, int]:
    """`share` (0..1) of `colour` over `other`."""
    a, b = ImageColor.getrgb(colour), ImageColor.getrgb(other)
    return tuple(round(p * share + q * (1 - share)) for p, q in zip(a, b, strict=True))


def png_bytes(image: Image.Image, *, texts: dict[str, str] | None = None) -> bytes:
    """PNG bytes with text chunks (Title, Description, Software, klangbild ...); equal input gives equal bytes."""
    info = PngInfo()
    for name, text in (texts or {}).items():
        if text:
            info.add_itxt(name, text, zip=len(text) > 400)
    stream = io.BytesIO()
    image.save(stream, "PNG", pnginfo=info, compress_level=6)
    return stream.getvalue()


def _scaled(*values: float) -> list[int]:
    return [round(value * _SCALE) for value in values]


@lru_cache(maxsize=32)
def font(pixels: int) -> ImageFont.FreeTypeFont:
    """The one font, so many pixels high."""
    return ImageFont.load_default(pixels)
