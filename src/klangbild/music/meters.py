"""The meters that klangbild writes, in one fixed order, which the ids of `bars` depend on: never reorder."""

from __future__ import annotations

METERS = (
    (1, 4), (3, 8), (2, 4), (5, 8), (3, 4), (6, 8), (7, 8), (4, 4), (9, 8), (5, 4), (6, 4), (12, 8),
)  # fmt: skip
_SAME = {(2, 2): (4, 4), (3, 2): (6, 4), (4, 8): (2, 4), (2, 8): (1, 4), (12, 16): (3, 4), (6, 16): (3, 8)}


def known_meter(numerator: int, denominator: int) -> int:
    """Index into `METERS`; 2/2 counts as 4/4, and what is not in the list is read as 4/4."""
    meter = (numerator, denominator)
    return METERS.index(meter if meter in METERS else _SAME.get(meter, (4, 4)))
