"""Where in the picture: the emotion of its parts, and the order in which an eye might wander over them.

Overlapping windows are read like pictures of their own, together. Salience is what stands out from its surroundings in
lightness, color and detail at two scales, with a pull to the middle (after Itti, Koch and Niebur 1998); looked-at places
are then left alone for a while (inhibition of return). It is a guess at looking, not a measurement of anybody's eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from klangbild.emotion.predict import open_predictor
from klangbild.emotion.space import Emotion
from klangbild.picture.color import to_lab
from klangbild.picture.picture import Picture
from klangbild.picture.view import small_view


@dataclass(frozen=True)
class Region:
    """A window: left, top, width, height in shares of the picture (0..1), its emotion (raters' scale), its salience 0..1."""

    left: float
    top: float
    width: float
    height: float
    emotion: Emotion
    asked: Emotion
    salience: float

    @property
    def center(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2


@dataclass(frozen=True)
class RegionMap:
    """The whole picture's emotion, its regions in the order of looking, and maps over a grid (rows, columns).

    valence, arousal: averaged over the windows that cover each cell, raters' scale. salience: 0..1.
    """

    whole: Emotion
    regions: tuple[Region, ...]
    valence: np.ndarray
    arousal: np.ndarray
    salience: np.ndarray


def emotion_of_regions(
    picture: Picture, *, model: str = "klangbild", kind: str = "auto", across: int = 5, stops: int = 6
) -> RegionMap:
    """Read `across` windows side by side (and as many rows as the proportions ask for), each two fifths of a side.

    kind: the gate of the whole picture is used for its parts too. stops: how many places the eye goes to.
    """
    down = int(np.clip(round(across * picture.height / picture.width), 2, 2 * across))
    share = 0.4
    lefts = np.linspace(0, 1 - share, across)
    tops = np.linspace(0, 1 - share, down)
    boxes = [(float(left), float(top)) for top in tops for left in lefts]
    predictor = open_predictor(model)
    whole = predictor.predict([picture], kind=kind)[0]
    kind = kind if kind != "auto" else ("painting" if whole.painting >= 0.5 else "photo")
    parts = predictor.predict([_cut(picture, left, top, share) for left, top in boxes], kind=kind)
    salience = salience_map(picture, rows=12, columns=int(np.clip(round(12 * picture.width / picture.height), 6, 24)))
    rows, columns = salience.shape
    y, x = (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns
    sums, weights = np.zeros((2, rows, columns)), np.full((rows, columns), 1e-6)
    strengths = []
    for (left, top), part in zip(boxes, parts, strict=True):
        # a window counts most at its middle, so that the map is smooth
        wx = np.clip(1 - np.abs(x - left - share / 2) / (share / 2), 0, 1)
        wy = np.clip(1 - np.abs(y - top - share / 2) / (share / 2), 0, 1)
        weight = np.outer(wy, wx) + 1e-3 * np.outer(wy >= 0, wx >= 0)
        sums += np.array([part.emotion.valence, part.emotion.arousal])[:, None, None] * weight
        weights += weight
        strengths.append(float((salience * np.outer(wy, wx)).sum() / max(np.outer(wy, wx).sum(), 1e-6)))
    valence, arousal = sums / weights
    order = _order_of_looking(np.array(strengths), np.array(boxes), stops)
    regions = tuple(
        Region(
            *boxes[i], share, share, parts[i].emotion, predictor.plane.asked(parts[i].emotion), round(strengths[i], 4)
        )
        for i in order
    )
    return RegionMap(whole.emotion, regions, valence, arousal, salience)


def salience_map(picture: Picture, *, rows: int, columns: int) -> np.ndarray:
    """What stands out -> float (rows, columns), 0..1."""
    from scipy import ndimage

    lab = to_lab(small_view(picture, 96))
    found = np.zeros(lab.shape[:2], np.float32)
    for near, far in ((2, 10), (5, 22)):
        for channel, weight in ((0, 1.0), (1, 1.4), (2, 1.4)):
            plane = lab[..., channel]
            found += weight * np.abs(ndimage.gaussian_filter(plane, near) - ndimage.gaussian_filter(plane, far))
    detail = np.hypot(ndimage.sobel(lab[..., 0], 0), ndimage.sobel(lab[..., 0], 1))
    found += 0.15 * ndimage.gaussian_filter(detail, 3)
    y, x = np.mgrid[: found.shape[0], : found.shape[1]]
    center = ((x / found.shape[1] - 0.5) ** 2 + (y / found.shape[0] - 0.5) ** 2) / 0.35**2
    found *= 0.35 + 0.65 * np.exp(-center / 2)
    edges_y = np.linspace(0, found.shape[0], rows + 1).astype(int)
    edges_x = np.linspace(0, found.shape[1], columns + 1).astype(int)
    cells = np.array(
        [[found[a : max(b, a + 1), c : max(d, c + 1)].mean() for c, d in pairwise(edges_x)]
         for a, b in pairwise(edges_y)]
    )  # fmt: skip
    return cells / max(float(cells.max()), 1e-6)


def _order_of_looking(strength: np.ndarray, places: np.ndarray, stops: int) -> list[int]:
    """Always the strongest window, after which it and its neighbors lose most of their pull."""
    left, order = strength.copy(), []
    for _ in range(min(stops, len(strength))):
        best = int(left.argmax())
        order.append(best)
        near = np.exp(-((places - places[best]) ** 2).sum(axis=1) / (2 * 0.18**2))
        left = left * (1 - 0.9 * near)
        left[order] = -1
    return order


def _cut(picture: Picture, left: float, top: float, share: float) -> Picture:
    down, across = picture.rgb.shape[:2]
    width, height = max(1, round(across * share)), max(1, round(down * share))
    x, y = round(left * across), round(top * down)
    x, y = min(x, across - width), min(y, down - height)
    return Picture(np.ascontiguousarray(picture.rgb[y : y + height, x : x + width]), picture.name, picture.sha256)
