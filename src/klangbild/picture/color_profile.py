"""Colors as they are meant: what a file says about its colors, and how they become sRGB.

Told by an ICC profile; by PNG's cICP, or gAMA with cHRM; by the `colr` box of AVIF, HEIC and JPEG 2000; by a BMP's
header; or, as cameras do it (DCF 2.0), by the interoperability index "R03" for Adobe RGB. LittleCMS converts, relative
colorimetric with black point compensation. A profile that is sRGB but for rounding changes no pixel; one that cannot be
used, or makes white dark, is passed over as if it were not there, and that is noted.

Sources: ICC.1:2001-04 (version 2 profiles), ITU-T H.273 (cICP code points), PNG third edition, SMPTE ST 2084, BT.2100.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

MAX_PROFILE_BYTES = 8_000_000
_RELATIVE_COLORIMETRIC, _BLACK_POINT_COMPENSATION = 1, 0x2000
_NEAR_SRGB = 2  # levels of 255: what rounding in profiles of sRGB comes to

# x, y of red, green, blue and white
Chromaticities = tuple[float, float, float, float, float, float, float, float]
_D65 = (0.3127, 0.329)
SRGB: Chromaticities = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, *_D65)
ADOBE_RGB: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65)
DISPLAY_P3: Chromaticities = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, *_D65)
PROPHOTO: Chromaticities = (0.734699, 0.265301, 0.159597, 0.840403, 0.036598, 0.000105, 0.345704, 0.358540)
BT2020: Chromaticities = (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, *_D65)
_PRIMARIES = {
    1: SRGB, 4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.31, 0.316), 5: (0.64, 0.33, 0.29, 0.6, 0.15, 0.06, *_D65),
    6: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65), 7: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, *_D65),
    9: BT2020, 11: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351), 12: DISPLAY_P3,
}  # fmt: skip
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])


@dataclass(frozen=True)
class ToSrgb:
    """A conversion to sRGB. mode: the Pillow mode that it takes ("RGB", "L", "CMYK" or "LAB"); transform: LittleCMS's."""

    mode: str
    transform: Any

    def apply(self, image: Image.Image) -> Image.Image:
        """An image of `mode`, or one that converts to it without loss -> RGB in sRGB."""
        return self.transform.apply(image if image.mode == self.mode else image.convert(self.mode))


def conversion_of(image: Image.Image, content: bytes = b"") -> tuple[ToSrgb | None, str | None]:
    """(how the image's colors become sRGB, or None where they are sRGB already or nothing is told; a note or None).

    content: the bytes of the file, for what Pillow does not tell.
    """
    try:
        profile = _told(image, content)
    except Exception:  # noqa: BLE001 - damaged metadata raise whatever they please, and the picture is still good
        profile = None
    if profile is None:
        return (_build(None, "LAB")[0] if image.mode == "LAB" else None), None
    kind = {"GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB", "RGB ": "RGB"}.get(profile[16:20].decode("latin-1"), "")
    grey, four = image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;"), image.mode == "CMYK"
    fits = four if kind == "CMYK" else image.mode == "LAB" if kind == "LAB" else grey if kind == "L" else not four
    if not kind or len(profile) > MAX_PROFILE_BYTES or not fits or (kind == "RGB" and image.mode == "LAB"):
        return (_build(None, "LAB")[0] if image.mode == "LAB" else None), (
            "its color profile is damaged or of another kind than its pixels, and was passed over"
        )
    return _build(profile, kind)


@lru_cache(maxsize=8)
def _build(profile: bytes | None, mode: str) -> tuple[ToSrgb | None, str | None]:
    """The conversion of a profile (None: plain L*a*b*), and a note where it is not used."""
    try:
        from PIL import ImageCms
    except ImportError:
        return None, "its color profile was passed over, since this Pillow was built without LittleCMS"
    try:
        source = ImageCms.createProfile("LAB") if profile is None else ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", _RELATIVE_COLORIMETRIC, _BLACK_POINT_COMPENSATION
        )
        found = ToSrgb(mode, transform)
        if profile is None:
            return found, None
        probe = _probe(mode)
        seen = np.asarray(found.apply(probe)).reshape(-1, 3).astype(int)
    except Exception:  # noqa: BLE001 - LittleCMS and Pillow name a bad profile in many ways
        return None, "its color profile is damaged, and was passed over"
    if mode == "LAB":
        return found, None
    white, black = seen[0], seen[1]
    if white.min() < 200 or black.max() > 90 or white.mean() - black.mean() < 150:
        return None, "its color profile makes white dark or black light, and was passed over"
    if mode != "CMYK":
        meant = np.asarray(probe.convert("RGB")).reshape(-1, 3).astype(int)
        if np.abs(seen - meant).max() <= _NEAR_SRGB:
            return None, None
    return found, None


def _probe(mode: str) -> Image.Image:
    """Colors all over the mode's space: white, black, then a grid."""
    if mode == "L":
        return Image.fromarray(np.concatenate([[255, 0], np.arange(256)]).astype(np.uint8)[None])
    steps = np.linspace(0, 255, 9 if mode != "CMYK" else 5).round()
    grid = np.stack(np.meshgrid(*[steps] * len(mode), indexing="ij"), axis=-1).reshape(-1, len(mode))
    ends = [[255] * 3, [0] * 3] if mode != "CMYK" else [[0] * 4, [255] * 4]
    colors = np.concatenate([ends, grid]).astype(np.uint8)
    return Image.frombytes(mode, (len(colors), 1), colors.tobytes())


