"""`--gaze`: the way that an eye goes through a picture from left to right, as emotions over the time of the piece.

Where the eye goes are the places that stand out (`regions.py`), looked at from left to right as a melody is read; the feeling of each is that
of its part of the picture. Parts of one picture differ less than pictures do, so their differences are stretched. Nobody's eyes were
measured: it is a composer's idea, not a finding.
"""

from __future__ import annotations

from dataclasses import dataclass

from klangbild.emotion.regions import emotion_of_regions
from klangbild.emotion.space import Emotion, EmotionPath
from klangbild.picture.picture import Picture

STOPS = 4
STRETCH = 1.5
"""By how much a place's difference from the whole picture counts."""
_APART = 0.08
"""Places nearer to each other than this, from left to right, are one."""


@dataclass(frozen=True)
class GazePoint:
    """When (seconds) the music is where in the picture: x from the left, y from the top, in shares of its sides."""

    seconds: float
    x: float
    y: float


def gaze_of(
    picture: Picture, whole: Emotion, seconds: float, *, model: str = "klangbild", kind: str = "auto"
) -> tuple[EmotionPath, tuple[GazePoint, ...]]:
    """The emotion path of a picture over a piece of `seconds`, and where it looks when.

    whole: the emotion asked for the whole picture, about which the places differ.
    """
    seen = emotion_of_regions(picture, model=model, kind=kind, stops=STOPS + 2)
    places = sorted(seen.regions, key=lambda region: region.center[0])
    kept = [places[0]]
    for place in places[1:]:
        if place.center[0] - kept[-1].center[0] >= _APART:
            kept.append(place)
        elif place.salience > kept[-1].salience:
            kept[-1] = place
    kept = (
        kept[:1] + sorted(kept[1:-1], key=lambda place: -place.salience)[: STOPS - 2] + kept[-1:]
        if len(kept) > 2
        else kept
    )
    kept = sorted(dict.fromkeys(kept), key=lambda place: place.center[0])
    middle = [sum(getattr(place.asked, axis) for place in kept) / len(kept) for axis in ("valence", "arousal")]
    path, points = [], []
    for number, place in enumerate(kept):
        at = round(seconds * number / len(kept), 1)
        valence = whole.valence + STRETCH * (place.asked.valence - middle[0])
        arousal = whole.arousal + STRETCH * (place.asked.arousal - middle[1])
        path.append((at, Emotion(*(round(min(max(axis, -1.0), 1.0), 3) for axis in (valence, arousal)))))
        points.append(GazePoint(at, round(place.center[0], 3), round(place.center[1], 3)))
    return EmotionPath(tuple(path)), tuple(points)
