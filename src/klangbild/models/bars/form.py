"""Form: which section of a piece is new and which comes back.

A piece is cut into sections of 8 bars. The second opens as the first does and ends otherwise (A A', a period); then comes something
new and after it the opening again (A B A, A A' B A); in longer pieces further episodes stand between its returns (A A' B A C C' A ...), a
rondo. A returning section opens with the bars of its model, note for note, and goes its own way from there: half of the model where it
follows on from it (that is the prime), most of it where something else was heard between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from klangbild.music.piece import Piece

QUOTED_AT_ONCE, QUOTED_LATER = 4, 6
"""How many bars of its model a section quotes before it is free: right after it, and where another stands between."""


def form_of(lengths: Sequence[int]) -> tuple[str, ...]:
    """Lengths of the sections in bars -> their letters. A few bars that are left over at the end are a coda and no section.

    >>> form_of((8, 8, 8, 8)), form_of((8, 8, 1))
    (('A', 'A', 'B', 'A'), ('A', 'A', 'A'))
    """
    coda = len(lengths) > 1 and lengths[-1] <= QUOTED_AT_ONCE
    letters = plan_form(len(lengths) - coda)
    return letters + letters[-1:] * coda


def plan_form(n_sections: int) -> tuple[str, ...]:
    """Letters of the sections; the same letter means "quotes that section".

    >>> plan_form(2), plan_form(3), plan_form(4), plan_form(7)
    (('A', 'A'), ('A', 'B', 'A'), ('A', 'A', 'B', 'A'), ('A', 'A', 'B', 'A', 'C', 'C', 'A'))
    """
    letters = ["A", "B", "A"] if n_sections == 3 else ["A", "A", "B", "A"]
    episode = ord("C")
    while len(letters) < n_sections:
        letters += [chr(episode), chr(episode), "A"]
        episode = episode + 1 if episode < ord("Z") else ord("B")
    return tuple(letters[:n_sections])


def quoted_bars(letters: tuple[str, ...], number: int) -> int:
    """How many bars section `number` of a form quotes of its model; 0: it is new.

    >>> [quoted_bars(plan_form(4), number) for number in range(4)]
    [0, 4, 0, 6]
    """
    if number >= len(letters) or letters[number] not in letters[:number]:
        return 0
    return QUOTED_AT_ONCE if letters[number - 1] == letters[number] else QUOTED_LATER


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
