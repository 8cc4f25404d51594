"""The parts of a MIDI file: who plays what, each by its track, channel and program, and the piece that they make together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from klangbild.editing.midi_events import DRUM_CHANNEL, MidiEvents, Note
from klangbild.errors import UsageError
from klangbild.music.families import FAMILY_NAMES, family_of
from klangbild.music.midi import piece_of
from klangbild.music.midi_plain import PlainMidi, plain_midi
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.music.programs import COMFORT, RANGES
from klangbild.music.tune import tune_of
from klangbild.slips import nearest

MELODY = "melody"
_BASSES, _KEYS = (28, 67), (21, 108)


@dataclass(frozen=True)
class Part:
    """The notes of one program of a channel in a track. family: of `FAMILY_NAMES`."""

    track: int
    channel: int
    program: int
    family: str
    notes: tuple[Note, ...]

    @property
    def middle(self) -> float:
        """The median pitch; of a part that has no note yet the middle of what its program plays."""
        if not self.notes:
            return sum(range_of(self.program)) / 2.0
        return float(np.median([note.pitch for note in self.notes]))


@dataclass(frozen=True)
class Opened:
    """A file opened for editing: its events, its parts, and the piece of them, track i being part i. told: what of the file was put right."""

    events: MidiEvents
    parts: tuple[Part, ...]
    piece: Piece
    told: tuple[str, ...] = ()

    @property
    def families(self) -> tuple[str, ...]:
        return self.piece.families


def opened(midi: bytes, name: str) -> Opened:
    """A file's bytes, opened. Raises InputError: it is damaged, or beyond a limit."""
    plain: PlainMidi = plain_midi(midi, name, performed=True)
    events = MidiEvents.read(plain.data)
    rows: dict[tuple[int, int, int], list[Note]] = {}
    programs = events.programs()
    for note in events.notes():
        rows.setdefault((note.track, note.channel, programs.program(note.channel, note.begin)), []).append(note)
    parts = []
    for (track, channel, program), notes in rows.items():
        family = family_of(program, is_drum=channel == DRUM_CHANNEL)
        if family is not None:
            parts.append(Part(track, channel, program, family, tuple(notes)))
    read = piece_of(plain, name)
    return Opened(
        events, tuple(parts), replace(read, tracks=tuple(_track(p, events.division) for p in parts)), plain.told
    )


def notes_in_beats(notes: Iterable[Note], division: int) -> np.ndarray:
    """Notes -> structured notes (n,) in beats."""
    rows = np.array([(n.begin, max(n.end - n.begin, 1), n.pitch, n.velocity) for n in notes], np.float64).reshape(-1, 4)
    return make_notes(rows[:, 0] / division, rows[:, 1] / division, rows[:, 2], rows[:, 3])


def _track(part: Part, division: int) -> Track:
    return Track(part.family, part.program, notes_in_beats(part.notes, division))


def parts_named(opened: Opened, name: str, flag: str) -> tuple[int, ...]:
    """The numbers of the parts that a name means: a family, an instrument (where none of that very
    name plays, its family), or "melody".

    Raises:
        UsageError: the name is none, or nothing of it plays.
    """
    from klangbild.music.instrument_names import families_of, program_of

    word = name.strip().lower()
    if word == MELODY:
        tune = tune_of(opened.piece)
        if tune is None:
            raise UsageError(f"{flag} melody: only drums and bass play here; name a part: {_playing(opened)}")
        return (tune,)
    if word in FAMILY_NAMES:
        family = word
    else:
        try:
            family = families_of([word], flag)[0][0]
        except UsageError:
            close = nearest(word, (*FAMILY_NAMES, MELODY))
            hint = f"did you mean '{close}'?" if close else f"here play {_playing(opened)}"
            raise UsageError(f"{flag} '{name[:40]}' is no part; {hint}") from None
    program = program_of(word)
    players = tuple(
        number for number, part in enumerate(opened.parts) if part.program == program and part.family != "drums"
    )
    found = players or tuple(number for number, part in enumerate(opened.parts) if part.family == family)
    if not found:
        raise UsageError(f"{flag} {name[:40]}: no {family} play here; choose from {_playing(opened)}")
    return found


def range_of(program: int) -> tuple[int, int]:
    """The lowest and the highest pitch that a program is itself on."""
    return RANGES.get(program, COMFORT.get(program, _BASSES if family_of(program) == "bass" else _KEYS))


def in_range(pitch: int, program: int) -> int:
    """A pitch moved by octaves into what a program can play."""
    low, high = RANGES.get(program, (0, 127))
    while pitch < low:
        pitch += 12
    while pitch > high and pitch - 12 >= low:
        pitch -= 12
    return pitch


def _playing(opened: Opened) -> str:
    return ", ".join(opened.families)
