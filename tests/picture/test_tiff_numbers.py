"""A whole TIFF of floats, of 32-bit numbers or of planes apart is read; what is not read is said precisely."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.picture.load import load_picture

Y, X = np.mgrid[:50, :70]
RGB = np.stack([X / 70, Y / 50, (X * Y % 60) / 60], axis=2)
WANTED = (RGB * 255 + 0.5).astype(np.uint8)


def tiff(
    array: np.ndarray, *, order: str = "<", big: bool = False, apart: bool = False, packed: bool = False, predictor: int = 1,
    tile: tuple[int, int] | None = None, rows: int = 13, **changed: int,
) -> bytes:  # fmt: skip
    """(height, width, samples) -> the bytes of a TIFF, written here by hand. changed: tags by number, as "t262"."""
    array = array.astype(array.dtype.newbyteorder(order))
    height, width, samples = array.shape
    across, down = tile or (width, rows)
    chunks = []
    for plane in [array[..., i : i + 1] for i in range(samples)] if apart else [array]:
        for top in range(0, height, down):
            for left in range(0, width, across):
                part = plane[top : top + down, left : left + across]
                if tile:
                    part = np.pad(part, [(0, down - part.shape[0]), (0, across - part.shape[1]), (0, 0)])
                chunks.append(_packed(part, packed, predictor))
    word, entry, pointer = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    bits = 8 * array.dtype.itemsize
    tags = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * samples), 259: (3, [8 if packed else 1]),
            262: (3, [2 if samples > 2 else 1]), 277: (3, [samples]), 284: (3, [2 if apart else 1]),
            317: (3, [predictor]), 339: (3, [kind] * samples)}  # fmt: skip
    if samples in (2, 4):
        tags[338] = (3, [2])
    tags |= {322: (4, [across]), 323: (4, [down])} if tile else {278: (4, [down])}
    tags |= {int(name[1:]): (3, [value]) for name, value in changed.items()}
    start = 16 if big else 8
    places = np.cumsum([start, *(len(c) for c in chunks)])[:-1].tolist()
    tags[324 if tile else 273], tags[325 if tile else 279] = (4, places), (4, [len(c) for c in chunks])
    body = b"".join(chunks)
    at = start + len(body) + struct.calcsize(order + word) + len(tags) * struct.calcsize(order + entry + pointer)
    at += struct.calcsize(pointer)
    index, more = struct.pack(order + word, len(tags)), b""
    for number, (form, values) in sorted(tags.items()):
        data = struct.pack(f"{order}{len(values)}{'H' if form == 3 else 'I'}", *values)
        if len(data) > struct.calcsize(pointer):
            data, more = struct.pack(order + pointer, at + len(more)), more + data
        index += struct.pack(order + entry, number, form, len(values)) + data.ljust(struct.calcsize(pointer), b"\0")
    mark = {"<": b"II", ">": b"MM"}[order]
    head = (
        struct.pack(order + "HHHQ", 43, 8, 0, start + len(body))
        if big
        else struct.pack(order + "HI", 42, start + len(body))
    )
    return mark + head + body + index + bytes(struct.calcsize(pointer)) + more


def _packed(part: np.ndarray, packed: bool, predictor: int) -> bytes:
    if predictor == 2:
        unsigned = part.view(f"{part.dtype.str[0]}u{part.dtype.itemsize}").astype(f"u{part.dtype.itemsize}")
        part = np.diff(unsigned, axis=1, prepend=np.zeros_like(unsigned[:, :1])).astype(
            f"{part.dtype.str[0]}u{part.dtype.itemsize}"
        )
    if predictor == 3:
        rows, _, samples = part.shape
        shuffled = part.astype(part.dtype.newbyteorder(">")).view(np.uint8).reshape(rows, -1, part.dtype.itemsize)
        row = shuffled.swapaxes(1, 2).reshape(rows, -1, samples)
        part = np.diff(row, axis=1, prepend=np.zeros_like(row[:, :1]))
    return zlib.compress(part.tobytes()) if packed else part.tobytes()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "u1", "u2", "u4"])
@pytest.mark.parametrize("samples", [1, 3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
def test_numbers_of_every_kind(dtype, samples, order):
    most = 1 if dtype[0] == "f" else np.iinfo(dtype).max
    array = np.concatenate([RGB, np.ones((50, 70, 1))], axis=2)[..., :samples]
    array = (array * most).astype(dtype)
    wanted = WANTED if samples > 1 else np.repeat(WANTED[..., :1], 3, axis=2)
    for options in ({}, {"big": True}, {"packed": True, "predictor": 2}, {"tile": (32, 16)}, {"apart": samples > 1},
                    {"apart": samples > 1, "packed": True, "tile": (16, 16)}):  # fmt: skip
        if options.get("predictor") and dtype[0] == "f":
            options = {**options, "predictor": 3}
        found = load_picture(tiff(array, order=order, **options)).rgb.astype(int)
        assert np.abs(found - wanted).max() <= 2, options


def test_highlights_above_one_and_numbers_that_are_none():
    array = (RGB * 0.9).astype("f4")
    array[0, 0], array[1, 1], array[2, 2] = 40.0, np.nan, np.inf
    found = load_picture(tiff(array)).rgb
    assert (found[0, 0] == 255).all() and (found[1, 1] == 0).all() and (found[2, 2] == 255).all()
    assert np.abs(found[10:].astype(int) - WANTED[10:] * 0.9).max() <= 2
    for scale in (255.0, 65535.0):
        assert np.abs(load_picture(tiff((RGB * scale).astype("f4"))).rgb.astype(int) - WANTED).max() <= 2


@pytest.mark.parametrize("turn", range(1, 9))
def test_turned(turn):
    plain, turned = load_picture(tiff(RGB.astype("f4"))).rgb, load_picture(tiff(RGB.astype("f4"), t274=turn)).rgb
    ways = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
            5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
            8: lambda a: np.rot90(a, 1)}  # fmt: skip
    assert np.array_equal(turned, ways[turn](plain))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (tiff(np.zeros((8, 8, 5), "f4")), "32-bit float samples in 5 channels"),
        (tiff(RGB.astype("f4"), t259=7), "packed in a way that is not read"),
        (tiff(RGB.astype("f4"), t262=32844), "LogLuv"),
        (tiff(RGB.astype("f4"))[:3000], "cut off or damaged"),
        (tiff(RGB.astype("f4"), packed=True, t317=3)[:2000], "cut off or damaged"),
    ],
)
def test_what_is_not_read_is_said_precisely(content, says):
    with pytest.raises(InputError) as error:
        load_picture(content)
    assert says in str(error.value) and "\n" not in str(error.value)
