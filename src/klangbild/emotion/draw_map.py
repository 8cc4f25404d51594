"""`klangbild emotion --map`: the picture, what its parts feel like, and the way an eye might take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from klangbild.emotion.regions import RegionMap
from klangbild.errors import OutputError
from klangbild.picture.picture import Picture
from klangbild.whole_files import atomic_path

_SIDE = 560
_MARGIN, _PLANE = 24, 240
_INK, _PAPER = (34, 36, 40), (252, 251, 248)
# unpleasant to pleasant, distinguishable by most color-blind people (blue to orange)
_LOW, _MIDDLE, _HIGH = np.array([44, 92, 168.0]), np.array([234, 234, 234.0]), np.array([226, 128, 38.0])
_MIN_FULL = 0.25  # a valence that is shown in full color where no part of the picture has a larger one


def draw_map(picture: Picture, regions: RegionMap, path: str | Path) -> Path:
    """Write a PNG: the picture with numbered stops, a map (color valence, opacity arousal), and the plane.

    Orange is valence above 0, blue below, on the raters' scale as in `regions`; gray is neither. How deep a color is tells how far
    the valence is from 0; how opaque, the arousal among the parts of this picture.

    Raises:
        OutputError: the name does not end in .png, or the folder cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise OutputError(f"{path}: a map is a PNG; give a name that ends in .png")
    scale = _SIDE / max(picture.width, picture.height)
    size = max(60, round(picture.width * scale)), max(60, round(picture.height * scale))
    photo = Image.fromarray(picture.rgb).resize(size, Image.Resampling.LANCZOS)
    width = _MARGIN * 4 + 2 * size[0] + _PLANE
    height = max(size[1], _PLANE + 40) + _MARGIN * 2 + 46
    sheet = Image.new("RGB", (width, height), _PAPER)
    sheet.paste(photo, (_MARGIN, _MARGIN))
    sheet.paste(_overlay(photo, regions), (_MARGIN * 2 + size[0], _MARGIN))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=15)
    points = [(_MARGIN + r.center[0] * size[0], _MARGIN + r.center[1] * size[1]) for r in regions.regions]
    draw.line(points, fill=(255, 255, 255), width=4)
    draw.line(points, fill=_INK, width=2)
    for number, (x, y) in enumerate(points, start=1):
        _dot(draw, x, y, str(number), font)
    below = _MARGIN + size[1] + 10
    draw.text((_MARGIN, below), "where an eye might go, in order", fill=_INK, font=font)
    legend = (
        "orange pleasant, blue unpleasant, the deeper the more;\nmore opaque where more excited than elsewhere in it"
    )
    draw.text((_MARGIN * 2 + size[0], below), legend, fill=_INK, font=font)
    _plane(draw, _MARGIN * 3 + 2 * size[0], _MARGIN, regions, font)
    try:
        with atomic_path(path) as temporary:
            sheet.save(temporary, "PNG")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from None
    return path


def _overlay(photo: Image.Image, regions: RegionMap) -> Image.Image:
    """Gray picture under the map's colors."""
    valence, arousal = (_enlarged(m, photo.size) for m in (regions.valence, regions.arousal))
    # the color is the valence itself, not what it is beside the rest: a pleasant picture has no unpleasant parts
    signed = np.clip(valence / max(float(np.abs(valence).max()), _MIN_FULL), -1, 1)[..., None]
    tint = np.where(signed > 0, _MIDDLE + signed * (_HIGH - _MIDDLE), _MIDDLE - signed * (_LOW - _MIDDLE))
    strength = np.clip(0.5 + 0.5 * (arousal - arousal.mean()) / max(float(arousal.std()) * 1.8, 0.02), 0, 1)[..., None]
    gray = np.asarray(photo.convert("L"), np.float32)[..., None] * 0.8 + 40
    mixed = gray * (1 - 0.30 - 0.40 * strength) + tint * (0.30 + 0.40 * strength)
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


def _enlarged(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))


def _plane(draw: ImageDraw.ImageDraw, left: int, top: int, regions: RegionMap, font) -> None:
    middle = _PLANE // 2
    draw.rectangle([left, top, left + _PLANE, top + _PLANE], outline=_INK, fill=(255, 255, 255))
    draw.line([(left, top + middle), (left + _PLANE, top + middle)], fill=(200, 200, 200))
    draw.line([(left + middle, top), (left + middle, top + _PLANE)], fill=(200, 200, 200))
    draw.text((left, top + _PLANE + 6), "unpleasant", fill=_INK, font=font)
    draw.text((left + _PLANE, top + _PLANE + 6), "pleasant", fill=_INK, font=font, anchor="ra")
    draw.text((left + middle, top + 4), "excited", fill=_INK, font=font, anchor="ma")
    draw.text((left + middle, top + _PLANE - 6), "calm", fill=_INK, font=font, anchor="md")

    def at(valence: float, arousal: float) -> tuple[float, float]:
        return left + middle * (1 + valence), top + middle * (1 - arousal)

    whole = regions.whole
    x, y = at(whole.valence, whole.arousal)
    rx, ry = middle * whole.valence_spread, middle * whole.arousal_spread
    draw.ellipse([x - rx, y - ry, x + rx, y + ry], outline=(150, 150, 150), width=2)
    draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=(190, 40, 40))
    spots = [at(r.emotion.valence, r.emotion.arousal) for r in regions.regions]
    draw.line(spots, fill=(170, 170, 170), width=1)
    for number, (px, py) in enumerate(spots, start=1):
        _dot(draw, px, py, str(number), ImageFont.load_default(size=12), radius=8)


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, font, *, radius: int = 11) -> None:
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=_INK, outline=(255, 255, 255), width=2)
    draw.text((x, y), text, fill=(255, 255, 255), font=font, anchor="mm")
