"""The eleven instrument families that our music is written in, and what General MIDI program each stands for.

Conventions: programs are 0-based General MIDI numbers 0..127; drums are a family of their own (MIDI channel 10).
Programs 119..127 (effects such as gunshot and telephone) belong to no family and are dropped on reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Family:
    """One family: its default program, colour on the roll, and place in the stereo picture (-1 left .. 1 right)."""

    name: str
    program: int
    colour: str
    pan: float
    lowest_pitch: int = 21
    highest_pitch: int = 108


FAMILIES: tuple[Family, ...] = (
    Family("drums", 0, "#5f6368", 0.0, 35, 81),
    Family("piano", 0, "#2f6fb0", -0.15),
    Family("mallet", 11, "#e3b23c", 0.35),
    Family("organ", 16, "#8c5e3c", -0.35),
    Family("guitar", 24, "#d9792b", 0.3),
    Family("bass", 32, "#7a3b69", 0.0),
    Family("strings", 48, "#b5352c", -0.3),
    Family("brass", 61, "#c9981f", 0.25),
    Family("winds", 73, "#3a8f5c", 0.2),
    Family("lead", 80, "#d1457f", 0.1),
    Family("pad", 88, "#4aa3a2", -0.1),
)
"""In the order in which notes of one moment are written; a family's index is its number everywhere."""

FAMILY_NAMES: tuple[str, ...] = tuple(family.name for family in FAMILIES)
FAMILY_INDEX = MappingProxyType({family.name: index for index, family in enumerate(FAMILIES)})


MELODIC_DRUMS = range(115, 119)
"""Woodblock, taiko, melodic tom and synth drum: drums that are played by pitch, as programs of their own."""


def family_of(program: int, *, is_drum: bool = False) -> str | None:
    """The family of a General MIDI program (0..127), or None for sound effects.

    >>> family_of(40), family_of(0, is_drum=True), family_of(116), family_of(127)
    ('strings', 'drums', 'drums', None)
    """
    if is_drum:
        return "drums"
    if program in (47, 112, 113, 114):  # timpani and tuned percussion play like mallets
        return "mallet"
    if program in MELODIC_DRUMS:
        return "drums"
    if 104 <= program <= 111:  # sitar, banjo, ... are plucked
        return "guitar"
    for last, name in (
        (7, "piano"), (15, "mallet"), (23, "organ"), (31, "guitar"), (39, "bass"), (55, "strings"),
        (63, "brass"), (79, "winds"), (87, "lead"), (103, "pad"),
    ):  # fmt: skip
        if program <= last:
            return name
    return None
