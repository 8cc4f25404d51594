"""Paint the example pictures: twelve originals, the same ones every time.

    python examples/paint.py [NAME...] [--out examples/pictures]

Each scene makes a reference (colors), a flow (the run of the brush) and a focus (where to look closely), and `brush.paint`
paints it. numpy and Pillow only; about ten seconds a picture.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scenes_abstract
import scenes_land
import scenes_people
import scenes_water
from PIL import Image

Scene = Callable[[np.random.Generator], Image.Image]

SCENES: dict[str, tuple[Scene, int, str]] = {
    "storm-at-sea": (
        scenes_water.storm_at_sea, 11,
        "A small sailing ship leans in towering gray-green waves under a dark, torn sky; lightning "
        "strikes at the right and a pale gleam breaks through above the horizon.",
    ),
    "lake-at-dawn": (
        scenes_water.lake_at_dawn, 12,
        "A still lake at dawn: peach and pale blue sky, layers of misty hills mirrored in the water, one "
        "person in a rowing boat, reeds in the near corner.",
    ),
    "night-city": (
        scenes_people.night_city, 13,
        "A city by a river at night: dark towers full of lit windows before a violet sky, neon signs, a "
        "low moon, and all the lights mirrored in the water.",
    ),
    "sunflower-field": (
        scenes_land.sunflower_field, 14,
        "A field of large yellow sunflowers under a bright blue sky with white clouds and a hazy sun, "
        "green hills far away.",
    ),
    "burning-forest": (
        scenes_land.burning_forest, 15,
        "A forest on fire: black trunks and bare branches before orange and yellow flames, smoke above, "
        "sparks flying.",
    ),
    "winter-solitude": (
        scenes_water.winter_solitude, 16,
        "A wide snowfield in the last gray light of a day, one bare tree, and a small dark figure at the end of a "
        "line of footprints.",
    ),
    "carnival": (
        scenes_people.carnival, 17,
        "A carnival at dusk: a big wheel, striped tents, strings of flags, fireworks, balloons, confetti "
        "and a dancing crowd in bright colors.",
    ),
    "cold-grays": (
        scenes_abstract.cold_greys, 18,
        "An abstract of heavy slabs in cold grays, pale above and dark below, with one small brownish "
        "block and a thin dark line.",
    ),
    "warm-reds": (
        scenes_abstract.warm_reds, 19,
        "An abstract in reds and oranges: arcs and hard diagonals burst out of a glowing yellow disc.",
    ),
    "woman-in-blue": (
        scenes_people.woman_in_blue, 20,
        "A portrait of a woman in a blue coat and a straw hat with a red ribbon, lit from a window on the"
        " left, looking calmly past us.",
    ),
    "water-lilies": (
        scenes_water.water_lilies, 21,
        "A pond seen from above: green lily pads with pink and white flowers on blue-green water that "
        "mirrors reeds and a pale light.",
    ),
    "autumn-rain": (
        scenes_land.autumn_rain, 22,
        "An avenue of brown autumn trees in the rain at dusk; a person with a red umbrella walks away on "
        "the wet, shining road.",
    ),
}  # fmt: skip
"""Name -> how it is painted, its seed, its alt text."""


def save_picture(image: Image.Image, path: Path, *, limit: int = 150_000) -> None:
    """As a JPEG of the best quality that stays under `limit` bytes."""
    for quality in range(90, 30, -4):
        image.save(path, "JPEG", quality=quality, optimize=True, subsampling=0 if quality > 80 else 2)
        if path.stat().st_size <= limit:
            return


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Paint the example pictures.")
    parser.add_argument("names", nargs="*", help=f"which (default: all): {', '.join(SCENES)}")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in SCENES]:
        parser.error(f"no scene is called '{unknown[0]}'; there are {', '.join(SCENES)}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.names or SCENES:
        scene, seed, _ = SCENES[name]
        save_picture(scene(np.random.default_rng(seed)), given.out / f"{name}.jpg")
        print(given.out / f"{name}.jpg")
    alt = {name: text for name, (_, _, text) in SCENES.items()}
    (given.out / "alt.json").write_text(json.dumps(alt, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
