"""The General MIDI programs that each family is played by: what they can play, how they feel, and which go together.

A program stands at a place on the valence/arousal plane (our own ear's judgement, no measurement). A *style* is a band of programs
that are heard together; every family has someone in it. Ranges are sounding pitch, after Adler, The Study of Orchestration (2002).
"""

from __future__ import annotations

from types import MappingProxyType

SOLOS = frozenset([*range(40, 44), *range(56, 61), *range(64, 80)])
"""Programs that are one player: no chords."""
MONOPHONIC = SOLOS | frozenset(range(80, 88))
"""The same and the lead synthesizers, which are set to one voice."""
DISTORTED = frozenset([29, 30])
"""Guitars on which a triad is a growl: single notes, fifths and octaves only."""
E1 = 28
"""The lowest string of a bass."""
RANGES = MappingProxyType({
    40: (55, 105), 41: (48, 91), 42: (36, 84), 43: (24, 67), 56: (52, 87), 57: (34, 77), 58: (26, 65), 59: (52, 87), 60: (34, 77),
    64: (56, 88), 65: (49, 85), 66: (44, 80), 67: (36, 74), 68: (58, 93), 69: (52, 84), 70: (34, 77), 71: (50, 96),
    72: (74, 108), 73: (59, 99), 74: (60, 98),
})  # fmt: skip
"""Program -> lowest and highest sounding MIDI pitch."""
COMFORT = MappingProxyType({
    48: (28, 100), 49: (28, 100), 44: (36, 100), 45: (36, 96), 50: (28, 100), 51: (28, 100), 61: (34, 87), 62: (34, 87), 63: (34, 87),
    75: (55, 96), 79: (55, 96), 80: (40, 96), 81: (40, 96), 82: (48, 96), 84: (40, 96), 87: (28, 84),
    24: (38, 88), 25: (38, 88), 26: (38, 88), 27: (38, 88), 28: (38, 88), 29: (38, 88), 30: (38, 88),
    8: (60, 108), 9: (72, 108), 10: (60, 100), 11: (53, 89), 12: (45, 96), 13: (65, 108), 14: (60, 77), 47: (36, 60),
})  # fmt: skip
"""The same of programs that a synthesizer plays anywhere, but which are themselves only here."""

FEELING: dict[int, tuple[float, float]] = {
    0: (0.0, 0.0), 1: (0.2, 0.7), 2: (0.1, 0.4), 4: (0.4, -0.4), 5: (0.3, 0.1),
    8: (0.5, -0.7), 9: (0.6, 0.1), 10: (0.5, -0.5), 11: (0.1, -0.5), 12: (0.4, 0.3), 13: (0.4, 0.6), 14: (-0.6, -0.2), 47: (-0.5, 0.7),
    16: (0.2, 0.4), 17: (0.2, 0.5), 18: (-0.1, 0.8), 19: (-0.5, 0.0), 20: (0.0, -0.6), 21: (0.6, 0.3), 23: (-0.2, 0.1),
    24: (0.2, -0.6), 25: (0.5, 0.0), 26: (0.2, -0.2), 27: (0.3, 0.4), 28: (0.1, 0.6), 29: (-0.2, 0.7), 30: (-0.6, 0.9),
    32: (0.1, -0.4), 33: (0.1, 0.2), 34: (0.0, 0.7), 35: (-0.3, -0.4), 38: (0.1, 0.7), 39: (-0.5, 0.6),
    40: (0.1, 0.2), 41: (-0.3, -0.1), 42: (-0.5, -0.4), 44: (-0.7, 0.6), 45: (0.4, 0.1), 48: (0.1, 0.2), 49: (0.1, -0.5),
    50: (0.2, 0.3), 51: (-0.1, -0.4),
    56: (0.5, 0.5), 57: (-0.5, 0.3), 58: (-0.3, 0.1), 59: (-0.2, -0.1), 60: (0.2, -0.4), 61: (0.3, 0.6), 62: (0.2, 0.7), 63: (0.1, 0.2),
    64: (0.3, 0.0), 65: (0.2, 0.3), 66: (0.0, 0.2), 67: (-0.2, 0.4), 68: (-0.4, -0.2), 69: (-0.5, -0.4), 70: (-0.5, 0.3),
    71: (0.0, -0.4), 72: (0.6, 0.4), 73: (0.5, -0.3), 74: (0.4, 0.0), 75: (0.2, -0.5), 79: (0.1, -0.6),
    80: (0.2, 0.5), 81: (-0.3, 0.7), 82: (0.3, -0.5), 84: (-0.2, 0.8), 87: (-0.4, 0.8),
    88: (0.4, -0.3), 89: (0.2, -0.6), 90: (0.3, 0.4), 91: (-0.1, -0.2), 95: (-0.5, 0.1),
}  # fmt: skip

_PADS, _KIT = (88, 89, 91, 95), (0,)
STYLES: dict[str, dict[str, tuple[int, ...]]] = {
    "orchestra": {
        "drums": _KIT, "piano": (0,), "mallet": (8, 9, 11, 12, 13, 14, 47), "organ": (19, 20), "guitar": (24,), "bass": (32,),
        "strings": (40, 41, 42, 44, 45, 48, 49), "brass": (56, 57, 58, 60, 61), "winds": (68, 69, 70, 71, 72, 73), "lead": (82,),
        "pad": (89, 91, 95),
    },
    "folk": {
        "drums": _KIT, "piano": (0,), "mallet": (11, 12), "organ": (20, 21), "guitar": (24, 25), "bass": (32,),
        "strings": (40, 42, 48, 49), "brass": (57, 60, 61), "winds": (71, 73, 74, 75, 79), "lead": (82,), "pad": (88, 89, 91),
    },
    "band": {
        "drums": _KIT, "piano": (0, 1, 4), "mallet": (11, 12), "organ": (16, 18), "guitar": (25, 27, 28, 29, 30), "bass": (33, 34),
        "strings": (44, 48, 49), "brass": (56, 57, 61), "winds": (64, 65, 66, 67, 73), "lead": (80, 81), "pad": _PADS,
    },
    "jazz": {
        "drums": _KIT, "piano": (0, 4), "mallet": (11, 12), "organ": (16, 17), "guitar": (26, 27), "bass": (32, 33, 35),
        "strings": (42, 48, 49), "brass": (56, 57, 59, 61), "winds": (64, 65, 66, 71, 73), "lead": (80, 82), "pad": (89, 91),
    },
    "synth": {
        "drums": _KIT, "piano": (2, 4, 5), "mallet": (10, 11, 12, 14), "organ": (16, 18), "guitar": (27, 29, 30), "bass": (38, 39),
        "strings": (50, 51), "brass": (62, 63), "winds": (73, 75, 79), "lead": (80, 81, 82, 84, 87), "pad": (*_PADS, 90),
    },
}  # fmt: skip
