"""How each instrument's music is written: its staves, clefs, and how far from what sounds.

Written pitch = sounding pitch - `Writing.sounds`. Sources: the ranges and transpositions of any orchestration handbook (S. Adler,
"The Study of Orchestration").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.music.instrument_names import GENERAL_MIDI
from klangbild.music.piece import Track


@dataclass(frozen=True)
class Writing:
    """staves: 1 or 2; always: 2 also where one of them is empty. clef: (sign, line, octaves) of one staff, None: by where its notes lie. sounds: semitones above what is written."""

    staves: int = 1
    clef: tuple[str, int, int] | None = None
    sounds: int = 0
    always: bool = False


TREBLE, BASS, ALTO = ("G", 2, 0), ("F", 4, 0), ("C", 3, 0)
_TREBLE_DOWN = ("G", 2, -1)
_KEYS, _WIDE_RANGE = Writing(staves=2, always=True), Writing(staves=2)
_BY_PROGRAM = {
    **dict.fromkeys((*range(8), *range(16, 22), 23), _KEYS),
    **dict.fromkeys((10, 12, 46, *range(88, 104)), _WIDE_RANGE),
    8: Writing(staves=2, sounds=12),  # celesta
    9: Writing(clef=TREBLE, sounds=24),  # glockenspiel
    13: Writing(clef=TREBLE, sounds=12),  # xylophone
    **dict.fromkeys(range(24, 32), Writing(clef=_TREBLE_DOWN)),  # guitars, the clef says the octave
    **dict.fromkeys(range(32, 40), Writing(clef=BASS, sounds=-12)),
    40: Writing(clef=TREBLE),
    41: Writing(clef=ALTO),
    43: Writing(clef=BASS, sounds=-12),  # contrabass
    47: Writing(clef=BASS),
    56: Writing(clef=TREBLE, sounds=-2),  # trumpet in B flat
    57: Writing(clef=BASS),
    58: Writing(clef=BASS),
    59: Writing(clef=TREBLE, sounds=-2),
    60: Writing(clef=TREBLE, sounds=-7),  # horn in F
    64: Writing(clef=TREBLE, sounds=-2),
    65: Writing(clef=TREBLE, sounds=-9),
    66: Writing(clef=TREBLE, sounds=-14),
    67: Writing(clef=TREBLE, sounds=-21),
    68: Writing(clef=TREBLE),
    69: Writing(clef=TREBLE, sounds=-7),  # english horn
    70: Writing(clef=BASS),
    71: Writing(clef=TREBLE, sounds=-2),  # clarinet in B flat
    72: Writing(clef=TREBLE, sounds=12),  # piccolo
    73: Writing(clef=TREBLE),
    74: Writing(clef=TREBLE, sounds=12),
}
_MIDDLE_C = 60
_WIDE = 24


def writing_of(track: Track) -> Writing:
    """How a pitched track is written: by its program, and where that leaves it open by its notes."""
    known = _BY_PROGRAM.get(track.program, Writing())
    if known.clef or known.staves == 2:
        return known
    pitches = track.notes["pitch"].astype(int)
    low, high = np.percentile(pitches, (10, 90)) if len(pitches) else (_MIDDLE_C, _MIDDLE_C)
    if low < _MIDDLE_C - 12 and high > _MIDDLE_C + 7 and high - low > _WIDE:
        return Writing(staves=2)
    return Writing(clef=BASS if np.median(pitches) < _MIDDLE_C - 4 else TREBLE)


def name_of(track: Track) -> str:
    """What a score calls the instrument.

    >>> from klangbild.music.piece import Track, make_notes
    >>> name_of(Track("piano", 0, make_notes())), name_of(Track("drums", 0, make_notes()))
    ('Acoustic grand piano', 'Drums')
    """
    if track.plays_kit:
        return "Drums"
    in_key = {-2: " in B♭", -7: " in F", -9: " in E♭", -14: " in B♭", -21: " in E♭"}
    return GENERAL_MIDI[track.program].capitalize() + in_key.get(
        _BY_PROGRAM.get(track.program, Writing()).sounds if track.family in ("winds", "brass") else 0, ""
    )


def split_point(pitches: np.ndarray) -> int:
    """The lowest pitch of the upper of two staves, for the notes of one bar: the widest gap between them about middle C.

    >>> split_point(np.array([40, 47, 64, 67])), split_point(np.array([72, 76])), split_point(np.array([60, 64]))
    (60, 60, 60)
    """
    near = np.unique(pitches[(pitches >= _MIDDLE_C - 8) & (pitches <= _MIDDLE_C + 8)])
    if len(near) < 2 or not (near < _MIDDLE_C).any() or not (near >= _MIDDLE_C).any():
        return _MIDDLE_C
    gaps = np.diff(near) - 0.1 * np.abs((near[1:] + near[:-1]) / 2.0 - _MIDDLE_C)
    return int(near[int(gaps.argmax()) + 1])
