"""From an opened picture to sRGB pixels, in bounded memory.

What decoding takes is estimated from the header before any pixel is read, and refused above `MAX_MEMORY_MB`. The pixels
are then made 8-bit sRGB on white a band of rows at a time, so that only the decoder itself ever holds the whole picture in
its own form; above `WHOLE_MEGAPIXELS` each two by two pixels are averaged (JPEG and JPEG 2000 decode that way, and a
PNG is decoded a band at a time too).
"""

from __future__ import annotations

import ctypes
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from klangbild.errors import InputError
from klangbild.picture.color_profile import ToSrgb, conversion_of
from klangbild.picture.decoder_memory import decoder_bytes
from klangbild.picture.png_bands import can_band, png_bands, png_orientation
from klangbild.picture.signature import MEND

MAX_MEGAPIXELS = 100
WHOLE_MEGAPIXELS = 25
"""Up to here every pixel is kept; larger pictures are kept at half their width and height."""
MAX_MEMORY_MB = 345
"""For the file, its decoder and the pixels: with all that the page's server holds, it stays below 600 MB."""
BAND_PIXELS = 1 << 20
_TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
          5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
          8: Image.Transpose.ROTATE_90}  # fmt: skip


@dataclass(frozen=True)
class Pixels:
    """rgb: uint8 sRGB (height, width, 3), upright, on white. size: (width, height) of the picture itself, upright.

    notes: what was passed over or changed, in words.
    """

    rgb: np.ndarray
    size: tuple[int, int]
    notes: tuple[str, ...] = ()


