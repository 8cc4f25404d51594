"""What `fuzz.py` breaks: whole inputs of each kind, made here, and ways to damage them. Equal seeds give equal cases."""

from __future__ import annotations

import copy
import io
import json
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np

KINDS = ("pictures", "midi", "soundfonts", "records", "checkpoints", "rest")
EXTREMES = (
    b"\x00",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\x00\x00\x00\x00",
    b"\x00\x01",
)


def mutate(data: bytes, rng: random.Random, *, others: list[bytes]) -> bytes:
    """One to eight wounds: bits, bytes, extreme numbers, cuts, repeats, insertions, a piece of another file."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 8))):
        if not out:
            break
        # headers stand in front: half of the wounds go there
        at = rng.randrange(min(len(out), 512)) if rng.random() < 0.5 else rng.randrange(len(out))
        wound = rng.randrange(9)
        if wound == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif wound == 1:
            out[at] = rng.randrange(256)
        elif wound == 2:
            extreme = rng.choice(EXTREMES)
            out[at : at + len(extreme)] = extreme
        elif wound == 3:
            del out[at:]
        elif wound == 4:
            del out[at : at + rng.randrange(1, 64)]
        elif wound == 5:
            piece = out[at : at + rng.randrange(1, 256)]
            out[at:at] = piece * rng.choice((1, 2, 50))
        elif wound == 6:
            out[at:at] = rng.randbytes(rng.randrange(1, 32))
        elif wound == 7 and others:
            other = rng.choice(others)
            start = rng.randrange(len(other))
            out[at : at + 128] = other[start : start + rng.randrange(1, 256)]
        else:
            size = rng.choice((2, 4))
            out[at : at + size] = rng.choice((0, 1, 2**31 - 1, 2**32 - 1, rng.getrandbits(32))).to_bytes(4, "big")[
                :size
            ]
    return bytes(out)


# --- pictures --------------------------------------------------------------------------------------------------------


def pictures() -> list[tuple[str, bytes]]:
    """(suffix, bytes): small pictures in every format and mode that Pillow writes here, with profiles, EXIF and frames."""
    from PIL import Image, ImageCms

    rng = np.random.default_rng(1)
    ramp = np.linspace([200, 90, 30], [20, 60, 160], 24)[:, None, :] * np.ones((1, 32, 1))
    base = Image.fromarray(np.clip(ramp + rng.normal(0, 12, ramp.shape), 0, 255).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a picture"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ways: list[tuple[str, Any, dict[str, Any]]] = [
        ("jpg", base, {"quality": 80, "exif": exif, "icc_profile": profile}), ("jpg", base.convert("L"), {}),
        ("jpg", base.convert("CMYK"), {}), ("jpg", base, {"progressive": True}), ("png", base, {"icc_profile": profile}),
        ("png", base.convert("RGBA"), {}), ("png", base.convert("P"), {"transparency": 3}), ("png", base.convert("1"), {}),
        ("png", base.convert("LA"), {}), ("png", base.convert("I"), {}),
        ("gif", base.convert("P"), {"save_all": True, "append_images": [base.rotate(90).convert("P")]}),
        ("tif", base, {}), ("tif", base, {"compression": "tiff_lzw"}), ("tif", base.convert("F"), {}),
        ("tif", base.convert("CMYK"), {"compression": "tiff_adobe_deflate"}), ("webp", base, {"exif": exif}),
        ("webp", base.convert("RGBA"), {"lossless": True}), ("bmp", base, {}), ("bmp", base.convert("P"), {}),
        ("ppm", base, {}), ("tga", base, {"compression": "tga_rle"}), ("ico", base, {}), ("pcx", base, {}), ("jp2", base, {}),
        ("avif", base, {}),
    ]  # fmt: skip
    found = []
    for suffix, image, options in ways:
        stream = io.BytesIO()
        try:
            image.save(
                stream, format={"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000"}.get(suffix, suffix.upper()), **options
            )
        except (OSError, KeyError, ValueError):  # a Pillow built without that codec
            continue
        found.append((suffix, stream.getvalue()))
    found.append(("svg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'))
    return found


# --- MIDI ------------------------------------------------------------------------------------------------------------


def midi_files() -> list[bytes]:
    """A band as we write it, and by hand what others write: formats 0 and 2, SMPTE, running status, pedal, bends, far notes."""
    from klangbild.music.midi import to_midi_bytes
    from klangbild.music.piece import Key, Piece, Track, make_notes

    onsets = np.arange(12.0)
    tracks = tuple(
        Track(family, program, make_notes(onsets, np.ones(12), np.full(12, pitch) + np.arange(12) % 5, [80] * 12))
        for family, program, pitch in (("drums", 0, 36), ("piano", 0, 62), ("bass", 32, 38))
    )
    band = Piece(
        tracks, tempos=((0.0, 90.0), (6.0, 120.0)), meters=((0.0, 3, 4),), key=Key.parse("D"), length_beats=12.0
    )
    events = b"".join(
        (
            b"\x00\xff\x03\x04lead", b"\x00\xff\x51\x03\x07\xa1\x20", b"\x00\xff\x58\x04\x0b\x03\x18\x08", b"\x00\xc0\x49",
            b"\x00\xb0\x40\x7f", b"\x00\xb0\x07\x40", b"\x00\xe0\x00\x60", b"\x00\x90\x3c\x50", b"\x60\x40\x50",
            b"\x60\x80\x3c\x00", b"\x00\x40\x00", b"\x81\x00\x90\x43\x50", b"\x60\x43\x00", b"\x00\xf0\x03\x41\x10\xf7",
            b"\x00\xff\x2f\x00",
        )
    )  # fmt: skip

    def file(kind: int, division: int, *parts: bytes) -> bytes:
        head = b"MThd" + struct.pack(">IHHH", 6, kind, len(parts), division & 0xFFFF)
        return head + b"".join(b"MTrk" + struct.pack(">I", len(part)) + part for part in parts)

    plain = file(0, 96, events)
    rmid = b"RIFF" + struct.pack("<I", len(plain) + 12) + b"RMIDdata" + struct.pack("<I", len(plain)) + plain
    far = events[:-4] + b"\xff\xff\xff\x7f\x90\x3c\x50\x60\x80\x3c\x00" + events[-4:]
    return [
        to_midi_bytes(band, record='{"klangbild": "0"}'), plain, file(1, 480, events, events), file(2, 96, events, events),
        file(0, (256 - 25) << 8 | 40, events), rmid, file(0, 96, far), file(0, 96, events[:-4]),
    ]  # fmt: skip


# --- SoundFonts ------------------------------------------------------------------------------------------------------


def soundfont() -> bytes:
    """A small whole SoundFont: two presets (piano, drums), one looped sample, a few generators."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    def named(text: str) -> bytes:
        return text.encode().ljust(20, b"\0")

    samples = (np.sin(np.arange(400) * 2 * np.pi / 100) * 20_000).astype("<i2").tobytes() + bytes(92)
    generators = [(43, 0x7F00), (17, 100), (34, 0xE000), (38, 0xF000), (54, 1), (53, 0)]
    igen = b"".join(struct.pack("<HH", *pair) for pair in [*generators, (0, 0)])
    info = chunk(b"ifil", struct.pack("<HH", 2, 1)) + chunk(b"INAM", b"tiny\0\0")
    phdr = (
        named("piano") + struct.pack("<HHHIII", 0, 0, 0, 0, 0, 0)
        + named("drums") + struct.pack("<HHHIII", 0, 128, 1, 0, 0, 0)
        + named("EOP") + struct.pack("<HHHIII", 0, 0, 2, 0, 0, 0)
    )  # fmt: skip
    pdta = b"".join(
        chunk(name, data)
        for name, data in (
            (b"phdr", phdr),
            (b"pbag", struct.pack("<HHHHHH", 0, 0, 1, 0, 2, 0)),
            (b"pmod", bytes(10)),
            (b"pgen", struct.pack("<HHHHHH", 41, 0, 41, 0, 0, 0)),
            (b"inst", named("i") + struct.pack("<H", 0) + named("EOI") + struct.pack("<H", 1)),
            (b"ibag", struct.pack("<HHHH", 0, 0, len(generators), 0)),
            (b"imod", bytes(10)),
            (b"igen", igen),
            (
                b"shdr",
                named("s") + struct.pack("<IIIIIBbHH", 0, 400, 100, 300, 22050, 60, 0, 0, 1) + named("EOS") + bytes(26),
            ),
        )
    )
    body = b"sfbk" + chunk(b"LIST", b"INFO" + info) + chunk(b"LIST", b"sdta" + chunk(b"smpl", samples))
    body += chunk(b"LIST", b"pdta" + pdta)
    return b"RIFF" + struct.pack("<I", len(body)) + body


