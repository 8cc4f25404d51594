"""What a reader of pictures gives: `Prediction`, and the door that our own and foreign readers share: `Predictor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from klangbild.emotion.music_plane import MusicPlane
from klangbild.emotion.space import Emotion
from klangbild.picture.picture import Picture


@dataclass(frozen=True)
class Prediction:
    """What one picture is taken for.

    emotion: on the raters' scale, with 80 % half-widths. painting: 0 a photograph .. 1 a painting. reasons: see `reasons`.
    distance: above 1 it is less like the rated pictures than 95 % of them are. seen: words for what is surely to be seen, with
    their probabilities; see `picture.content`.
    """

    emotion: Emotion
    painting: float
    reasons: tuple[str, ...]
    distance: float
    seen: tuple[tuple[str, float], ...] = ()


class Predictor(Protocol):
    """Anything that reads pictures: ours below, or a foreign model behind the same door."""

    name: str
    plane: MusicPlane

    def predict(self, pictures: Sequence[Picture], *, kind: str = "auto") -> list[Prediction]: ...
