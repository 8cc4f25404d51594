"""Who plays what: the notes of a family, which a notes model writes as one part, given to players who can play them.

Winds and lead synthesizers are people with one breath and one voice: their chords are parted among several of them. Where the
tune of a piece lies on top of chords of strings, brass or guitars, it is taken out for a player of its own, as first violins have
it above the others. Keyboards keep both hands. No note is left out.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from klangbild.music.piece import Piece, Track
from klangbild.music.tune import tune_of

ONE_VOICE = ("winds", "lead")
TUNE_ABOVE_CHORDS = ("strings", "brass", "guitar")
MOST_VOICES = 4
_RARE = 0.05
"""Share of onsets with more notes than there are players that is let pass."""
_OFTEN = 0.1
"""Share of onsets with chords from which a tune wants a player of its own."""
_FEW = 6
"""A player with fewer notes than this, or with a smaller share than `_SMALL`, would be a stray."""
_SMALL = 0.08
_MOVES = 0.3
"""Share of a line's moves that go to another pitch, from which on it is a tune."""
_STILL_SOUNDS, _TOP_GOES_ON = 12.0, 3.0
"""Semitones that it counts against a voice that it has not ended its note; and for the top one that it is the top one."""


def parted(piece: Piece, free_from: float = 0.0) -> Piece:
    """The piece with its tracks parted among players, each behind the other where its family's track stood.

    free_from: beat from which on notes are ours, and one voice's end where its next begins; those before stay as they are.
    """
    tracks: list[Track] = []
    tune = tune_of(piece)
    for number, track in enumerate(piece.tracks):
        if track.family in ONE_VOICE:
            voices = [_one_at_a_time(voice, free_from) for voice in in_voices(track.notes)]
        elif number == tune and track.family in TUNE_ABOVE_CHORDS:
            voices = tune_and_chords(track.notes)
            voices = [_one_at_a_time(voices[0], free_from), *voices[1:]] if len(voices) > 1 else voices
        else:
            voices = [track.notes]
        tracks += [replace(track, notes=voice) for voice in voices]
    return replace(piece, tracks=tuple(tracks))


def in_voices(notes: np.ndarray) -> list[np.ndarray]:
    """Notes (n,) -> those of each voice, from the highest to the lowest: 1 to `MOST_VOICES` arrays (k,), as many as they need.

    Voices do not cross within a chord, and each goes on with what is nearest to its last note.
    """
    chords = _chords(notes)
    size = np.array([len(chord) for chord in chords])
    n = next((k for k in range(1, MOST_VOICES) if (size > k).mean() <= _RARE), MOST_VOICES) if len(size) else 1
    if n == 1:
        return [notes]
    full = [chord for chord in chords if len(chord) >= n]
    last = [float(np.median([notes["pitch"][chord[v]] for chord in full])) for v in range(n)]
    ends = [-1.0] * n
    voice = np.zeros(len(notes), int)
    for chord in chords:
        onset = float(notes["onset"][chord[0]])
        pitches = [float(notes["pitch"][i]) for i in chord[:n]]
        busy = [_STILL_SOUNDS if end > onset + 0.125 else 0.0 for end in ends]
        busy[0] -= _TOP_GOES_ON

        def cost(way: tuple[int, ...], pitches: list[float] = pitches, busy: list[float] = busy) -> float:
            return sum(abs(p - last[v]) + busy[v] for p, v in zip(pitches, way, strict=True))

        way = min(combinations(range(n), len(pitches)), key=cost)
        for i, v in zip(chord, [*way, *[n - 1] * (len(chord) - n)], strict=True):
            voice[i], last[v] = v, float(notes["pitch"][i])
            ends[v] = max(ends[v], onset + float(notes["duration"][i]))
    few = max(_FEW, round(_SMALL * len(notes)))
    for v in range(n):  # strays go to the next voice up or down
        mine = voice == v
        if 0 < mine.sum() < few:
            others = [w for w in range(n) if w != v and (voice == w).sum() >= few]
            voice[mine] = min(others, key=lambda w: abs(w - v)) if others else 0
    return [notes[voice == v] for v in range(n) if (voice == v).any()]


def tune_and_chords(notes: np.ndarray) -> list[np.ndarray]:
    """Notes (n,) of a part with chords -> [its tune, the rest], or [all] where it is a line, or no tune can be taken out."""
    chords = _chords(notes)
    if not len(chords) or np.mean([len(chord) > 1 for chord in chords]) <= _OFTEN:
        return [notes]
    pitch = notes["pitch"].astype(float)
    tops = [pitch[chord[0]] for chord in chords if len(chord) > 1]
    below = np.concatenate([pitch[chord[1:]] for chord in chords if len(chord) > 1])
    border = (np.median(tops) + np.median(below)) / 2.0
    is_tune = np.zeros(len(notes), bool)
    for chord in chords:
        is_tune[chord[0]] = len(chord) > 1 or pitch[chord[0]] >= border
    line = notes["pitch"][is_tune]
    if min(len(line), (~is_tune).sum()) < _FEW or (np.diff(line.astype(int)) != 0).mean() < _MOVES:
        return [notes]
    return [notes[is_tune], notes[~is_tune]]


def _chords(notes: np.ndarray) -> list[np.ndarray]:
    """The indices of the notes of each onset, the highest first."""
    order = np.lexsort((-notes["pitch"].astype(int), np.rint(notes["onset"] * 48)))
    return np.split(order, np.flatnonzero(np.diff(np.rint(notes["onset"][order] * 48))) + 1) if len(notes) else []


def _one_at_a_time(notes: np.ndarray, free_from: float) -> np.ndarray:
    """Each note ends where the next begins, but for those before `free_from`."""
    notes = notes.copy()
    onsets = np.unique(notes["onset"])
    following = np.append(onsets[1:], np.inf)[np.searchsorted(onsets, notes["onset"])]
    ours = notes["onset"] >= free_from - 1e-6
    notes["duration"][ours] = np.minimum(notes["duration"], following - notes["onset"])[ours]
    return notes
