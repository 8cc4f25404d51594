"""Colors as they are meant: the same picture in any color space is the same picture, and reads as the same emotion."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from klangbild.emotion.read import read_emotions
from klangbild.picture.color_profile import (
    ADOBE_RGB,
    BT2020,
    DISPLAY_P3,
    PROPHOTO,
    SRGB,
    matrix_profile,
    srgb_curve,
)
from klangbild.picture.load import load_picture

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "pictures").glob("*.jpg"))
CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "pictures"
SPACES = {
    "p3": (DISPLAY_P3, "srgb"),
    "adobe": (ADOBE_RGB, 563 / 256),
    "prophoto": (PROPHOTO, 1.8),
    "bt2020": (BT2020, 2.2),
}


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def linear(v: np.ndarray) -> np.ndarray:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def to_xyz(colors: tuple[float, ...]) -> np.ndarray:
    """RGB of these chromaticities -> XYZ of D50, in floats (Bradford)."""
    x, y = np.array(colors[0::2]), np.array(colors[1::2])
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = np.diag(bradford @ [0.9642, 1, 0.8249] / (bradford @ xyz[:, 3]))
    return np.linalg.inv(bradford) @ scale @ bradford @ (xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3]))


def in_space(rgb: np.ndarray, space: str) -> tuple[np.ndarray, bytes]:
    """(the colors of sRGB uint8 pixels in another space, uint8; its profile)."""
    colors, curve = SPACES[space]
    light = linear(rgb / 255) @ (np.linalg.inv(to_xyz(colors)) @ to_xyz(SRGB)).T
    light = np.clip(light, 0, 1)
    if curve == "srgb":
        coded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    else:
        coded = light ** (1 / curve)
    profile = matrix_profile(colors, srgb_curve() if curve == "srgb" else curve)
    return (coded * 255 + 0.5).astype(np.uint8), profile


def test_the_emotion_is_that_of_the_colors_meant():
    plain = [load_picture(Image.open(file).convert("RGB").reduce(2)) for file in EXAMPLES]
    wanted = [(r.asked.valence, r.asked.arousal) for r in read_emotions(plain)]
    for space in ("p3", "adobe", "prophoto"):
        forms = [in_space(picture.rgb, space) for picture in plain]
        files = [encoded(Image.fromarray(rgb), "PNG", icc_profile=profile, compress_level=1) for rgb, profile in forms]
        read = [(r.asked.valence, r.asked.arousal) for r in read_emotions([load_picture(file) for file in files])]
        assert np.abs(np.array(read) - np.array(wanted)).max() < (0.05 if space == "prophoto" else 0.03), space


@pytest.mark.parametrize("space", list(SPACES))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "RGBA", "P", "AVIF", "image"])
def test_every_kind_of_file_with_a_profile(space, kind):
    rgb = np.zeros((32, 48, 3), np.uint8)
    rgb[:, :16], rgb[:, 16:32], rgb[:, 32:] = (200, 60, 40), (60, 160, 90), (90, 100, 200)
    shown, profile = in_space(rgb, space)
    image = Image.fromarray(shown)
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}, "AVIF": {"quality": 100}}
    if kind == "RGBA":
        image.putalpha(255)
    if kind == "P":
        image = image.quantize(4)
    if kind == "image":
        image.info["icc_profile"] = profile
        content = image
    else:
        content = encoded(image, "PNG" if kind in ("RGBA", "P") else kind, icc_profile=profile, **options.get(kind, {}))
    found = load_picture(content).rgb.astype(int)
    assert np.abs(found - rgb)[:, [8, 24, 40]].max() <= (8 if kind == "AVIF" else 4)
    if kind == "PNG":
        assert np.abs(shown.astype(int) - rgb).max() > 15  # what would have been seen without the profile


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
def test_the_case_of_the_warm_picture():
    plain, p3 = (load_picture(CASES / f"warm-{name}.png").rgb.mean(axis=(0, 1)) for name in ("srgb", "p3"))
    assert np.abs(plain - p3).max() < 1.5


@pytest.mark.parametrize("profile", ["lcms", "ours", None])
def test_srgb_and_no_profile_change_no_pixel(profile):
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    made = {
        "lcms": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        "ours": matrix_profile(SRGB, srgb_curve()),
    }
    picture = load_picture(encoded(Image.fromarray(rgb), "PNG", icc_profile=made.get(profile)))
    assert np.array_equal(picture.rgb, rgb) and not picture.notes


def test_damaged_and_absurd_profiles_are_passed_over_and_noted():
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    good = matrix_profile(DISPLAY_P3, srgb_curve())
    dark = matrix_profile(DISPLAY_P3, np.zeros(1024))
    for profile in (b"x" * 500, good[:300], good[:16] + b"CMYK" + good[20:], good[:60], dark, bytes(5000)):
        picture = load_picture(encoded(Image.fromarray(rgb), "PNG", icc_profile=profile))
        assert np.array_equal(picture.rgb, rgb) and "profile" in picture.notes[0]


def test_lab_cmyk_and_grey():
    lab = Image.new("LAB", (8, 8), (128, 128 + 40, 128 + 20))
    seen = load_picture(encoded(lab, "TIFF")).rgb[4, 4]
    assert seen[0] > seen[2] > 40 and seen[0] > seen[1] + 40  # a warm red, and no failure
    grey = Image.new("L", (8, 8), 128)
    tone = bytearray(matrix_profile(SRGB, 1.8))
    brighter = load_picture(encoded(grey, "PNG", icc_profile=bytes(tone))).rgb[4, 4]
    assert brighter[0] == brighter[1] == brighter[2] == 146  # 128 at gamma 1.8, as sRGB
    cmyk = Image.new("CMYK", (8, 8), (0, 200, 200, 20))
    with_rgb_profile = load_picture(encoded(cmyk, "TIFF", icc_profile=matrix_profile(DISPLAY_P3, 2.2)))
    assert np.array_equal(with_rgb_profile.rgb, load_picture(encoded(cmyk, "TIFF")).rgb) and with_rgb_profile.notes


def press_profile() -> bytes:
    """A CMYK profile (ICC version 2, 8-bit table of the sixteen corners) of inks that are duller than screens are."""
    corners = []
    for c in (0, 1):
        for m in (0, 1):
            for y in (0, 1):
                for k in (0, 1):
                    light = 92 * (1 - 0.45 * c) * (1 - 0.5 * m) * (1 - 0.1 * y) * (1 - 0.85 * k)
                    a, b = (60 * m - 30 * c) * (1 - k), (70 * y - 40 * c - 5 * m) * (1 - k)
                    corners += [round(light * 2.55), round(a + 128), round(b + 128)]
    line = bytes(range(256))
    table = (
        b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + struct.pack(">9i", *(65536 * i for i in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    )
    table += line * 4 + bytes(corners) + line * 3
    text = b"desc\0\0\0\0" + struct.pack(">I", 6) + b"press\0" + bytes(78)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    parts, index, body = {b"desc": text, b"wtpt": white, b"A2B0": table, b"A2B1": table}, struct.pack(">I", 4), b""
    for name, part in parts.items():
        part += bytes(-len(part) % 4)
        index += name + struct.pack(">II", 128 + 4 + 48 + len(body), len(part))
        body += part
    head = struct.pack(">I4sI4s4s4s", 128 + len(index) + len(body), b"", 0x02100000, b"prtr", b"CMYK", b"Lab ")
    head += (
        struct.pack(">6H4s", 2000, 1, 1, 0, 0, 0, b"acsp")
        + bytes(28)
        + struct.pack(">3i", 63190, 65536, 54061)
        + bytes(48)
    )
    return head + index + body


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_with_its_profile(format):
    inks = np.zeros((16, 64, 4), np.uint8)
    inks[:, 16:32, 1:3] = 255  # red
    inks[:, 32:48, 0] = 255  # cyan
    inks[:, 48:, 3] = 255  # black
    image, options = (
        Image.frombytes("CMYK", (64, 16), inks.tobytes()),
        {"JPEG": {"quality": 100, "subsampling": 0}}.get(format, {}),
    )
    picture = load_picture(encoded(image, format, icc_profile=press_profile(), **options))
    plain = load_picture(encoded(image, format, **options)).rgb[8, 8::16].astype(int)
    white, red, cyan, black = picture.rgb[8, 8::16].astype(int)
    assert not picture.notes and white.min() > 245 and black.max() < 60
    assert red[0] > red[1] + 60 and cyan[2] > cyan[0] + 60
    assert np.abs(np.array([red, cyan]) - plain[1:3]).max() > 40  # not what inks of no profile would be


def png_with(rgb: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with chunks behind its header."""
    made = encoded(Image.fromarray(rgb), "PNG")
    more = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return made[:33] + more + made[33:]


