"""The grammar of `bars` as an automaton: which ids may come next, so that every sample is a valid piece that obeys its rules.

Nothing is ever retried. What must happen is made certain ahead of time: in the bar where an instrument is due, the first
position cannot be left before it has played; the last bar (planned from the asked length as soon as the tempo is known)
admits only the tonic chord, held, and then EOS. No state is without a way on.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from klangbild.models.bars import vocabulary as b
from klangbild.models.bars.grammar_state import GrammarState
from klangbild.music.families import FAMILIES, FAMILY_INDEX

_N = len(FAMILIES)
_BASS = FAMILY_INDEX["bass"]
_TONIC = {"major": (0, 4, 7), "minor": (0, 3, 7)}
_DOMINANT = (2, 5, 7, 11)
"""Steps from the tonic."""
_MAX_EMPTY_BARS = 1
_MAX_PITCHLESS_BARS = 1
_CHORD_NOTES = 7
_CHORD_REACH = 6  # semitones beyond what an instrument has played: with it every pitch class is within reach
LAST_DUE_BAR = 2
"""Required families are due at bars 0, 1, 2 of a section; `min_instruments` all play in the first bar, as in the midst of a
piece: entries one by one left a stray note of each where nothing was ready for it."""

ENTRY_BARS = 2
"""A new instrument enters in the first bars of a section, not in the middle of it, and never for the last chord alone."""


class BarsState(GrammarState):
    """A place in a piece, and by `allowed` the mask of what may come next there."""

    def allowed(self) -> np.ndarray:
        """bool (size,): the ids that may come next. After EOS: only PAD."""
        mask = np.zeros(b.SIZE, bool)
        if self.done:
            mask[b.PAD] = True
        elif self.last == "start":
            self._allow_bar(mask)
        elif self.last == "section":
            self._allow_tempo(mask)
        elif self.last == "note" and self._owes_duration():
            mask[b.DURATION_0 : b.VELOCITY_0] = self._duration_mask()
        else:
            self._allow_anything(mask)
        return mask

    def _allow_bar(self, mask: np.ndarray) -> None:
        meters = range(len(b.METERS))
        if self.rules.meter is not None:
            meters = (b.METERS.index(self.rules.meter),)
        elif self.meter >= 0:  # one meter for the whole piece
            meters = (self.meter,)
        elif self.rules.hits_s:
            meters = [meter for meter in meters if self._can_hit(meter)] or meters
        kept = -1 if self.stretch_starts else self.mode  # a stretch has one mode
        for mode, name in enumerate(b.MODES):
            if self.rules.mode in (None, name) and kept in (-1, mode):
                for meter in meters:
                    mask[b.BAR_0 + 2 * meter + mode] = True

    def _allow_tempo(self, mask: np.ndarray) -> None:
        if self.rules.tempo_bpm is not None:
            mask[b.TEMPO_0 + b.tempo_bin(self.rules.tempo_bpm)] = True
        elif self.tempo >= 0 and self.section_bar != self.stretch_bar:
            mask[b.TEMPO_0 + self.tempo] = True
        else:
            fits = self._tempi_of_whole_bars()
            mask[b.TEMPO_0 : b.POSITION_0] = fits if fits.any() else True

    def _can_hit(self, meter: int) -> bool:
        """Whether at one of its tempi the hits find bar lines in a meter."""
        tempi = [self.rules.tempo_bpm] if self.rules.tempo_bpm else [self.bpm_of(tempo) for tempo in range(b.N_TEMPI)]
        return any(self.laid_out(bpm, meter=meter) for bpm in tempi)

    def _tempi_of_whole_bars(self) -> np.ndarray:
        """bool (tempi,): those at which all hits of the stretch find a bar line, and of these, where there are any, those at which a whole number
        of bars lasts until its end and no bar has to be cut; all, where nothing is asked at a second. None, where no tempo does."""
        rules = self.rules
        if not (rules.hits_s or self.stretch < len(rules.changes_s) or (rules.whole_bars and rules.seconds)):
            return np.ones(b.N_TEMPI, bool)
        laid = [self.laid_out(self.bpm_of(tempo)) for tempo in range(b.N_TEMPI)]
        fits = np.array([0 if one is None else 1 + one.fits + one.is_whole for one in laid])
        return fits == max(fits.max(), 1)

    def _owes_duration(self) -> bool:
        if self.family == b.DRUMS:
            return False
        current = self.durations[self.family]
        return current < 0 or (self.is_closing and b.DURATIONS[current] < b.GRID)

    def _duration_mask(self) -> np.ndarray:
        mask = np.ones(len(b.DURATIONS), bool)
        if self.is_closing:  # the last chord is held
            mask[: b.DURATIONS.index(b.GRID)] = False
        if self.durations[self.family] >= 0:
            mask[self.durations[self.family]] = False
        return mask

    def _dues(self) -> tuple[int, int]:
        """(families that must play in this bar, how many further new ones), as (bit mask, count)."""
        due = 0
        in_section = self.bar - self.section_bar
        short = self.n_bars is not None and self.n_bars - self.section_bar <= LAST_DUE_BAR
        for order, family in enumerate(self.required):
            heard = self.heard if short and self.section_bar > 0 else self.heard_in_section
            if not heard >> family & 1 and (in_section >= order % 3 or self.is_final):
                due |= 1 << family
        hole = self.pitchless_bars >= _MAX_PITCHLESS_BARS and self.allowed_families & ~1
        if (hole or self.is_closing) and not self._has_chord(self.heard_in_bar | due):
            due |= self._chord_family()
        return due, max(self.rules.min_instruments - (self.heard | due).bit_count(), 0)

    def _is_past(self, due: int, new: int) -> bool:
        """True behind given bars in whose last position those that are due can play no more: notes stand in the order of their
        families. They come at the next one."""
        below = (1 << max(self.last_note, 0) // b.N_PITCHES) - 1
        unheard = self.allowed_families & ~self.heard & ~due
        return bool(due & below) or (unheard & ~below).bit_count() < new

    def _has_chord(self, heard: int) -> bool:
        """True when the bar sounds enough to close with: a pitched family, or drums where there is no other."""
        pitched = self.allowed_families & ~1
        return bool(heard & pitched) if pitched else bool(heard & 1)

    def _chord_family(self) -> int:
        """A family to close with: one that has been playing, if there is one, else the first allowed."""
        pitched = self.allowed_families & ~1 or 1
        candidates = (self.heard & pitched) or pitched
        for name in ("piano", "strings", "guitar", "organ", "pad"):
            if candidates >> FAMILY_INDEX[name] & 1:
                return 1 << FAMILY_INDEX[name]
        return candidates & -candidates

    def _playable(self, due: int, new: int) -> int:
        """Bit mask of families that may sound next at this position, with what is still due in this bar in mind (`_dues`)."""
        if self.position < 0:
            return 0
        late = self.bar - self.section_bar >= ENTRY_BARS or self.is_closing
        known = (self.heard | due) & self.allowed_families
        welcome = known if late and known and not new else self.allowed_families
        if not due and not new:
            most = _CHORD_NOTES if self.is_closing else self.rules.max_notes_at_once
            full = self.notes_at_once >= most or self._beat_is_full()
            return 0 if full else welcome
        unheard = self.allowed_families & ~self.heard & ~due
        playable = 0
        for family in range(max(self.last_note, 0) // b.N_PITCHES, _N):
            bit = 1 << family
            if not welcome & bit:
                continue
            later = unheard & ~(bit | (bit - 1))
            if later.bit_count() >= new - bool(unheard & bit):
                playable |= bit
            if due & bit:  # must not be passed over
                break
        return playable

    def _beat_is_full(self) -> bool:
        return self.notes_in_beat >= max(self.rules.max_notes_per_second * 60.0 / self.bpm, 4.0)

    def _note_mask(self) -> tuple[np.ndarray, np.ndarray]:
        """(bool (968,) of notes that fit the harmony here, highest allowed note of each family or -1)."""
        kind = "free"
        if self.is_closing:
            return self._last_chord()
        # the bar before the tonic: the last but one, or of a loop the last
        if self.n_bars is not None and self.n_bars >= 4 and self.bar == self.n_bars - (1 if self.rules.loop else 2):
            kind = "dominant" if self.position >= b.BAR_STEPS[self.meter] // 2 else "free"
        return _notes(kind, *self._closing_key())

    def _closing_key(self) -> tuple[int, str]:
        """Tonic and mode in which the piece closes."""
        if self.home is not None:
            return self.home.tonic, self.home.mode
        return 9 if self.mode else 0, b.MODES[self.mode]

    def _last_chord(self) -> tuple[np.ndarray, np.ndarray]:
        """As `_note_mask`, for the last bar: tones of the tonic chord, in the range that each instrument has played in."""
        notes, highest = _notes("tonic", *self._closing_key())
        notes, highest = notes.copy(), highest.copy()
        for family in range(1, _N):
            if not self.heard >> family & 1 or self.highest[family] < 0:
                continue
            own = notes[family * b.N_PITCHES : (family + 1) * b.N_PITCHES]
            near = own.copy()
            near[: max(self.lowest[family] - _CHORD_REACH, 0)] = False
            near[self.highest[family] + _CHORD_REACH + 1 :] = False
            if near.any():
                own[:] = near
                highest[family] = family * b.N_PITCHES + int(np.flatnonzero(near)[-1])
        return notes, highest

    def _allow_anything(self, mask: np.ndarray) -> None:
        notes, highest = self._note_mask()
        due, new = self._dues()
        if self._is_past(due, new):
            due, new = 0, 0
        playable = self._playable(due, new)
        families = [f for f in range(_N) if playable >> f & 1 and highest[f] > self.last_note]
        must_note = self.last in ("position", "velocity")
        if self.last == "velocity":
            families = [f for f in families if not self.heard_in_bar >> f & 1 and self.velocities[f] != self.pending]
        for f in families:
            if self.last == "velocity" or self.velocities[f] >= 0:
                lo, hi = f * b.N_PITCHES, (f + 1) * b.N_PITCHES
                lo = max(lo, self.last_note + 1)
                mask[b.NOTE_0 + lo : b.NOTE_0 + hi] = notes[lo:hi]
        if self.last != "velocity":
            fresh = [f for f in families if not self.heard_in_bar >> f & 1]
            if fresh:
                velocities = {self.velocities[f] for f in fresh}
                only = velocities.pop() if len(velocities) == 1 else -1
                mask[b.VELOCITY_0 :] = True
                if only >= 0:
                    mask[b.VELOCITY_0 + only] = False
        if must_note:
            return
        if self.last == "note" and self.family != b.DRUMS:
            mask[b.DURATION_0 : b.VELOCITY_0] = self._duration_mask()
        waits = bool(due or new)
        if self.position < 0 or not waits:
            self._allow_position(mask)
        if not waits:
            self._allow_end_of_bar(mask)

    def _allow_position(self, mask: np.ndarray) -> None:
        steps = b.BAR_STEPS[self.meter]
        first = self.position + 1
        if self.position >= 0 and self._beat_is_full():
            first = (self.position // b.GRID + 1) * b.GRID
        if self.is_closing:  # one chord, on the beat
            steps = 1
        mask[b.POSITION_0 + first : b.POSITION_0 + max(steps, first)] = True

    def _allow_end_of_bar(self, mask: np.ndarray) -> None:
        empty = self.position < 0
        if self.is_final:
            mask[b.EOS] = not empty
            return
        if empty and (self.empty_bars >= _MAX_EMPTY_BARS or self.bar == 0):
            return
        self._allow_bar(mask)
        if self.n_bars is None and not empty and self.bar >= b.SECTION_BARS - 1:
            mask[b.EOS] = True


@lru_cache(maxsize=80)
def _notes(kind: str, tonic: int, mode: str) -> tuple[np.ndarray, np.ndarray]:
    """Notes that a harmony admits: bool (968,), and the highest of each family as an offset into it (-1: none)."""
    mask = np.zeros(_N * b.N_PITCHES, bool)
    highest = np.full(_N, -1)
    steps = {"free": range(12), "tonic": _TONIC[mode], "dominant": _DOMINANT}[kind]
    classes = [(tonic + step) % 12 for step in steps]
    for index, family in enumerate(FAMILIES):
        pitches = range(family.lowest_pitch, family.highest_pitch + 1)
        if index != b.DRUMS:
            wanted = classes[:1] if kind == "tonic" and index == _BASS else classes
            pitches = [p for p in pitches if p % 12 in set(wanted)]
        offsets = [index * b.N_PITCHES + p - b.MIN_PITCH for p in pitches]
        mask[offsets] = True
        highest[index] = offsets[-1]
    mask.setflags(write=False)
    return mask, highest
