"""The bad-input table of the design, row by row, and fuzzed files."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klangbild.errors import InputError
from klangbild.picture.load import load_picture

EXAMPLES = Path(__file__).parents[2] / "examples" / "pictures"


def gradient(height: int = 48, width: int = 64) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x * y) % 256], axis=2).astype(np.uint8)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def one_line(error: pytest.ExceptionInfo, *parts: str) -> None:
    text = str(error.value)
    assert "\n" not in text and len(text) < 600
    assert all(part in text for part in parts), text


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.png", None, "no such file"),
        ("empty.png", b"", "empty"),
        ("text.png", b"this is a shopping list\n", "is text, not a picture"),
        ("noise.jpg", bytes(range(256)) * 9, "is not a picture"),
        ("paper.png", b"%PDF-1.7\n...", "PDF"),
        ("drawing.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        ("start.png", b"\x89PNG\r\n\x1a\n", "cut off or damaged"),
        ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
    ],
)
def test_bad_files_say_which_and_why(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as error:
        load_picture(path)
    one_line(error, name, says, ";")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_truncated(tmp_path, format):
    path = tmp_path / f"half.{format.lower()}"
    whole = encoded(Image.fromarray(gradient()), format)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError) as error:
        load_picture(path)
    one_line(error, path.name)


def test_folder_pipe_and_odd_names(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        load_picture(tmp_path)
    pipe = tmp_path / "pipe.png"
    if hasattr(os, "mkfifo"):
        os.mkfifo(pipe)
        with pytest.raises(InputError, match="not an ordinary file"):
            load_picture(pipe)
    for name in ("two\nlines.png", "nul\0.png", "x" * 5000):
        with pytest.raises(InputError) as error:
            load_picture(name)
        one_line(error)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (12_000, 12_000), (10_001, 10_000), (2_000_000, 51)])
def test_bomb_is_refused_on_its_header_without_a_warning(size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as error:
            load_picture(png_header(*size))
    one_line(error, "megapixels", "100")


def test_more_than_100_mb_is_refused_before_reading(tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(100_000_001)  # a sparse file
    with pytest.raises(InputError) as error:
        load_picture(path)
    one_line(error, "large.png", "100 MB")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.full((4, 4), 7.0),
        np.full((4, 4), np.nan),
        np.zeros((4, 4), np.int64),
        np.broadcast_to(np.uint8(0), (20_000, 20_000)),
    ],
)
def test_bad_arrays(array):
    with pytest.raises(InputError) as error:
        load_picture(array)
    one_line(error, ";")


def test_not_a_source():
    with pytest.raises(InputError):
        load_picture(42)
    with pytest.raises(InputError, match="rb"):
        load_picture(io.StringIO("text"))


# ---- what is handled -------------------------------------------------------------------------------------------------


def test_sources_agree(tmp_path):
    rgb = gradient()
    content = encoded(Image.fromarray(rgb), "PNG")
    path = tmp_path / "a sea.png"
    path.write_bytes(content)
    by_path = load_picture(path, words="  early \n morning ")
    assert (by_path.name, by_path.sha256, by_path.words) == (
        "a sea",
        hashlib.sha256(content).hexdigest(),
        "early morning",
    )
    with path.open("rb") as file:
        by_file = load_picture(file)
    assert by_file.name == "a sea"
    for picture in (by_path, by_file, load_picture(str(path)), load_picture(content), load_picture(io.BytesIO(content)),
                    load_picture(rgb), load_picture(Image.fromarray(rgb)), load_picture(by_path)):  # fmt: skip
        assert picture.rgb.dtype == np.uint8 and np.array_equal(picture.rgb, rgb)
        assert (picture.width, picture.height) == (64, 48)
    assert load_picture(rgb).sha256 == load_picture(Image.fromarray(rgb)).sha256 != by_path.sha256


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turn(orientation):
    stored = Image.fromarray(gradient())
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = load_picture(encoded(stored, "PNG", exif=exif)).rgb
    ways = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
            5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
            8: lambda a: np.rot90(a, 1)}  # fmt: skip
    assert np.array_equal(turned, ways[orientation](gradient()))


def test_damaged_exif_is_ignored():
    content = encoded(Image.fromarray(gradient()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert load_picture(content).rgb.shape == (48, 64, 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_modes_png(mode):
    assert load_picture(encoded(Image.fromarray(gradient()).convert(mode), "PNG")).rgb.shape == (48, 64, 3)


def test_cmyk_and_ycbcr_jpeg():
    rgb = np.full((16, 16, 3), (200, 40, 40), np.uint8)
    for mode in ("CMYK", "YCbCr"):
        out = load_picture(encoded(Image.fromarray(rgb).convert(mode), "JPEG", quality=95)).rgb.astype(int)
        assert abs(out - rgb).max() < 25


def test_transparency_becomes_white():
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:, 2:] = (10, 20, 30, 255)
    for picture in (load_picture(rgba), load_picture(encoded(Image.fromarray(rgba), "PNG")),
                    load_picture(encoded(Image.fromarray(rgba), "WEBP", lossless=True))):  # fmt: skip
        assert (picture.rgb[:, :2] == 255).all() and (picture.rgb[:, 2:] == (10, 20, 30)).all()
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([255, 0, 0, 0, 255, 0])
    assert (load_picture(encoded(palette, "PNG", transparency=0)).rgb == 255).all()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey(format):
    grey = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)
    out = load_picture(encoded(Image.fromarray(grey), format)).rgb
    assert out.min() == 0 and out.max() == 255
    assert abs(out[:, :, 0].astype(float) - grey / 257.0).max() <= 1
    assert np.array_equal(load_picture(grey).rgb, out)


def test_float_tiff_and_float_array():
    grey = np.linspace(0, 1, 64 * 48, dtype=np.float32).reshape(48, 64)
    out = load_picture(encoded(Image.fromarray(grey), "TIFF")).rgb
    assert np.array_equal(out, load_picture(grey).rgb) and out.max() == 255


def test_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), color) for color in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    for format in ("GIF", "WEBP", "PNG", "TIFF"):
        content = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert load_picture(content).rgb[4, 4, 0] > 200, format


@pytest.mark.parametrize("shape", [(1, 1), (1, 20_000), (20_000, 1), (3, 2)])
def test_odd_shapes(shape):
    rgb = np.full((*shape, 3), 99, np.uint8)
    picture = load_picture(encoded(Image.fromarray(rgb), "PNG"))
    assert (picture.height, picture.width) == shape and (picture.rgb == 99).all()


# ---- fuzz ------------------------------------------------------------------------------------------------------------


def fuzzed(number: int) -> bytes:
    """One of 50 broken files: cut or with flipped bits, JPEG, PNG or WebP, from the example pictures."""
    rng = np.random.default_rng(number)
    examples = sorted(EXAMPLES.glob("*.jpg"))
    image = (
        Image.open(examples[number % len(examples)]).convert("RGB") if examples else Image.fromarray(gradient(300, 400))
    )
    content = encoded(image.convert("RGB").resize((300, 200)), ("JPEG", "PNG", "WEBP")[number % 3])
    if number % 2:
        return content[: int(rng.integers(1, len(content)))]
    data = np.frombuffer(content, np.uint8).copy()
    # half of the flips in the header, where they hurt most
    places = np.concatenate([rng.integers(0, min(600, len(data)), 6), rng.integers(0, len(data), 6)])
    data[places] ^= (1 << rng.integers(0, 8, len(places))).astype(np.uint8)
    return data.tobytes()


@pytest.mark.parametrize("number", range(50))
def test_fuzz(number, recwarn):
    try:
        picture = load_picture(fuzzed(number))
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert picture.rgb.ndim == 3 and picture.rgb.dtype == np.uint8
    assert not recwarn.list


def test_a_tiff_with_a_thumbnail_first_gives_the_picture():
    small, large = Image.fromarray(gradient(6, 8)), Image.fromarray(gradient())
    content = encoded(small, "TIFF", tiffinfo={254: 1}, save_all=True, append_images=[large])
    at = content.find(b"\xfe\x00\x04\x00", content.find(b"\xfe\x00\x04\x00") + 1)
    if at > 0:  # Pillow gives the tag to every page
        content = content[: at + 8] + bytes(4) + content[at + 12 :]
    assert load_picture(content).rgb.shape == (48, 64, 3)
    assert load_picture(encoded(small, "TIFF", tiffinfo={254: 1})).rgb.shape == (6, 8, 3)
