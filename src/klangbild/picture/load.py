"""Read a picture from anything, safely: the only door through which pictures enter.

Nothing is decoded before its size is known: at most 100 MB of file and 100 megapixels. The first frame is taken,
turned upright as its EXIF orientation says, and made 8-bit RGB; transparency is laid on white. Everything that cannot
be read is an `InputError` of one line that names the file, what is wrong, and what to do.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from klangbild.errors import InputError, no_such_file
from klangbild.file_names import readable
from klangbild.picture.picture import Picture

MAX_MEGAPIXELS = 100
MAX_MEGABYTES = 100

# No format that starts another program (EPS runs Ghostscript) or fetches a second file.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "ICO", "PCX", "JPEG2000", "AVIF")
_MEND = "give a JPEG, PNG, WebP, GIF, TIFF or BMP picture"

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
        return source if words is None else Picture(source.rgb, source.name, source.sha256, words)
    if isinstance(source, np.ndarray):
        rgb = _from_array(source)
        return Picture(rgb, "picture", _pixel_hash(rgb), words)
    if isinstance(source, Image.Image):
        label = _one_line(getattr(source, "filename", "") or "the image")
        _check_pixels(source.size, label)
        rgb = _decode(source, label)
        name = readable(Path(label).stem) if getattr(source, "filename", "") else "picture"
        return Picture(rgb, name, _pixel_hash(rgb), words)
    if isinstance(source, (bytes, bytearray, memoryview)):
        content, label, name = bytes(source), "the picture's bytes", "picture"
        _check_bytes(len(content), label)
    elif isinstance(source, (str, os.PathLike)):
        content, label, name = _read_path(source)
    elif hasattr(source, "read"):
        content, label, name = _read_open_file(source)
    else:
        raise InputError(f"a {type(source).__name__} is not a picture; give a path, bytes, an open file or an array")
    if not content:
        raise InputError(f"{label}: the file is empty; {_MEND}")
    return Picture(_decode_bytes(content, label), name, hashlib.sha256(content).hexdigest(), words)


def _read_path(source: str | os.PathLike) -> tuple[bytes, str, str]:
    """(content, label for messages, stem) of a file on disk; only regular files, so that a pipe cannot hang us."""
    label = _one_line(os.fsdecode(source))
    try:
        path = Path(os.fsdecode(source))
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{label}: is a folder; give the pictures in it")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{label}: is not an ordinary file; {_MEND}")
        _check_bytes(status.st_size, label)
        with path.open("rb") as file:
            content = file.read(MAX_MEGABYTES * 1_000_000 + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise no_such_file(label) from None
    except PermissionError:
        raise InputError(f"{label}: may not be read; check its permissions") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{label}: cannot be read ({_one_line(error)}); check the path") from None
    _check_bytes(len(content), label)
    return content, label, readable(path.stem) or "picture"


def _read_open_file(file: BinaryIO) -> tuple[bytes, str, str]:
    """The same of an open binary file, read from where it stands."""
    named = getattr(file, "name", None)
    named = named if isinstance(named, str) and named and not named.startswith("<") else None
    label = _one_line(named or "the open file")
    try:
        content = file.read(MAX_MEGABYTES * 1_000_000 + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{label}: cannot be read ({_one_line(error)}); open it again") from None
    if not isinstance(content, bytes):
        raise InputError(f"{label}: is open as text; open it with mode 'rb'")
    _check_bytes(len(content), label)
    return content, label, readable(Path(named).stem if named else "") or "picture"


def _decode_bytes(content: bytes, label: str) -> np.ndarray:
    """Bytes of a picture file -> uint8 (height, width, 3); the size is checked on the header alone."""
    with warnings.catch_warnings():
        # our own limit, below Pillow's, is checked next; damaged metadata is no reason to speak either
        warnings.simplefilter("ignore")
        try:
            Image.init()  # a Pillow built without AVIF has no such format
            known = [name for name in FORMATS if name in Image.OPEN]
            with Image.open(io.BytesIO(content), formats=known) as image:
                _check_pixels(image.size, label)
                return _decode(image, label)
        except Image.DecompressionBombError:
            raise InputError(
                f"{label}: has more than {MAX_MEGAPIXELS} megapixels, the limit; make it smaller"
            ) from None
        except UnidentifiedImageError:
            raise InputError(f"{label}: {_kind_of(content)}; {_MEND}") from None
        except InputError:
            raise
        except Exception as error:  # decoders fed with damaged headers raise whatever they met
            raise InputError(f"{label}: is damaged ({_one_line(error)}); {_MEND}") from error


def _decode(image: Image.Image, label: str) -> np.ndarray:
    """First frame of an opened image, upright, on white -> uint8 (height, width, 3)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image.load()
        except Exception as error:  # as above; a truncated file is an OSError with Pillow's own words
            whole = "is cut off or damaged" if isinstance(error, (OSError, SyntaxError, ValueError)) else "is damaged"
            raise InputError(f"{label}: {whole} ({_one_line(error)}); save or download it again") from error
        try:
            upright = ImageOps.exif_transpose(image)
        except Exception:  # noqa: BLE001 - damaged EXIF data: the pixels are good, so show them unturned
            upright = image
        rgb = np.array(_to_rgb(upright))  # a copy: the array outlives the image and may be written to
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise InputError(f"{label}: holds no pixels; {_MEND}")
    return rgb


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode to 8-bit RGB, transparency on white."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_grey_to_8_bit(np.asarray(image))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        white = Image.new("RGBA", over.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, over).convert("RGB")
    return image.convert("RGB")


