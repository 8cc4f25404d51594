"""Memory has a roof: an accepted picture of any kind stays below it and gives back what it took; what would not is refused."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klangbild.emotion.read import read_emotion
from klangbild.emotion.regions import emotion_of_regions
from klangbild.errors import InputError
from klangbild.picture import decode
from klangbild.picture.decoder_memory import coefficient_bytes
from klangbild.picture.load import load_picture

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "pictures"
CHILD = """
import sys
from klangbild.errors import InputError
from klangbild.picture.load import load_picture
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) / 1000
before = status("VmRSS")
try:
    picture = load_picture(sys.argv[1])
    print(picture.width, picture.height, *picture.rgb.shape[:2])
    del picture
except InputError as error:
    print(error)
print(status("VmHWM"), status("VmRSS") - before)
"""
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")


def png(width: int, height: int, color: int, bits: int, *, interlaced: bool = False) -> bytes:
    """A PNG of zeros, written row by row. color: PNG's color type."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    packer, rows = zlib.compressobj(1), b""
    steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for x, y, across, down in steps if interlaced else [(0, 0, 1, 1)]:
        wide, high = -(-(width - x) // across), -(-(height - y) // down)
        row = bytes(1 + -(-wide * samples * bits // 8))
        rows += b"".join(packer.compress(row * min(50, high - at)) for at in range(0, high, 50))
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced)),
             *([(b"PLTE", bytes(range(9)))] if color == 3 else []), (b"IDAT", rows + packer.flush()), (b"IEND", b"")]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts
    )


