"""Chords: how clearly, how richly and how fast the harmony moves.

Conventions
    A beat is a quarter note. The chord of a beat is worked out from the weight of each pitch class in it: how long its notes
    sound there, doublings counted, drums left out. Triads (major, minor, diminished, augmented) and sevenths (dominant, major,
    minor, half and fully diminished, minor-major) on twelve roots are held against it. The one that covers most of the weight
    stands for the beat, with a little less for each of its tones that is silent, and a little more where the bass is its root.
    It is *recognised* where at least three of its tones sound and cover .9 of the weight. Beats in which nothing pitched sounds
    count nowhere. Degrees are told from the tonic that Krumhansl's profiles hear in the whole piece.

Metrics (all of one piece; NaN where there is no such beat)
    chord_beats             share of sounding beats with a recognised chord, 0..1.
    root_changes_a_beat     share of pairs of neighbouring sounding beats whose roots differ, 0..1.
    chord_changes_inside    the same, only of pairs that no bar line parts: how often the harmony moves inside bars, 0..1.
    bass_on_root            share of recognised beats whose lowest pitch at the beat is the root, 0..1; beats where nothing
                            sounds on the beat itself are left out.
    v_i_a_minute            dominants (a major third on the fifth degree) followed by a chord of another root, which is the
                            tonic, a minute; only recognised beats are looked at, one after the other.
    effective_chords        exp of the entropy of (degree, kind) over recognised beats, 1..: as many chords used equally often.
    diatonic_chords         share of recognised beats whose chord has only tones of the key (minor: with both sevenths), 0..1.
    longest_still_s         seconds that the harmony stands longest: one root, beat after beat (silent beats go along).
    static_harmony          1 where that is 16 s or more.
    Source: ours (`docs/measure.md`); a chord as the template that covers most, Fujishima, ICMC 1999.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass

import numpy as np

from klangbild.metrics.bar_grid import STEPS_PER_BEAT, BarGrid
from klangbild.music.key import estimate_key
from klangbild.music.piece import Key

KINDS = {
    "major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8),
    "dominant seventh": (0, 4, 7, 10), "major seventh": (0, 4, 7, 11), "minor seventh": (0, 3, 7, 10),
    "half diminished": (0, 3, 6, 10), "diminished seventh": (0, 3, 6, 9), "minor-major seventh": (0, 3, 7, 11),
}  # fmt: skip
CLEAN, TONES = 0.9, 3
STATIC_S = 16.0
_SILENT_TONE, _BASS = 0.02, 0.01
_NAMES = tuple(KINDS)
_TEMPLATES = np.zeros((len(KINDS) * 12, 12))
for _kind, _tones in enumerate(KINDS.values()):
    for _root in range(12):
        _TEMPLATES[_kind * 12 + _root, [(_root + t) % 12 for t in _tones]] = 1.0
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10, 11)}
"""Steps from the tonic; a minor key has its raised seventh too."""


@dataclass(frozen=True)
class Beats:
    """The chord of each beat, all (beats,): root 0..11 (-1: silence), kind (of `KINDS`), recognised, bass pitch on the beat or -1."""

    root: np.ndarray
    kind: np.ndarray
    recognised: np.ndarray
    bass: np.ndarray

    @property
    def sounds(self) -> np.ndarray:
        """bool (beats,): something pitched sounds in it."""
        return self.root >= 0


def chords_of(grid: BarGrid) -> Beats:
    """The chords of a piece, beat by beat."""
    roll = grid.sounding
    n = len(roll) // STEPS_PER_BEAT
    in_beat = roll.reshape(n, STEPS_PER_BEAT, 128).sum(axis=1)
    weight = np.stack([in_beat[:, pc::12].sum(axis=1) for pc in range(12)], axis=1).astype(float)
    total = weight.sum(axis=1)
    sounds = total > 0
    on_beat = roll[::STEPS_PER_BEAT] > 0
    bass = np.where(on_beat.any(axis=1), on_beat.argmax(axis=1), -1)
    lowest = (in_beat > 0).argmax(axis=1)
    cover = weight @ _TEMPLATES.T / np.maximum(total, 1)[:, None]
    present = (weight > 0).astype(float) @ _TEMPLATES.T
    roots = np.tile(np.arange(12), len(KINDS))
    fit = cover - _SILENT_TONE * (_TEMPLATES.sum(axis=1) - present) + _BASS * (roots == (lowest % 12)[:, None])
    best = fit.argmax(axis=1)
    row = np.arange(n)
    recognised = sounds & (cover[row, best] >= CLEAN - 1e-9) & (present[row, best] >= TONES)
    return Beats(np.where(sounds, best % 12, -1), best // 12, recognised, np.where(sounds, bass, -1))


def _share(yes: np.ndarray) -> float:
    return float(np.mean(yes)) if len(yes) else float("nan")


def v_i(beats: Beats, tonic: int) -> list[int]:
    """The beats (of the tonic) at which a dominant resolves."""
    found, before = [], -1
    for at in np.flatnonzero(beats.recognised):
        falls = before >= 0 and beats.root[at] == tonic and beats.root[before] == (tonic + 7) % 12
        if falls and 4 in KINDS[_NAMES[beats.kind[before]]]:
            found.append(int(at))
        before = at
    return found


def longest_still_s(grid: BarGrid, beats: Beats) -> float:
    """Seconds from the first to behind the last beat of the longest run of one root; 0 where nothing sounds."""
    at = np.flatnonzero(beats.sounds)
    if not len(at):
        return 0.0
    breaks = np.flatnonzero(np.diff(beats.root[at]) != 0)
    first, last = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(at) - 1]])
    seconds = grid.piece.beats_to_seconds(at[last] + 1) - grid.piece.beats_to_seconds(at[first])
    return float(seconds.max())


def effective_chords(beats: Beats, tonic: int) -> float:
    """1.. as many chords as would be if all were as frequent, or NaN."""
    used = beats.recognised
    count = np.array(list(Counter(zip(((beats.root[used] - tonic) % 12).tolist(), beats.kind[used].tolist(), strict=True)).values()), float)  # fmt: skip
    if not len(count):
        return float("nan")
    share = count / count.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def diatonic_chords(beats: Beats, key: Key) -> float:
    """0..1, or NaN."""
    scale = {(key.tonic + step) % 12 for step in SCALES[key.mode]}
    used = np.flatnonzero(beats.recognised)
    return _share(np.array([
        all((beats.root[at] + tone) % 12 in scale for tone in KINDS[_NAMES[beats.kind[at]]]) for at in used
    ]))  # fmt: skip


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    beats, key = chords_of(grid), estimate_key(grid.piece)
    both = beats.sounds[1:] & beats.sounds[:-1]
    changes = np.diff(beats.root) != 0
    bar_line = np.isin((np.arange(len(changes)) + 1) * STEPS_PER_BEAT, grid.starts)
    with_bass = beats.recognised & (beats.bass >= 0)
    minutes = float(grid.piece.seconds) / 60
    still = longest_still_s(grid, beats)
    any_sound = bool(beats.sounds.any())
    return OrderedDict(
        chord_beats=_share(beats.recognised[beats.sounds]),
        root_changes_a_beat=_share(changes[both]),
        chord_changes_inside=_share(changes[both & ~bar_line]),
        bass_on_root=_share(beats.bass[with_bass] % 12 == beats.root[with_bass]),
        v_i_a_minute=len(v_i(beats, key.tonic)) / minutes if any_sound and minutes else float("nan"),
        effective_chords=effective_chords(beats, key.tonic),
        diatonic_chords=diatonic_chords(beats, key),
        longest_still_s=still if any_sound else float("nan"),
        static_harmony=float(still >= STATIC_S) if any_sound else float("nan"),
    )