def _grey_to_8_bit(grey: np.ndarray) -> np.ndarray:
    """16-bit, 32-bit or float grey (height, width) -> uint8, keeping white white."""
    if grey.dtype.kind == "f":
        grey = np.nan_to_num(grey.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        scale = 255.0 if grey.max(initial=0) <= 1.0 else 1.0 if grey.max() <= 255.0 else 255.0 / 65535.0
        return np.clip(grey * scale + 0.5, 0, 255).astype(np.uint8)
    if grey.max(initial=0) > 65535:
        return (np.clip(grey, 0, None).astype(np.float64) * (255.0 / float(grey.max())) + 0.5).astype(np.uint8)
    # a 16-bit file stays 16-bit even where all of it is dark; 32-bit integers (mode "I") are 16-bit PNGs in old Pillow
    return ((np.clip(grey, 0, 65535).astype(np.uint32) + 128) // 257).astype(np.uint8)


def _from_array(array: np.ndarray) -> np.ndarray:
    """(H, W), (H, W, 1|3|4) of uint8, uint16, bool or floats in 0..1 -> uint8 (H, W, 3)."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or 0 in array.shape:
        raise InputError(
            f"an array of shape {array.shape} is not a picture; give (height, width), or (height, width, 3 or 4)"
        )
    _check_pixels((array.shape[1], array.shape[0]), "the array")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= 0.0 and high <= 1.0):  # also true of NaN
            raise InputError(f"an array of floats must lie in 0..1, this one has {low:g}..{high:g}; divide it first")
        array = (array * 255.0 + 0.5).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise InputError(f"an array of {array.dtype} is not a picture; give uint8, uint16, bool or floats in 0..1")
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.shape[2] == 4:
        alpha = array[:, :, 3:].astype(np.uint32)
        array = ((array[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.array(array)


def _check_bytes(size: int, label: str) -> None:
    if size > MAX_MEGABYTES * 1_000_000:
        raise InputError(f"{label}: is larger than {MAX_MEGABYTES} MB, the limit; save it smaller")


def _check_pixels(size: tuple[int, int], label: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise InputError(f"{label}: holds no pixels; {_MEND}")
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        size = f"{width}x{height} is {width * height / 1e6:.0f} megapixels"
        raise InputError(f"{label}: {size}, the limit is {MAX_MEGAPIXELS} megapixels; make it smaller")


def _kind_of(content: bytes) -> str:
    """In words, what a file is that Pillow does not know."""
    head = content[:64].lstrip()
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*")):
        return "begins like a picture but is cut off or damaged"
    if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return "is a HEIC picture, which is not read here"
    if head.startswith(b"%PDF"):
        return "is a PDF, not a picture"
    if head.startswith((b"<svg", b"<?xml")):
        return "is a drawing in XML (SVG), not pixels"
    sample = content[:512]
    if all(byte >= 32 or byte in (9, 10, 13) for byte in sample) and 127 not in sample:
        return "is text, not a picture"
    return "is not a picture"


def _pixel_hash(rgb: np.ndarray) -> str:
    return hashlib.sha256(b"%d %d " % rgb.shape[:2] + rgb.tobytes()).hexdigest()


def _one_line(value: object) -> str:
    """Text for a one-line message: no control characters, not endless."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return text if len(text) <= 200 else text[:90] + " ... " + text[-90:]
