"""A painter's hand: brush strokes along a flow field, layer over layer, from a wide brush to a fine one.

A scene gives a reference (what is to be painted), a flow (which way strokes run) and a focus (where fine brushes go).
Each layer puts curved strokes of many bristles only where the canvas still differs from the reference, after Hertzmann 1998,
"Painterly rendering with curved brush strokes of multiple sizes". The paint has thickness: a height field is painted with
the same bristles and lit from the upper left at the end. Everything is drawn from the generator that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 900, 600
_FINE = 2  # strokes are drawn at twice the size, then averaged down


@dataclass(frozen=True)
class Layer:
    """One brush: its radius in pixels, stroke length in radii, the color error that calls for it, and its color jitter."""

    radius: float
    length: float
    tolerance: float
    jitter: float = 0.035
    spacing: float = 1.1


LAYERS = (
    Layer(26, 7, -1.0, 0.028, 0.8), Layer(13, 8, 0.042, 0.035), Layer(7, 8, 0.062, 0.04), Layer(3.4, 8, 0.075, 0.04),
    Layer(1.7, 7, 0.095, 0.03),
)  # fmt: skip


def grid() -> tuple[np.ndarray, np.ndarray]:
    """x in 0..1 from the left and y in 0..1 from the top, each (600, 900)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    return x / (WIDTH - 1), y / (HEIGHT - 1)


def noise(
    rng: np.random.Generator, cells: float, *, octaves: int = 4, stretch: float = 1.0, rough: float = 0.5
) -> np.ndarray:
    """Smooth noise in about -1..1, (600, 900). cells: across the picture; stretch > 1 draws it out sideways."""
    total, weight, size = np.zeros((HEIGHT, WIDTH), np.float32), 0.0, 1.0
    for _ in range(octaves):
        across = max(2, round(cells / stretch) + 1)
        down = max(2, round(cells * HEIGHT / WIDTH) + 1)
        small = Image.fromarray(rng.standard_normal((down, across)).astype(np.float32))
        total += size * np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
        weight += size * size
        size *= rough
        cells *= 2
    return total / np.sqrt(weight) / 1.6


def mix(a, b, share) -> np.ndarray:
    """Between two colors or pictures; `share` 0..1 of b, (600, 900) or a number."""
    share = np.clip(share, 0, 1)
    share = share[..., None] if np.ndim(share) == 2 else share
    return np.asarray(a, np.float32) * (1 - share) + np.asarray(b, np.float32) * share


