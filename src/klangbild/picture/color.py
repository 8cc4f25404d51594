"""Color as people see it: CIE L*a*b*, hue areas with everyday names, and a palette of five.

Sources: CIE 1976 L*a*b* with the D65 white point (ISO/CIE 11664-4), sRGB (IEC 61966-2-1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LINEAR = np.where(
    np.arange(256) / 255 <= 0.04045, np.arange(256) / 255 / 12.92, ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4
).astype(np.float32)
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    np.float32,
)
_WHITE = np.array([0.95047, 1.0, 1.08883], np.float32)

_HUES = ((12, "pink"), (46, "red"), (76, "orange"), (103, "yellow"), (165, "green"), (225, "cyan"),
         (308, "blue"), (333, "purple"), (361, "pink"))  # fmt: skip


@dataclass(frozen=True)
class Swatch:
    """One color of a palette: sRGB 0..255, the share of the picture it stands for (0..1), and an everyday name."""

    rgb: tuple[int, int, int]
    share: float
    name: str

    @property
    def hex(self) -> str:
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """uint8 sRGB (..., 3) -> float32 L*a*b* (..., 3): L* in 0..100, a* (green to red) and b* (blue to yellow) about +-100."""
    xyz = _LINEAR[rgb] @ (_TO_XYZ / _WHITE[:, None]).T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def color_name(lab: np.ndarray) -> str:
    """An everyday English name for one L*a*b* color (3,).

    >>> color_name(to_lab(np.uint8([20, 40, 90]))), color_name(to_lab(np.uint8([240, 200, 60])))
    ('dark blue', 'yellow')
    """
    lightness, a, b = (float(x) for x in lab)
    chroma, hue = float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a))) % 360
    if chroma < 9:
        for limit, name in ((12, "black"), (38, "dark gray"), (66, "gray"), (88, "light gray")):
            if lightness < limit:
                return name
        return "white"
    if lightness < 10:
        return "black"
    name = next(name for limit, name in _HUES if hue < limit)
    if name == "orange" and lightness < 62 and chroma < 62:
        return "dark brown" if lightness < 32 else "brown"
    if name == "yellow" and lightness < 58:
        return "dark olive" if lightness < 32 else "olive"
    if name in ("red", "pink") and lightness > 66:
        return "pink"
    if name == "pink" and lightness < 45:
        return "dark red" if lightness < 32 else "crimson"
    if name in ("orange", "yellow") and chroma < 34 and lightness > 66:
        return "cream" if lightness > 84 else "beige"
    if lightness < 34:
        return f"dark {name}"
    if chroma < 20:
        return f"grayish {name}"
    return f"light {name}" if lightness > 78 and name != "yellow" else name


def palette(rgb: np.ndarray, lab: np.ndarray, *, colors: int = 5, iterations: int = 8) -> tuple[Swatch, ...]:
    """The `colors` colors that a picture is made of, largest share first; k-means in L*a*b*, deterministic.

    rgb: uint8 (height, width, 3); lab: the same picture by `to_lab`. About 600 pixels on a grid are looked at.
    """
    step = max(1, int(np.sqrt(lab.shape[0] * lab.shape[1] / 600)))
    points = lab[step // 2 :: step, step // 2 :: step].reshape(-1, 3)
    bytes_ = rgb[step // 2 :: step, step // 2 :: step].reshape(-1, 3)
    # start: the mean, then always the point farthest from all centers (Gonzalez 1985), weighted against lone pixels
    centers = [points.mean(axis=0)]
    distance = ((points - centers[0]) ** 2).sum(axis=1)
    for _ in range(colors):
        centers.append(points[int(np.argsort(distance, kind="stable")[int(0.98 * (len(distance) - 1))])])
        distance = np.minimum(distance, ((points - centers[-1]) ** 2).sum(axis=1))
    center = np.array(centers[1:])
    for _ in range(iterations):
        nearest = ((points[:, None] - center[None]) ** 2).sum(axis=2).argmin(axis=1)
        for index in range(colors):
            if (nearest == index).any():
                center[index] = points[nearest == index].mean(axis=0)
    swatches = []
    for index in range(colors):
        inside = nearest == index
        if inside.any():
            mean = tuple(round(float(x)) for x in bytes_[inside].mean(axis=0))
            swatches.append(Swatch(mean, round(float(inside.mean()), 4), color_name(center[index])))
    return tuple(sorted(swatches, key=lambda swatch: -swatch.share))
