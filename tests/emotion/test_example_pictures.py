"""The example pictures land where a person would put them, as read by the shipped model that nobody told which kind they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from klangbild.emotion.read import read_emotions
from klangbild.picture.load import load_picture

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "pictures"


@pytest.fixture(scope="module")
def asked() -> dict[str, tuple[float, float]]:
    """Name -> (valence, arousal) on the music's plane."""
    files = sorted(FOLDER.glob("*.jpg"))
    readings = read_emotions([load_picture(str(file)) for file in files])
    return {file.stem: (r.asked.valence, r.asked.arousal) for file, r in zip(files, readings, strict=True)}


@pytest.mark.parametrize(
    ("name", "valence", "arousal"),
    # lowest and highest that a person would accept, -1..1
    [
        ("burning-forest", (-1, 0), (0.3, 1)),
        ("carnival", (0.1, 1), (0.3, 1)),
        ("storm-at-sea", (-1, -0.1), (0.2, 1)),
        ("night-city", (0, 1), (0.1, 1)),
        ("warm-reds", (-1, 0.3), (0.3, 1)),
        ("lake-at-dawn", (0.3, 1), (-1, -0.3)),
        ("sunflower-field", (0.5, 1), (-1, 1)),
        ("water-lilies", (0.2, 1), (-1, -0.1)),
        ("winter-solitude", (-1, 0.15), (-1, 0.1)),
        ("cold-grays", (-1, 0), (-1, -0.3)),
        ("woman-in-blue", (-0.2, 1), (-1, 0.3)),
    ],
)
def test_where_it_lands(asked, name, valence, arousal):
    v, a = asked[name]
    assert valence[0] <= v <= valence[1], f"{name}: valence {v:+.2f}"
    assert arousal[0] <= a <= arousal[1], f"{name}: arousal {a:+.2f}"


def test_most_of_them_are_taken_for_paintings():
    """Seven of the twelve were taken for photographs, which turned their arousal about."""
    pictures = [load_picture(str(file)) for file in sorted(FOLDER.glob("*.jpg"))]
    shares = [reading.painting for reading in read_emotions(pictures)]
    assert sum(share >= 0.5 for share in shares) >= 11 and min(shares) >= 0.4, shares


def test_three_quadrants_are_there(asked):
    quadrants = {(v > 0, a > 0) for v, a in asked.values() if abs(v) > 0.25 and abs(a) > 0.25}
    assert len(quadrants) >= 3, asked
