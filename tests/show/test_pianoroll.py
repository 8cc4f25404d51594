from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from band_pieces import band_piece, one_note
from PIL import Image, ImageColor

from klangbild.emotion.space import Emotion
from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.picture.picture import Picture
from klangbild.show.pianoroll import alt_text, draw_piano_roll, piano_roll_png


def picture(width: int = 120, height: int = 90) -> Picture:
    ramp = np.linspace(0, 255, width * height * 3).reshape(height, width, 3).astype(np.uint8)
    return Picture(ramp, "ramp", "0" * 64)


def count_near(image: Image.Image, colour: str, box=None, tolerance: int = 12) -> int:
    pixels = np.asarray(image.crop(box) if box else image).astype(int)
    return int((np.abs(pixels - np.array(ImageColor.getrgb(colour))).max(axis=-1) <= tolerance).sum())


def test_every_family_has_its_lane_in_its_colour():
    image = draw_piano_roll(band_piece(), title="Band")
    assert image.mode == "RGB" and image.width == 1800 and image.height > 700
    for family in ("drums", "piano", "bass", "strings", "winds"):
        assert count_near(image, FAMILIES[FAMILY_INDEX[family]].colour) > 150, family


def test_all_eleven_families_and_their_names_fit():
    tracks = tuple(Track(f.name, f.program, make_notes([0, 1, 2], [1, 1, 1], [40, 47, 52], [90] * 3)) for f in FAMILIES)
    image = draw_piano_roll(Piece(tracks))
    for family in FAMILIES:
        assert count_near(image, family.colour) > 50, family.name


def test_picture_and_points_are_on_the_sheet():
    plain = draw_piano_roll(band_piece(), title="x")
    full = draw_piano_roll(
        band_piece(), picture=picture(), emotion=Emotion(-0.5, 0.6, 0.2, 0.2), asked=Emotion(0.4, -0.2), title="x"
    )
    assert full.size == plain.size
    top = np.asarray(full)[:320].astype(int)
    assert np.abs(top - np.asarray(plain)[:320]).max() > 100
    assert count_near(full, "#c2335b", (1200, 0, 1800, 340)) > 20  # the asked point
    assert count_near(full, "#23262b", (1200, 0, 1800, 340)) > 60  # the picture's


def test_louder_notes_are_fuller():
    def saturation(velocity: int) -> float:
        pixels = np.asarray(draw_piano_roll(one_note(velocity=velocity, beats=4)))[374:].astype(int)
        blue = pixels[np.ptp(pixels, axis=-1) > 30]
        return float(np.percentile(np.ptp(blue, axis=-1), 60)) if len(blue) else 0.0

    assert saturation(25) < saturation(70) < saturation(120)


@pytest.mark.parametrize(
    "piece",
    [
        Piece(()),
        one_note(),
        one_note("drums", 0, pitch=36),
        one_note(pitch=0),
        one_note(pitch=127, beats=0.01),
        Piece(band_piece(bars=2).tracks, meters=((0.0, 3, 4), (3.0, 7, 8)), tempos=((0.0, 40.0), (3.0, 200.0))),
        Piece(band_piece(bars=2).tracks, markers=((0.0, "  "), (2.0, "Ü" * 300), (2.1, "B"))),
    ],
    ids=["silent", "one note", "one drum", "lowest", "highest", "changes", "markers"],
)
def test_odd_pieces_are_drawn(piece):
    image = draw_piano_roll(
        piece, picture=picture(1, 700), emotion=Emotion(1, 1, 0.5, 0.5), title="日本 " + "long " * 80
    )
    assert image.height >= 400


@pytest.mark.parametrize("width", [200, 900, 2600])
def test_widths(width):
    assert draw_piano_roll(band_piece(bars=2), picture=picture(), emotion=Emotion(0, 0), width=width).width == max(
        width, 900
    )


def test_a_minute_is_drawn_in_half_a_second():
    piece = band_piece(bars=30)
    draw_piano_roll(piece)  # fonts loaded
    started = time.process_time()
    draw_piano_roll(piece, picture=picture(1200, 900), emotion=Emotion(0.2, 0.1, 0.3, 0.3), title="Minute")
    assert time.process_time() - started < 0.5


def test_the_file_carries_words_and_record():
    piece = band_piece(bars=2)
    data = piano_roll_png(draw_piano_roll(piece), piece, title="Sturm ü", record='{"a": "ü"}')
    texts = Image.open(io.BytesIO(data)).text
    assert texts["Title"] == "Sturm ü" and texts["klangbild"] == '{"a": "ü"}' and "minor" in texts["Description"]
    assert texts["Description"] == alt_text(piece)
    assert "silent" in alt_text(Piece(()))


def test_equal_bytes_in_two_processes():
    code = (
        "import sys, hashlib; sys.path[:0] = sys.argv[1:]\n"
        "import test_pianoroll as t\n"
        "p = t.band_piece(bars=2)\n"
        "i = t.draw_piano_roll(p, picture=t.picture(), emotion=t.Emotion(.1, .2, .1, .1), title='x')\n"
        "print(hashlib.sha256(t.piano_roll_png(i, p, title='x', record='{}' * 400)).hexdigest())"
    )
    folders = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, *folders],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1] and len(runs[0]) == 2 * hashlib.sha256().digest_size + 1


def test_the_places_looked_at_stand_on_the_picture_and_at_their_times():
    """`--gaze` drew nothing of where it looked."""
    gaze = ((0.0, 0.1, 0.2), (1.5, 0.5, 0.9), (3.0, 0.97, 0.02))
    gray = Picture(np.full((90, 120, 3), 128, np.uint8), "gray", "0" * 64)
    plain, seen = (draw_piano_roll(band_piece(bars=4), picture=gray, gaze=g) for g in ((), gaze))
    assert plain.size == seen.size
    moved = np.abs(np.asarray(plain).astype(int) - np.asarray(seen)).max(axis=2) > 60
    high, wide = 284, 284 * 120 / 90
    for _, x, y in gaze:  # each place, kept inside
        px, py = int(48 + min(max(wide * x, 11), wide - 11)), int(48 + min(max(high * y, 11), high - 11))
        assert moved[py - 8 : py + 9, px - 8 : px + 9].mean() > 0.5
    assert not moved[:44].any() and not moved[48 + 286 : 360, :500].any()
    axis = np.flatnonzero(moved[400:].any(axis=0))
    runs = 1 + int((np.diff(axis) > 1).sum())
    assert runs == 3 and not moved[48:320, 48 + int(wide) + 2 :].any()
    without = draw_piano_roll(band_piece(bars=4), gaze=gaze)
    assert np.array_equal(np.asarray(without), np.asarray(draw_piano_roll(band_piece(bars=4))))
