"""What sounds together: semitones that rub, outer voices that run parallel, and the key that a listener hears so far.

Follows a piece id by id with its clock, in steps of a twelfth of a beat, and the end of every note. A note a semitone from one that
sounds loses; so does one that would lead the highest and the lowest voice from one beat to the next in parallel fifths or octaves
(Fux 1725). The durations of all pitch classes so far say what key is heard (Krumhansl 1990).
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars import vocabulary as bars
from klangbild.music.families import FAMILIES

RUB = -0.9
"""Log-odds of a note a semitone from one that sounds, nats."""
PARALLEL = -1.5
"""The same of one that makes parallel fifths or octaves of the outer voices."""
_BEAT = bars.GRID
_LONGEST = 4 * bars.GRID
"""What a note counts for a key at most, as a listener's (`music.key`)."""
_PERFECT = (0, 7)


class VoiceLeading:
    """See the module's first lines. Pitches are offsets from the lowest one, 0..87."""

    def __init__(self) -> None:
        self.bias = np.zeros(bars.SIZE)
        """Log-odds (bars.SIZE,) of the notes that may come."""
        self.histogram = np.zeros(12)
        """Steps that each pitch class, C to B, has sounded for: of all that is behind the position in hand."""
        self._notes = self.bias[bars.note_id(1, bars.MIN_PITCH) : bars.DURATION_0].reshape(-1, bars.N_PITCHES)
        self._bar = self._bar_steps = self._now = 0
        self._lengths = [bars.GRID] * len(FAMILIES)
        self._struck: list[tuple[int, int]] = []  # family, pitch
        self._rings: list[tuple[int, int, int]] = []  # start, end, pitch
        self._outer: tuple[int, int] | None = None  # lowest and highest of the beat before
        self._low = self._high = -1
        self._rub = np.zeros(bars.N_PITCHES)

    def read(self, token: int) -> None:
        """The next id of the piece."""
        if bars.NOTE_0 <= token < bars.DURATION_0:
            family, pitch = divmod(token - bars.NOTE_0, bars.N_PITCHES)
            if family != bars.DRUMS:
                self._struck.append((family, pitch))
                self._sounds(pitch)
                self._lean()
        elif bars.DURATION_0 <= token < bars.VELOCITY_0:
            if self._struck:
                self._lengths[self._struck[-1][0]] = bars.DURATIONS[token - bars.DURATION_0]
        elif bars.BAR_0 <= token < bars.TEMPO_0:
            self._bar += self._bar_steps
            self._bar_steps = bars.BAR_STEPS[(token - bars.BAR_0) // 2]
            self._move_to(self._bar)
        elif bars.POSITION_0 <= token < bars.NOTE_0:
            self._move_to(self._bar + token - bars.POSITION_0)

    def _sounds(self, pitch: int) -> None:
        self._rub[max(pitch - 1, 0) : pitch + 2 : 2] = RUB
        if pitch == 0:
            self._rub[0], self._rub[1] = 0.0, RUB
        self._low = pitch if self._low < 0 else min(self._low, pitch)
        self._high = max(self._high, pitch)

    def _move_to(self, step: int) -> None:
        for family, pitch in self._struck:
            length = self._lengths[family]
            self._rings.append((self._now, self._now + length, pitch))
            self.histogram[(pitch + bars.MIN_PITCH) % 12] += min(length, _LONGEST)
        self._struck, self._now = [], step
        self._rings = [note for note in self._rings if note[1] > step - _BEAT]
        self._rub[:] = 0.0
        self._low = self._high = -1
        for _, end, pitch in self._rings:
            if end > step:
                self._sounds(pitch)
        self._outer = None
        if step % _BEAT == 0:
            before = [pitch for start, end, pitch in self._rings if start <= step - _BEAT < end]
            if before:
                self._outer = min(before), max(before)
        self._lean()

    def _lean(self) -> None:
        """Fill `bias` with what holds before the next note."""
        lean = self._rub
        if self._outer is not None and self._low >= 0 and (self._outer[1] - self._outer[0]) % 12 in _PERFECT:
            lean = lean.copy()
            low, high = self._outer
            interval = (high - low) % 12
            pitches = np.arange(bars.N_PITCHES)
            if self._low != low:  # the lower voice moves: a new highest note may go with it
                with_it = (pitches > high) if self._low > low else (pitches < high)
                lean[(pitches > self._high) & with_it & ((pitches - self._low) % 12 == interval)] += PARALLEL
            if self._high != high:
                with_it = (pitches > low) if self._high > high else (pitches < low)
                lean[(pitches < self._low) & with_it & ((self._high - pitches) % 12 == interval)] += PARALLEL
        self._notes[:] = lean
