"""What a picture is like beside its feeling: how high its weight hangs, how fine it is, how many things, which way its line goes.

Six numbers and a line, measured on a small view. Numbers of this kind mean something only beside other pictures (Spence 2019: the
correspondences are relative), so `place_traits` turns each into its place, -1 to 1, among pictures that are kept for it
(`weights/picture-traits.json`, made by `klangbild train traits`).

| trait | measured as |
|---|---|
| height | how light the picture is, and how high the middle of what stands out in it lies |
| fineness | edges and detail of one to two pixels |
| smoothness | area without any gradient, and a steep spectrum |
| things | patches of one color that are large enough to be a thing, and how far their colors lie apart |
| symmetry | likeness to its mirror image, and to itself moved sideways |
| warmth | chroma towards orange less towards blue, and the area of warm colors less that of cold ones |

Sources of the measures are those of `features.py`; the skyline is a seam of least cost (Avidan and Shamir 2007, "Seam carving for
content-aware image resizing") along the strongest steps of lightness.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

import numpy as np

from klangbild.picture.color import to_lab
from klangbild.picture.features import PictureFeatures, picture_features
from klangbild.picture.picture import Picture
from klangbild.picture.view import small_view
from klangbild.picture.voice import SKYLINE_POINTS, Traits, Voice
from klangbild.shipped import weights_folder

FILE = "picture-traits.json"
_SIDE = 64
_MIN_THING = 0.006
"""Share of the picture from which on a patch of one color counts as a thing."""


def voice_of(picture: Picture, features: PictureFeatures | None = None) -> Voice:
    """The voice of a picture; its key comes from its pixels, so that it is the same from a file and from an array."""
    seen = small_view(picture, _SIDE) >> 2  # another decoder may be off by one
    return Voice(traits_of(picture, features), int(hashlib.sha256(seen.tobytes()).hexdigest()[:8], 16))


def traits_of(picture: Picture, features: PictureFeatures | None = None) -> Traits:
    """The traits of a picture by their places. features: of `picture_features`, where they are known already."""
    raw, skyline = measure_traits(picture, features)
    return Traits(*(round(float(place), 3) for place in place_traits(raw)), skyline=skyline)


def measure_traits(picture: Picture, features: PictureFeatures | None = None) -> tuple[np.ndarray, tuple[float, ...]]:
    """The raw numbers (12,), two for each of `TRAITS` in order, and the skyline."""
    f = features or picture_features(picture)
    rgb = small_view(picture, _SIDE)
    lab = to_lab(rgb)
    count, apart = _things(lab)
    raw = np.array(
        [
            f["brightness"], _height_of_weight(lab),
            f["edge_density"], f["detail_fine"],
            f["smooth_area"], -f["spectral_slope"],
            count, apart,
            f["symmetry"], _repeats(lab[..., 0]),
            f["warmth"], f["red"] + f["orange"] + f["yellow"] - f["cyan"] - f["blue"],
        ]
    )  # fmt: skip
    return raw, skyline_of(lab[..., 0])


def place_traits(raw: np.ndarray) -> np.ndarray:
    """Raw numbers (12,) -> places (6,) in [-1, 1]: the mean place of each trait's two numbers, among the kept pictures' means."""
    knots, means = _population()
    half = np.array([_place(value, knots[i]) for i, value in enumerate(raw)]).reshape(-1, 2).mean(axis=1)
    return np.array([_place(value, means[i]) for i, value in enumerate(half)])


def fit_population(raw: np.ndarray, points: int = 33) -> dict[str, list[list[float]]]:
    """Raw numbers of many pictures (n, 12) -> the quantiles that `place_traits` reads, as JSON may hold them."""
    quantiles = np.linspace(0.0, 1.0, points)
    knots = np.quantile(raw, quantiles, axis=0).T
    half = (
        np.array([[_place(v, knots[i]) for i, v in enumerate(row)] for row in raw])
        .reshape(len(raw), -1, 2)
        .mean(axis=2)
    )
    means = np.quantile(half, quantiles, axis=0).T
    return {"knots": np.round(knots, 5).tolist(), "means": np.round(means, 5).tolist()}


@lru_cache(maxsize=1)
def _population() -> tuple[np.ndarray, np.ndarray]:
    kept = json.loads((weights_folder() / FILE).read_text(encoding="utf-8"))
    return np.array(kept["knots"]), np.array(kept["means"])


def _place(value: float, knots: np.ndarray) -> float:
    """The place of a value among quantiles (points,), -1 .. 1; the middle of a run of equal ones."""
    places = np.linspace(-1.0, 1.0, len(knots))
    low, high = np.searchsorted(knots, value, side="left"), np.searchsorted(knots, value, side="right")
    if high > low:
        return float((places[low] + places[high - 1]) / 2)
    return float(np.interp(value, knots, places))


def _height_of_weight(lab: np.ndarray) -> float:
    """Where the middle of what stands out lies, 0 the bottom, 1 the top. lab: (height, width, 3)."""
    from scipy import ndimage

    away = np.sqrt(((lab - np.median(lab.reshape(-1, 3), axis=0)) ** 2).sum(axis=2))
    away = ndimage.gaussian_filter(away, 1.5)
    weight = np.maximum(away - np.quantile(away, 0.6), 0.0).sum(axis=1)
    height = 1.0 - (np.arange(len(weight)) + 0.5) / len(weight)
    return float((weight * height).sum() / weight.sum()) if weight.sum() > 1e-6 else 0.5


def _things(lab: np.ndarray) -> tuple[float, float]:
    """log2 of 1 + the number of patches of one color, and how far their colors lie apart (L*a*b* / 100)."""
    from scipy import ndimage

    steps = np.round(_median(lab) / np.array([20.0, 18.0, 18.0])).astype(int) + 64
    _, labels = np.unique((steps[..., 0] * 256 + steps[..., 1]) * 256 + steps[..., 2], return_inverse=True)
    labels = labels.reshape(steps.shape[:2])
    patches = 0
    colors = []
    for label in np.unique(labels):
        parts, n = ndimage.label(labels == label)
        sizes = np.bincount(parts.ravel())[1:] / labels.size
        patches += int((sizes >= _MIN_THING).sum())
        if n and sizes.max() >= _MIN_THING:
            colors.append((lab[labels == label].mean(axis=0), float((labels == label).mean())))
    if len(colors) < 2:
        return float(np.log2(1 + patches)), 0.0
    centers, share = np.array([c for c, _ in colors]), np.array([s for _, s in colors])
    share = share / share.sum()
    apart = np.sqrt(((centers[:, None] - centers[None]) ** 2).sum(axis=2)) / 100
    return float(np.log2(1 + patches)), float(share @ apart @ share)


def _median(lab: np.ndarray, reach: int = 2) -> np.ndarray:
    """The median of each channel (height, width, 3) over 5 x 5 pixels; as scipy's, three times as fast at this size."""
    padded = np.pad(lab, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    height, width = lab.shape[:2]
    side = 2 * reach + 1
    near = np.stack([padded[y : y + height, x : x + width] for y in range(side) for x in range(side)])
    return np.partition(near, len(near) // 2, axis=0)[len(near) // 2]


def _repeats(light: np.ndarray) -> float:
    """How much a picture is like itself moved sideways by an eighth to a half of its width: the best correlation. light: (h, w)."""
    edges = np.abs(np.diff(light, axis=1))
    edges = edges - edges.mean()
    power = max(float((edges**2).mean()), 1e-6)
    width = edges.shape[1]
    found = [
        float((edges[:, shift:] * edges[:, :-shift]).mean()) / power for shift in range(max(2, width // 8), width // 2)
    ]
    return max(found, default=0.0)


def skyline_of(light: np.ndarray, points: int = SKYLINE_POINTS) -> tuple[float, ...]:
    """The strongest contour from the left edge to the right. light: L* (height, width) -> heights (points,), -1 .. 1.

    A path of least cost through the columns, one row up or down at a time, where a strong step of lightness costs little.
    """
    from scipy import ndimage

    step = np.abs(ndimage.gaussian_filter1d(ndimage.gaussian_filter(light, 1.0), 1.5, axis=0, order=1))
    step[:2], step[-2:] = 0.0, 0.0  # a frame is no skyline
    strength = step / max(float(step.max()), 1e-6)
    if float(step.max()) < 0.5:
        return (0.0,) * points
    cost = 1.0 - strength
    total, back = cost[:, 0].copy(), []
    reach = 2
    padded = np.full(len(total) + 2 * reach, np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(total))
    climb = 0.08 * np.abs(np.arange(-reach, reach + 1))[:, None]
    for column in range(1, cost.shape[1]):
        padded[reach:-reach] = total
        moves = windows + climb
        best = moves.argmin(axis=0)
        back.append(best - reach)
        total = moves.min(axis=0) + cost[:, column]
    row = int(total.argmin())
    path = [row]
    for move in reversed(back):
        row += int(move[row])
        path.append(row)
    heights = 1.0 - np.array(path[::-1]) / (len(light) - 1)
    knots = np.array([part.mean() for part in np.array_split(heights, points)])
    knots -= (knots.max() + knots.min()) / 2
    span = max(np.abs(knots).max(), 1e-6)
    # a level line stays level: a quarter of the picture's height is a full swing
    return tuple(round(float(k), 3) for k in knots / max(span, 0.125))
