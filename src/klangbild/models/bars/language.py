"""`bars`: our note language. Music on a grid of twelfths of a beat, bar by bar, transposed to C major / A minor.

A piece reads  BOS  section  section ...  EOS.  A section is up to 8 bars, and a bar reads

    Bar(meter, mode) [Tempo] { Position { [Velocity] Note(family, pitch) [Duration] } }

* `Tempo` stands after the first Bar of a section, and where the tempo changes.
* `Position` (twelfths of a beat within the bar) stands where it changes; notes of one position are sorted by family, then
  pitch, so that every piece has exactly one spelling.
* `Duration` is stateful: it stands after a note only if it differs from the last one of its family. Drums have none.
* `Velocity` (16 steps wide, the median of a family in a bar) stands before the first note of a family in a bar, only if
  it differs from that family's last one.
* Every section forgets tempo, durations and velocities, so that a chunk may start at any section and errors heal.

The key itself is not written: pieces are moved to C or A, and the mode stands in each Bar. Meters of equal length (3/4 and
6/8) have their own ids. What `decode` gives back is exact on the grid, up to family, duration bin and velocity bin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from klangbild.models.bars.grammar import BarsState
from klangbild.models.bars.vocabulary import (  # noqa: F401 - `bars` is where the rest of the house finds its ids
    BAR_0,
    BAR_STEPS,
    BOS,
    DRUMS,
    DURATION_0,
    DURATIONS,
    EOS,
    GRID,
    MAX_PITCH,
    METERS,
    MIN_PITCH,
    MODES,
    N_PITCHES,
    N_POSITIONS,
    N_TEMPI,
    N_VELOCITIES,
    NOTE_0,
    PAD,
    POSITION_0,
    SECTION_BARS,
    SIZE,
    TEMPI_BPM,
    TEMPO_0,
    VELOCITY_0,
    duration_bins,
    note_id,
    tempo_bin,
    tempo_within,
)
from klangbild.music.families import FAMILIES, FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.key import estimate_key, mode_in_c
from klangbild.music.meters import known_meter
from klangbild.music.piece import Key, Piece, Track, make_notes

if TYPE_CHECKING:
    from klangbild.music.rules import Rules


@dataclass(frozen=True)
class Section:
    """Up to 8 bars: `ids` start with a Bar and need nothing before them. Beats are of the whole piece."""

    ids: np.ndarray
    start_bar: int
    n_bars: int
    start_beat: float
    end_beat: float


class BarsLanguage:
    """See the module's first lines. `size` ids; version 1."""

    name = "bars"
    size = SIZE
    version = 1
    bos = BOS

    @property
    def is_rhythm(self) -> np.ndarray:
        """bool (size,): ids that place music in time (bar, tempo, position, duration, end); the others are what sounds."""
        mask = np.ones(SIZE, bool)
        mask[NOTE_0:DURATION_0] = False
        mask[VELOCITY_0:] = False
        return mask

    def encode(self, piece: Piece) -> np.ndarray:
        """Piece -> int16 ids (n,), BOS first and EOS last. The key is the piece's own or, without one, estimated."""
        sections = self.encode_sections(piece)
        return np.concatenate([[BOS], *[s.ids for s in sections], [EOS]]).astype(np.int16)

    def encode_sections(self, piece: Piece) -> list[Section]:
        """Piece -> its sections of 8 bars, in order (the last may be shorter)."""
        grid = _on_grid(piece)
        return [grid.section(first) for first in range(0, len(grid.bars), SECTION_BARS)]

    def decode(self, ids: np.ndarray) -> Piece:
        """Ids (n,) -> piece in C major / A minor. A cut-off end and stray ids are passed over, never an error."""
        return _decode(ids)

    def start(self, rules: Rules) -> BarsState:
        """The grammar state after BOS."""
        return BarsState(rules)

    def advance(self, state: BarsState, token: int) -> None:
        state.advance(int(token))

    def allowed(self, state: BarsState, rules: Rules) -> np.ndarray:
        """bool (bars.SIZE,): ids that may come next."""
        return state.allowed()


