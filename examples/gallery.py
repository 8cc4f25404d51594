"""The gallery in docs/gallery: the README's piano roll, and twelve fixed seeds at the four corners of the emotion plane,
each as its piano roll with the spectrogram of its sound below.

    python examples/gallery.py

Run it when new weights ship: the same twelve requests each time, so that before and after can be laid side by side.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from klangbild import Composer
from klangbild.show.spectrogram import draw_spectrogram

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "gallery"
CORNERS = {"glad-excited": (0.8, 0.8), "tense": (-0.8, 0.8), "gloomy": (-0.8, -0.8), "serene": (0.8, -0.8)}
SEEDS = (1, 2, 3)
README_PICTURE, README_SEED = "storm-at-sea", 9


def save_small(image: Image.Image, path: Path, width: int) -> None:
    """A WebP: half of what a palette PNG takes, spectrograms being no flat color."""
    height = round(image.height * width / image.width)
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    image.convert("RGB").save(path, "WEBP", quality=70, method=6)
    print(path.relative_to(ROOT), path.stat().st_size // 1000, "kB")


def above(top: Image.Image, bottom: Image.Image) -> Image.Image:
    """Both at the width of the first, one over the other."""
    bottom = bottom.resize((top.width, round(bottom.height * top.width / bottom.width)), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (top.width, top.height + bottom.height), "white")
    whole.paste(top, (0, 0))
    whole.paste(bottom, (0, top.height))
    return whole


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    composer = Composer()
    result = composer.compose(ROOT / "examples" / "pictures" / f"{README_PICTURE}.jpg", seed=README_SEED)
    save_small(result.roll(), OUT / f"{README_PICTURE}.webp", 1100)
    for name, (valence, arousal) in CORNERS.items():
        for seed in SEEDS:
            result = composer.compose(text="neutral", valence=valence, arousal=arousal, seconds=24, seed=seed)
            print(f"{name}-{seed}: {result.record['music']['words']}")
            save_small(above(result.roll(), draw_spectrogram(result.audio)), OUT / f"{name}-{seed}.webp", 480)


if __name__ == "__main__":
    main()
