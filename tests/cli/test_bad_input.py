"""The design's table of bad input, row by row, through the command line: one line, the right exit code, nothing left behind."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

FAST = ("--seconds", "2", "--seed", "1", "-f", "mid,json")


def png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d) & 0xFFFFFFFF) for n, d in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("empty.png", b"", "empty"),
        ("text.png", b"Dear diary, this is no picture.\n" * 20, "not a picture"),
        ("cut.jpg", jpeg()[:400], ""),
        ("song.mid", b"MThd\0\0\0\6\0\0\0\1\0\x60", ""),
        ("bomb.png", png(60_000, 60_000), "megapixel"),
        ("wide.png", png(200_000, 1_000), "megapixel"),
    ],
)
def test_a_bad_picture_is_one_line_exit_1_and_nothing_written(klangbild, tmp_path, name, data, says):
    path = tmp_path / name
    path.write_bytes(data)
    out = tmp_path / "out"
    code, stdout, err = klangbild(path, "-o", out, *FAST)
    assert (code, stdout) == (1, "")
    assert err.startswith("Error: ") and err.count("\n") == 1 and name in err and says in err
    assert not out.exists()


def test_a_missing_picture(klangbild, tmp_path):
    code, _, err = klangbild(tmp_path / "gone.jpg", "-o", tmp_path / "out", *FAST)
    assert code == 1 and "gone.jpg" in err and err.count("\n") == 1 and not (tmp_path / "out").exists()


def test_a_file_over_100_mb_is_refused_before_it_is_read(klangbild, tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(101 * 1024 * 1024)
    code, _, err = klangbild(path, *FAST, "-o", tmp_path / "out")
    assert code == 1 and "100 MB" in err


def odd_pictures() -> dict[str, Image.Image]:
    rgb = Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8))
    return {
        "palette.png": rgb.convert("P"),
        "sixteen.png": Image.fromarray((np.arange(2400, dtype=np.uint16) * 27).reshape(40, 60)),
        "cmyk.jpg": rgb.convert("CMYK"),
        "alpha.png": rgb.convert("RGBA"),
        "bits.png": rgb.convert("1"),
        "gray.jpg": rgb.convert("L"),
        "dot.png": Image.new("RGB", (1, 1), "red"),
        "line.png": Image.new("RGB", (20_000, 1), "blue"),
    }


@pytest.mark.parametrize("name", sorted(odd_pictures()))
def test_odd_pictures_are_handled(klangbild, tmp_path, name):
    odd_pictures()[name].save(tmp_path / name)
    code, stdout, err = klangbild(tmp_path / name, "-o", tmp_path / "out", *FAST, "--tempo", 120)
    assert (code, err) == (0, "") and len(stdout.split()) == 2


def test_an_animation_gives_its_first_frame_and_exif_turns(klangbild, tmp_path):
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("white", "black")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    turned = Image.new("RGB", (30, 20), "green")
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    code, out, _ = klangbild(tmp_path / "moving.gif", tmp_path / "turned.jpg", "-o", tmp_path, "--json", *FAST)
    assert code == 0
    import json

    first, second = (json.loads(line)["picture"] for line in out.splitlines())
    assert (first["width"], first["height"]) == (30, 20) and (second["width"], second["height"]) == (20, 30)
