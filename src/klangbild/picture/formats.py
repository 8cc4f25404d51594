"""Which kinds of pictures are read, by Pillow's names and by the endings of files."""

from __future__ import annotations

import importlib.util

# No format that starts another program (EPS runs Ghostscript) or fetches a second file.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "TGA", "ICO", "PCX", "JPEG2000")
SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".tga",
        ".ico",
        ".pcx",
        ".jp2",
        ".j2k",
        ".jpf",
        ".jpx",
        ".j2c",
        ".jpc",
        ".mpo",
    ]
)
HEIF_SUFFIXES = {".heic": "HEIC", ".heif": "HEIC", ".heics": "HEIC", ".heifs": "HEIC", ".hif": "HEIC",
                 ".avif": "AVIF", ".avifs": "AVIF"}  # fmt: skip
ACCEPT = ",".join(["image/*", *sorted(HEIF_SUFFIXES), ".tif", ".tiff", ".tga", ".jp2"])
"""For a page's file field: browsers on some systems do not take these endings for pictures."""


def can_read(kind: str) -> bool:
    """Whether "HEIC" or "AVIF" is read on this machine; the extra `heif` brings what is needed."""
    from PIL import features

    if kind == "AVIF":
        return "avif" in features.modules and features.check_module("avif")
    if importlib.util.find_spec("pillow_heif") is None:
        return False
    try:
        import pillow_heif
    except ImportError:  # its library does not fit this system
        return False
    pillow_heif.register_heif_opener()
    return True


def is_picture_name(suffix: str) -> bool:
    """Whether a file with this ending (".JPG") is a picture that can be read here."""
    suffix = suffix.lower()
    return suffix in SUFFIXES or (suffix in HEIF_SUFFIXES and can_read(HEIF_SUFFIXES[suffix]))
