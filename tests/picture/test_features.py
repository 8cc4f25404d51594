"""Features are what they say, on pictures made for the purpose."""

from __future__ import annotations

import time

import numpy as np
import pytest

from klangbild.picture.color import color_name, to_lab
from klangbild.picture.features import FEATURES, picture_features
from klangbild.picture.load import load_picture


def features_of(rgb):
    return picture_features(load_picture(np.asarray(rgb, np.uint8)))


def solid(r, g, b, shape=(90, 120)):
    return np.full((*shape, 3), (r, g, b), np.uint8)


def stripes(*, level: bool) -> np.ndarray:
    wave = (np.sin(np.arange(120) / 3) > 0) * 200 + 25
    picture = np.repeat(wave[:, None] if level else wave[None], 120, axis=1 if level else 0)
    return np.repeat(picture[:, :, None], 3, axis=2)


def test_lab_against_known_values():
    # CIE Lab of sRGB primaries, D65 (Lindbloom's calculator, rounded)
    known = {(255, 0, 0): (53.2, 80.1, 67.2), (0, 255, 0): (87.7, -86.2, 83.2), (0, 0, 255): (32.3, 79.2, -107.9),
             (255, 255, 255): (100.0, 0.0, 0.0), (119, 119, 119): (50.0, 0.0, 0.0)}  # fmt: skip
    for rgb, lab in known.items():
        assert np.allclose(to_lab(np.array(rgb, np.uint8)), lab, atol=0.15)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [((255, 255, 255), "white"), ((5, 5, 5), "black"), ((130, 130, 130), "gray"), ((200, 30, 30), "red"),
     ((20, 40, 110), "dark blue"), ((90, 60, 35), "dark brown"), ((60, 140, 60), "green"), ((245, 210, 40), "yellow"),
     ((235, 140, 40), "orange"), ((120, 60, 160), "purple")],
)  # fmt: skip
def test_color_names(rgb, name):
    assert name in color_name(to_lab(np.array(rgb, np.uint8)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 20_000), (20_000, 1), (2, 3), (7, 5), (400, 600)])
def test_always_finite_and_in_range(shape):
    rng = np.random.default_rng(0)
    for rgb in (np.zeros((*shape, 3)), np.full((*shape, 3), 255), rng.integers(0, 256, (*shape, 3))):
        vector = features_of(rgb).vector
        assert np.isfinite(vector).all()
        assert all(f.low <= v <= f.high + 1e-6 for f, v in zip(FEATURES, vector, strict=True))


def test_light_and_color():
    dark, light = features_of(solid(15, 15, 20)), features_of(solid(240, 240, 235))
    assert dark["brightness"] < 0.1 < 0.9 < light["brightness"]
    assert dark["dark_area"] == 1 and light["light_area"] == 1
    blue, red = features_of(solid(70, 120, 220)), features_of(solid(220, 60, 30))
    assert blue["blue"] == 1 and blue["sky"] == 1 and blue["warmth"] < 0 < red["warmth"] and red["red"] == 1
    rng = np.random.default_rng(1)
    motley = features_of(rng.integers(0, 256, (6, 8, 3)).repeat(20, 0).repeat(20, 1))
    assert motley["colorfulness"] > blue["colorfulness"] * 0.3 and motley["hue_variety"] > 0.7 > blue["hue_variety"]
    tinted = rng.integers(-7, 8, (6, 8, 3)).repeat(20, 0).repeat(20, 1) + 130
    assert features_of(tinted)["hue_variety"] < 0.15  # grays with a hint of every hue are not colorful
    half = solid(30, 30, 30)
    half[:45] = 220
    assert features_of(half)["top_light"] > 0.5 and features_of(half[::-1])["top_light"] < -0.5


def test_hasler_suesstrunk_by_hand():
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[:, :32] = (200, 40, 40)
    rgb[:, 32:] = (40, 60, 200)
    rg, yb = np.array([160, -20.0]), np.array([80, -150.0])
    expected = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert features_of(rgb)["colorfulness"] == pytest.approx(expected / 100, rel=0.03)


def test_lines_detail_symmetry():
    level, upright = features_of(stripes(level=True)), features_of(stripes(level=False))
    assert level["horizontals"] > 0.9 > 0.1 > level["verticals"]
    assert upright["verticals"] > 0.9 > 0.1 > upright["horizontals"]
    rng = np.random.default_rng(2)
    rough = features_of(rng.integers(0, 256, (128, 128, 3)))
    smooth = features_of(np.repeat(np.linspace(60, 180, 128)[:, None, None], 128, 1).repeat(3, 2))
    assert rough["edge_density"] > 0.35 > 0.01 > smooth["edge_density"] and smooth["smooth_area"] > 0.9
    assert rough["detail_fine"] > smooth["detail_fine"] and rough["spectral_slope"] > smooth["spectral_slope"]
    mirrored = np.concatenate([rng.integers(0, 256, (100, 50, 3)), np.zeros((100, 0, 3), int)], 1)
    mirrored = np.concatenate([mirrored, mirrored[:, ::-1]], 1)
    assert features_of(mirrored)["symmetry"] > 0.9 > features_of(rng.integers(0, 256, (100, 100, 3)))["symmetry"]


def test_palette_shares():
    rgb = solid(20, 40, 120)
    rgb[:30] = (230, 220, 190)
    palette = features_of(rgb).palette
    assert palette[0].name == "dark blue" and palette[0].share == pytest.approx(2 / 3, abs=0.05)
    assert sum(s.share for s in palette) == pytest.approx(1, abs=0.01) and len(palette) <= 5
    assert palette[0].hex.startswith("#")


def test_the_same_twice_and_quick():
    rng = np.random.default_rng(3)
    picture = load_picture(rng.integers(0, 256, (240, 320, 3)).astype(np.uint8))
    assert np.array_equal(picture_features(picture).vector, picture_features(load_picture(picture.rgb)).vector)
    best = min(_timed(load_picture(picture.rgb)) for _ in range(8))
    assert best < 0.06  # 12 ms on a quiet machine; tests run on busy ones


def _timed(picture) -> float:
    start = time.process_time()
    picture_features(picture)
    return time.process_time() - start


def test_a_picture_is_measured_once_while_it_is_held():
    """Emotion, kind and traits ask for the same numbers; another picture in the same place of memory gets its own."""
    first = load_picture(np.full((40, 60, 3), 200, np.uint8))
    assert picture_features(first) is picture_features(first)
    seen = set()
    for level in range(0, 250, 10):
        picture = load_picture(np.full((40, 60, 3), level, np.uint8))
        seen.add(round(picture_features(picture)["brightness"], 6))
        del picture
    assert len(seen) == 25
