"""The map's colors mean what its caption says: orange is a valence above 0, blue one below."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klangbild.emotion.draw_map import _overlay, draw_map
from klangbild.emotion.regions import RegionMap, emotion_of_regions
from klangbild.emotion.space import Emotion
from klangbild.picture.load import load_picture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "pictures"


def warmth(valence: np.ndarray) -> np.ndarray:
    """Red less blue of the overlay where the map has these valences, one cell a 40 x 40 square, on a gray picture."""
    rows, columns = valence.shape
    found = RegionMap(Emotion(0, 0), (), valence, np.zeros_like(valence), np.zeros_like(valence))
    shown = np.asarray(_overlay(Image.new("RGB", (40 * columns, 40 * rows), (128, 128, 128)), found)).astype(int)
    return (shown[..., 0] - shown[..., 2])[20::40, 20::40]


@pytest.mark.parametrize("middle", [0.3, -0.3, 0.0])
def test_the_color_is_the_sign_of_the_valence(middle):
    valence = middle + np.array([[-0.2, -0.1, 0.0], [0.0, 0.1, 0.2]])
    seen = warmth(valence)
    assert (
        np.sign(np.where(np.abs(seen) < 3, 0, seen)) == np.sign(np.where(np.abs(valence) < 0.02, 0, valence))
    ).all(), seen
    assert (np.diff(seen.ravel()[np.argsort(valence.ravel(), kind="stable")]) >= -1).all()  # the more so, the stronger


def test_a_pleasant_picture_has_no_blue_part_and_a_weak_feeling_no_full_color():
    assert (warmth(np.array([[0.21, 0.5], [0.35, 0.6]])) > 10).all()
    assert np.abs(warmth(np.array([[0.01, -0.01], [0.0, 0.02]]))).max() < 12


def test_a_real_map_agrees_with_its_regions(tmp_path):
    picture = load_picture(EXAMPLES / "sunflower-field.jpg")
    regions = emotion_of_regions(picture)
    assert draw_map(picture, regions, tmp_path / "map.png").stat().st_size > 10_000
    overlay = np.asarray(_overlay(Image.new("RGB", (400, 267), (128, 128, 128)), regions)).astype(int)
    low, high = regions.valence.min(), regions.valence.max()
    tint = overlay[..., 0] - overlay[..., 2]
    assert (tint.min() >= 0) == (low >= 0) and (tint.max() > 0) == (high > 0)
