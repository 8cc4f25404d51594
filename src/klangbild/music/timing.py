"""Timing: a piece slows down into its last chord, and one without drums takes a breath where a phrase of eight bars ends.

The curve is that of a runner who comes to a stop: with x from 0 to 1 over the last two bars the tempo is (1 + (w^3 - 1) x)^(1/3) of
itself, w at the end (A. Friberg and J. Sundberg 1999, "Does music performance allude to locomotion?", JASA 105). Calm music slows the
most; fast music, which one dances to, and loops not at all. Seconds asked for count all of it, and the tempo asked for, or told, is that
of the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.piece import Piece

SHORTEST = 8
"""Bars from which on a piece has room to slow down."""
CLOSING_BARS = 2
PHRASE_BARS = 8
_STEP_BEATS = 1.0
_POWER = 3.0
_STILL = 0.03
"""A tempo map falls where it loses as much of itself."""


@dataclass(frozen=True)
class Timing:
    """final: tempo of the last beat over that of the piece, 0..1 (1: no ritardando). breath: by how much of itself the tempo falls in the
    last beat of each phrase (0: not at all)."""

    final: float = 1.0
    breath: float = 0.0

    @classmethod
    def drawn(cls, rng: np.random.Generator, emotion: Emotion, *, breathes: bool) -> Timing:
        """For music that is to feel like `emotion` at its end. breathes: it may, where it is calm enough."""
        calm, chance, shade = -emotion.arousal, rng.random(), rng.uniform(-0.05, 0.05)
        slows = chance < 0.6 + 0.6 * calm
        return cls(float(0.74 - 0.1 * calm + shade) if slows else 1.0, 0.06 if breathes and calm > -0.3 else 0.0)

    def extra_bars(self, n_bars: int, bar_beats: float) -> float:
        """How many bars' time more a piece of so many bars takes."""
        if n_bars < SHORTEST:
            return 0.0
        steps = np.arange(0.0, CLOSING_BARS * bar_beats, _STEP_BEATS)
        closing = _STEP_BEATS * float((1.0 / self._curve(steps / (CLOSING_BARS * bar_beats)) - 1.0).sum())
        breaths = (n_bars - CLOSING_BARS) // PHRASE_BARS
        return (closing + breaths * (1.0 / (1.0 - self.breath) - 1.0)) / bar_beats

    def _curve(self, x: np.ndarray) -> np.ndarray:
        return (1.0 + (self.final**_POWER - 1.0) * x) ** (1.0 / _POWER)

    def of(self, piece: Piece, given_until: float = 0.0) -> Piece:
        """The piece in this timing: its tempi, and between them those of its breaths and of its end. given_until: the beat until which it
        is another piece, whose tempi stay."""
        starts = np.array(piece.bar_starts())
        if (
            len(starts) < SHORTEST
            or starts[-CLOSING_BARS] < given_until - 1e-6
            or (self.final >= 1.0 and not self.breath)
        ):
            return piece
        at, bpm = np.array(piece.tempos).T
        end, closing = piece.end_beats, starts[-CLOSING_BARS]
        factor = {float(beat): 1.0 for beat in at}
        if self.breath:
            for phrase in range(PHRASE_BARS, len(starts) - CLOSING_BARS + 1, PHRASE_BARS):
                factor |= {float(starts[phrase]) - 1.0: 1.0 - self.breath, float(starts[phrase]): 1.0}
        if self.final < 1.0:
            steps = np.arange(closing, end - 1e-6, _STEP_BEATS)
            ratios = self._curve((steps - closing) / (end - closing))
            factor = {beat: f for beat, f in factor.items() if beat < closing - 1e-6}
            factor |= dict(zip(steps.tolist(), ratios.tolist(), strict=True))
        tempos = []
        for beat in sorted(factor):
            before = bpm[max(int(np.searchsorted(at, beat + 1e-6, side="right")) - 1, 0)]
            tempos.append((beat, round(float(before * factor[beat]), 3) if factor[beat] != 1.0 else float(before)))
        return replace(piece, tempos=tuple(t for i, t in enumerate(tempos) if i == 0 or t[1] != tempos[i - 1][1]))


IN_TIME = Timing()


def without_ritardando(piece: Piece) -> Piece:
    """The piece without tempi that fall more and more in its last two bars: one that goes on from it does not go on as slow."""
    starts = piece.bar_starts()
    closing = starts[max(len(starts) - CLOSING_BARS, 0)]
    tempos = list(piece.tempos)
    falling = [t for t in tempos if t[0] > closing - 1e-6 and t[0] > 0]
    before = [t for t in tempos if t not in falling][-1][1]
    down = [before, *(bpm for _, bpm in falling)]
    if len(falling) < 2 or any(b > a for a, b in pairwise(down)) or down[-1] > (1 - _STILL) * before:
        return piece
    return replace(piece, tempos=tuple(t for t in tempos if t not in falling))
