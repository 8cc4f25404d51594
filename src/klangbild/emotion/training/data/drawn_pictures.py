"""Pictures that nobody photographed, made here for the gate between paintings and photographs: none of our sets holds such.

Painted from photographs and paintings by strokes, hatched and dithered like engravings, and drawn from nothing: scenes of soft colors and
strokes, flat shapes, a child's lines on paper, smooth renders, windows with text. For the gate they are paintings: made by hand or machine.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from klangbild.picture.picture import Picture

KINDS = ("strokes", "engraving", "scene", "shapes", "child", "render", "window")


def drawn_pictures(from_: list[np.ndarray], count: int, *, seed: int = 11) -> Iterator[tuple[str, Picture]]:
    """`count` of them, the kinds in turn; from_: uint8 pictures (h, w, 3) to paint and engrave from."""
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        kind = KINDS[index % len(KINDS)]
        source = Image.fromarray(from_[int(rng.integers(len(from_)))])
        image = _strokes(rng, _soft(rng, source)) if kind == "strokes" else (
            _engraving(rng, source) if kind == "engraving" else _DRAW[kind](rng)
        )  # fmt: skip
        yield kind, Picture(np.ascontiguousarray(np.asarray(image.convert("RGB"))), kind, f"{kind}-{index}")


def _size(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(260, 520)), int(rng.integers(220, 420))


def _color(rng: np.random.Generator, near: np.ndarray | None = None, by: float = 30) -> tuple[int, ...]:
    base = rng.integers(0, 256, 3) if near is None else near + rng.normal(0, by, 3)
    return tuple(int(v) for v in np.clip(base, 0, 255))


def _soft(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    return image.resize(_size(rng), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 6))))


def _strokes(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Covered with short strokes of its own colors, large ones first, a little off in color and direction."""
    colors, out = np.asarray(image), image.copy()
    draw = ImageDraw.Draw(out)
    lean, jitter = rng.uniform(0, np.pi), rng.uniform(4, 24)
    for length in np.geomspace(rng.uniform(20, 60), rng.uniform(4, 14), 4):
        for _ in range(int(out.width * out.height / length**1.3 * 0.25 * rng.uniform(0.4, 1.0))):
            x, y = int(rng.integers(out.width)), int(rng.integers(out.height))
            angle = lean + rng.normal(0, 0.5)
            dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
            color = _color(rng, colors[y, x].astype(float), jitter)
            draw.line([(x - dx, y - dy), (x + dx, y + dy)], fill=color, width=max(1, int(length / 5)))
    return out.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.2))))


def _engraving(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Black on paper: dithered, or hatched with lines as wide as it is dark."""
    gray = image.convert("L").resize(_size(rng), Image.Resampling.BICUBIC)
    if rng.random() < 0.4:
        marks = np.asarray(gray.convert("1").convert("L")) / 255.0
    else:
        y, x = np.mgrid[: gray.height, : gray.width]
        angle, step = rng.uniform(0, np.pi), rng.uniform(3, 7)
        wave = 0.5 + 0.5 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / step)
        marks = (np.asarray(gray) / 255.0 > wave).astype(float)
    paper, ink = rng.uniform(200, 255, 3) * [1, 0.97, 0.9], rng.uniform(0, 70, 3)
    return Image.fromarray(np.clip(ink + marks[..., None] * (paper - ink), 0, 255).astype(np.uint8))


def _gradient(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    top, bottom = (np.array(_color(rng), float) for _ in range(2))
    ramp = np.linspace(0, 1, size[1])[:, None, None] ** rng.uniform(0.6, 1.6)
    noise = rng.normal(0, rng.uniform(0, 6), (size[1], size[0], 1))
    return Image.fromarray(np.clip(top * (1 - ramp) + bottom * ramp + noise, 0, 255).astype(np.uint8))


def _scene(rng: np.random.Generator) -> Image.Image:
    """Sky, hills of soft color, a sun or lights, strokes here and there."""
    image = _gradient(rng, _size(rng))
    draw = ImageDraw.Draw(image)
    w, h = image.size
    for level in np.sort(rng.uniform(0.3, 0.95, int(rng.integers(1, 5)))):
        ridge = np.cumsum(rng.normal(0, h / 60, 24)) + level * h
        draw.polygon([(0, h), *zip(np.linspace(0, w, 24), ridge, strict=True), (w, h)], fill=_color(rng))
    for _ in range(int(rng.integers(0, 40))):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(2, w / 12)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=_color(rng))
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 5))))
    return _strokes(rng, image) if rng.random() < 0.6 else image


def _shapes(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", _size(rng), _color(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(2, 30))):
        points = rng.uniform(0, 1, (int(rng.integers(3, 6)), 2)) * image.size * rng.uniform(0.2, 1.0)
        draw.polygon([tuple(p) for p in points], fill=_color(rng))
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 2))))


def _child(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", _size(rng), _color(rng, np.array([248.0, 246, 240]), 5))
    draw = ImageDraw.Draw(image)
    w, h = image.size
    for _ in range(int(rng.integers(4, 24))):
        walk = np.cumsum(rng.normal(0, w / 40, (int(rng.integers(4, 30)), 2)), axis=0) + rng.uniform(0, 1, 2) * [w, h]
        draw.line([tuple(p) for p in walk], fill=_color(rng), width=int(rng.integers(2, 9)), joint="curve")
        if rng.random() < 0.4:
            x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(8, 50)
            draw.ellipse(
                (x - r, y - r, x + r, y + r),
                outline=_color(rng),
                width=4,
                fill=_color(rng) if rng.random() < 0.5 else None,
            )
    return image


def _render(rng: np.random.Generator) -> Image.Image:
    """Balls lit from one side on a smooth ground."""
    image = np.asarray(_gradient(rng, _size(rng))).astype(float)
    h, w = image.shape[:2]
    y, x = np.mgrid[:h, :w]
    for _ in range(int(rng.integers(1, 8))):
        cx, cy, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(15, h / 3)
        inside = ((x - cx) ** 2 + (y - cy) ** 2) / r**2
        light = np.clip(1 - ((x - cx + r / 3) ** 2 + (y - cy + r / 3) ** 2) / (1.7 * r) ** 2, 0, 1)
        ball = np.array(_color(rng)) * (0.25 + 0.75 * light[..., None]) + 120 * light[..., None] ** 12
        image = np.where(inside[..., None] < 1, ball, image)
    return Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))


def _window(rng: np.random.Generator) -> Image.Image:
    """Panels, bars and lines of text."""
    image = Image.new("RGB", _size(rng), _color(rng, np.array([30.0] * 3 if rng.random() < 0.4 else [240.0] * 3), 12))
    draw = ImageDraw.Draw(image)
    w, h = image.size
    for _ in range(int(rng.integers(2, 9))):
        x, y = rng.uniform(0, w * 0.8), rng.uniform(0, h * 0.8)
        draw.rectangle(
            (x, y, x + rng.uniform(20, w / 2), y + rng.uniform(8, h / 3)), fill=_color(rng), outline=_color(rng)
        )
    ink = _color(rng)
    for line in range(int(rng.integers(5, 30))):
        text = "".join(rng.choice(list("abcdefghij klmnop qrstu vwxyz"), int(rng.integers(5, 60))))
        draw.text((rng.uniform(4, w / 3), 12 * line + 4), text, fill=ink)
    return image


_DRAW = {"scene": _scene, "shapes": _shapes, "child": _child, "render": _render, "window": _window}
