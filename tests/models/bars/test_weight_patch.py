"""A model kept as a difference comes back to the byte, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.models.bars.weight_patch import apply_patch, make_patch


@pytest.fixture
def files() -> tuple[bytes, bytes, list[tuple[bytes, bytes]]]:
    rng = np.random.default_rng(0)
    old = [rng.integers(0, 256, size, dtype=np.uint8) for size in (4000, 900)]
    new = [part + rng.integers(-1, 2, len(part)).astype(np.uint8) for part in old]
    a, b, c, d = (part.tobytes() for part in (*old, *new))
    return b"head" + a + b"between" + b, b"another head" + d + c + b"end", [(a, c), (b, d)]


def test_it_comes_back_to_the_byte_and_is_smaller(files):
    base, target, alike = files
    patch = make_patch(base, target, alike)
    assert apply_patch(base, patch, name="x.patch") == target and len(patch) < 0.5 * len(target)


def test_damage_and_other_bases_say_so(files):
    base, target, alike = files
    patch = make_patch(base, target, alike)
    for wrong_base, wrong in ((base + b"!", patch), (base, patch[:-40]), (base, b"no patch"), (base, patch[::-1])):
        with pytest.raises(InputError, match=r"x\.patch"):
            apply_patch(wrong_base, wrong, name="x.patch")


def test_stretches_must_be_there(files):
    base, target, alike = files
    with pytest.raises(ValueError, match="both files"):
        make_patch(base, target, [(b"q" * 100, alike[0][1])])
    with pytest.raises(ValueError, match="overlap"):
        make_patch(base, target, [alike[0], alike[0]])