# --- JSON ------------------------------------------------------------------------------------------------------------

ODD = (
    None, True, False, 0, -1, 1e308, 2**70, -(2**63), "", "x", "\ud800", "../../etc/passwd", [], {}, [[]], [None], {"a": 1},
    float("nan"), float("inf"), "nan", "1e999", ["x"] * 50, "A" * 5_000, "\0", "http://127.0.0.1/", "file:///etc/passwd",
)  # fmt: skip


def mutate_json(value: Any, rng: random.Random) -> Any:
    """One to four wounds: a value of another kind, a key gone, doubled or added, a list emptied, a number at its extreme."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(_places(value))
        if not places:
            return _odd(rng)
        holder, key = rng.choice(places)
        wound = rng.randrange(5)
        if wound == 0:
            del holder[key]
        elif wound == 1 and isinstance(holder, dict):
            holder[rng.choice(("", "x", "__class__", "seed", "picture", "settings"))] = _odd(rng)
        elif wound == 2 and isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool):
            holder[key] = rng.choice((-holder[key], holder[key] * 1e9, str(holder[key]), holder[key] + 0.5))
        else:
            holder[key] = _odd(rng)
    return value


def _odd(rng: random.Random) -> Any:
    """A value that is wrong nearly everywhere; a copy, since it may be wounded in its turn."""
    return copy.deepcopy(rng.choice(ODD))


def _places(value: Any) -> Any:
    """Every (holder, key) below `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from _places(inner)


# --- checkpoints -----------------------------------------------------------------------------------------------------


def checkpoint(folder: Path) -> None:
    """A midi-emotion run folder at tiny size, as its authors' code writes it. Needs torch."""
    import torch

    from klangbild.models.aria.network_torch import MidiEmotionNetwork
    from klangbild.models.aria.sizes import MidiEmotionSizes
    from klangbild.models.aria.vocabulary import base_symbols

    symbols = base_symbols()
    sizes = MidiEmotionSizes(
        "continuous_concat", len(symbols), n_layer=1, n_head=2, d_model=24, d_inner=16, d_condition=8
    )
    network = MidiEmotionNetwork(sizes, generator=torch.Generator().manual_seed(0))
    instruments = ("DRUMS", "GUITAR", "BASS", "PIANO", "STRINGS")
    events = [f"{switch}_{name}" for name in instruments for switch in ("OFF", "ON")] + ["TIMESHIFT"]
    tuples = [
        s if s.startswith("<") else (events.index(s.rpartition("_")[0]), int(s.rpartition("_")[2])) for s in symbols
    ]
    mappings = {
        "event2idx": {name: i for i, name in enumerate(events)}, "idx2event": dict(enumerate(events)),
        "tuple2idx": {t: i for i, t in enumerate(tuples)}, "idx2tuple": dict(enumerate(tuples)),
        "transposable_event_inds": list(range(2, 10)),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / "model.pt")
    torch.save(mappings, folder / "mappings.pt")
    told = sizes.as_dict()
    del told["regression"], told["max_positions"]
    torch.save({**told, "lr": 2e-5, "debug": False}, folder / "model_config.pt")
