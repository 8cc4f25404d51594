"""Read a picture from anything, safely: the only door through which pictures enter.

Nothing is decoded before its kind, its size and what it would take are known: at most 100 MB of file, 100 megapixels and
345 MB of memory. The first frame is taken, turned upright as its EXIF orientation says, and made 8-bit sRGB by its color
profile; transparency is laid on white. Everything that cannot be read is an `InputError` of one line that names the
file, what is wrong, and what to do.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import stat
import warnings
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from klangbild.errors import InputError, no_such_file
from klangbild.file_names import readable
from klangbild.picture.decode import (
    MAX_MEGAPIXELS,
    Pixels,
    assemble,
    band_rows,
    check_memory,
    check_pixels,
    decode,
    factor_for,
    give_back,
    kept_bytes,
    one_line,
    size_notes,
)
from klangbild.picture.decoder_memory import icon_sizes
from klangbild.picture.formats import FORMATS, can_read
from klangbild.picture.picture import Picture
from klangbild.picture.signature import MEND, foreign_kind, heif_kind, unread_kind
from klangbild.picture.tiff_numbers import tiff_numbers
from klangbild.picture.tiff_tags import is_tiff

MAX_MEGABYTES = 100
# Pillow logs what is odd in a file; where nobody listens, that would be printed
logging.getLogger("PIL").addHandler(logging.NullHandler())
_LARGE_PIXELS = 4_000_000

PictureSource = str | os.PathLike | bytes | bytearray | memoryview | BinaryIO | Image.Image | np.ndarray | Picture


def load_picture(source: PictureSource, *, words: str | None = None) -> Picture:
    """The picture in `source`: a path, the bytes of a file, an open binary file, a PIL image, an array, or a `Picture`.

    Arrays are (height, width), (height, width, 1|3|4): uint8, uint16 (0..65535), bool, or floats in 0..1.
    words: optional words that come with the picture. The source is never changed.

    Returns:
        A `Picture`: uint8 RGB (height, width, 3), upright, flattened on white.

    Raises:
        InputError: there is no such file, it is too large, or it is not a whole picture of a kind we read.
    """
    words = " ".join(words.split()) or None if words else None
    if isinstance(source, Picture):
        return source if words is None else replace(source, words=words)
    if isinstance(source, np.ndarray):
        pixels = _from_array(source)
        return _picture(pixels, "picture", _pixel_hash(pixels.rgb), words)
    if isinstance(source, Image.Image):
        label = one_line(getattr(source, "filename", "") or "the image")
        pixels = decode(source, label)
        name = readable(Path(label).stem) if getattr(source, "filename", "") else "picture"
        return _picture(pixels, name, _pixel_hash(pixels.rgb), words)
    suffix = ""
    if isinstance(source, (bytes, bytearray, memoryview)):
        content, label, name = bytes(source), "the picture's bytes", "picture"
        _check_bytes(len(content), label)
    elif isinstance(source, (str, os.PathLike)):
        content, label, name = _read_path(source)
        suffix = Path(os.fsdecode(source)).suffix.lower()
    elif hasattr(source, "read"):
        content, label, name = _read_open_file(source)
        suffix = Path(label).suffix.lower()
    else:
        raise InputError(
            f"what was given ({type(source).__name__}) is not a picture; give a path, bytes, an open file or an array"
        )
    if not content:
        raise InputError(f"{label}: the file is empty; {MEND}")
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        picture = _picture(_decode_bytes(content, label, suffix), name, sha256, words)
    except InputError:
        give_back()
        raise
    if picture.width * picture.height >= _LARGE_PIXELS:
        give_back()
    return picture


def _picture(pixels: Pixels, name: str, sha256: str, words: str | None) -> Picture:
    small = pixels.rgb.shape[1::-1] != pixels.size
    return Picture(pixels.rgb, name, sha256, words, pixels.size if small else None, pixels.notes)


def _read_path(source: str | os.PathLike) -> tuple[bytes, str, str]:
    """(content, label for messages, stem) of a file on disk; only regular files, so that a pipe cannot hang us."""
    label = one_line(os.fsdecode(source))
    try:
        path = Path(os.fsdecode(source))
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{label}: is a folder; give the pictures in it")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{label}: is not an ordinary file; {MEND}")
        _check_bytes(status.st_size, label)
        with path.open("rb") as file:
            content = file.read(MAX_MEGABYTES * 1_000_000 + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise no_such_file(label) from None
    except PermissionError:
        raise InputError(f"{label}: may not be read; check its permissions") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{label}: cannot be read ({one_line(error)}); check the path") from None
    _check_bytes(len(content), label)
    return content, label, readable(path.stem) or "picture"


def _read_open_file(file: BinaryIO) -> tuple[bytes, str, str]:
    """The same of an open binary file, read from where it stands."""
    named = getattr(file, "name", None)
    named = named if isinstance(named, str) and named and not named.startswith("<") else None
    label = one_line(named or "the open file")
    try:
        content = file.read(MAX_MEGABYTES * 1_000_000 + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{label}: cannot be read ({one_line(error)}); open it again") from None
    if not isinstance(content, bytes):
        raise InputError(f"{label}: is open as text; open it with mode 'rb'")
    _check_bytes(len(content), label)
    return content, label, readable(Path(named).stem if named else "") or "picture"


def _decode_bytes(content: bytes, label: str, suffix: str) -> Pixels:
    """Bytes of a picture file -> its pixels; what it is and how large it is are checked on the header alone."""
    if what := foreign_kind(content, suffix):
        raise InputError(f"{label}: {what}")
    heif = heif_kind(content)
    if heif is not None:
        _open_heif(heif, label)
    with warnings.catch_warnings():
        # our own limit, below Pillow's, is checked next; damaged metadata is no reason to speak either
        warnings.simplefilter("ignore")
        try:
            if is_tiff(content) and (numbers := tiff_numbers(content, label)) is not None:
                return numbers
            for size in icon_sizes(content):
                check_pixels(size, label)
                check_memory(4 * size[0] * size[1] + kept_bytes(size) + len(content), label, size)
            Image.init()  # a Pillow built without AVIF has no such format
            wanted = FORMATS if heif is None else ("HEIF",) if heif == "HEIC" else ("AVIF",)
            known = [name for name in wanted if name in Image.OPEN]
            with Image.open(io.BytesIO(content), formats=known) as image:
                return decode(image, label, content=content)
        except Image.DecompressionBombError:
            raise InputError(
                f"{label}: has more than {MAX_MEGAPIXELS} megapixels, the limit; make it smaller"
            ) from None
        except UnidentifiedImageError:
            if is_tiff(content) and (numbers := tiff_numbers(content, label, refused=True)) is not None:
                return numbers
            what = (
                unread_kind(content)
                if heif is None
                else f"is {'an' if heif == 'AVIF' else 'a'} {heif} picture that is damaged or packed unusually; save it as JPEG"
            )
            raise InputError(f"{label}: {what}") from None
        except InputError:
            raise
        except MemoryError:
            raise InputError(f"{label}: does not fit into the memory that is free; make it smaller") from None
        except Exception as error:  # decoders fed with damaged headers raise whatever they met
            raise InputError(f"{label}: is damaged ({one_line(error)}); {MEND}") from error


def _open_heif(kind: str, label: str) -> None:
    """Make Pillow read HEIC or AVIF. Raises InputError: what does it is not installed."""
    if can_read(kind):
        return
    raise InputError(
        f"{label}: is {'an' if kind == 'AVIF' else 'a'} {kind} picture, and what reads those is not installed; pip install 'klangbild[heif]', or save it as JPEG"
    )


def _from_array(array: np.ndarray) -> Pixels:
    """(H, W), (H, W, 1|3|4) of uint8, uint16, bool or floats in 0..1 -> uint8 (H, W, 3)."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or 0 in array.shape:
        raise InputError(
            f"an array of shape {array.shape} is not a picture; give (height, width), or (height, width, 3 or 4)"
        )
    size = (array.shape[1], array.shape[0])
    check_pixels(size, "the array")
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= 0.0 and high <= 1.0):  # also true of NaN
            raise InputError(f"an array of floats must lie in 0..1, this one has {low:g}..{high:g}; divide it first")
    elif array.dtype not in (np.bool_, np.uint8, np.uint16):
        raise InputError(f"an array of {array.dtype} is not a picture; give uint8, uint16, bool or floats in 0..1")
    factor = factor_for(size)
    rows = band_rows(size[0], factor)
    rgb = assemble((_8_bit(array[top : top + rows]) for top in range(0, size[1], rows)), size, factor)
    return Pixels(rgb, size, size_notes(rgb, size))


def _8_bit(array: np.ndarray) -> np.ndarray:
    """Rows of a checked array -> uint8 (rows, width, 3), transparency on white."""
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif array.dtype.kind == "f":
        array = (array * 255.0 + 0.5).astype(np.uint8)
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.uint32)
        array = ((array[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(array)


def _check_bytes(size: int, label: str) -> None:
    if size > MAX_MEGABYTES * 1_000_000:
        raise InputError(f"{label}: is larger than {MAX_MEGABYTES} MB, the limit; save it smaller")


def _pixel_hash(rgb: np.ndarray) -> str:
    return hashlib.sha256(b"%d %d " % rgb.shape[:2] + rgb.tobytes()).hexdigest()