def test_png_chunks():
    rgb = np.full((8, 8, 3), (200, 60, 40), np.uint8)
    p3 = in_space(rgb, "p3")[0]
    assert np.abs(load_picture(png_with(p3, (b"cICP", bytes([12, 13, 0, 1])))).rgb.astype(int) - rgb).max() <= 2
    assert np.array_equal(load_picture(png_with(rgb, (b"cICP", bytes([1, 13, 0, 1])))).rgb, rgb)
    assert np.array_equal(load_picture(png_with(rgb, (b"gAMA", struct.pack(">I", 45455)))).rgb, rgb)
    assert np.array_equal(load_picture(png_with(rgb, (b"gAMA", struct.pack(">I", 100)))).rgb, rgb)
    old_mac = load_picture(png_with(np.full((8, 8, 3), 128, np.uint8), (b"gAMA", struct.pack(">I", 55556)))).rgb
    assert abs(int(old_mac[0, 0, 0]) - 146) <= 1
    adobe = in_space(rgb, "adobe")[0]
    places = [0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06]
    told = ((b"gAMA", struct.pack(">I", 45472)), (b"cHRM", struct.pack(">8I", *(round(p * 100_000) for p in places))))
    assert np.abs(load_picture(png_with(adobe, *told)).rgb.astype(int) - rgb).max() <= 2


def test_a_camera_s_adobe_rgb_without_a_profile():
    rgb = np.full((16, 16, 3), (60, 160, 90), np.uint8)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    content = encoded(Image.fromarray(in_space(rgb, "adobe")[0]), "JPEG", quality=100, subsampling=0, exif=exif)
    assert np.abs(load_picture(content).rgb.astype(int) - rgb).max() <= 4
