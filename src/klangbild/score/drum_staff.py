"""Where each drum of General MIDI stands on a staff of five lines, and with which note head.

After N. Weinberg (1998), "Guide to Standardized Drumset Notation", Percussive Arts Society: cymbals are crosses above the
staff, hands have stems up and feet have them down.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DrumSign:
    """step, octave: where it stands, as in the treble clef. head: of the note. foot: the stem goes down. name: in words."""

    step: str
    octave: int
    head: str
    name: str
    foot: bool = False


_CROSS, _CIRCLED, _PLAIN = "x", "circle-x", "normal"
DRUM_SIGNS: dict[int, DrumSign] = {
    35: DrumSign("E", 4, _PLAIN, "Acoustic bass drum", foot=True),
    36: DrumSign("F", 4, _PLAIN, "Bass drum", foot=True),
    37: DrumSign("C", 5, _CROSS, "Side stick"),
    38: DrumSign("C", 5, _PLAIN, "Snare"),
    39: DrumSign("D", 5, _CROSS, "Hand clap"),
    40: DrumSign("C", 5, "diamond", "Electric snare"),
    41: DrumSign("G", 4, _PLAIN, "Low floor tom"),
    42: DrumSign("G", 5, _CROSS, "Closed hi-hat"),
    43: DrumSign("A", 4, _PLAIN, "High floor tom"),
    44: DrumSign("D", 4, _CROSS, "Pedal hi-hat", foot=True),
    45: DrumSign("B", 4, _PLAIN, "Low tom"),
    46: DrumSign("G", 5, _CIRCLED, "Open hi-hat"),
    47: DrumSign("B", 4, "diamond", "Low-mid tom"),
    48: DrumSign("D", 5, _PLAIN, "Hi-mid tom"),
    49: DrumSign("A", 5, _CROSS, "Crash cymbal"),
    50: DrumSign("E", 5, _PLAIN, "High tom"),
    51: DrumSign("F", 5, _CROSS, "Ride cymbal"),
    52: DrumSign("B", 5, _CIRCLED, "Chinese cymbal"),
    53: DrumSign("F", 5, "diamond", "Ride bell"),
    54: DrumSign("E", 5, _CROSS, "Tambourine"),
    55: DrumSign("B", 5, "diamond", "Splash cymbal"),
    56: DrumSign("E", 5, "triangle", "Cowbell"),
    57: DrumSign("B", 5, _CROSS, "Crash cymbal 2"),
    59: DrumSign("F", 5, _CIRCLED, "Ride cymbal 2"),
}
_OTHER = DrumSign("E", 5, "triangle", "Percussion")


def drum_sign(pitch: int) -> DrumSign:
    """The sign of a drum (MIDI pitch); of rare percussion the one of all percussion, named by its number."""
    return DRUM_SIGNS.get(pitch, DrumSign(_OTHER.step, _OTHER.octave, _OTHER.head, f"{_OTHER.name} {pitch}"))
