"""How pitches are spelled and which accidentals are printed.

Names of notes stand on the line of fifths (F C G D A E B, then the same with a sharp). A key takes its twelve from two before its own
seven to three after them, so that G minor has F sharp and E flat major no D sharp. D. Temperley (2001), "The Cognition of
Basic Musical Structures", MIT Press, chapter 5.
"""

from __future__ import annotations

from klangbild.music.piece import Key

STEPS = "FCGDAEB"
_BEFORE = 2
_NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def fifths_of(key: Key | None, up: int = 0) -> int:
    """Sharps (flats where negative), -5 .. 6, of a key, written `up` semitones higher.

    >>> fifths_of(Key.parse("Eb")), fifths_of(Key.parse("f# minor")), fifths_of(Key.parse("C"), up=2)
    (-3, 3, 2)
    """
    if key is None:
        return 0
    major = (key.tonic + (3 if key.mode == "minor" else 0) + up) % 12
    fifths = major * 7 % 12
    return fifths - 12 if fifths > 6 else fifths


def spelled(pitch: int, fifths: int) -> tuple[str, int, int]:
    """A written MIDI pitch in a key of so many fifths -> step, alteration in semitones, octave (4 from middle C on).

    >>> spelled(66, 1), spelled(63, -3), spelled(59, 7)
    (('F', 1, 4), ('E', -1, 4), ('B', 0, 3))
    """
    first = fifths - 1 - _BEFORE
    place = next(p for p in range(first, first + 12) if (p * 7 - pitch) % 12 == 0)
    step, alter = STEPS[(place + 1) % 7], (place + 1) // 7
    return step, alter, (pitch - alter) // 12 - 1


def in_key(step: str, fifths: int) -> int:
    """The alteration that the key signature gives a step."""
    place = STEPS.index(step)
    return (fifths - place + 6) // 7


class Accidentals:
    """What stands printed in a bar of one staff, and so which sign the next note needs."""

    def __init__(self, fifths: int) -> None:
        self._fifths = fifths
        self._printed: dict[tuple[str, int], int] = {}

    def needed(self, step: str, alter: int, octave: int, *, tied_from: bool) -> int | None:
        """The alteration to print before a note, None where none is needed. A note that is tied to needs none."""
        place = (step, octave)
        now = self._printed.get(place, in_key(step, self._fifths))
        if tied_from or now == alter:
            return None
        self._printed[place] = alter
        return alter
