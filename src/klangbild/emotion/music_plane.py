"""From the plane of picture ratings to the plane that the music models are asked on, and back.

Raters hug the middle: hardly any picture is rated beyond +-0.7, and predictions less still. Music labels fill their plane
evenly. So percentiles are matched: a picture that is more exciting than 80 % of pictures asks for music more exciting than
80 % of music. On the music side labels are percentiles already, uniform on -1..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.emotion.space import Emotion


@dataclass(frozen=True)
class MusicPlane:
    """Monotone, piecewise linear maps, one per axis.

    knots: float (2, n): the 5th, 10th, ... 95th percentiles of valence and of arousal over pictures, strictly rising.
    """

    knots: np.ndarray

    def asked(self, emotion: Emotion) -> Emotion:
        """Raters' scale -> music's plane; a spread becomes half the distance that its interval covers there."""
        return _mapped(emotion, self._axes(), forward=True)

    def seen(self, asked: Emotion) -> Emotion:
        """The inverse: music's plane -> raters' scale."""
        return _mapped(asked, self._axes(), forward=False)

    def _axes(self) -> list[tuple[np.ndarray, np.ndarray]]:
        share = np.linspace(0, 1, self.knots.shape[1] + 2) * 2 - 1
        return [(np.concatenate([[-1.0], axis, [1.0]]), share) for axis in self.knots]


def fit_music_plane(predicted: np.ndarray, weights: np.ndarray) -> MusicPlane:
    """From the predictions (n, 2) that pictures get and their weights (n,), e.g. photographs and paintings alike."""
    knots = []
    for axis in predicted.T:
        order = np.argsort(axis, kind="stable")
        cumulative = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
        points = np.interp(np.arange(1, 20) / 20, cumulative, axis[order])
        knots.append(np.maximum.accumulate(np.clip(points, -0.98, 0.98) + np.arange(19) * 1e-4))
    return MusicPlane(np.array(knots))


def _mapped(emotion: Emotion, axes: list[tuple[np.ndarray, np.ndarray]], *, forward: bool) -> Emotion:
    out = []
    for (seen, share), value, spread in zip(
        axes, (emotion.valence, emotion.arousal), (emotion.valence_spread, emotion.arousal_spread), strict=True
    ):
        source, target = (seen, share) if forward else (share, seen)
        low, middle, high = np.interp([value - spread, value, value + spread], source, target)
        out += [round(float(middle), 6), round(float(high - low) / 2, 6)]
    return Emotion(out[0], out[2], out[1], out[3])
