"""A model kept as its difference from another: the four conditioning modes share most of what they know.

The other modes are fine-tuned from `continuous_concat`, so their int8 matrices, on its scales, differ from its own by a few steps.
A `.patch` file says so byte by byte, in half the room of a second model, and exactly: what comes out is the ONNX file
that was exported, to the byte, which the card's sha256 proves.

Layout: LZMA of one line of JSON {"base": sha256 of the base, "size": bytes, "parts": [[at, from, length], ...]}, then for each part
what is added (mod 256) to `length` bytes of the base from `from` on, to be laid at `at`, then all other bytes in order.

The idea is that of bsdiff: C. Percival (2003), "Naive differences of executable code".
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from klangbild.errors import InputError


def make_patch(base: bytes, target: bytes, alike: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A patch that makes `target` out of `base`; alike: stretches of both, of one length, that differ little.

    Raises:
        ValueError: a stretch is not in its file, is no longer than 64 bytes, or overlaps another.
    """
    parts: list[list[int]] = []
    for old, new in alike:
        at, start = target.find(new), base.find(old)
        if min(at, start) < 0 or len(old) != len(new) or len(new) <= 64:
            raise ValueError(f"a stretch of {len(new)} bytes is not in both files")
        parts.append([at, start, len(new)])
    parts.sort()
    if any(a[0] + a[2] > b[0] for a, b in pairwise(parts)):
        raise ValueError("two stretches overlap")
    added = [
        np.frombuffer(target, np.uint8, length, at) - np.frombuffer(base, np.uint8, length, start)
        for at, start, length in parts
    ]
    rest, end = [], 0
    for at, _, length in parts:
        rest.append(target[end:at])
        end = at + length
    head = {"base": hashlib.sha256(base).hexdigest(), "size": len(target), "parts": parts}
    body = b"".join([json.dumps(head).encode(), b"\n", *(a.tobytes() for a in added), *rest, target[end:]])
    return lzma.compress(body, preset=9)


def apply_patch(base: bytes, patch: bytes, *, name: str) -> bytes:
    """The target. Raises InputError: damaged, or made for another base; `name` is the file that the message names."""
    try:
        head_line, _, body = lzma.decompress(patch).partition(b"\n")
        head = json.loads(head_line)
        parts, size = head["parts"], int(head["size"])
        if head["base"] != hashlib.sha256(base).hexdigest():
            raise ValueError("it belongs to another version of notes-continuous_concat.onnx")
        added = sum(length for _, _, length in parts)
        out, data = np.empty(size, np.uint8), np.frombuffer(body, np.uint8)
        if len(data) != size:
            raise ValueError("it is cut off")
        difference, rest = 0, added
        end = 0
        for at, start, length in [*parts, [size, 0, 0]]:
            out[end:at] = data[rest : rest + at - end]
            rest += at - end
            out[at : at + length] = (
                np.frombuffer(base, np.uint8, length, start) + data[difference : difference + length]
            )
            difference, end = difference + length, at + length
        return out.tobytes()
    except (lzma.LZMAError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{name}: is not a patch of our notes models ({error}); take another copy") from None
