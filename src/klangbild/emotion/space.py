"""The plane that picture and music share: valence (unpleasant .. pleasant) and arousal (calm .. excited), each -1..1.

References: Russell (1980), "A circumplex model of affect", J. Personality and Social Psychology 39(6).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from klangbild.errors import UsageError

# Russell's affect words in our own choice, counter-clockwise from pleasant (0 degrees): each covers 30 degrees.
_RING = (
    "happy", "joyful", "excited", "alert", "tense", "angry",
    "upset", "sad", "gloomy", "tired", "calm", "serene",
)  # fmt: skip
_CENTRE_RADIUS = 0.12


@dataclass(frozen=True)
class Emotion:
    """A point on the plane. `valence` and `arousal` in [-1, 1]; the spreads are half-widths of an 80 % interval (>= 0).

    Raises:
        UsageError: a coordinate is outside [-1, 1] or not a number.
    """

    valence: float
    arousal: float
    valence_spread: float = 0.0
    arousal_spread: float = 0.0

    def __post_init__(self) -> None:
        for axis in ("valence", "arousal"):
            number = getattr(self, axis)
            if not (isinstance(number, (int, float)) and -1.0 <= number <= 1.0):
                raise UsageError(f"{axis} {number} is out of range; give a number from -1 to 1")
            object.__setattr__(self, axis, float(number))

    @property
    def name(self) -> str:
        """The word for the region this point lies in: one of twelve on the ring, or "neutral" at the centre.

        >>> Emotion(0.6, -0.5).name, Emotion(-0.5, 0.6).name, Emotion(0.0, 0.05).name
        ('serene', 'tense', 'neutral')
        """
        if math.hypot(self.valence, self.arousal) < _CENTRE_RADIUS:
            return "neutral"
        angle = math.degrees(math.atan2(self.arousal, self.valence)) % 360
        return _RING[int((angle + 15) // 30) % 12]


@dataclass(frozen=True)
class EmotionPath:
    """Emotions at times: ((seconds, Emotion), ...), in order, linear in between and held before and after.

    >>> EmotionPath.parse("0:-0.6,0.2 30:0.6,0.7").at(15).arousal
    0.45
    """

    points: tuple[tuple[float, Emotion], ...]

    def __post_init__(self) -> None:
        times = [time for time, _ in self.points]
        if not times or times != sorted(set(times)) or times[0] < 0:
            raise UsageError(
                "an emotion path needs points at increasing times from 0 s on, like '0:-0.6,0.2 30:0.7,0.6'"
            )

    def at(self, seconds: float) -> Emotion:
        """The emotion at a time in seconds."""
        before = [p for p in self.points if p[0] <= seconds] or [self.points[0]]
        after = [p for p in self.points if p[0] > seconds] or [self.points[-1]]
        (t0, a), (t1, b) = before[-1], after[0]
        w = 0.0 if t1 <= t0 else min(max((seconds - t0) / (t1 - t0), 0.0), 1.0)
        return Emotion(
            round(a.valence + w * (b.valence - a.valence), 9), round(a.arousal + w * (b.arousal - a.arousal), 9)
        )

    @staticmethod
    def parse(text: str) -> EmotionPath:
        """From "SECONDS:V,A SECONDS:V,A ...". Raises UsageError when it does not read so."""
        points = []
        for part in text.replace(";", " ").split():
            try:
                time, _, pair = part.partition(":")
                valence, arousal = pair.split(",")
                points.append((float(time), Emotion(float(valence), float(arousal))))
            except UsageError as error:
                raise UsageError(f"--path: '{part}': {error}") from None
            except ValueError:
                point = " (a decimal has a point, not a comma)" if part.count(",") > 1 else ""
                raise UsageError(
                    f"--path: '{part}' does not read as SECONDS:VALENCE,AROUSAL, like '30:0.7,0.6'{point}"
                ) from None
        return EmotionPath(tuple(points))

    def __str__(self) -> str:
        return " ".join(f"{time:g}:{e.valence:g},{e.arousal:g}" for time, e in self.points)
