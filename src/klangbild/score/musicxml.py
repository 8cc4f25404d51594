"""A piece as MusicXML 4.0: what notation programs open (MuseScore, Dorico, Finale, Sibelius), and engravers draw.

The notes are those of the MIDI file, each read on the nearest sixteenth, thirty-second or tuplet (`rhythm.py`), at most a twelfth of a beat
off.

Format: W3C Music Notation Community Group (2021), "MusicXML 4.0".
"""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from klangbild import __version__
from klangbild.music.instrument_names import GENERAL_MIDI
from klangbild.music.piece import LOOP_END, LOOP_START, Piece
from klangbild.music.section_marks import SECTION
from klangbild.score.drum_staff import drum_sign
from klangbild.score.parts import Part, part_of
from klangbild.score.rhythm import TICKS, Bar, bars_of
from klangbild.score.signs import add_notes, pitched, unpitched
from klangbild.score.spelling import Accidentals, fifths_of
from klangbild.score.tempo_marks import TempoMark, tempo_marks
from klangbild.score.voices import MOST_VOICES, symbols_of

RECORD_FIELD = "klangbild"
"""The miscellaneous field that carries the record."""
_HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_DRUM_CHANNEL = 10


def to_musicxml(piece: Piece, *, title: str, creator: str = "klangbild", record: str | None = None) -> bytes:
    """The score of a piece with at least one note. record: kept in the file, so that it can be replayed."""
    bars = bars_of(piece)
    parts = _numbered([part_of(track, bars) for track in piece.tracks if len(track.notes)])
    root = Element("score-partwise", version="4.0")
    SubElement(SubElement(root, "work"), "work-title").text = title
    identification = SubElement(root, "identification")
    SubElement(identification, "creator", type="composer").text = creator
    SubElement(SubElement(identification, "encoding"), "software").text = f"klangbild {__version__}"
    if record:
        field = SubElement(SubElement(identification, "miscellaneous"), "miscellaneous-field", name=RECORD_FIELD)
        field.text = record
    listed = SubElement(root, "part-list")
    for i, part in enumerate(parts, start=1):
        _list_part(listed, part, i)
    marks = tempo_marks(piece, bars)
    for i, part in enumerate(parts, start=1):
        element = SubElement(root, "part", id=f"P{i}")
        fifths = fifths_of(piece.key, -part.writing.sounds)
        for number, bar in enumerate(bars):
            measure = SubElement(element, "measure", number=str(number + 1))
            _attributes(measure, part, bar, bars[number - 1] if number else None, fifths, piece)
            if i == 1:
                _tempo(measure, marks, bar)
                _rehearsal(measure, piece, bar)
            if number in part.dynamics:
                _dynamics(measure, part.dynamics[number])
            _bar(measure, part, bar, fifths, f"P{i}-I")
            if number == len(bars) - 1:
                line = SubElement(measure, "barline", location="right")
                SubElement(line, "bar-style").text = "light-heavy"
    indent(root, " ")
    return (_HEADER + tostring(root, encoding="unicode") + "\n").encode()


def _numbered(parts: list[Part]) -> list[Part]:
    """Parts that are called alike with a number each, as in "Violin 1" and "Violin 2"."""
    names = [part.name for part in parts]
    return [
        replace(part, name=f"{part.name} {names[:i].count(part.name) + 1}") if names.count(part.name) > 1 else part
        for i, part in enumerate(parts)
    ]


def _list_part(listed: Element, part: Part, number: int) -> None:
    entry = SubElement(listed, "score-part", id=f"P{number}")
    SubElement(entry, "part-name").text = part.name
    if part.track.plays_kit:
        ids = [(f"P{number}-I{pitch}", drum_sign(pitch).name, pitch) for pitch in part.drums]
    else:
        ids = [(f"P{number}-I", GENERAL_MIDI[part.track.program].capitalize(), None)]
    for name, sound, _ in ids:
        instrument = SubElement(entry, "score-instrument", id=name)
        SubElement(instrument, "instrument-name").text = sound
    channel = number if number < _DRUM_CHANNEL else number + 1
    for name, _, pitch in ids:
        midi = SubElement(entry, "midi-instrument", id=name)
        SubElement(midi, "midi-channel").text = str(_DRUM_CHANNEL if pitch is not None else (channel - 1) % 16 + 1)
        SubElement(midi, "midi-program").text = str(part.track.program + 1)
        if pitch is not None:
            SubElement(midi, "midi-unpitched").text = str(pitch + 1)


