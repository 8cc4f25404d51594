"""What became of the bars that a piece goes on from, in words: a model's language does not hold all that a file can say."""

from __future__ import annotations

import numpy as np

from klangbild.music.instrument_names import GENERAL_MIDI
from klangbild.music.piece import Piece, Track, make_notes

_GRID = 12
"""Positions of a beat at which notes of the two are looked for; a model's own grid moves them by less than one."""
_SHORTENED = 0.75
_SAME_TEMPO_BPM = 1.0


def told_of_given_bars(given: Piece, piece: Piece) -> str | None:
    """How the bars at the front of `piece` differ from `given`, the file's, in one line; None where they are kept.

    Less than 1 bpm and less than a quarter of a note's length are no difference.
    """
    changes = _told_of_notes(_pitched(given), _pitched(piece))
    was, now = given.tempos[0][1], piece.tempos[0][1]
    if abs(was - now) > _SAME_TEMPO_BPM:
        changes.append(f"{was:.4g} bpm become {now:.4g}")
    for family in given.families:
        changes += _told_of_players(family, _players(given, family), _players(piece, family))
    return f"its own bars are not kept as they were: {'; '.join(changes)}" if changes else None


def _told_of_notes(theirs: np.ndarray, ours: np.ndarray) -> list[str]:
    changes = []
    shift, found = _shift(theirs, ours)
    if shift:
        changes.append(f"notes are moved by {shift:+d} semitones")
    kept = found >= 0
    if not kept.all():
        changes.append(f"{int((~kept).sum())} of {len(theirs)} notes are moved, joined or left out")
    shortened = ours["duration"][found[kept]] < _SHORTENED * theirs["duration"][kept]
    if shortened.any():
        longest = ours["duration"][found[kept]][shortened].max()
        changes.append(f"{int(shortened.sum())} of {len(theirs)} notes are shortened, to {longest:.3g} beats at most")
    return changes


def _told_of_players(family: str, theirs: list[Track], ours: list[Track]) -> list[str]:
    if not ours:
        return [f"{family} are left out"]
    changes = []
    if len(theirs) > len(ours):
        changes.append(f"{len(theirs)} tracks of {family} become {len(ours)}")
    names, ours_names = ([*dict.fromkeys(map(_sound, tracks))] for tracks in (theirs, ours))
    if new := [name for name in names if name not in ours_names]:
        changes.append(f"{' and '.join(new)} {'is' if len(new) == 1 else 'are'} played as {' and '.join(ours_names)}")
    return changes


def _sound(track: Track) -> str:
    return "drum kit" if track.plays_kit else GENERAL_MIDI[track.program]


def _players(piece: Piece, family: str) -> list[Track]:
    return [track for track in piece.tracks if track.family == family and len(track.notes)]


def _pitched(piece: Piece) -> np.ndarray:
    """Every note that is no drum, in order."""
    notes = [track.notes for track in piece.tracks if not track.is_drum]
    return np.sort(np.concatenate([make_notes(), *notes]), order=("onset", "pitch"), kind="stable")


def _shift(theirs: np.ndarray, ours: np.ndarray) -> tuple[int, np.ndarray]:
    """(semitones by which most of theirs are found among ours, for each of theirs which of ours it is or -1)."""
    places = {}
    for index in range(len(ours) - 1, -1, -1):
        beat, pitch = round(float(ours["onset"][index]) * _GRID), int(ours["pitch"][index])
        for near in (beat - 1, beat, beat + 1):
            places[near, pitch] = index

    def look(semitones: int) -> np.ndarray:
        return np.array(
            [
                places.get((round(float(onset) * _GRID), int(pitch) + semitones), -1)
                for onset, pitch in zip(theirs["onset"], theirs["pitch"], strict=True)
            ],
            np.int64,
        )

    best = 0, look(0)
    for shift in sorted(range(-11, 12), key=abs):
        if 2 * (best[1] >= 0).sum() > len(theirs):  # most are found
            break
        found = look(shift)
        if (found >= 0).sum() > (best[1] >= 0).sum():
            best = shift, found
    return best
