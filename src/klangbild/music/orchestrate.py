"""From families to instruments: who plays each part, on which General MIDI program, how notes are stressed, and that the tune is heard.

The note model writes for families (strings, winds, ...). Which strings, which winds is decided here: the parts are given to
players (`players.py`), one style is drawn for the piece, whose programs go together (`programs.py`), and each player takes the
program of the style that can play what is written and stands nearest to the asked emotion, after a little shake of the dice so that
equal emotions do not always sound equal. What still lies out of an instrument's range moves by octaves.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.piece import Key, Piece, Track
from klangbild.music.players import parted
from klangbild.music.programs import COMFORT, DISTORTED, E1, FEELING, MONOPHONIC, RANGES, STYLES
from klangbild.music.tune import tune_of

_SHAKE = 0.2
_STYLE_SHAKE = 0.12
_TONICS = tuple(range(12))
_DOWNBEAT, _BEAT, _OFFBEAT = 3, 1, -2
"""Velocity added to notes on the first beat of a bar, on the other beats, and between beats, in a piece played with nuance."""
_NUANCE = 8.0
"""Spread of a piece's velocities from which on the accents are whole; what was written level stays level."""
_SELDOM = 0.05
"""Share of onsets, or notes, that may go against what an instrument can play."""
_CANNOT, _TAKEN, _OUTSIDE = 4.0, 0.5, 3.0
"""What counts against a program beside the square of its distance from the emotion: that it cannot play the part, that
another of the family has it, and for the share of notes outside its range."""
TUNE_ABOVE = 10
"""Velocity by which the tune stands above the other pitched parts, the bass apart."""
_TUNE_MOST, _TUNE_SHARE = 36, 0.6
"""The most that the two are moved apart for it, and the tune's share in that."""


def orchestrate(piece: Piece, emotion: Emotion, rng: np.random.Generator, *, free_from: float = 0.0) -> Piece:
    """The piece with players, a program for each, metrical accents, and the tune above the chords in velocity (1..127).

    free_from: beat from which on the notes are ours; in front of it no pitch and no length changes.
    """
    piece = _accented(parted(piece, free_from))
    programs = _programs(piece.tracks, emotion, rng)
    tracks = [
        replace(track, program=program, notes=_in_range(track, program, free_from))
        for track, program in zip(piece.tracks, programs, strict=True)
    ]
    return _tune_heard(replace(piece, tracks=tuple(tracks)))


def unfit(track: Track, program: int) -> float:
    """What counts against playing a track on a program: 0 where it suits."""
    if track.is_drum or not len(track.notes):
        return 0.0
    counts = _pitches_at_once(track.notes)
    cost = 0.0
    if program in MONOPHONIC and (counts[0] > 1).mean() > _SELDOM:
        cost += _CANNOT
    if program in DISTORTED and (counts[1] > 2).mean() > _SELDOM:
        cost += _CANNOT
    low, high = RANGES.get(program, COMFORT.get(program, (0, 127)))
    outside = float(((track.notes["pitch"] < low) | (track.notes["pitch"] > high)).mean())
    return cost + _OUTSIDE * outside + (_CANNOT / 2 if outside > _SELDOM and program in RANGES else 0.0)


def _programs(tracks: tuple[Track, ...], emotion: Emotion, rng: np.random.Generator) -> list[int]:
    """A program for each track, all of one style."""
    shakes = rng.normal(0.0, _SHAKE, (len(tracks), 2))
    best: tuple[float, list[int]] | None = None
    for style in STYLES.values():
        chosen: list[int] = []
        total = float(rng.normal(0.0, _STYLE_SHAKE))
        for track, shake in zip(tracks, shakes, strict=True):
            place = np.array([emotion.valence, emotion.arousal]) + shake

            def cost(
                program: int, track: Track = track, place: np.ndarray = place, chosen: list[int] = chosen
            ) -> float:
                far = float(((np.array(FEELING[program]) - place) ** 2).sum())
                return far + unfit(track, program) + (_TAKEN if program in chosen and not track.is_drum else 0.0)

            costs = [cost(program) for program in style[track.family]]
            chosen.append(style[track.family][int(np.argmin(costs))])
            total += min(costs) / len(tracks)
        if best is None or total < best[0]:
            best = total, chosen
    return [] if best is None else best[1]


