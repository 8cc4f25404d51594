"""Where in a piece of `bars` we are: bar, position, who has played, and how long the piece will be.

Ids go in one by one and change what is known; what may come next is the grammar's (`grammar.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

from klangbild.errors import UsageError
from klangbild.models.bars import vocabulary as b
from klangbild.models.bars.sections_begin import Layout, lay_out, stretch_sections
from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.hits import BarLine
from klangbild.music.piece import Key
from klangbild.music.rules import Rules

_N = len(FAMILIES)


class GrammarState:
    """Where in a piece of `bars` we are. `advance` moves past an id. Cheap to `copy`."""

    def __init__(self, rules: Rules) -> None:
        if rules.meter is not None and rules.meter not in b.METERS:
            known = ", ".join(f"{n}/{d}" for n, d in b.METERS)
            raise UsageError(f"--meter {rules.meter[0]}/{rules.meter[1]} is not known; choose from {known}")
        self.rules = rules
        self.allowed_families = sum(1 << FAMILY_INDEX[name] for name in rules.families)
        self.required = [FAMILY_INDEX[name] for name in rules.required]
        self.last = "start"
        self.bar = -1  # index of the current bar
        self.meter = self.mode = self.tempo = -1
        self.n_bars: int | None = rules.bars
        self.home: Key | None = None  # in which the piece closes; None: C major or A minor, by its mode
        self.elapsed_s = 0.0  # at the start of the current section
        self.section_bar = 0  # the bar that section starts with
        self.stretch = (
            0  # number of the stretch in hand (`sections_begin.py`), its first bar, and the bars of its sections
        )
        self.stretch_bar = 0
        self.stretch_bars = [0]  # of all stretches begun so far
        self.layout: Layout | None = None  # of the stretch in hand, once its tempo is known
        self.bar_lines: tuple[BarLine, ...] = ()  # those at seconds that were asked for, of all stretches begun so far
        self.lengths: tuple[int, ...] = ()  # not known yet: 8 each
        self.section = -1  # number of the section in hand within the stretch
        self.empty_bars = 0
        self.pitchless_bars = 0  # in a row, in front of the bar in hand
        self.heard = 0  # families heard in the piece, in this section, in this bar (bit masks)
        self.heard_in_section = 0
        self.heard_in_bar = 0
        self.position = self.last_note = self.pending = -1
        self.notes_in_beat = self.notes_at_once = 0
        self.family = -1
        self.durations = [-1] * _N
        self.velocities = [-1] * _N
        self.lowest = [b.N_PITCHES] * _N  # offsets into a family's notes, heard so far
        self.highest = [-1] * _N
        self.done = False

    def copy(self) -> Self:
        other = copy.copy(self)
        for name in ("durations", "velocities", "lowest", "highest", "stretch_bars"):
            setattr(other, name, getattr(self, name)[:])
        return other

    # -- what is planned -------------------------------------------------------------------------------------------

    @property
    def section_starts(self) -> bool:
        """True when the next Bar would open a new section."""
        whole = self.lengths[self.section] if 0 <= self.section < len(self.lengths) else b.SECTION_BARS
        return self.bar < 0 or self.bar + 1 - self.section_bar >= whole

    @property
    def stretch_starts(self) -> bool:
        """True when the next Bar would open a new stretch."""
        last = self.stretch < len(self.rules.changes_s) and 0 < len(self.lengths) == self.section + 1
        return self.bar < 0 or (last and self.section_starts)

    @property
    def stretch_s(self) -> float:
        """The second at which the stretch in hand is asked to begin."""
        return self.rules.changes_s[self.stretch - 1] if self.stretch else 0.0

    @property
    def seconds_per_bar(self) -> float:
        """At the current meter and tempo."""
        return self.bar_beats * 60.0 / self.bpm

    @property
    def bar_beats(self) -> float:
        """Quarter notes of a bar."""
        return b.BAR_STEPS[self.meter] / b.GRID

    @property
    def bpm(self) -> float:
        """Quarter notes a minute of the section in hand."""
        return self.rules.tempo_bpm or self.bpm_of(max(self.tempo, 0))

    def bpm_of(self, tempo: int) -> float:
        """Quarter notes a minute of a step of the language."""
        place = self.rules.tempo_place
        return b.TEMPI_BPM[tempo] if place is None else b.tempo_within(tempo, place)

    @property
    def is_final(self) -> bool:
        return self.n_bars is not None and self.bar >= self.n_bars - 1

    @property
    def is_closing(self) -> bool:
        """In the last bar of a piece of several: the bar of the closing chord. A loop has none."""
        return self.is_final and self.bar > 0 and not self.rules.loop

    def recast(self, families: Sequence[str]) -> None:
        """From the section that opens on, these play and no others."""
        self.allowed_families = sum(1 << FAMILY_INDEX[name] for name in families)

    def finish(self) -> None:
        """Come to an end: the bar after the current one becomes the last."""
        wanted = self.bar + 2
        self.n_bars = wanted if self.n_bars is None else min(self.n_bars, wanted)

    def _plan_length(self) -> None:
        """Called when a section's tempo is known: how many bars make up the asked seconds, and how its stretch is cut."""
        if self.layout is not None:  # a stretch has one tempo
            return
        rules, asks_seconds = self.rules, self.rules.seconds is not None
        layout = self.layout = self.laid_out(self.bpm) or self.laid_out(self.bpm, anyhow=True)
        self.bar_lines += layout.lines
        ends_piece = self.stretch >= len(rules.changes_s)
        if ends_piece and asks_seconds and layout.end_bar is not None:
            self.n_bars = max(layout.end_bar, self.bar + 1)
        elif asks_seconds and layout.end_bar is not None:  # until the stretches behind it are known
            rest = round(max(rules.seconds - layout.end_s, 0.0) / self.seconds_per_bar)
            self.n_bars = layout.end_bar + max(rest, 1)
        end = self.n_bars if ends_piece else layout.end_bar
        if end is not None:
            self.lengths = stretch_sections(end - self.stretch_bar, ends_piece=ends_piece)

    def laid_out(self, bpm: float, *, meter: int | None = None, anyhow: bool = False) -> Layout | None:
        """How the stretch in hand lies in time at a tempo (in a meter, by its number in `METERS`); see `sections_begin.lay_out`."""
        start = BarLine(self.stretch_bar, self.elapsed_s)
        return lay_out(
            self.rules, self.stretch, start, b.METERS[self.meter if meter is None else meter], bpm, anyhow=anyhow
        )

    # -- moving on -------------------------------------------------------------------------------------------------

    def advance(self, token: int) -> None:
        if b.NOTE_0 <= token < b.DURATION_0:
            self._note(token)
        elif b.POSITION_0 <= token < b.NOTE_0:
            position = token - b.POSITION_0
            if self.position < 0 or position // b.GRID != self.position // b.GRID:
                self.notes_in_beat = 0
            self.position, self.last_note, self.notes_at_once, self.last = position, -1, 0, "position"
        elif b.DURATION_0 <= token < b.VELOCITY_0:
            self.durations[self.family] = token - b.DURATION_0
            self.last = "duration"
        elif b.VELOCITY_0 <= token < b.SIZE:
            self.pending, self.last = token - b.VELOCITY_0, "velocity"
        elif b.BAR_0 <= token < b.TEMPO_0:
            self._bar(token)
        elif b.TEMPO_0 <= token < b.POSITION_0:
            self.tempo, self.last = token - b.TEMPO_0, "tempo"
            self._plan_length()
        elif token == b.EOS:
            self.done = True

    def _note(self, token: int) -> None:
        family = (token - b.NOTE_0) // b.N_PITCHES
        if self.pending >= 0:
            self.velocities[family], self.pending = self.pending, -1
        bit = 1 << family
        self.heard |= bit
        self.heard_in_section |= bit
        self.heard_in_bar |= bit
        self.family, self.last_note, self.last = family, token - b.NOTE_0, "note"
        self.notes_in_beat += 1
        self.notes_at_once += 1
        if not self.is_closing:
            pitch = self.last_note % b.N_PITCHES
            self.lowest[family] = min(self.lowest[family], pitch)
            self.highest[family] = max(self.highest[family], pitch)

    def _bar(self, token: int) -> None:
        starts_section, starts_stretch = self.section_starts, self.stretch_starts
        if self.bar >= 0:
            self.empty_bars = self.empty_bars + 1 if self.position < 0 else 0
            self.pitchless_bars = 0 if self.heard_in_bar & ~1 else self.pitchless_bars + 1
        if starts_section:
            if self.bar >= 0:
                self.elapsed_s += (self.bar + 1 - self.section_bar) * self.seconds_per_bar
            self.section_bar = self.bar + 1
            self.section += 1
            if starts_stretch:
                self.stretch += self.bar >= 0
                self.stretch_bar, self.section, self.lengths = self.section_bar, 0, ()
                self.stretch_bars += [self.section_bar] * (self.bar >= 0)
                if self.layout is not None:
                    self.elapsed_s, self.layout = self.layout.end_s, None
            self.heard_in_section = 0
            self.durations, self.velocities = [-1] * _N, [-1] * _N
        self.bar += 1
        self.meter, self.mode = divmod(token - b.BAR_0, 2)
        self.heard_in_bar = 0
        self.position = self.last_note = self.pending = self.family = -1
        self.notes_in_beat = self.notes_at_once = 0
        self.last = "section" if starts_section else "bar"
