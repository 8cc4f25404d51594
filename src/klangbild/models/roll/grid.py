"""A piano roll in sixteenths for six groups of instruments: `Piece` -> notes on a grid -> `Piece`.

Conventions: a step is a sixteenth, a beat (quarter note) has four. A lane is one drum or one pitch of one group; lanes are
numbered 0 .. N_LANES - 1, drums first. Pitches stand in C major / A minor, as `notes.bars` writes them; one that a group has no
lane for is moved by octaves. Which family of a group plays (piano, mallet or organ?) is no matter of lanes but said once a piece.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from klangbild.music.families import FAMILIES, FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.key import key_fits, pitch_class_histogram
from klangbild.music.piece import Key, Piece, Track, make_notes

STEPS = 4
BAR_BEATS = 4
DRUM_LANES: tuple[tuple[int, ...], ...] = (
    (36, 35), (38, 40), (37, 39), (42, 44), (46,), (45, 41, 43), (48, 47, 50), (49, 52, 55, 57), (51, 53, 59),
    (54, 69, 70, 80, 81, 82), (63, 56, 60, 61, 62, 64, 65, 66, 67, 68),
)  # fmt: skip
"""General MIDI drums that share a lane; the first is the one that is played. Others are dropped."""


@dataclass(frozen=True)
class Group:
    """Families that share a roll, and the pitches it has lanes for."""

    name: str
    families: tuple[str, ...]
    lowest: int
    n: int


GROUPS: tuple[Group, ...] = (
    Group("drums", ("drums",), 0, len(DRUM_LANES)),
    Group("bass", ("bass",), 24, 36),
    Group("keys", ("piano", "mallet", "organ"), 33, 64),
    Group("guitar", ("guitar",), 38, 48),
    Group("strings", ("strings", "pad"), 36, 60),
    Group("winds", ("brass", "winds", "lead"), 43, 54),
)
FIRST_LANE = tuple(int(n) for n in np.cumsum([0, *(group.n for group in GROUPS)]))
N_LANES = FIRST_LANE[-1]
GROUP_OF_LANE = np.repeat(np.arange(len(GROUPS)), [group.n for group in GROUPS])
GROUP_OF_FAMILY = np.array([next(i for i, g in enumerate(GROUPS) if name in g.families) for name in FAMILY_NAMES])
_DRUM_LANE = np.full(128, -1)
for _lane, _pitches in enumerate(DRUM_LANES):
    _DRUM_LANE[list(_pitches)] = _lane


@dataclass(frozen=True)
class RollNotes:
    """n notes, sorted by step, then lane. step, lane, length (in steps, 1 or more): int32; loud: float32 0..1 (velocity / 127)."""

    step: np.ndarray
    lane: np.ndarray
    length: np.ndarray
    loud: np.ndarray

    def __len__(self) -> int:
        return len(self.step)


def roll_notes(piece: Piece) -> RollNotes:
    """A piece's notes on the grid, each onset moved to the nearest sixteenth; of notes that fall together the longest stays."""
    columns = [np.empty((0, 4))]
    for name, notes in piece.by_family().items():
        group = int(GROUP_OF_FAMILY[FAMILY_INDEX[name]])
        lane = lanes_of(group, notes["pitch"].astype(int))
        step = np.rint(notes["onset"] * STEPS)
        length = np.maximum(np.rint(notes["duration"] * STEPS), 1)
        length = np.where(group == 0, 1, length)
        columns.append(np.column_stack([step, lane, length, notes["velocity"] / 127.0])[lane >= 0])
    table = np.concatenate(columns)
    table = table[np.lexsort((-table[:, 2], table[:, 1], table[:, 0]))]
    fresh = np.ones(len(table), bool)
    fresh[1:] = (np.diff(table[:, :2], axis=0) != 0).any(axis=1)
    table = table[fresh]
    step, lane, length = (table[:, i].astype(np.int32) for i in range(3))
    return RollNotes(step, lane, length, table[:, 3].astype(np.float32))


def lanes_of(group: int, pitch: np.ndarray) -> np.ndarray:
    """MIDI pitches (n,) -> lanes (n,), -1 for a drum that has none."""
    if group == 0:
        return _DRUM_LANE[pitch]
    lowest, highest = GROUPS[group].lowest, GROUPS[group].lowest + GROUPS[group].n - 1
    pitch = np.where(pitch < lowest, pitch + 12 * -((pitch - lowest) // 12), pitch)
    pitch = np.where(pitch > highest, pitch - 12 * -((highest - pitch) // 12), pitch)
    return FIRST_LANE[group] + pitch - lowest


def piece_of(notes: RollNotes, families: tuple[str, ...], bpm: float, n_beats: float) -> Piece:
    """Notes on the grid -> a piece of `n_beats` in 4/4, one track a group, in C major or A minor, whichever fits better.

    families: one for each group, in the order of `GROUPS`, "" where the group is silent. What would last beyond the end is cut there, and what is struck again
    ends where it is.
    """
    tracks = []
    n_steps = math.floor(n_beats * STEPS + 1e-6)
    group_of = GROUP_OF_LANE[notes.lane]
    for group, name in enumerate(families):
        mine = (group_of == group) & (notes.step < n_steps)
        if not name or not mine.any():
            continue
        step, lane, loud = notes.step[mine], notes.lane[mine], notes.loud[mine]
        length = np.minimum(notes.length[mine], n_steps - step)
        order = np.lexsort((step, lane))
        again = np.diff(lane[order]) == 0
        gap = np.diff(step[order])
        length[order[:-1][again]] = np.minimum(length[order[:-1][again]], gap[again])
        pitch = GROUPS[group].lowest + lane - FIRST_LANE[group]
        if group == 0:
            pitch = np.array([pitches[0] for pitches in DRUM_LANES])[lane]
        velocity = np.clip(np.rint(loud * 127), 1, 127)
        family = FAMILIES[FAMILY_INDEX[name]]
        tracks.append(Track(name, family.program, make_notes(step / STEPS, length / STEPS, pitch, velocity)))
    piece = Piece(tuple(tracks), tempos=((0.0, float(bpm)),), length_beats=float(n_beats))
    pitched = [track.notes for track in tracks if not track.is_drum]
    fits = key_fits(pitch_class_histogram(np.concatenate(pitched))) if pitched else np.zeros((2, 12))
    key = Key(0, "major") if fits[0, 0] >= fits[1, 9] else Key(9, "minor")
    return Piece(piece.tracks, piece.tempos, piece.meters, key, length_beats=piece.length_beats)


def group_families(present: np.ndarray, allowed: tuple[str, ...] = FAMILY_NAMES) -> tuple[str, ...]:
    """How strongly each of the eleven families is said to play (11,) -> the allowed family that plays in each group, or ""."""
    names = []
    for group in GROUPS:
        mine = [name for name in group.families if name in allowed]
        strength = [present[FAMILY_INDEX[name]] for name in mine]
        names.append(mine[int(np.argmax(strength))] if mine else "")
    return tuple(names)