def decode(image: Image.Image, label: str, *, content: bytes | None = None) -> Pixels:
    """The first frame of an opened image.

    content: the bytes of the file, when the image was opened here; None for an image of the caller's, which is not changed.

    Raises:
        InputError: it is damaged, too large, or would take too much memory.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if image.format == "TIFF" and content is not None:
            _pass_thumbnail(image, label)
        size = image.size
        check_pixels(size, label)
        if content is not None and factor_for(size) > 1 and can_band(content):
            return _decode_png(image, label, content)
        halved = content is not None and factor_for(size) > 1 and _decode_halved(image, content)
        # what the caller has loaded already takes nothing more
        loaded = content is None and not getattr(image, "tile", ())
        needed = 0.0 if loaded else decoder_bytes(image, content or b"", halved=halved)
        check_memory(needed + kept_bytes(size) + len(content or b""), label, size)
        try:
            image.load()
        except Exception as error:  # decoders fed with damaged data raise whatever they met
            whole = "is cut off or damaged" if isinstance(error, (OSError, SyntaxError, ValueError)) else "is damaged"
            raise InputError(f"{label}: {whole} ({one_line(error)}); save or download it again") from error
        halved = halved and image.size != size
        size = size if halved else image.size  # an icon, or a TIFF that turns itself, is known only now
        check_pixels(size, label)
        to_srgb, note = conversion_of(image, content or b"")
        factor = 1 if halved else factor_for(size)
        rgb = assemble(_bands(image, factor, to_srgb), image.size, factor)
        turn = _TURNS.get(_orientation(image))
        if turn is not None:
            rgb = np.array(Image.fromarray(rgb).transpose(turn))
            size = size if turn in (_TURNS[2], _TURNS[3], _TURNS[4]) else size[::-1]
    return Pixels(rgb, size, (*((note,) if note else ()), *size_notes(rgb, size)))


def _decode_png(image: Image.Image, label: str, content: bytes) -> Pixels:
    """A large PNG, opened and not loaded, band by band."""
    size, factor = image.size, factor_for(image.size)
    check_memory(kept_bytes(size) + len(content), label, size)
    to_srgb, note = conversion_of(image, content)
    bands = png_bands(content, band_rows(size[0], factor))
    try:
        rgb = assemble((part for band in bands for part in _bands(band, factor, to_srgb)), size, factor)
    except (OSError, SyntaxError, ValueError, zlib.error) as error:
        raise InputError(f"{label}: is cut off or damaged ({one_line(error)}); save or download it again") from error
    turn = _TURNS.get(png_orientation(content))
    if turn is not None:
        rgb = np.array(Image.fromarray(rgb).transpose(turn))
        size = size if turn in (_TURNS[2], _TURNS[3], _TURNS[4]) else size[::-1]
    return Pixels(rgb, size, (*((note,) if note else ()), *size_notes(rgb, size)))


def size_notes(rgb: np.ndarray, size: tuple[int, int]) -> tuple[str, ...]:
    """What is said of a picture (height, width, 3) that is kept smaller than it is."""
    if rgb.shape[0] * rgb.shape[1] >= size[0] * size[1]:
        return ()
    return (f"it has {size[0] * size[1] / 1e6:.0f} megapixels, and was read at half its width and height",)


def factor_for(size: tuple[int, int]) -> int:
    """How many pixels a side become one."""
    return 1 if size[0] * size[1] <= WHOLE_MEGAPIXELS * 1_000_000 else 2


def kept_bytes(size: tuple[int, int]) -> int:
    """What the pixels of a picture of this size take when it is read."""
    factor = factor_for(size)
    return -(-size[0] // factor) * -(-size[1] // factor) * 3


def assemble(bands: Iterable[np.ndarray], size: tuple[int, int], factor: int) -> np.ndarray:
    """Bands of a picture from above, uint8 (rows, width, 3) -> all of it (height, width, 3), `factor` pixels a side averaged.

    size: (width, height) before averaging. Each band but the last has a multiple of `factor` rows.
    """
    width, height = size
    rgb = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    at = 0
    for band in bands:
        if factor > 1:
            band = np.asarray(Image.fromarray(band).reduce(factor))
        rgb[at : at + len(band)] = band
        at += len(band)
    return rgb


def band_rows(width: int, factor: int) -> int:
    """Rows of a band of about a megapixel, a multiple of `factor`."""
    return max(1, BAND_PIXELS // (width * factor)) * factor


def give_back() -> None:
    """Hand freed memory back to the system, where the C library can (glibc keeps it else)."""
    if _TRIM is not None:
        _TRIM(0)


def check_pixels(size: tuple[int, int], label: str) -> None:
    """Raises InputError: none, or more than `MAX_MEGAPIXELS`."""
    width, height = size
    if width < 1 or height < 1:
        raise InputError(f"{label}: holds no pixels; {MEND}")
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        size = f"{width}x{height} is {width * height / 1e6:.0f} megapixels"
        raise InputError(f"{label}: {size}, the limit is {MAX_MEGAPIXELS} megapixels; make it smaller")


def check_memory(needed: float, label: str, size: tuple[int, int]) -> None:
    """Raises InputError: reading would take more than `MAX_MEMORY_MB`."""
    if needed > MAX_MEMORY_MB * 1e6:
        raise InputError(
            f"{label}: {size[0]}x{size[1]} of this kind would take {needed / 1e6:.0f} MB of memory to read, "
            f"the limit is {MAX_MEMORY_MB} MB; make it smaller, or save it as a plain JPEG"
        )


def float_scale(values: np.ndarray) -> float:
    """What floats are multiplied with to reach 0..255: they mean 0..1 (with highlights above), 0..255 or 0..65535.

    values: (n,), enough of them to tell, finite.
    """
    if values.size == 0 or values.max() <= 1.0 or np.quantile(values, 0.95) <= 1.0:
        return 255.0
    return 1.0 if values.max() <= 255.0 else 255.0 / 65535.0


def grey_to_8_bit(grey: np.ndarray, *, scale: float | None = None, largest: int = 65535) -> np.ndarray:
    """16-bit, 32-bit or float values (..., width) -> uint8 (..., width), keeping white white.

    scale: of floats, as `float_scale` says. largest: of whole numbers; above 65535 it becomes white.
    """
    if grey.dtype.kind == "f":
        grey = np.nan_to_num(grey.astype(np.float32), nan=0.0, posinf=np.inf, neginf=0.0)
        return np.clip(grey * scale + 0.5, 0, 255).astype(np.uint8)
    if largest > 65535:
        return (np.clip(grey, 0, None).astype(np.float64) * (255.0 / float(largest)) + 0.5).astype(np.uint8)
    # a 16-bit file stays 16-bit even where all of it is dark; 32-bit integers (mode "I") are 16-bit PNGs in old Pillow
    return ((np.clip(grey, 0, 65535).astype(np.uint32) + 128) // 257).astype(np.uint8)


def one_line(value: object) -> str:
    """Text for a one-line message: no control characters, not endless."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return text if len(text) <= 200 else text[:90] + " ... " + text[-90:]


