"""Music that moves: what stands still for long becomes less and less likely to go on.

Real game loops stand in the training music, and a small model that has begun one never leaves it: one chord for a minute, one pitch in
one part for sixteen bars, five pitches all in all. Three things are counted from bar to bar, and each that has stood for longer than most
real music lets it (`docs/measure.md`) leans the odds of notes the other way, the more the longer: the harmony (seconds on one root)
towards a chord that shares little with it, a part's one pitch towards its others, and a piece of few pitches towards new ones.
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars import vocabulary as bars

STILL_S = 4.0
"""Seconds that a harmony may stand before it loses odds."""
PUSH, MOST_PUSH = 0.7, 4.5
"""Log-odds lost by a standing harmony's tones for each further second, and the most, nats."""
FROZEN_BARS = 4
"""Bars in a row that a part may have one pitch only, in any octave."""
THAW, MOST_THAW = 1.0, 12.0
"""Log-odds lost by that pitch for each further bar, and the most."""
FEWEST, EACH_BAR, MOST_PITCHES = 6, 1.0, 18
"""A piece has as many pitches as this, and one more for each bar, up to so many."""
RARE, MOST_RARE = 0.25, 2.5
"""Log-odds lost by the pitches that were heard for each that is missing, and the most."""
_TRIADS = [
    tuple((root + step) % 12 for step in kind) for kind in ((0, 4, 7), (0, 3, 7), (0, 3, 6)) for root in range(12)
]
_TEMPLATES = np.array([[float(pc in triad) for pc in range(12)] for triad in _TRIADS])
_GOALS = (0, 5, 7, 9, 2, 4)
"""Roots of the chords that a key has, C major or A minor alike: C, F, G, A minor, D minor, E minor."""
_MINOR = (9, 2, 4)
_PITCHES = np.arange(bars.MIN_PITCH, bars.MAX_PITCH + 1)
_FIRST_PITCHED = bars.note_id(1, bars.MIN_PITCH)


class Movement:
    """Follows a piece id by id. `bias` (bars.SIZE,): log-odds among notes, made anew at each bar."""

    def __init__(self) -> None:
        self.bias = np.zeros(bars.SIZE)
        self._notes: list[list[int]] = []  # of the bar in hand: step, family, pitch, length
        self._position, self._steps, self._bar = 0, 48, -1
        self._root, self._still_s, self._rang = -1, 0.0, np.zeros(12)
        self._frozen: dict[int, tuple[int, int]] = {}  # family -> its one pitch, in any octave, and for how many bars
        self._lengths: dict[int, int] = {}
        self._heard: set[int] = set()

    def read(self, token: int, beat_s: float) -> None:
        """The next id of the piece. beat_s: seconds of a beat."""
        if bars.NOTE_0 <= token < bars.DURATION_0:
            family, pitch = divmod(token - bars.NOTE_0, bars.N_PITCHES)
            if family != bars.DRUMS:
                self._notes.append(
                    [self._position, family, pitch + bars.MIN_PITCH, self._lengths.get(family, bars.GRID)]
                )
        elif bars.DURATION_0 <= token < bars.VELOCITY_0 and self._notes:
            length = bars.DURATIONS[token - bars.DURATION_0]
            self._notes[-1][3] = self._lengths[self._notes[-1][1]] = length
        elif bars.POSITION_0 <= token < bars.NOTE_0:
            self._position = token - bars.POSITION_0
        elif bars.BAR_0 <= token < bars.TEMPO_0:
            if self._bar >= 0:
                self._end_bar(beat_s)
            self._bar += 1
            self._position, self._steps = 0, bars.BAR_STEPS[(token - bars.BAR_0) // 2]

    def _end_bar(self, beat_s: float) -> None:
        n_beats = -(-self._steps // bars.GRID)
        rings = np.zeros((n_beats, 12))
        rings[0] += self._rang  # what rings on from the bar before
        over = np.zeros(12)
        lowest = np.full(n_beats, 128)
        for step, _, pitch, length in self._notes:
            first, last = step // bars.GRID, min((step + length - 1) // bars.GRID, n_beats - 1)
            for beat in range(first, last + 1):
                begin, end = max(step, beat * bars.GRID), min(step + length, (beat + 1) * bars.GRID)
                rings[beat, pitch % 12] += end - begin
                lowest[beat] = min(lowest[beat], pitch)
            over[pitch % 12] += min(max(step + length - self._steps, 0), bars.GRID)
        self._rang = over
        for sounds, low in zip(rings, lowest, strict=True):
            root = _root(sounds, int(low)) if sounds.any() else self._root
            self._still_s = self._still_s + beat_s if root == self._root else beat_s
            self._root = root
        self._count_pitches()
        self.bias = np.zeros(bars.SIZE)
        by_class = self._away(rings.sum(axis=0))
        self.bias[_FIRST_PITCHED : bars.DURATION_0] = np.tile(by_class[_PITCHES % 12], _N_PITCHED)
        self._lean_on_pitches()
        self._notes = []

    def _count_pitches(self) -> None:
        by_family: dict[int, set[int]] = {}
        for _, family, pitch, _ in self._notes:
            by_family.setdefault(family, set()).add(pitch % 12)
            self._heard.add(pitch)
        frozen = {}
        for family, classes in by_family.items():
            if len(classes) == 1:
                (one,) = classes
                before, count = self._frozen.get(family, (one, 0))
                frozen[family] = one, count + 1 if before == one else 1
        self._frozen = frozen

    def _away(self, sounds: np.ndarray) -> np.ndarray:
        """(12,) log-odds that lead from a harmony that has stood for long to another."""
        push = min(PUSH * (self._still_s - STILL_S), MOST_PUSH)
        if push <= 0 or not sounds.any():
            return np.zeros(12)
        share = sounds / sounds.sum()
        goals = [_chord(root) for root in _GOALS if root != self._root]
        overlap = [share[list(goal)].sum() + 0.1 * ((place + self._bar) % 3) for place, goal in enumerate(goals)]
        tones = list(goals[int(np.argmin(overlap))])
        lean = np.zeros(12)
        lean[share > 0.02] = -push
        lean[tones] = 0.5 * push
        return lean

    def _lean_on_pitches(self) -> None:
        missing = min(FEWEST + EACH_BAR * self._bar, MOST_PITCHES) - len(self._heard)
        if self._heard and missing > 0:
            rows = self.bias[_FIRST_PITCHED : bars.DURATION_0].reshape(_N_PITCHED, bars.N_PITCHES)
            rows[:, np.array(sorted(self._heard)) - bars.MIN_PITCH] -= min(RARE * missing, MOST_RARE)
        for family, (one, count) in self._frozen.items():
            if count >= FROZEN_BARS:
                first = bars.note_id(family, bars.MIN_PITCH)
                own = self.bias[first : first + bars.N_PITCHES]
                own[np.isin(_PITCHES % 12, one)] -= min(THAW * (count + 1 - FROZEN_BARS), MOST_THAW)


_N_PITCHED = (bars.DURATION_0 - _FIRST_PITCHED) // bars.N_PITCHES


def _chord(root: int) -> tuple[int, int, int]:
    return root, (root + (3 if root in _MINOR else 4)) % 12, (root + 7) % 12


def _root(sounds: np.ndarray, lowest: int) -> int:
    """Weights of the pitch classes (12,) -> the root of the triad that covers most of them; of equals the lowest pitch's."""
    cover = _TEMPLATES @ sounds / sounds.sum() - 0.02 * (3 - _TEMPLATES @ (sounds > 0))
    if lowest < 128:
        cover[lowest % 12 :: 12] += 0.01
    return int(cover.argmax()) % 12