def matrix_profile(colors: Chromaticities, curve: float | np.ndarray) -> bytes:
    """An ICC profile (version 2) of three primaries and one curve.

    curve: the exponent, or a table (n,) over 0..1 of linear light 0..1.
    """
    x, y = np.array(colors[0::2]), np.array(colors[1::2])
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    to_xyz = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    adapted = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ _D50) / (_BRADFORD @ xyz[:, 3])) @ _BRADFORD @ to_xyz

    def numbers(values: np.ndarray) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in values))

    if isinstance(curve, np.ndarray):
        table = np.clip(curve * 65535 + 0.5, 0, 65535).astype(">u2")
        tone = b"curv\0\0\0\0" + struct.pack(">I", len(table)) + table.tobytes()
    else:
        tone = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(curve * 256))
    text = b"klangbild\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    parts = {
        b"desc": description, b"cprt": b"text\0\0\0\0" + text, b"wtpt": numbers(_D50), b"rTRC": tone, b"gTRC": tone,
        b"bTRC": tone, **{name: numbers(adapted[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
    }  # fmt: skip
    index, body, at = struct.pack(">I", len(parts)), b"", 132 + 12 * len(parts)
    for name, part in parts.items():
        part += bytes(-len(part) % 4)
        index += name + struct.pack(">II", at + len(body), len(part))
        body += part
    head = struct.pack(">I4sI4s4s4s", 132 + len(index) - 4 + len(body), b"", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2000, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">3i", *(round(float(v) * 65536) for v in _D50)) + bytes(48)
    return head + index + body


def srgb_curve() -> np.ndarray:
    """sRGB's curve as a table (1024,) over 0..1 of linear light 0..1."""
    v = np.linspace(0, 1, 1024)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def _told(image: Image.Image, content: bytes) -> bytes | None:
    """The ICC profile of what the file says about its colors; None: nothing, or that they are sRGB's."""
    info = image.info
    code_points = _code_points(content)
    if code_points is not None and code_points[0] in _PRIMARIES:
        return _of_code_points(*code_points)
    if info.get("icc_profile"):
        return bytes(info["icc_profile"])
    if (profile := _from_boxes(content) or _from_bmp(content)) is not None:
        return profile
    if "srgb" in info:
        return None
    gamma = info.get("gamma")
    if image.format == "PNG" and gamma and 0.1 <= gamma <= 10:
        told = info.get("chromaticity")  # white first
        colors = SRGB if told is None else (*told[2:8], *told[:2])
        like_srgb = max(abs(a - b) for a, b in zip(colors, SRGB, strict=True)) < 0.003
        # an exponent of 2.2 with sRGB's primaries is what programs write that mean sRGB
        return None if like_srgb and abs(gamma - 1 / 2.2) < 0.01 else matrix_profile(colors, 1 / gamma)
    if _interoperability(image) == "R03":
        return matrix_profile(ADOBE_RGB, 563 / 256)
    return None


def _interoperability(image: Image.Image) -> str:
    if "exif" not in image.info:
        return ""
    return str(image.getexif().get_ifd(0xA005).get(1, "")).strip("\0 ")


def _code_points(content: bytes) -> tuple[int, int] | None:
    """(color primaries, transfer) as in H.273, of a PNG's cICP chunk or a `colr` box of kind nclx."""
    if content.startswith(b"\x89PNG"):
        at = 8
        while at + 12 <= len(content) and (kind := content[at + 4 : at + 8]) not in (b"IDAT", b"IEND"):
            if kind == b"cICP":
                return content[at + 8], content[at + 9]
            at += 12 + int.from_bytes(content[at : at + 4], "big")
    elif content[4:8] == b"ftyp" and (at := content.find(b"colrnclx", 0, 100_000)) > 0:
        primaries, transfer = struct.unpack_from(">HH", content, at + 8)
        # beside an ICC profile in the same file, the profile is what is meant
        return None if content.find(b"colrprof", 0, 100_000) > 0 or content.find(b"colrrICC", 0, 100_000) > 0 else (
            primaries, transfer)  # fmt: skip
    return None


def _of_code_points(primaries: int, transfer: int) -> bytes | None:
    v = np.linspace(0, 1, 1024)
    if transfer == 16:  # PQ; diffuse white lies at 203 of 10,000 nits
        power = v ** (1 / 78.84375)
        curve = np.clip(
            (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125) * 10000 / 203,
            0,
            1,
        )
    elif transfer == 18:  # HLG; diffuse white lies at three quarters of the signal
        light = np.where(v <= 0.5, v * v / 3, (np.exp((v - 0.55991073) / 0.17883277) + 0.28466892) / 12)
        curve = np.clip(light / 0.26496256, 0, 1)
    elif transfer in (4, 5, 8):
        curve = {4: 2.2, 5: 2.8, 8: 1.0}[transfer]
    else:  # sRGB's own, and the video curves, which displays show alike
        if primaries == 1:
            return None
        curve = srgb_curve()
    return matrix_profile(_PRIMARIES[primaries], curve)


def _from_boxes(content: bytes) -> bytes | None:
    """The ICC profile of a JPEG 2000 file's `colr` box, which Pillow does not tell."""
    if content[4:8] != b"jP  " or (at := content.find(b"colr", 0, 100_000)) < 0 or content[at + 4] not in (2, 3):
        return None
    profile = content[at + 7 : at - 4 + int.from_bytes(content[at - 4 : at], "big")]
    return profile if len(profile) > 128 else None


def _from_bmp(content: bytes) -> bytes | None:
    """The ICC profile of a BMP with the fifth version of its header."""
    if not content.startswith(b"BM") or content[14:18] != b"\x7c\0\0\0" or content[70:74] != b"DEBM":
        return None
    at, length = struct.unpack_from("<II", content, 126)
    profile = content[14 + at : 14 + at + length]
    return profile if len(profile) > 128 else None
