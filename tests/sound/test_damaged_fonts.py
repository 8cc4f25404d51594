"""Damaged SoundFonts play, or are one line: never a traceback, never no end."""

import random
import shutil
import struct
import time
import warnings

import numpy as np
import pytest
from band_pieces import band_piece, one_note
from small_fonts import chunk, small_font

from klangbild.errors import KlangbildError
from klangbild.sound.soundfont import SoundFont
from klangbild.sound.synth import synthesize_stems


def played(path, piece=None) -> float:
    """The peak of the sound; raises what the player raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stems = synthesize_stems(piece or one_note(beats=1.0), soundfont=path, rate=22050)
    samples = np.concatenate([audio.samples for _, audio in stems], axis=1)
    assert np.isfinite(samples).all()
    return float(np.abs(samples).max())


def test_a_whole_one_plays(tmp_path):
    path = tmp_path / "a.sf2"
    path.write_bytes(small_font())
    assert played(path) > 0.01


@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("no presets", small_font(presets=())),
        ("a sample of nothing", small_font(sample=(0, 0, 0, 0, 22050, 60))),
        ("a sample that ends before it starts", small_font(sample=(1500, 20, 1510, 1800, 22050, 60))),
        ("a sample beyond the file", small_font(sample=(4_000_000_000, 4_000_002_000, 0, 100, 22050, 60))),
        ("an end beyond the file", small_font(sample=(0, 4_000_000_000, 100, 4_000_000_000, 22050, 60))),
        ("a loop before the sample", small_font(sample=(1000, 2000, 10, 300, 22050, 60))),
        ("a start after the loop", small_font(generators=((0, 1950),))),
        ("a rate of four billion", small_font(sample=(0, 2000, 100, 1900, 4_000_000_000, 60))),
        ("a tuning without measure", small_font(generators=((56, 32767), (51, 32767), (52, -32768)))),
        ("sweeps without measure", small_font(generators=((7, 32767), (6, -32768), (24, 32767), (26, 32767)))),
        ("a filter that rings", small_font(generators=((8, 1500), (9, 32767), (11, 32767)))),
        ("times without end", small_font(generators=((33, 32767), (34, 32767), (35, 32767), (39, 32767), (38, 32767)))),
        ("loud without measure", small_font(generators=((48, -32768), (17, 32767), (37, -32768)))),
        ("a sample that is not there", small_font(generators=((53, 77),))),
        ("Vorbis that is none", small_font(kind=0x11)),
        ("modulators of what nothing moves", small_font(modulators=tuple((2, target, 30000, 0, 0) for target in range(61)))),
        ("modulators without end", small_font(modulators=((2, 48, -32768, 2, 2), (0x8F, 8, 32767, 127, 0), (0xFFFF, 99, 1, 0, 9)))),
        ("cut off", small_font()[:-300]),
        ("only a head", small_font()[:12]),
        ("itself inside itself", b"RIFF\xff\0\0\0sfbk" + b"LIST\0\1\0\0LIST" * 40),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_no_font_should_hold(tmp_path, name, font):
    path = tmp_path / "a.sf2"
    path.write_bytes(font)
    started = time.perf_counter()
    try:
        assert played(path) < 1e3
    except KlangbildError as error:
        assert "\n" not in str(error) and "a.sf2" in str(error)
    assert time.perf_counter() - started < 10


def test_generators_named_again_and_again_end(tmp_path):
    """65,000 zones, every second of which names all generators: two thousand million reads."""
    font = small_font()
    bags = b"".join(struct.pack("<HH", 0 if k % 2 else 60_000, 0) for k in range(65_000))
    font = font.replace(chunk(b"ibag", struct.pack("<4H", 0, 0, 2, 0)), chunk(b"ibag", bags))
    font = font.replace(
        chunk(b"inst", struct.pack("<20sH20sH", b"a", 0, b"EOI", 1)),
        chunk(b"inst", struct.pack("<20sH20sH", b"a", 0, b"EOI", 64_000)),
    )
    at = font.index(b"igen")
    font = font[:at] + chunk(b"igen", struct.pack("<Hh", 48, 10) * 60_001) + font[at + 8 + 12 :]
    lists = font.index(b"pdta") - 4
    font = font[:lists] + struct.pack("<I", len(font) - lists - 4) + font[lists + 4 :]
    path = tmp_path / "a.sf2"
    path.write_bytes(font)
    started = time.perf_counter()
    with pytest.raises(KlangbildError):
        played(path)
    assert time.perf_counter() - started < 20


def test_mutated_fonts(font, tmp_path):
    """A slice of what was run with 2,000; bytes of the index and of the samples, in place."""
    path = tmp_path / "a.sf2"
    shutil.copyfile(font, path)
    size = path.stat().st_size
    rng = random.Random(5)
    index = path.read_bytes().rindex(b"pdta")
    piece = band_piece(bars=1)
    opened = 0
    for _ in range(12):
        places = [
            rng.randrange(*((index, size) if rng.random() < 0.8 else (0, 200))) for _ in range(rng.choice((1, 20, 400)))
        ]
        with path.open("r+b") as file:
            before = []
            for place in places:
                file.seek(place)
                before.append(file.read(1))
                file.seek(place)
                file.write(bytes([rng.choice((0, 255, rng.randrange(256)))]))
        try:
            opened += played(path, piece) >= 0
        except KlangbildError as error:
            assert "\n" not in str(error)
        with path.open("r+b") as file:
            for place, byte in reversed(list(zip(places, before, strict=True))):
                file.seek(place)
                file.write(byte)
    assert opened and SoundFont.open(path)
