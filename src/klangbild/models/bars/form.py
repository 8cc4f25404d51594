"""Form: which section of a piece is new and which comes back.

A piece is cut into sections of 8 bars. Two sections follow on from each other (A B). From three on, the opening comes back:
A A' B A, and in longer pieces further episodes stand between its returns (A A' B A C A' ...), a rondo. A returning section
opens with the bars of its model, note for note, and goes its own way from there: that is the prime.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from klangbild.music.piece import Piece

COPIED_BARS = 4
"""How many bars of the model a returning section quotes before it is free."""


def plan_form(n_sections: int) -> tuple[str, ...]:
    """Letters of the sections; the same letter means "quotes that section".

    >>> plan_form(1), plan_form(2), plan_form(4), plan_form(7)
    (('A',), ('A', 'B'), ('A', 'A', 'B', 'A'), ('A', 'A', 'B', 'A', 'C', 'C', 'A'))
    """
    if n_sections <= 2:
        return tuple("AB"[:n_sections])
    letters = ["A", "A", "B", "A"]
    episode = ord("C")
    while len(letters) < n_sections:
        letters += [chr(episode), chr(episode), "A"]
        episode = episode + 1 if episode < ord("Z") else ord("B")
    letters = letters[:n_sections]
    return tuple(letters)


def hold_last_chord(piece: Piece) -> Piece:
    """The notes that open the last bar last until it ends, so that a piece is as long as its bars, also as a MIDI file."""
    starts = piece.bar_starts()
    if len(starts) < 2 or piece.length_beats <= starts[-1]:
        return piece
    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        last = np.abs(notes["onset"] - starts[-1]) < 1e-6
        notes["duration"][last] = piece.length_beats - starts[-1]
        tracks.append(replace(track, notes=notes))
    return replace(piece, tracks=tuple(tracks))
