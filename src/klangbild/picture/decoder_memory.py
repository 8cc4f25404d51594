"""How much memory a decoder takes for a picture, told from its header, before any pixel is read.

The factors are measured: `python benchmarks/picture_memory.py`.
"""

from __future__ import annotations

from PIL import Image

# bytes a pixel beside Pillow's own image
_BESIDE = {"WEBP": 9.0, "AVIF": 4.0, "HEIF": 2.0, "PPM": 4.0, "JPEG2000": 16.0}
_STARTS_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_STRIP_OF_ROWS, _TILE_WIDTH = 278, 322


def decoder_bytes(image: Image.Image, content: bytes, *, halved: bool) -> float:
    """Bytes that decoding an opened image takes, its own pixels among them.

    content: the bytes of its file, b"" where the caller opened it. halved: it was told to decode at half the width and height.
    """
    width, height = image.size
    pixels = width * height
    if halved and image.format == "JPEG2000":
        pixels /= 4
    needed = pixels * (_pixel_bytes(image.mode) + _BESIDE.get(image.format or "", 0.0))
    if image.format in ("JPEG", "MPO"):
        needed += coefficient_bytes(content)
    if image.format == "TIFF":
        needed += _strip_bytes(image)
    return needed


def icon_sizes(content: bytes) -> list[tuple[int, int]]:
    """(width, height) of what lies in an icon file; Pillow decodes it while it opens it, and believes no list of sizes."""
    if content[:4] != b"\0\0\1\0":
        return []
    sizes = []
    for number in range(int.from_bytes(content[4:6], "little")):
        at = int.from_bytes(content[18 + 16 * number : 22 + 16 * number], "little")
        inside = content[at : at + 40]
        order, places = ("big", (16, 20)) if inside.startswith(b"\x89PNG") else ("little", (4, 8))
        width, height = (int.from_bytes(inside[p : p + 4], order) for p in places)
        if width and height:
            sizes.append((width, height if order == "big" else height // 2))  # a bitmap has its mask below it
    return sizes


def coefficient_bytes(content: bytes) -> int:
    """What libjpeg keeps of a JPEG that comes in several scans (progressive ones do): all coefficients, two bytes each."""
    at, frame, kind = 2, (0, 0, []), 0
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in _STARTS_OF_FRAME and at + 10 + 3 * content[at + 9] <= len(content):
            sampling = [content[at + 11 + 3 * i] for i in range(content[at + 9])]
            height, width = (int.from_bytes(content[at + i : at + i + 2], "big") for i in (5, 7))
            frame, kind = (width, height, [(s >> 4, s & 15) for s in sampling]), marker
        elif marker == 0xDA:
            width, height, parts = frame
            if kind not in _PROGRESSIVE and at + 4 < len(content) and content[at + 4] >= len(parts):
                return 0
            across, down = (max((p[i] for p in parts), default=1) or 1 for i in (0, 1))
            return sum(2 * (-(-width * h // across) + 7) * (-(-height * v // down) + 7) for h, v in parts)
        at += 2 + length
    return 0


def _pixel_bytes(mode: str) -> int:
    """As Pillow keeps them: everything with more than one band in four bytes."""
    return 1 if mode in ("1", "L", "P") else 2 if mode.startswith("I;16") else 4


def _strip_bytes(image: Image.Image) -> float:
    """The one strip that libtiff unpacks at a time."""
    tags = getattr(image, "tag_v2", {})
    if image.info.get("compression", "raw") == "raw" or _TILE_WIDTH in tags:
        return 0
    width, height = image.size
    try:
        rows = min(int(tags.get(_STRIP_OF_ROWS, height)), height)
        bits = sum(tags.get(258, (8,)))
    except (TypeError, ValueError):
        rows, bits = height, 64
    return rows * width * bits / 8
