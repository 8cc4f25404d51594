"""The `<note>` elements of MusicXML: symbols of a voice with their accidentals, ties, tuplets and beams."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from klangbild.score.drum_staff import drum_sign
from klangbild.score.rhythm import TICKS, Bar
from klangbild.score.spelling import Accidentals, spelled
from klangbild.score.voices import Symbol

_TYPES = {96: "whole", 48: "half", 24: "quarter", 12: "eighth", 6: "16th", 3: "32nd"}
_DOTTED = {length * 3 // 2: name for length, name in _TYPES.items() if length > 3} | {9: "16th"}
_IN_TUPLET = {2: ("32nd", 0), 4: ("16th", 0), 6: ("16th", 1), 8: ("eighth", 0), 12: ("eighth", 1), 16: ("quarter", 0)}
_BEAMS = {"eighth": 1, "16th": 2, "32nd": 3}
_SIGNS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}

Head = Callable[[Element, int, bool], str | None]
"""Writes what a note sounds (an element, its MIDI pitch, whether it is tied to) and gives its accidental, if one is printed."""


def pitched(fifths: int, sounds: int, printed: Accidentals) -> Head:
    """Heads of a pitched part, in a written key, of an instrument that sounds so many semitones above what is written."""

    def head(note: Element, pitch: int, tied_from: bool) -> str | None:
        step, alter, octave = spelled(pitch - sounds, fifths)
        element = SubElement(note, "pitch")
        SubElement(element, "step").text = step
        if alter:
            SubElement(element, "alter").text = str(alter)
        SubElement(element, "octave").text = str(octave)
        sign = printed.needed(step, alter, octave, tied_from=tied_from)
        return None if sign is None else _SIGNS[sign]

    return head


def unpitched(note: Element, pitch: int, _tied_from: bool) -> None:
    """Heads of a kit."""
    sign = drum_sign(pitch)
    element = SubElement(note, "unpitched")
    SubElement(element, "display-step").text = sign.step
    SubElement(element, "display-octave").text = str(sign.octave)


def type_of(symbol: Symbol) -> tuple[str, int]:
    """The name of a symbol's note value and its dots."""
    if symbol.tuplet:
        return _IN_TUPLET[symbol.length]
    if symbol.length in _TYPES:
        return _TYPES[symbol.length], 0
    return _DOTTED[symbol.length], 1


def add_notes(
    measure: Element,
    symbols: list[Symbol],
    bar: Bar,
    *,
    voice: int,
    staff: int | None,
    head: Head,
    stem: str | None,
    rests: bool,
    instrument: str | None,
) -> None:
    """Append the signs of one voice in one bar. staff: its number where the part has two. stem: "up" or "down", None as the reader will.
    rests: printed, or passed over where another voice stands. instrument: what the ids of a kit's drums begin with."""
    beams = _beams(symbols, bar)
    for i, symbol in enumerate(symbols):
        if not symbol.pitches and not rests and not symbol.tuplet:
            SubElement(SubElement(measure, "forward"), "duration").text = str(symbol.length)
            continue
        kind, dots = type_of(symbol)
        for j, pitch in enumerate(symbol.pitches or (None,)):
            note = SubElement(measure, "note")
            if j:
                SubElement(note, "chord")
            sign = None
            if pitch is None:
                SubElement(note, "rest")
            else:
                sign = head(note, pitch, symbol.tied_from)
            SubElement(note, "duration").text = str(symbol.length)
            for there, name in ((symbol.tied_from, "stop"), (symbol.tied_to, "start")):
                if there:
                    SubElement(note, "tie", type=name)
            if instrument and pitch is not None:
                SubElement(note, "instrument", id=f"{instrument}{pitch}")
            SubElement(note, "voice").text = str(voice)
            SubElement(note, "type").text = kind
            for _ in range(dots):
                SubElement(note, "dot")
            if sign:
                SubElement(note, "accidental").text = sign
            if symbol.tuplet:
                ratio = SubElement(note, "time-modification")
                SubElement(ratio, "actual-notes").text = str(symbol.tuplet)
                SubElement(ratio, "normal-notes").text = str(symbol.tuplet * 2 // 3)
            if stem and pitch is not None:
                SubElement(note, "stem").text = stem
            if instrument and pitch is not None:
                SubElement(note, "notehead").text = drum_sign(pitch).head
            if staff is not None:
                SubElement(note, "staff").text = str(staff)
            if not j:
                for level, word in enumerate(beams[i], start=1):
                    SubElement(note, "beam", number=str(level)).text = word
            _notations(note, symbol, chord=j > 0)


def _notations(note: Element, symbol: Symbol, *, chord: bool) -> None:
    bracket = symbol.tuplet and not chord and (symbol.first or symbol.last) and not (symbol.first and symbol.last)
    if not (bracket or symbol.tied_from or symbol.tied_to):
        return
    notations = SubElement(note, "notations")
    for there, name in ((symbol.tied_from, "stop"), (symbol.tied_to, "start")):
        if there:
            SubElement(notations, "tied", type=name)
    if bracket:
        SubElement(notations, "tuplet", type="start" if symbol.first else "stop")


def _beams(symbols: list[Symbol], bar: Bar) -> list[list[str]]:
    """For each symbol the words of its beams, the first level first; none where it has none."""
    levels = [_BEAMS.get(type_of(s)[0], 0) if s.pitches else 0 for s in symbols]
    beat = bar.beat if bar.in_threes else TICKS
    beats = [(s.start - bar.start) // beat for s in symbols]
    words: list[list[str]] = [[] for _ in symbols]

    def joined(i: int, j: int, level: int) -> bool:
        return 0 <= j < len(symbols) and beats[i] == beats[j] and levels[j] >= level

    for i, deep in enumerate(levels):
        if not joined(i, i - 1, 1) and not joined(i, i + 1, 1):
            continue
        for level in range(1, deep + 1):
            before, after = joined(i, i - 1, level), joined(i, i + 1, level)
            if before and after:
                words[i].append("continue")
            elif before:
                words[i].append("end")
            elif after:
                words[i].append("begin")
            else:
                words[i].append("backward hook" if joined(i, i - 1, 1) else "forward hook")
    return words