def color(text: str) -> np.ndarray:
    """'#rrggbb' -> float (3,) in 0..1."""
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def ramp(position: np.ndarray, *stops: tuple[float, str]) -> np.ndarray:
    """Colors along 0..1: stops of (position, '#rrggbb'), in order."""
    places = [place for place, _ in stops]
    colors = np.array([color(text) for _, text in stops])
    return np.stack([np.interp(position, places, colors[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def step(values: np.ndarray, edge, soft: float) -> np.ndarray:
    """0 below the edge, 1 above it, smooth over `soft`."""
    t = np.clip((values - edge) / soft + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def glow(x: np.ndarray, y: np.ndarray, cx: float, cy: float, radius: float) -> np.ndarray:
    """A round glow, 1 at its center; coordinates in widths of the picture."""
    return np.exp(-(((x - cx) ** 2 + ((y - cy) * HEIGHT / WIDTH) ** 2) / radius**2))


def lean(picture: np.ndarray, flow: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """A reference and its flow, turned counter-clockwise about the middle and enlarged until they fill the picture again."""
    turn = np.radians(degrees)
    zoom = abs(np.cos(turn)) + abs(np.sin(turn)) * WIDTH / HEIGHT
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    dx, dy = (x - WIDTH / 2) / zoom, (y - HEIGHT / 2) / zoom
    ix = np.clip(WIDTH / 2 + dx * np.cos(turn) - dy * np.sin(turn), 0, WIDTH - 1).astype(int)
    iy = np.clip(HEIGHT / 2 + dx * np.sin(turn) + dy * np.cos(turn), 0, HEIGHT - 1).astype(int)
    return picture[iy, ix], flow[iy, ix] - turn


class Sheet:
    """Flat shapes with soft edges, to be laid into a reference: coordinates 0..1, colors '#rrggbb'."""

    def __init__(self, picture: np.ndarray) -> None:
        self.image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8)).resize((WIDTH * 2, HEIGHT * 2))
        self.draw = ImageDraw.Draw(self.image)

    def _scaled(self, points) -> list[tuple[float, float]]:
        return [(px * WIDTH * 2, py * HEIGHT * 2) for px, py in points]

    def shape(self, points, fill: str) -> None:
        self.draw.polygon(self._scaled(points), fill=fill)

    def line(self, points, fill: str, width: float) -> None:
        """width in pixels of the final picture."""
        self.draw.line(self._scaled(points), fill=fill, width=max(1, round(width * 2)), joint="curve")

    def disc(self, cx: float, cy: float, rx: float, fill: str, ry: float | None = None) -> None:
        """rx in widths of the picture, ry too (default: round)."""
        ry = rx if ry is None else ry
        x0, y0, rx, ry = cx * WIDTH * 2, cy * HEIGHT * 2, rx * WIDTH * 2, ry * WIDTH * 2
        self.draw.ellipse([x0 - rx, y0 - ry, x0 + rx, y0 + ry], fill=fill)

    def picture(self, *, soft: float = 0.8) -> np.ndarray:
        small = self.image.resize((WIDTH, HEIGHT), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(soft))
        return np.asarray(small, np.float32) / 255


def shade(color_: np.ndarray | str, rng: np.random.Generator, amount: float) -> str:
    """A color, a little lighter or darker and warmer or cooler, as '#rrggbb'."""
    base = color(color_) if isinstance(color_, str) else np.asarray(color_, np.float32)
    moved = np.clip(base + rng.normal(0, amount) + rng.normal(0, amount / 2, 3), 0, 1)
    return "#{:02x}{:02x}{:02x}".format(*(int(c * 255) for c in moved))


def paint(
    reference: np.ndarray, flow: np.ndarray, rng: np.random.Generator, *, focus: np.ndarray | None = None,
    layers: tuple[Layer, ...] = LAYERS, ground: str = "#8a7a66", thickness: float = 0.55,
) -> Image.Image:  # fmt: skip
    """reference (600, 900, 3) in 0..1; flow (600, 900) angles in radians; focus (600, 900): > 1 calls for fine brushes."""
    canvas = Image.new("RGB", (WIDTH * _FINE, HEIGHT * _FINE), ground)
    height = Image.new("L", canvas.size, 110)
    focus = np.ones((HEIGHT, WIDTH), np.float32) if focus is None else focus
    for layer in layers:
        smooth = (
            np.asarray(
                Image.fromarray((np.clip(reference, 0, 1) * 255).astype(np.uint8)).filter(
                    ImageFilter.GaussianBlur(layer.radius * 0.45)
                ),
                np.float32,
            )
            / 255
        )
        now = np.asarray(canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float32) / 255
        error = np.sqrt(((now - smooth) ** 2).mean(axis=2)) * focus
        rough = Image.fromarray(np.clip(error * 255, 0, 255).astype(np.uint8))
        blurred = np.asarray(rough.filter(ImageFilter.BoxBlur(max(1, layer.radius * 0.6))), np.float32) / 255
        _stroke_layer(canvas, height, layer, smooth, blurred, flow, rng)
    picture = np.asarray(canvas.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float32) / 255
    relief = np.asarray(
        height.resize((WIDTH, HEIGHT), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.6)), np.float32
    )
    relief = relief + rng.normal(0, 3.0, relief.shape)  # the weave of the canvas
    light = np.zeros_like(relief)
    light[1:-1, 1:-1] = (relief[2:, 2:] - relief[:-2, :-2]) / 255
    lit = picture * (1 + thickness * np.clip(light, -0.35, 0.35)[..., None]) + 0.12 * thickness * light[..., None]
    return Image.fromarray((np.clip(lit, 0, 1) * 255 + 0.5).astype(np.uint8))


def _stroke_layer(canvas, height, layer: Layer, smooth, error, flow, rng: np.random.Generator) -> None:
    gap = layer.radius * layer.spacing
    ys, xs = np.meshgrid(np.arange(gap / 2, HEIGHT, gap), np.arange(gap / 2, WIDTH, gap), indexing="ij")
    places = np.stack([xs.ravel(), ys.ravel()], axis=1) + rng.uniform(-0.6, 0.6, (xs.size, 2)) * gap
    places = places[rng.permutation(len(places))]
    draw, relief = ImageDraw.Draw(canvas), ImageDraw.Draw(height)
    bristles = int(np.clip(layer.radius * 1.3, 3, 16))
    for px, py in places:
        cx, cy = int(np.clip(px, 0, WIDTH - 1)), int(np.clip(py, 0, HEIGHT - 1))
        if error[cy, cx] < layer.tolerance:
            continue
        base = smooth[cy, cx]
        path = _path(px, py, base, layer, smooth, flow, rng)
        if len(path) < 2:
            continue
        tint = base + rng.normal(0, layer.jitter) + rng.normal(0, layer.jitter * 0.6, 3)
        across = np.gradient(path, axis=0)
        across = np.stack([-across[:, 1], across[:, 0]], axis=1)
        across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-6
        # a stroke is full in the middle and runs dry at its end
        taper = np.sin(np.linspace(0.5, np.pi * 0.97, len(path)))[:, None] ** 0.6
        for offset in rng.permutation(np.linspace(-1, 1, bristles)):
            line = (path + across * taper * (offset * layer.radius)) * _FINE
            shade_ = np.clip(tint + rng.normal(0, layer.jitter * 0.7), 0, 1) * 255
            wide = max(1, round(layer.radius * 2 / bristles * _FINE * 1.35))
            points = [tuple(p) for p in line.tolist()]
            draw.line(points, fill=tuple(int(c) for c in shade_), width=wide, joint="curve")
            relief.line(points, fill=int(np.clip(110 + 55 * (1 - abs(offset)) + rng.normal(0, 38), 0, 255)), width=wide)


def _path(px: float, py: float, base, layer: Layer, smooth, flow, rng: np.random.Generator) -> np.ndarray:
    """Follow the flow both ways from a place until the reference's color has changed -> (n, 2)."""
    reach = layer.radius * layer.length * rng.uniform(0.6, 1.15) / 2
    stride = max(layer.radius * 0.8, 2.0)
    sway = rng.normal(0, 0.12)
    ends = []
    for direction in (1.0, -1.0):
        x, y, went, points = px, py, 0.0, []
        while went < reach:
            ix, iy = int(np.clip(x, 0, WIDTH - 1)), int(np.clip(y, 0, HEIGHT - 1))
            if went > layer.radius and np.abs(smooth[iy, ix] - base).mean() > 0.11:
                break
            angle = flow[iy, ix] + sway
            x, y = x + direction * stride * np.cos(angle), y + direction * stride * np.sin(angle)
            points.append((x, y))
            went += stride
        ends.append(points)
    return np.array([*reversed(ends[1]), (px, py), *ends[0]])
