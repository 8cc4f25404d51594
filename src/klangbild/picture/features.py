"""What can be said about a picture with a ruler: features that a person can check by looking.

Each is listed in `FEATURES` with its range, what it measures, and where it comes from. They describe; what they do to the
predicted emotion, and for which kind of picture, is for `emotion/` to say. About 12 ms per picture, one core.

Sources: [HS03] Hasler and Suesstrunk 2003, "Measuring colorfulness in natural images". [VM94] Valdez and Mehrabian 1994,
"Effects of color on emotions". [MH10] Machajdik and Hanbury 2010, "Affective image classification using features inspired
by psychology and art theory". [F87] Field 1987, "Relations between the statistics of natural images and cortical cells".
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from klangbild.picture.color import Swatch, palette, to_lab
from klangbild.picture.picture import Picture
from klangbild.picture.view import small_view


@dataclass(frozen=True)
class Feature:
    """One feature: its name, its range, what it measures, and its source."""

    name: str
    low: float
    high: float
    meaning: str
    source: str = "ours"


FEATURES: tuple[Feature, ...] = (
    # light
    Feature("brightness", 0, 1, "mean L*/100", "[MH10]"),
    Feature("contrast", 0, 0.5, "standard deviation of L*/100", "[MH10]"),
    Feature("dark_area", 0, 1, "share of pixels with L* < 25"),
    Feature("light_area", 0, 1, "share of pixels with L* > 78"),
    Feature("shadow", 0, 1, "5th percentile of L*/100"),
    Feature("highlight", 0, 1, "95th percentile of L*/100"),
    Feature("top_light", -1, 1, "mean L*/100 of the upper third less that of the lower third"),
    Feature("center_light", -1, 1, "mean L*/100 of the middle ninth less that of the border"),
    Feature("entropy", 0, 1, "entropy of the 64-bin L* histogram, over its maximum", "Shannon 1948"),
    # color
    Feature("saturation", 0, 1, "mean HSV saturation times value", "[VM94]"),
    Feature("saturation_spread", 0, 0.5, "standard deviation of the same"),
    Feature("colorfulness", 0, 2, "sd + 0.3 mean of the opponent colors, /100", "[HS03]"),
    Feature("warmth", -1, 1, "mean chroma towards orange (60 degrees) less towards blue, /50"),
    Feature("red_green", -1, 1, "mean a*/50"),
    Feature("yellow_blue", -1, 1, "mean b*/50"),
    Feature("red_green_spread", 0, 1, "standard deviation of a*/50"),
    Feature("yellow_blue_spread", 0, 1, "standard deviation of b*/50"),
    Feature("vivid_area", 0, 1, "share of pixels with chroma > 40"),
    Feature("gray_area", 0, 1, "share of pixels with chroma < 8"),
    Feature(
        "hue_variety",
        0,
        1,
        "entropy of the 24-bin hue histogram weighted by chroma over 10, over its maximum; less below a mean of 8",
        "[MH10]",
    ),
    Feature("pleasure", -1, 1, "0.69 brightness + 0.22 saturation, centered", "[VM94]"),
    Feature("red", 0, 1, "share of red pixels"),
    Feature("dark_red", 0, 1, "share of red pixels with L* < 35"),
    Feature("orange", 0, 1, "share of orange pixels"),
    Feature("yellow", 0, 1, "share of yellow pixels"),
    Feature("green", 0, 1, "share of green pixels"),
    Feature("cyan", 0, 1, "share of cyan pixels"),
    Feature("blue", 0, 1, "share of blue pixels"),
    Feature("dark_blue", 0, 1, "share of blue pixels with L* < 35"),
    Feature("purple", 0, 1, "share of purple and pink pixels"),
    Feature("warm_brown", 0, 1, "share of red to yellow pixels of medium chroma with 10 < L* < 55"),
    Feature("sky", 0, 1, "share of light blue or cyan pixels in the upper half"),
    Feature("greenery_low", 0, 1, "share of green pixels in the lower half"),
    Feature("palette_dominance", 0, 1, "share of the largest palette color"),
    Feature("palette_variety", 0, 1, "mean distance between two pixels' palette colors, L*a*b* /100"),
    # structure
    Feature("edge_density", 0, 1, "share of pixels whose Sobel gradient of L* is over 12 per pixel"),
    Feature("smooth_area", 0, 1, "share of pixels whose gradient is under 2 per pixel"),
    Feature("local_contrast", 0, 1, "mean of the standard deviation of L*/100 in 7 x 7 windows, times 4"),
    Feature("sharpness", 0, 4, "mean absolute Laplacian over the mean gradient"),
    Feature("detail_fine", 0, 1, "log energy of L* between 1 and 2 pixels' blur, scaled", "[F87]"),
    Feature("detail_mid", 0, 1, "the same between 2 and 6 pixels", "[F87]"),
    Feature("detail_coarse", 0, 1, "the same between 6 and 20 pixels", "[F87]"),
    Feature("spectral_slope", -4, 0, "slope of log amplitude against log frequency", "[F87]"),
    Feature("horizontals", 0, 1, "share of gradient energy in lines within 15 degrees of level"),
    Feature("verticals", 0, 1, "share of gradient energy in lines within 15 degrees of upright"),
    Feature("diagonals", 0, 1, "share of gradient energy in lines within 22 degrees of a diagonal"),
    Feature("line_variety", 0, 1, "entropy of the 12-bin histogram of line directions, over its maximum"),
    Feature("horizon", 0, 1, "how far the strongest step between row means stands out, over the L* range"),
    Feature("horizon_height", 0, 1, "where that step is: 0 the bottom, 1 the top"),
    Feature("symmetry", -1, 1, "correlation of the picture with its mirror image, left to right"),
    Feature("center_detail", -1, 1, "log ratio of gradient energy inside the middle ninth to outside, /4"),
)
"""In the order of `PictureFeatures.vector`."""

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


class PictureFeatures(Mapping[str, float]):
    """The features of one picture by name, in the order of `FEATURES`, and its palette.

    vector: float32 (len(FEATURES),), each inside its range. palette: up to five `Swatch`, largest share first.
    """

    def __init__(self, values: Mapping[str, float], colors: tuple[Swatch, ...]) -> None:
        self.vector = np.array([np.clip(values[f.name], f.low, f.high) for f in FEATURES], np.float32)
        self.vector.flags.writeable = False
        self.palette = colors

    def __getitem__(self, name: str) -> float:
        try:
            return float(self.vector[FEATURE_NAMES.index(name)])
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(FEATURE_NAMES)

    def __len__(self) -> int:
        return len(FEATURE_NAMES)


_measured: dict[int, tuple[weakref.ref[Picture], PictureFeatures]] = {}
"""Of the pictures that are held now: emotion, kind and traits ask for the same."""


def picture_features(picture: Picture) -> PictureFeatures:
    """Measure a picture, looked at with about 128 * 128 pixels (detail is measured in those pixels); once for each `Picture` object."""
    key = id(picture)
    known = _measured.get(key)
    if known is None or known[0]() is not picture:
        known = weakref.ref(picture, lambda _: _measured.pop(key, None)), _measure(picture)
        _measured[key] = known
    return known[1]


def _measure(picture: Picture, side: int = 128) -> PictureFeatures:
    rgb = small_view(picture, side)
    lab = to_lab(rgb)
    colors = palette(rgb, lab)
    values = _light(lab[..., 0] / 100) | _color(rgb, lab) | _palette(colors) | _structure(lab[..., 0])
    values["pleasure"] = 0.69 * values["brightness"] + 0.22 * values["saturation"] - 0.4
    return PictureFeatures(values, colors)


def _light(light: np.ndarray) -> dict[str, float]:
    """light: float (height, width), L*/100."""
    height, width = light.shape
    histogram = np.bincount(np.clip(light * 64, 0, 63).astype(np.int64).ravel(), minlength=64) / light.size
    shadow, highlight = np.percentile(light[::2, ::2], (5, 95))
    middle = light[height // 3 : height - height // 3, width // 3 : width - width // 3]
    mean = float(light.mean())
    border = (mean * light.size - float(middle.sum())) / max(light.size - middle.size, 1)
    return {
        "brightness": mean,
        "contrast": float(light.std()),
        "dark_area": float((light < 0.25).mean()),
        "light_area": float((light > 0.78).mean()),
        "shadow": float(shadow),
        "highlight": float(highlight),
        "top_light": float(light[: height // 3].mean() - light[-(height // 3) :].mean()),
        "center_light": float(middle.mean()) - border,
        "entropy": _entropy(histogram),
    }


def _color(rgb: np.ndarray, lab: np.ndarray) -> dict[str, float]:
    """rgb uint8, lab float (height, width, 3)."""
    light, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
    floats = rgb.astype(np.float32)
    saturation = (rgb.max(axis=2) - rgb.min(axis=2)).astype(np.float32) / 255
    red_green = floats[..., 0] - floats[..., 1]
    yellow_blue = 0.5 * (floats[..., 0] + floats[..., 1]) - floats[..., 2]
    colorfulness = np.hypot(red_green.std(), yellow_blue.std()) + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean())
    # a hue counts by what lies above the chroma at which people call a color gray
    seen = np.maximum(chroma - 10, 0)
    hues = np.bincount((hue // 15).astype(np.int64).ravel() % 24, weights=seen.ravel(), minlength=24)
    colored = chroma > 14
    half = light.shape[0] // 2

    def area(low: float, high: float) -> np.ndarray:
        return colored & (hue >= low) & (hue < high)

    red, blue, green = area(0, 46) | area(350, 361), area(225, 308), area(103, 165)
    sky = ((area(180, 300)) & (light > 45))[:half]
    return {
        "saturation": float(saturation.mean()),
        "saturation_spread": float(saturation.std()),
        "colorfulness": float(colorfulness) / 100,
        "warmth": float((chroma * np.cos(np.radians(hue - 60))).mean()) / 50,
        "red_green": float(a.mean()) / 50,
        "yellow_blue": float(b.mean()) / 50,
        "red_green_spread": float(a.std()) / 50,
        "yellow_blue_spread": float(b.std()) / 50,
        "vivid_area": float((chroma > 40).mean()),
        "gray_area": float((chroma < 8).mean()),
        "hue_variety": _entropy(hues / max(hues.sum(), 1e-9)) * min(1.0, float(seen.mean()) / 8),
        "red": float(red.mean()),
        "dark_red": float((red & (light < 35)).mean()),
        "orange": float(area(46, 76).mean()),
        "yellow": float(area(76, 103).mean()),
        "green": float(green.mean()),
        "cyan": float(area(165, 225).mean()),
        "blue": float(blue.mean()),
        "dark_blue": float((blue & (light < 35)).mean()),
        "purple": float(area(308, 350).mean()),
        "warm_brown": float(
            ((chroma > 10) & (chroma < 50) & (hue > 20) & (hue < 95) & (light > 10) & (light < 55)).mean()
        ),
        "sky": float(sky.mean()) if sky.size else 0.0,
        "greenery_low": float(green[half:].mean()),
    }


def _palette(colors: tuple[Swatch, ...]) -> dict[str, float]:
    lab = to_lab(np.array([swatch.rgb for swatch in colors], np.uint8))
    share = np.array([swatch.share for swatch in colors])
    apart = np.sqrt(((lab[:, None] - lab[None]) ** 2).sum(axis=2)) / 100
    return {"palette_dominance": float(share.max()), "palette_variety": float(share @ apart @ share)}


def _structure(light: np.ndarray) -> dict[str, float]:
    """light: float32 (height, width), L* in 0..100."""
    from scipy import ndimage

    height, width = light.shape
    across = ndimage.sobel(light, axis=1, mode="nearest") / 8
    down = ndimage.sobel(light, axis=0, mode="nearest") / 8
    gradient = np.hypot(across, down)
    energy = gradient**2
    # a line runs across its gradient: 0 degrees is a level line
    line = (np.degrees(np.arctan2(down, across)) + 90) % 180
    directions = np.bincount((line // 5).astype(np.int64).ravel() % 36, weights=energy.ravel(), minlength=36)
    total = max(float(energy.sum()), 1e-6 * light.size)
    blurs = [ndimage.gaussian_filter(light, sigma, mode="nearest", truncate=2.5) for sigma in (1, 2)]
    # the wide blurs at a quarter of the size, where they cost little
    quarter = ndimage.zoom(blurs[1], 0.25, order=1, mode="nearest") if min(height, width) >= 16 else blurs[1]
    wide = [ndimage.gaussian_filter(quarter, sigma, mode="nearest", truncate=2.5) for sigma in (1.4, 5)]
    mean = ndimage.uniform_filter(light, 7, mode="nearest")
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(light * light, 7, mode="nearest") - mean * mean, 0))
    laplacian = np.abs(ndimage.laplace(light, mode="nearest"))
    inside = energy[height // 3 : height - height // 3, width // 3 : width - width // 3]
    outside = (total - float(inside.sum())) / max(light.size - inside.size, 1)
    rows = light.mean(axis=1)
    reach = max(2, height // 12)
    sums = np.concatenate([[0.0], np.cumsum(rows)])
    # mean of `reach` rows above a line less that of `reach` rows below it
    steps = np.abs(sums[2 * reach :] - 2 * sums[reach:-reach] + sums[: -2 * reach]) / reach
    strongest = int(steps.argmax()) if len(steps) else 0
    span = max(float(light.max() - light.min()), 10.0)
    mirrored = float(((light - light.mean()) * (light[:, ::-1] - light.mean())).mean()) / max(float(light.var()), 1e-3)

    def lines(center: float, within: float) -> float:
        middle = np.arange(36) * 5 + 2.5
        away = np.abs((middle - center + 90) % 180 - 90)
        return float(directions[away < within].sum() / total)

    return {
        "edge_density": float((gradient > 12).mean()),
        "smooth_area": float((gradient < 2).mean()),
        "local_contrast": float(spread.mean()) / 25,
        "sharpness": float(laplacian.mean()) / max(float(gradient.mean()), 0.5),
        "detail_fine": _log_energy(blurs[0] - blurs[1]),
        "detail_mid": _log_energy(quarter - wide[0]),
        "detail_coarse": _log_energy(wide[0] - wide[1]),
        "spectral_slope": _spectral_slope(light),
        "horizontals": lines(0, 15),
        "verticals": lines(90, 15),
        "diagonals": lines(45, 22) + lines(135, 22),
        "line_variety": _entropy(directions.reshape(12, 3).sum(axis=1) / max(directions.sum(), 1e-9)),
        "horizon": float(steps.max(initial=0)) / span,
        "horizon_height": 1 - (strongest + reach) / height,
        "symmetry": mirrored,
        "center_detail": float(np.log((float(inside.mean()) + 0.1) / (outside + 0.1))) / 4,
    }


def _spectral_slope(light: np.ndarray) -> float:
    """Slope of the radially averaged log amplitude, of a 128 x 128 middle or the whole with zeros around it."""
    window = np.hanning(light.shape[0])[:, None] * np.hanning(light.shape[1])[None]
    amplitude = np.abs(np.fft.rfft2((light - light.mean()) * window, s=(128, 128)))
    fy, fx = np.fft.fftfreq(128)[:, None], np.fft.rfftfreq(128)[None]
    ring = np.clip((np.hypot(fy, fx) * 128).astype(np.int64), 0, 63)
    mean = np.bincount(ring.ravel(), weights=amplitude.ravel(), minlength=64) / np.bincount(ring.ravel(), minlength=64)
    frequency = np.log(np.arange(3, 60))
    return float(np.polyfit(frequency, np.log(mean[3:60] + 1.0), 1)[0])


def _log_energy(band: np.ndarray) -> float:
    """Root-mean-square of an L* band on a log scale: 0 for none, 1 for 20 units."""
    return float(np.log1p(np.sqrt((band * band).mean())) / np.log(21))


def _entropy(shares: np.ndarray) -> float:
    """Shannon entropy of shares that sum to 1 (or 0), over its maximum -> 0..1."""
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum() / np.log(len(shares)))