def in_a_child(path: Path) -> tuple[str, float, float]:
    """(what was read or why not, peak in MB, what is left in MB)."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
    said, numbers = done.stdout.splitlines()
    return said, *(float(n) for n in numbers.split())


@linux
@pytest.mark.parametrize(
    ("size", "color", "bits", "interlaced"),
    [((7_000, 7_000), 6, 8, False), ((5_100, 5_000), 2, 16, True)],
)  # fmt: skip
def test_png_stays_below_600_mb_and_gives_it_back(tmp_path, size, color, bits, interlaced):
    (tmp_path / "large.png").write_bytes(png(*size, color, bits, interlaced=interlaced))
    said, peak, left = in_a_child(tmp_path / "large.png")
    assert peak < 600 and left < 60, (said, peak, left)
    assert said.split() == [str(s) for s in (*size, *(n // 2 for n in size[::-1]))], said


@linux
@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
def test_the_case_of_100_megapixels():
    said, peak, left = in_a_child(CASES / "rgba-100-megapixels.png")
    assert peak < 600 and left < 60, (said, peak, left)


@pytest.fixture
def small_limits(monkeypatch):
    """Pictures above a tenth of a megapixel count as large, and bands are small: what is said of 25 holds for it."""
    monkeypatch.setattr(decode, "WHOLE_MEGAPIXELS", 0.1)
    monkeypatch.setattr(decode, "BAND_PIXELS", 5000)


def scene(width: int = 601, height: int = 403) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([128 + 100 * np.sin(x / 50), 255 * y / height, 128 + 90 * np.cos((x + y) / 70)], axis=2).astype(
        np.uint8
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "JPEG2000", "WEBP", "RGBA", "P", "array", "image", "turned"])
def test_large_is_read_at_half_its_sides_and_keeps_its_size(small_limits, kind):
    rgb, buffer = scene(), io.BytesIO()
    image, options = Image.fromarray(rgb), {}
    if kind == "RGBA":
        image.putalpha(255)
    if kind == "P":
        image = image.quantize(256)
    if kind == "turned":
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    format = {"RGBA": "PNG", "P": "PNG", "turned": "JPEG"}.get(kind, kind)
    if format in ("JPEG", "WEBP"):
        options["quality"] = 95
    source = rgb if kind == "array" else image
    if kind not in ("array", "image"):
        image.save(buffer, format, **options)
        source = buffer.getvalue()
    picture = load_picture(source)
    wanted = np.asarray(Image.fromarray(rgb).reduce(2)).astype(int)
    size = (601, 403)
    if kind == "turned":
        wanted, size = np.rot90(wanted, -1), size[::-1]
    assert (picture.width, picture.height) == size and picture.rgb.shape == wanted.shape
    # inside: what lies beyond an odd edge is each decoder's own
    assert np.abs(picture.rgb.astype(int) - wanted)[1:-1, 1:-1].mean() < (12 if kind == "P" else 2)
    assert "half its width" in picture.notes[0]
    assert len(emotion_of_regions(picture, model="features", stops=3).regions) == 3


def test_half_the_sides_hardly_move_the_emotion(small_limits, monkeypatch):
    half = read_emotion(load_picture(scene(1202, 806))).emotion
    monkeypatch.undo()
    whole = read_emotion(load_picture(scene(1202, 806))).emotion
    assert abs(half.valence - whole.valence) < 0.03 and abs(half.arousal - whole.arousal) < 0.03


def test_bands_change_no_pixel(monkeypatch):
    rgba = np.dstack([scene(), np.linspace(0, 255, 601 * 403).reshape(403, 601).astype(np.uint8)])
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG")
    at_once = load_picture(buffer.getvalue()).rgb
    monkeypatch.setattr(decode, "BAND_PIXELS", 5000)
    assert np.array_equal(load_picture(buffer.getvalue()).rgb, at_once)


def test_a_progressive_jpeg_is_refused_by_what_it_would_take():
    buffer = io.BytesIO()
    Image.fromarray(scene()).save(buffer, "JPEG", progressive=True, subsampling=0)
    content = bytearray(buffer.getvalue())
    assert coefficient_bytes(bytes(content)) == pytest.approx(601 * 403 * 6, rel=0.05)
    at = content.find(b"\xff\xc2")
    content[at + 5 : at + 9] = struct.pack(">HH", 9000, 9000)
    with pytest.raises(InputError, match="MB of memory"):
        load_picture(bytes(content))
    plain = io.BytesIO()
    Image.fromarray(scene()).save(plain, "JPEG")
    assert coefficient_bytes(plain.getvalue()) == 0


def test_an_icon_that_hides_a_large_picture():
    inside = png(9, 9, 6, 8)
    head = b"IHDR" + struct.pack(">IIBBBBB", 12_000, 12_000, 8, 6, 0, 0, 0)
    inside = inside[:12] + head + struct.pack(">I", zlib.crc32(head)) + inside[33:]
    icon = struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(inside), 22) + inside
    with pytest.raises(InputError, match="megapixels"):
        load_picture(icon)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "P4", "P transparent", "RGB", "RGB transparent", "RGBA", "I;16"])
def test_a_png_in_bands_is_that_png(monkeypatch, mode):
    monkeypatch.setattr(decode, "BAND_PIXELS", 5000)
    image, options = Image.fromarray(scene()), {}
    if mode == "I;16":
        image = Image.fromarray(scene()[..., 0].astype(np.uint16) * 250)
    elif mode.startswith("P"):
        image = image.quantize(16 if mode == "P4" else 200)
        options = {"bits": 4} if mode == "P4" else {"transparency": 3} if "transparent" in mode else {}
    elif mode == "RGB transparent":
        options = {"transparency": tuple(int(v) for v in scene()[5, 5])}
    else:
        image = image.convert(mode)
        if mode in ("LA", "RGBA"):
            image.putalpha(Image.fromarray(scene()[..., 1]))
    for turn in (1, 6):
        buffer = io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = turn
        image.save(buffer, "PNG", exif=exif, **options)
        whole = load_picture(buffer.getvalue()).rgb
        if turn == 6:
            whole = np.rot90(whole)
        halves = np.asarray(Image.fromarray(np.ascontiguousarray(whole)).reduce(2))
        monkeypatch.setattr(decode, "WHOLE_MEGAPIXELS", 0.1)
        banded = load_picture(buffer.getvalue())
        monkeypatch.setattr(decode, "WHOLE_MEGAPIXELS", 25)
        assert np.array_equal(banded.rgb, np.rot90(halves, -1) if turn == 6 else halves)
        with monkeypatch.context() as small:
            small.setattr(decode, "WHOLE_MEGAPIXELS", 0.1)
            with pytest.raises(InputError, match="cut off or damaged"):
                load_picture(buffer.getvalue()[: len(buffer.getvalue()) // 2])


def test_what_the_caller_has_in_memory_is_not_refused_for_it(monkeypatch):
    monkeypatch.setattr(decode, "MAX_MEMORY_MB", 1.2)
    image = Image.fromarray(scene(700, 500))
    assert load_picture(image).width == 700
    buffer = io.BytesIO()
    image.save(buffer, "WEBP")
    with pytest.raises(InputError, match="MB of memory"):
        load_picture(buffer.getvalue())
