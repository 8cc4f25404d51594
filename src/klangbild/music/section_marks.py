"""Markers at the sections of a piece, as a DAW shows them: "section A".

A section is eight bars, as our music is written, begun anew where another mood begins. Sections that hold the same notes at the same places
have the same letter; one that is much like an earlier one has its letter with a stroke.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from klangbild.music.families import FAMILY_INDEX
from klangbild.music.piece import HIT, MOOD, Piece

SECTION = "section "
"""How such a marker begins."""
SECTION_BARS = 8
_SHORTEST_BARS = 3
_ALIKE = 0.5
_STEPS = 4
"""A beat's, to which onsets are rounded where two sections are compared."""


def with_section_marks(piece: Piece) -> Piece:
    """The piece with a marker where each of its sections begins, in place of those that it may have."""
    others = tuple(mark for mark in piece.markers if not mark[1].startswith(SECTION))
    marks = section_marks(piece)
    return replace(piece, markers=tuple(sorted((*others, *marks), key=lambda mark: mark[0])))


def shown(text: str) -> str:
    """A marker as a drawing shows it: the mood, the section's letter, or that it is a hit.

    >>> shown("mood: calm"), shown("section A"), shown("hit 4 s"), shown("Verse")
    ('calm', 'A', 'hit', 'Verse')
    """
    return "hit" if text.startswith(HIT) else text.removeprefix(MOOD).removeprefix(SECTION)


def section_marks(piece: Piece) -> tuple[tuple[float, str], ...]:
    """(beat, text) of each section; none of a piece without notes, or shorter than two sections.

    >>> from klangbild.music.piece import Track, make_notes
    >>> def notes(beats): return make_notes(beats, [1] * len(beats), [60] * len(beats), [80] * len(beats))
    >>> piano, bass = Track("piano", 0, notes(range(96))), Track("bass", 33, notes(range(32, 64, 2)))
    >>> [text for _, text in section_marks(Piece((piano, bass), length_beats=96.0))]
    ['section A', "section A'", 'section A']
    """
    starts = piece.bar_starts()
    if not piece.n_notes or len(starts) < SECTION_BARS + _SHORTEST_BARS:
        return ()
    bars = _beginnings(piece, starts)
    ends = [starts[bar] for bar in bars[1:]] + [piece.end_beats + 1.0]
    marks, known = [], []
    for bar, end in zip(bars, ends, strict=True):
        begin = starts[bar]
        marks.append((begin, SECTION + _letter(_content(piece, begin, end), known)))
    return tuple(marks)


def _beginnings(piece: Piece, starts: list[float]) -> list[int]:
    """The bar in which each section begins."""
    moods = {int(np.argmin(np.abs(np.array(starts) - beat))) for beat, text in piece.markers if text.startswith(MOOD)}
    given = sorted({0, *moods})
    bars: list[int] = []
    for first, last in zip(given, [*given[1:], len(starts)], strict=True):
        inside = list(range(first, last, SECTION_BARS))
        if len(inside) > 1 and last - inside[-1] < _SHORTEST_BARS:
            inside.pop()
        bars += inside
    return bars


def _content(piece: Piece, begin: float, end: float) -> frozenset[tuple[int, int, int]]:
    """What sounds in a section: {(family, step, pitch)}."""
    content: set[tuple[int, int, int]] = set()
    for family, notes in piece.by_family().items():
        inside = notes[(notes["onset"] >= begin - 1e-6) & (notes["onset"] < end - 1e-6)]
        steps = np.rint((inside["onset"] - begin) * _STEPS).astype(int).tolist()
        content |= {
            (FAMILY_INDEX[family], step, int(pitch)) for step, pitch in zip(steps, inside["pitch"], strict=True)
        }
    return frozenset(content)


def _letter(content: frozenset, known: list[frozenset]) -> str:
    """A, B, C, ...; those after Z have a number."""
    same = next((i for i, other in enumerate(known) if other == content), None)
    if same is None:
        near = [len(content & other) / max(len(content | other), 1) for other in known]
        if near and max(near) >= _ALIKE:
            return f"{_name(int(np.argmax(near)))}'"
        known.append(content)
        same = len(known) - 1
    return _name(same)


def _name(number: int) -> str:
    return chr(ord("A") + number % 26) + (str(number // 26 + 1) if number >= 26 else "")
