"""Whole small SoundFonts of one sample, made here."""

from __future__ import annotations

import io
import struct

import numpy as np

SAW = (np.arange(2000) % 100 * 300 - 15000).astype("<i2")


def chunk(name: bytes, data: bytes, *, pad: bool = True) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2 if pad else 0)


def small_font(
    *, presets=((0, 0, 0),), generators=(), preset_generators=(), modulators=(), preset_modulators=(),
    sample=(0, 2000, 100, 1900, 22050, 60), kind: int = 1, n: int = 2000, pcm: np.ndarray | None = None,
    data: bytes | None = None, pad: bool = True,
) -> bytes:  # fmt: skip
    """A SoundFont of one sample: a saw, or `pcm`, or a stream (`data`). generators: (number, amount) of the instrument's zone;
    modulators: (source, target, amount, second source, transform)."""
    start, end, loop_start, loop_end, rate, root = sample
    pcm = (np.arange(n) % 100 * 300 - 15000).astype("<i2") if pcm is None else pcm.astype("<i2")
    heads = b"".join(struct.pack("<20sHHH12x", b"a", preset, bank, bag) for bank, preset, bag in presets)
    heads += struct.pack("<20sHHH12x", b"EOP", 0, 0, 1)
    zone = b"".join(struct.pack("<Hh", *g) for g in (*generators, (54, 1), (53, 0)))
    preset_zone = b"".join(struct.pack("<Hh", *g) for g in (*preset_generators, (41, 0)))
    moved, preset_moved = (
        b"".join(struct.pack("<HHhHH", *m) for m in (*rows, (0, 0, 0, 0, 0)))
        for rows in (modulators, preset_modulators)
    )
    tables = {
        b"phdr": heads,
        b"pbag": struct.pack("<4H", 0, 0, len(preset_zone) // 4, len(preset_modulators)),
        b"pmod": preset_moved,
        b"pgen": preset_zone + bytes(4),
        b"inst": struct.pack("<20sH20sH", b"a", 0, b"EOI", 1),
        b"ibag": struct.pack("<4H", 0, 0, len(zone) // 4, len(modulators)),
        b"imod": moved,
        b"igen": zone + bytes(4),
        b"shdr": struct.pack("<20sIIIIIBbHH", b"a", start, end, loop_start, loop_end, rate, root, 0, 0, kind)
        + struct.pack("<20s26x", b"EOS"),
    }
    body = chunk(b"LIST", b"INFO" + chunk(b"ifil", struct.pack("<HH", 2, 1)))
    smpl = chunk(b"smpl", pcm.tobytes() if data is None else data, pad=pad)
    body += chunk(b"LIST", b"sdta" + smpl, pad=pad)
    body += chunk(b"LIST", b"pdta" + b"".join(chunk(name, data) for name, data in tables.items()))
    return chunk(b"RIFF", b"sfbk" + body, pad=pad)


def vorbis(samples: np.ndarray, rate: int) -> bytes:
    """Samples (n,), -1..1, as an Ogg Vorbis stream."""
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="OGG", subtype="VORBIS")
    return stream.getvalue()