try:
    _TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)
except (OSError, TypeError):  # Windows has no such handle
    _TRIM = None


def _pass_thumbnail(image: Image.Image, label: str) -> None:
    """Go on to the picture itself where the first page of a TIFF is a small version of another (NewSubfileType, bit 0)."""
    if not int(image.tag_v2.get(254, 0)) & 1:
        return
    for page in range(1, min(image.n_frames, 64)):
        image.seek(page)
        if not int(image.tag_v2.get(254, 0)) & 1:
            return
    image.seek(0)
    if 330 in image.tag_v2:
        raise InputError(
            f"{label}: is a TIFF that shows a thumbnail and keeps its picture elsewhere; save it as a plain TIFF"
        )


def _decode_halved(image: Image.Image, content: bytes) -> bool:
    """Ask the decoder for half the width and height, where it can."""
    if image.format in ("JPEG", "MPO"):
        before = image.size
        image.draft(None, (max(1, before[0] // 2), max(1, before[1] // 2)))
        return image.size != before
    if image.format == "JPEG2000":
        at = content.find(b"\xff\x52", 0, 200_000)  # COD: how often its wavelets halve it
        if at > 0 and content[at + 9 : at + 10] > b"\0":
            image.reduce = 1
            return True
    return False


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF data: the pixels are good, so show them unturned
        return 1


def _bands(image: Image.Image, factor: int, to_srgb: ToSrgb | None) -> Iterator[np.ndarray]:
    """A loaded image of any mode -> uint8 sRGB (rows, width, 3), transparency on white, from above."""
    width, height = image.size
    rows = band_rows(width, factor)
    boxes = [(0, top, width, min(top + rows, height)) for top in range(0, height, rows)]
    deep, scale, largest = image.mode.startswith("I") or image.mode == "F", None, 65535
    if image.mode == "F":
        step = max(1, width * height // 1_000_000)
        some = np.concatenate([np.asarray(image.crop(box)).ravel()[::step] for box in boxes])
        scale = float_scale(some[np.isfinite(some)])
    elif deep and not image.mode.startswith("I;"):
        largest = int(image.getextrema()[1])
    for box in boxes:
        band = image.crop(box) if len(boxes) > 1 else image
        if deep:
            band = Image.fromarray(grey_to_8_bit(np.asarray(band), scale=scale, largest=largest))
        yield np.asarray(_flat(band, to_srgb))


def _flat(image: Image.Image, to_srgb: ToSrgb | None) -> Image.Image:
    """Any 8-bit Pillow mode to sRGB, transparency on white."""
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        if (
            over.getchannel("A").getextrema()[0] == 255
        ):  # nothing shines through, and laying it on white would cost the most
            return over.convert("RGB") if to_srgb is None else to_srgb.apply(over.convert("RGB"))
        if to_srgb is not None:
            colors = to_srgb.apply(over.convert("RGB"))
            colors.putalpha(over.getchannel("A"))
            over = colors
        white = Image.new("RGBA", over.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, over).convert("RGB")
    if to_srgb is not None:
        return to_srgb.apply(image if image.mode in ("L", "CMYK", "LAB") else image.convert("RGB"))
    return image.convert("RGB")