def _in_range(track: Track, program: int, free_from: float) -> np.ndarray:
    """The track's notes, those that its instrument does not have moved by octaves, where nothing of its own is struck then."""
    low, high = RANGES.get(program, (0, 127))
    if track.family == "bass":
        low = E1
    pitch = track.notes["pitch"].astype(int)
    up = np.where(pitch < low, -(-(low - pitch) // 12), 0)
    down = np.where(pitch > high, -(-(pitch - high) // 12), 0)
    moved = pitch + 12 * (up - down)
    moves = (moved != pitch) & (moved >= low) & (moved <= high) & (track.notes["onset"] >= free_from - 1e-6)
    if not moves.any():
        return track.notes
    notes = track.notes.copy()
    notes["pitch"] = np.where(moves, moved, pitch)
    notes = notes[np.lexsort((-notes["duration"], notes["pitch"], notes["onset"]))]
    doubled = np.append(False, (np.diff(notes["onset"]) < 1e-6) & (np.diff(notes["pitch"].astype(int)) == 0))
    return _struck_anew(notes[~doubled])


def _struck_anew(notes: np.ndarray) -> np.ndarray:
    """Notes of one instrument, sorted by onset: each ends at the latest where its pitch is struck again."""
    for pitch in np.unique(notes["pitch"]):
        mine = np.flatnonzero(notes["pitch"] == pitch)
        gap = np.diff(notes["onset"][mine])
        notes["duration"][mine[:-1]] = np.minimum(notes["duration"][mine[:-1]], gap)
    return notes


def _accented(piece: Piece) -> Piece:
    starts = np.array(piece.bar_starts())
    written = np.concatenate([[64.0], *[track.notes["velocity"].astype(float) for track in piece.tracks]])[1:]
    nuance = min(written.std() / _NUANCE, 1.0) if len(written) else 0.0
    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        in_bar = notes["onset"] - starts[np.clip(np.searchsorted(starts, notes["onset"] + 1e-6) - 1, 0, None)]
        accent = np.where(in_bar < 1e-6, _DOWNBEAT, np.where(np.abs(in_bar - np.rint(in_bar)) < 1e-6, _BEAT, _OFFBEAT))
        accent = np.rint(nuance * accent).astype(int)
        notes["velocity"] = np.clip(notes["velocity"].astype(int) + accent, 1, 127)
        tracks.append(replace(track, notes=notes))
    return replace(piece, tracks=tuple(tracks))


def _tune_heard(piece: Piece) -> Piece:
    """The tune at least `TUNE_ABOVE` louder than the chords: the two are moved apart where it is not."""
    tune = tune_of(piece)
    chords = [
        i for i, t in enumerate(piece.tracks) if i != tune and not t.is_drum and t.family != "bass" and len(t.notes)
    ]
    if tune is None or not chords:
        return piece
    beside = np.concatenate([piece.tracks[i].notes["velocity"].astype(float) for i in chords])
    lack = float(beside.mean() + TUNE_ABOVE - piece.tracks[tune].notes["velocity"].astype(float).mean())
    lack = min(max(lack, 0.0), _TUNE_MOST)
    tracks = list(piece.tracks)
    for i, by in [(tune, round(_TUNE_SHARE * lack)), *((i, -round((1.0 - _TUNE_SHARE) * lack)) for i in chords)]:
        notes = tracks[i].notes.copy()
        notes["velocity"] = np.clip(notes["velocity"].astype(int) + by, 1, 127)
        tracks[i] = replace(tracks[i], notes=notes)
    return replace(piece, tracks=tuple(tracks))


def _pitches_at_once(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Notes (n,) -> how many pitches, and how many pitch classes, each onset has, both (onsets,)."""
    step = np.rint(notes["onset"] * 12).astype(int)
    found = []
    for pitch in (notes["pitch"].astype(int), notes["pitch"].astype(int) % 12):
        pairs = np.unique(np.stack([step, pitch], axis=1), axis=0)
        found.append(np.unique(pairs[:, 0], return_counts=True)[1])
    return found[0], found[1]


def in_key(piece: Piece, wish: Key | None, rng: np.random.Generator) -> Piece:
    """The piece moved from its key (None: C major) to the wished one, or to one drawn by `rng`, by the shorter way."""
    drawn = int(rng.choice(_TONICS))
    home = 0 if piece.key is None else piece.key.tonic
    shift = ((wish.tonic if wish else drawn) - home + 5) % 12 - 5
    return piece.transposed(shift)
