"""`Voice`: what a piece hears of its picture beside the feeling, as it travels in the record; measured by `traits.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TRAITS = ("height", "fineness", "smoothness", "things", "symmetry", "warmth")
SKYLINE_POINTS = 8


@dataclass(frozen=True)
class Traits:
    """The traits of one picture, each by its place among pictures, -1 .. 1, and its skyline.

    skyline: float (`SKYLINE_POINTS`,): how high the strongest contour stands from left to right, -1 .. 1 about its own middle; all
    0 where no contour stands out.
    """

    height: float
    fineness: float
    smoothness: float
    things: float
    symmetry: float
    warmth: float
    skyline: tuple[float, ...]

    @property
    def places(self) -> tuple[float, ...]:
        """The traits in the order of `TRAITS`."""
        return tuple(getattr(self, name) for name in TRAITS)


@dataclass(frozen=True)
class Voice:
    """What a piece hears of its picture beside the feeling: its traits, and a key of its own (0 .. 2**32 - 1) for every draw.

    gaze: with `--gaze`, where the music looks when: seconds, then x from the left and y from the top in shares of the sides.
    """

    traits: Traits
    key: int
    gaze: tuple[tuple[float, float, float], ...] = ()

    def keyed(self, seed: int) -> int:
        """A seed for this picture from one that several pictures share."""
        return (self.key << 32) | seed

    def as_dict(self) -> dict[str, object]:
        """Plain JSON values; `from_dict` reads them."""
        traits = {name: getattr(self.traits, name) for name in TRAITS}
        gaze = {"gaze": [list(point) for point in self.gaze]} if self.gaze else {}
        return {**traits, "skyline": list(self.traits.skyline), "key": self.key, **gaze}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Voice:
        """The inverse of `as_dict`. Raises KeyError, TypeError or ValueError: something lacks or is out of its range."""
        places = [float(values[name]) for name in (*TRAITS, "key")]
        skyline = tuple(float(height) for height in values["skyline"])
        if len(skyline) != SKYLINE_POINTS or not all(-1.0 <= x <= 1.0 for x in (*places[:-1], *skyline)):
            raise ValueError("a trait is out of range")
        if not 0 <= places[-1] < 2**32 or places[-1] % 1:
            raise ValueError("the key is out of range")
        gaze = tuple((float(seconds), float(x), float(y)) for seconds, x, y in values.get("gaze", ()))
        return Voice(Traits(*places[:-1], skyline=skyline), int(places[-1]), gaze)
