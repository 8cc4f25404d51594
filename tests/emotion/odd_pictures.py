"""Pictures unlike any that people rated: solid colors, noise, a page of text, a screenshot, a line drawing."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont


def odd_pictures() -> dict[str, np.ndarray]:
    """Name -> uint8 (height, width, 3)."""
    rng = np.random.default_rng(4)
    blur = Image.fromarray(rng.integers(0, 256, (90, 120, 3)).astype(np.uint8)).filter(ImageFilter.GaussianBlur(3))
    return {
        "white": np.full((300, 400, 3), 255, np.uint8),
        "black": np.zeros((300, 400, 3), np.uint8),
        "red": np.full((300, 400, 3), (205, 30, 40), np.uint8),
        "blue": np.full((300, 400, 3), (40, 90, 200), np.uint8),
        "gray": np.full((300, 400, 3), 128, np.uint8),
        "noise": rng.integers(0, 256, (300, 400, 3)).astype(np.uint8),
        "gray noise": np.repeat(rng.integers(0, 256, (300, 400, 1)), 3, axis=2).astype(np.uint8),
        "blurred noise": np.asarray(blur),
        "page of text": _page(rng),
        "screenshot": _screenshot(rng),
        "line drawing": _drawing(rng),
        "checkerboard": np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((40, 40)))[..., None]
        .repeat(3, 2)
        .astype(np.uint8)
        * 255,
    }


def _words(rng: np.random.Generator, count: int) -> str:
    letters = np.array(list("abcdefghilmnoprstuvw"))
    return " ".join("".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(count))


def _page(rng: np.random.Generator) -> np.ndarray:
    page = Image.new("RGB", (620, 877), "#fdfdfb")
    draw = ImageDraw.Draw(page)
    draw.text((60, 50), _words(rng, 4), fill="black", font=ImageFont.load_default(26))
    for line in range(38):
        draw.text((60, 110 + 19 * line), _words(rng, 12)[:78], fill="#222222", font=ImageFont.load_default(13))
    return np.asarray(page)


def _screenshot(rng: np.random.Generator) -> np.ndarray:
    screen = Image.new("RGB", (1280, 800), "#f3f4f6")
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, 1280, 48), fill="#20304a")
    draw.rectangle((0, 48, 240, 800), fill="#e3e6ec")
    for row in range(9):
        draw.text((24, 70 + 34 * row), _words(rng, 2), fill="#333a46", font=ImageFont.load_default(15))
    for column in range(3):
        for row in range(2):
            left, top = 270 + 330 * column, 90 + 340 * row
            draw.rectangle((left, top, left + 300, top + 300), fill="white", outline="#ccd2db")
            draw.text((left + 16, top + 14), _words(rng, 3), fill="#1c2430", font=ImageFont.load_default(18))
            for bar in range(6):
                high = int(rng.integers(20, 180))
                draw.rectangle(
                    (left + 24 + 44 * bar, top + 270 - high, left + 52 + 44 * bar, top + 270), fill="#4a7fd4"
                )
    return np.asarray(screen)


def _drawing(rng: np.random.Generator) -> np.ndarray:
    paper = Image.new("RGB", (600, 450), "white")
    draw = ImageDraw.Draw(paper)
    draw.polygon([(150, 250), (300, 130), (450, 250)], outline="black", width=3)
    draw.rectangle((180, 250, 420, 390), outline="black", width=3)
    draw.rectangle((270, 300, 330, 390), outline="black", width=3)
    draw.ellipse((480, 40, 550, 110), outline="black", width=3)
    points = [(20 * i, 395 + rng.normal(0, 2)) for i in range(31)]
    draw.line(points, fill="black", width=3)
    return np.asarray(paper)
