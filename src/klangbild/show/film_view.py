"""What of the picture a film shows when: a slow move over it, or the way that the music was made along (`--gaze`).

Places are in shares of the picture's sides, times in seconds. A view is a window of the stage's shape; however odd a picture, at
least `SEEN` of its shorter way is in the window at once: where the frame is of quite another shape the stage is narrower than the frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Gaze = Sequence[tuple[float, float, float]]
"""When (seconds) the music is where in the picture: x from the left, y from the top, in shares of its sides."""
SEEN = 0.55
_NEAR, _FAR = 1.14, 1.0
"""How near the slow move begins and ends: the width of the widest window over that of the one shown."""
_GAZE_NEAR = 1.35
_TRAVEL_S = 3.2
"""The eye leaves a place so long before it is at the next one."""


@dataclass(frozen=True)
class View:
    """A window: left, top, right, bottom, in shares of the picture's sides."""

    left: float
    top: float
    right: float
    bottom: float


def stage_size(picture: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """How large a picture of (width, height) is shown in a frame of (width, height), both even: all of the frame, or so much of one
    side of it that `SEEN` of the picture is in it.

    >>> stage_size((900, 600), (1920, 712)), stage_size((600, 900), (1920, 712)), stage_size((3000, 500), (1080, 1240))
    ((1920, 712), (864, 712), (1080, 328))
    """
    shape = picture[0] / picture[1]
    wide, high = frame
    if wide / high > shape / SEEN:
        wide = _even(high * shape / SEEN)
    elif wide / high < shape * SEEN:
        high = _even(wide / (shape * SEEN))
    return wide, high


class SlowMove:
    """From near one end of the picture to all that the stage can hold, through `seconds`. shape: width over height of the stage over that
    of the picture."""

    def __init__(self, shape: float, seconds: float) -> None:
        self.shape, self.seconds = shape, max(seconds, 1e-6)

    def __call__(self, at: float) -> View:
        done = min(max(at / self.seconds, 0.0), 1.0)
        eased = 0.5 - 0.5 * math.cos(math.pi * done)
        wide, high = _window(self.shape, _NEAR + (_FAR - _NEAR) * eased)
        # along the free way from its foot upwards, or from left to right; a picture that is seen whole is looked at from its middle
        x = (1.0 - wide) * (eased if wide < high else 0.5)
        y = (1.0 - high) * (1.0 - eased if high <= wide else 0.5)
        return View(x, y, x + wide, y + high)


class FollowedGaze:
    """From place to place as the music goes; it is at each when the music is."""

    def __init__(self, shape: float, gaze: Gaze) -> None:
        self.shape, self.gaze = shape, [tuple(point) for point in gaze]

    def __call__(self, at: float) -> View:
        number = max((i for i, (seconds, _, _) in enumerate(self.gaze) if seconds <= at), default=0)
        seconds, x, y = self.gaze[number]
        if number + 1 < len(self.gaze):
            then, next_x, next_y = self.gaze[number + 1]
            travel = min(_TRAVEL_S, (then - seconds) * 0.8)
            done = min(max((at - then) / max(travel, 1e-6) + 1.0, 0.0), 1.0)
            eased = done * done * (3.0 - 2.0 * done)
            x, y = x + (next_x - x) * eased, y + (next_y - y) * eased
        wide, high = _window(self.shape, _GAZE_NEAR)
        left = min(max(x - wide / 2, 0.0), 1.0 - wide)
        top = min(max(y - high / 2, 0.0), 1.0 - high)
        return View(left, top, left + wide, top + high)


def _window(shape: float, near: float) -> tuple[float, float]:
    """Width and height, in shares of the picture's sides, of the largest window of a shape, `near` times smaller."""
    wide, high = (1.0, 1.0 / shape) if shape >= 1.0 else (shape, 1.0)
    return wide / near, high / near


def _even(size: float) -> int:
    return max(round(size / 2) * 2, 2)