@dataclass(frozen=True)
class _Grid:
    """A piece cut into bars: `bars` rows (start step, meter), notes (step, family, pitch, duration bin, velocity)."""

    bars: list[tuple[int, int]]
    steps: np.ndarray
    families: np.ndarray
    pitches: np.ndarray
    durations: np.ndarray
    velocities: np.ndarray
    tempi: list[int]
    key_mode: str

    def span(self, first: int) -> tuple[int, int]:
        """First and last step (exclusive) of the section that starts at bar `first`."""
        start, meter = self.bars[min(first + SECTION_BARS, len(self.bars)) - 1]
        return self.bars[first][0], start + BAR_STEPS[meter]

    @cached_property
    def modes(self) -> list[str]:
        """The mode of each section, from its own notes; a section without pitched notes takes that of most others."""
        found: list[str | None] = []
        for first in range(0, len(self.bars), SECTION_BARS):
            lo, hi = np.searchsorted(self.steps, self.span(first))
            pitched = self.families[lo:hi] != DRUMS
            lengths = np.array(DURATIONS)[self.durations[lo:hi][pitched]]
            found.append(mode_in_c(self.pitches[lo:hi][pitched], lengths) if pitched.any() else None)
        heard = [mode for mode in found if mode]
        usual = max(MODES, key=heard.count) if heard else self.key_mode
        return [mode or usual for mode in found]

    def section(self, first: int) -> Section:
        last = min(first + SECTION_BARS, len(self.bars))
        begin, end = self.span(first)
        mode = MODES.index(self.modes[first // SECTION_BARS])
        ids: list[int] = []
        tempo = -1
        durations, velocities = [-1] * len(FAMILIES), [-1] * len(FAMILIES)
        for bar in range(first, last):
            start, meter = self.bars[bar]
            ids.append(BAR_0 + 2 * meter + mode)
            if self.tempi[bar] != tempo:
                tempo = self.tempi[bar]
                ids.append(TEMPO_0 + tempo)
            a, b = np.searchsorted(self.steps, (start, start + BAR_STEPS[meter]))
            self._bar(ids, a, b, start, durations, velocities)
        return Section(np.array(ids, np.int16), first, last - first, begin / GRID, end / GRID)

    def _bar(self, ids: list[int], a: int, b: int, start: int, durations: list[int], velocities: list[int]) -> None:
        medians = {
            family: int(np.median(self.velocities[a:b][self.families[a:b] == family])) // 16
            for family in np.unique(self.families[a:b]).tolist()
        }
        played: set[int] = set()
        position = -1
        for i in range(a, b):
            step, family, duration = int(self.steps[i]) - start, int(self.families[i]), int(self.durations[i])
            if step != position:
                position = step
                ids.append(POSITION_0 + position)
            if family not in played:
                played.add(family)
                if medians[family] != velocities[family]:
                    velocities[family] = medians[family]
                    ids.append(VELOCITY_0 + medians[family])
            ids.append(note_id(family, int(self.pitches[i])))
            if family != DRUMS and duration != durations[family]:
                durations[family] = duration
                ids.append(DURATION_0 + duration)


def _on_grid(piece: Piece) -> _Grid:
    piece = replace(piece, meters=tuple((at, *METERS[known_meter(n, d)]) for at, n, d in piece.meters))
    key = piece.key or estimate_key(piece)
    goal = 0 if key.mode == "major" else 9
    shift = (goal - key.tonic + 6) % 12 - 6
    columns: list[np.ndarray] = []
    for name, notes in piece.by_family().items():
        family = FAMILIES[FAMILY_INDEX[name]]
        pitch = notes["pitch"].astype(int)
        if name != "drums":
            pitch = pitch + shift
            pitch = np.where(pitch < MIN_PITCH, pitch + 12 * -((pitch - MIN_PITCH) // 12), pitch)
            pitch = np.where(pitch > MAX_PITCH, pitch - 12 * -((MAX_PITCH - pitch) // 12), pitch)
        keep = (pitch >= family.lowest_pitch) & (pitch <= family.highest_pitch)
        onset = np.rint(notes["onset"] * GRID).astype(int)
        length = np.rint((notes["onset"] + notes["duration"]) * GRID).astype(int) - onset
        rows = np.stack([onset, np.full(len(notes), FAMILY_INDEX[name]), pitch, length, notes["velocity"]], axis=1)
        columns.append(rows[keep])
    table = np.concatenate(columns) if columns else np.empty((0, 5), int)
    table = table[np.lexsort((-table[:, 3], table[:, 2], table[:, 1], table[:, 0]))]
    if len(table):  # doubled notes: the longest stays
        fresh = np.ones(len(table), bool)
        fresh[1:] = (np.diff(table[:, :3], axis=0) != 0).any(axis=1)
        table = table[fresh]
    bars, tempi = [], []
    changes = [at for at, *_ in piece.meters]
    tempo_at = np.array([at for at, _ in piece.tempos])
    last_step = int(table[-1, 0]) if len(table) else 0
    step = 0
    # Bars are counted here, not by bar_starts(), so that an upbeat or a cut bar cannot push notes off the grid.
    while step <= last_step or step < round(piece.length_beats * GRID) or not bars:
        at = max(int(np.searchsorted(changes, step / GRID + 1e-6, side="right")) - 1, 0)
        meter = METERS.index(piece.meters[at][1:])
        bars.append((step, meter))
        sounding = max(int(np.searchsorted(tempo_at, step / GRID + 1e-6, side="right")) - 1, 0)
        tempi.append(tempo_bin(piece.tempos[sounding][1]))
        step += BAR_STEPS[meter]
    table[:, 3] = _fitting_bins(table, end=step)
    return _Grid(bars, *(table[:, i] for i in range(5)), tempi, key.mode)


def _fitting_bins(table: np.ndarray, *, end: int) -> np.ndarray:
    """Rows (n, 5) -> duration bins (n,): a note lasts at most until its key is struck again, and until the piece ends."""
    room = end - table[:, 0]
    order = np.lexsort((table[:, 0], table[:, 2], table[:, 1]))
    again = (np.diff(table[order, 1:3], axis=0) == 0).all(axis=1)
    gaps = np.diff(table[order, 0])
    room[order[:-1][again]] = np.minimum(room[order[:-1][again]], gaps[again])
    bins = duration_bins()[np.clip(np.minimum(table[:, 3], room), 1, DURATIONS[-1])]
    lengths = np.array(DURATIONS)
    bins = np.where(lengths[bins] > room, np.searchsorted(lengths, room, side="right") - 1, bins)
    return np.where(table[:, 1] == DRUMS, 0, np.maximum(bins, 0))


def _decode(ids: np.ndarray) -> Piece:
    rows: list[tuple[float, int, int, int, int]] = []  # step, family, pitch, duration in steps, velocity
    tempos: list[tuple[float, float]] = []
    meters: list[tuple[float, int, int]] = []
    modes = [0, 0]
    start = end = position = -1
    n_bars = 0
    velocity = 4
    durations = dict.fromkeys(range(len(FAMILIES)), 12)
    velocities = dict.fromkeys(range(len(FAMILIES)), 4)
    pending: int | None = None
    for token in np.asarray(ids).tolist():
        if BAR_0 <= token < TEMPO_0:
            meter, mode = divmod(token - BAR_0, 2)
            start = max(end, 0)
            end, position, pending = start + BAR_STEPS[meter], -1, None
            modes[mode] += 1
            n_bars += 1
            if not meters or meters[-1][1:] != METERS[meter]:
                meters.append((start / GRID, *METERS[meter]))
        elif TEMPO_0 <= token < POSITION_0 and start >= 0:
            bpm = round(TEMPI_BPM[token - TEMPO_0], 1)
            if not tempos or tempos[-1][1] != bpm:
                tempos.append((start / GRID, bpm))
        elif POSITION_0 <= token < NOTE_0 and start >= 0:
            position = start + token - POSITION_0
        elif token >= VELOCITY_0:
            pending = token - VELOCITY_0
        elif NOTE_0 <= token < DURATION_0 and position >= 0:
            family, pitch = divmod(token - NOTE_0, N_PITCHES)
            if pending is not None:
                velocities[family], pending = pending, None
            velocity = velocities[family] * 16 + 8
            length = 3 if family == DRUMS else durations[family]
            rows.append((position, family, pitch + MIN_PITCH, length, velocity))
        elif DURATION_0 <= token < VELOCITY_0 and rows:
            step, family, pitch, _, velocity = rows[-1]
            durations[family] = DURATIONS[token - DURATION_0]
            rows[-1] = (step, family, pitch, durations[family], velocity)
    tracks = []
    for family in sorted({row[1] for row in rows}):
        mine = np.array([row for row in rows if row[1] == family])
        mine = mine[np.lexsort((mine[:, 0], mine[:, 2]))]  # by pitch, then time: a struck key ends the note before
        length = np.minimum(mine[:, 3], max(end, 1) - mine[:, 0])
        same = (np.diff(mine[:, 2]) == 0) & (np.diff(mine[:, 0]) > 0)
        length[:-1][same] = np.minimum(length[:-1][same], np.diff(mine[:, 0])[same])
        notes = make_notes(mine[:, 0] / GRID, np.maximum(length, 1) / GRID, mine[:, 2], np.clip(mine[:, 4], 1, 127))
        tracks.append(Track(FAMILY_NAMES[family], FAMILIES[family].program, notes))
    key = Key(0, "major") if modes[0] >= modes[1] else Key(9, "minor")
    if tempos and tempos[0][0] > 0:
        tempos[0] = (0.0, tempos[0][1])
    return Piece(
        tracks=tuple(tracks),
        tempos=tuple(tempos) or ((0.0, 120.0),),
        meters=tuple(meters) or ((0.0, 4, 4),),
        key=key,
        length_beats=max(end, 0) / GRID,
    )