def _attributes(measure: Element, part: Part, bar: Bar, before: Bar | None, fifths: int, piece: Piece) -> None:
    meter = (bar.numerator, bar.denominator)
    if before is not None and meter == (before.numerator, before.denominator):
        return
    attributes = SubElement(measure, "attributes")
    if before is None:
        SubElement(attributes, "divisions").text = str(TICKS)
        key = SubElement(attributes, "key")
        SubElement(key, "fifths").text = str(0 if part.track.plays_kit else fifths)
        if piece.key is not None:
            SubElement(key, "mode").text = piece.key.mode
    time = SubElement(attributes, "time")
    SubElement(time, "beats").text, SubElement(time, "beat-type").text = map(str, meter)
    if before is not None:
        return
    if len(part.staves) > 1:
        SubElement(attributes, "staves").text = str(len(part.staves))
    for i, staff in enumerate(part.staves, start=1):
        sign, line, octaves = staff.clef
        clef = SubElement(attributes, "clef", {} if len(part.staves) == 1 else {"number": str(i)})
        SubElement(clef, "sign").text = sign
        if sign != "percussion":
            SubElement(clef, "line").text = str(line)
        if octaves:
            SubElement(clef, "clef-octave-change").text = str(octaves)
    if part.writing.sounds:
        _transpose(attributes, part.writing.sounds)


def _transpose(attributes: Element, sounds: int) -> None:
    octaves, chromatic = (abs(sounds) // 12, abs(sounds) % 12) if sounds % 12 else (abs(sounds) // 12, 0)
    sign = 1 if sounds > 0 else -1
    steps = {0: 0, 2: 1, 7: 4, 9: 5}[chromatic]
    transpose = SubElement(attributes, "transpose")
    SubElement(transpose, "diatonic").text = str(sign * steps)
    SubElement(transpose, "chromatic").text = str(sign * chromatic)
    if octaves:
        SubElement(transpose, "octave-change").text = str(sign * octaves)


def _tempo(measure: Element, marks: list[TempoMark], bar: Bar) -> None:
    for mark in marks:
        if not bar.start <= mark.at < bar.end:
            continue
        offset = mark.at - bar.start
        if not mark.printed and not mark.words:
            sound = SubElement(measure, "sound", tempo=f"{mark.bpm:.6g}")
            if offset:
                SubElement(sound, "offset").text = str(offset)
            continue
        direction = SubElement(measure, "direction", placement="above")
        if mark.words:
            SubElement(
                SubElement(direction, "direction-type"), "words", {"font-weight": "bold"}
            ).text = f"{mark.words} "
        if mark.printed:
            metronome = SubElement(SubElement(direction, "direction-type"), "metronome", parentheses="yes")
            SubElement(metronome, "beat-unit").text = "quarter"
            if bar.in_threes:
                SubElement(metronome, "beat-unit-dot")
            bpm = mark.bpm * TICKS / bar.beat
            SubElement(metronome, "per-minute").text = f"{bpm:.0f}"
        if offset:
            SubElement(direction, "offset").text = str(offset)
        SubElement(direction, "sound", tempo=f"{mark.bpm:.6g}")


def _rehearsal(measure: Element, piece: Piece, bar: Bar) -> None:
    for beat, text in piece.markers:
        if text not in (LOOP_START, LOOP_END) and bar.start <= round(beat * TICKS) < bar.end:
            direction = SubElement(measure, "direction", placement="above")
            SubElement(SubElement(direction, "direction-type"), "rehearsal").text = _mark(text)


def _mark(text: str) -> str:
    """Of a section its letter; all else as it is."""
    return text.removeprefix(SECTION)


def _dynamics(measure: Element, mark: str) -> None:
    direction = SubElement(measure, "direction", placement="below")
    SubElement(SubElement(SubElement(direction, "direction-type"), "dynamics"), mark)
    SubElement(direction, "staff").text = "1"


def _bar(measure: Element, part: Part, bar: Bar, fifths: int, instrument: str) -> None:
    """All voices of all staves of one bar."""
    length, first = bar.end - bar.start, True
    two = len(part.staves) > 1
    for number, staff in enumerate(part.staves, start=1):
        printed = Accidentals(fifths)
        written = [(i, symbols_of(voice, bar, part.grid)) for i, voice in enumerate(staff.voices)]
        written = [(i, symbols) for i, symbols in written if symbols]
        for order, (i, symbols) in enumerate(written):
            if not first:
                _back(measure, length)
            first = False
            stem = None
            if len(written) > 1 or part.drums:
                down = order % 2 == 1 if not part.drums else drum_sign(staff.voices[i][0].pitches[0]).foot
                stem = "down" if down else "up"
            head = unpitched if part.drums else pitched(fifths, part.writing.sounds, printed)
            add_notes(
                measure,
                symbols,
                bar,
                voice=(number - 1) * MOST_VOICES + i + 1,
                staff=number if two else None,
                head=head,
                stem=stem,
                rests=order == 0,
                instrument=instrument if part.drums else None,
            )
        if not written:
            if not first:
                _back(measure, length)
            first = False
            rest = SubElement(measure, "note")
            SubElement(rest, "rest", measure="yes")
            SubElement(rest, "duration").text = str(length)
            SubElement(rest, "voice").text = str((number - 1) * MOST_VOICES + 1)
            if two:
                SubElement(rest, "staff").text = str(number)


def _back(measure: Element, length: int) -> None:
    SubElement(SubElement(measure, "backup"), "duration").text = str(length)
