"""Another band plays the piece: each player of a list gets a part that suits it, moved by octaves into what it can play.

Every note stays, at its tick, with its length, its loudness and its pitch class. One channel is one part, whoever speaks to it. A list with more players
than parts has chords parted (`music.players`): the tune and what is below it, or voice by voice; who finds nothing to play is told. Drums play on if they are
named, and rest if they are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from klangbild.editing.midi_events import DRUM_CHANNEL, TRACK_NAME, Event, MidiEvents, Note, meta
from klangbild.editing.parts import Opened, notes_in_beats, range_of
from klangbild.editing.tonality import with_pitches
from klangbild.errors import UsageError
from klangbild.music.families import FAMILIES, FAMILY_INDEX, family_of
from klangbild.music.instrument_names import families_of, program_of
from klangbild.music.midi import track_name
from klangbild.music.orchestrate import unfit
from klangbild.music.piece import Piece, Track
from klangbild.music.players import in_voices, tune_and_chords
from klangbild.music.tune import tune_of

_LEADS = ("winds", "lead", "strings", "brass", "piano", "guitar", "mallet", "organ", "pad")
"""Who carries a tune most readily."""
_BELOW = 52
"""A part whose middle lies lower is a bass."""
_MISPLACED = 3.0
_OCTAVE_COST, _PROGRAM, _BANK = 0.35, 0xC0, (0, 32)


@dataclass(frozen=True)
class _Voice:
    """Notes that one player plays, on a channel; moved: it is to have a channel of its own."""

    channel: int
    notes: tuple[Note, ...]
    moved: bool = False

    @property
    def middle(self) -> float:
        return float(np.median([note.pitch for note in self.notes]))


def played_by(opened: Opened, names: Sequence[str]) -> tuple[MidiEvents, tuple[str, ...]]:
    """The file with these players; and what its asker should know.

    Raises:
        UsageError: a name is no player, or there is no pitched note and nobody but drums.
    """
    programs, told = programs_named(names)
    drums = None in programs
    wanted = [program for program in programs if program is not None]
    events, division = opened.events, opened.events.division
    notes = events.notes()
    drummed = [note for note in notes if note.channel == DRUM_CHANNEL]
    if drums and not drummed:
        told.append("--players: there is nothing for drums to play here; --keep melody writes them a part")
    if not drums and drummed:
        events = events.replaced(drummed, [])
        told.append("--players: drums are not among them and rest")
    pitched: dict[int, list[Note]] = defaultdict(list)
    for note in events.notes():
        if note.channel != DRUM_CHANNEL:
            pitched[note.channel].append(note)
    if not pitched:
        raise UsageError("--players: only drums play here; there is nothing to give to others")
    if not wanted:
        if not drums or not drummed:
            raise UsageError("--players: name somebody who plays by pitch, like strings or piano")
        return events.replaced([note for rows in pitched.values() for note in rows], []), tuple(told)
    voices = [_Voice(channel, tuple(rows)) for channel, rows in sorted(pitched.items())]
    free = [channel for channel in range(16) if channel != DRUM_CHANNEL and channel not in pitched]
    voices = _parted(voices, len(wanted), len(free), division)
    casting = _cast(voices, wanted, division)
    idle = [i for i in range(len(wanted)) if i not in casting]
    if idle:
        found = ", ".join(_name(wanted[i]) for i in idle)
        told.append(f"--players: {found} found nothing to play; the piece has {len(voices)} parts")
    return _written(events, voices, [wanted[i] for i in casting], free), tuple(told)


def programs_named(names: Sequence[str]) -> tuple[list[int | None], list[str]]:
    """Players by name -> a program each (None: the drums), each once, and what is told of it."""
    found: list[int | None] = []
    told = []
    for name in names:
        family = families_of([name], "--players")[0][0]
        named = program_of(name)
        program = None if family == "drums" else named if named is not None else FAMILIES[FAMILY_INDEX[family]].program
        if program not in found:
            found.append(program)
        if named is None and name.lower() != family:
            told.append(f"{name}: played by {family}")
    return found, told


def _parted(voices: list[_Voice], wanted: int, free: int, division: int) -> list[_Voice]:
    """Voices, those with chords parted until there are enough for all, as far as there are channels."""
    voices = list(voices)
    while len(voices) < wanted and free > 0:
        best: tuple[int, list[list[Note]]] | None = None
        for number, voice in enumerate(voices):
            split = _split(voice, division)
            if split and (best is None or len(split[1]) > len(best[1][1])):
                best = number, split
        if best is None:
            break
        number, (above, below) = best
        voice = voices[number]
        voices[number] = replace(voice, notes=tuple(below))
        voices.append(_Voice(voice.channel, tuple(above), moved=True))
        free -= 1
    return voices


def _split(voice: _Voice, division: int) -> list[list[Note]] | None:
    """[what lies above, what is below it]; None where it is a line."""
    by_row = sorted(voice.notes, key=lambda note: (note.begin, note.pitch))
    beats = notes_in_beats(by_row, division)
    for parted in (tune_and_chords(beats), in_voices(beats)):
        if len(parted) > 1:
            top = {(round(float(n["onset"]) * division), int(n["pitch"])) for n in parted[0]}
            above = [note for note in by_row if (note.begin, note.pitch) in top]
            below = [note for note in by_row if (note.begin, note.pitch) not in top]
            if above and below:
                return [above, below]
    return None


def _cast(voices: Sequence[_Voice], wanted: Sequence[int], division: int) -> list[int]:
    """For each voice the number of its player: every player has one where there are enough, and each plays what suits it."""
    from scipy.optimize import linear_sum_assignment

    tracks = tuple(
        Track(family_of(0) or "piano", 0, notes_in_beats(voice.notes, division)) for voice in voices
    )  # fmt: skip
    tune = tune_of(Piece(tracks))
    lowest = min(range(len(voices)), key=lambda i: voices[i].middle)
    cost = np.zeros((len(voices), len(wanted)))
    for i, voice in enumerate(voices):
        for j, program in enumerate(wanted):
            family = family_of(program) or "piano"
            low, high = range_of(program)
            octaves = abs(round((np.clip(voice.middle, low + 5, max(high - 5, low + 5)) - voice.middle) / 12.0))
            cost[i, j] = _OCTAVE_COST * octaves + unfit(replace(tracks[i], family=family), program) / 4.0
            if (family == "bass" and i != lowest) or (
                family != "bass"
                and i == lowest
                and voice.middle < _BELOW
                and any(family_of(p) == "bass" for p in wanted)
            ):
                cost[i, j] += _MISPLACED
            if i == tune and family in _LEADS:
                cost[i, j] += 0.15 * _LEADS.index(family) - 0.5
    rows, columns = linear_sum_assignment(cost)
    casting = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    for i in range(len(voices)):
        if i not in casting:
            casting[i] = int(cost[i].argmin())
    return [casting[i] for i in range(len(voices))]


def _written(events: MidiEvents, voices: Sequence[_Voice], programs: Sequence[int], free: Sequence[int]) -> MidiEvents:
    """The file with each voice on its program: pitches moved by octaves, programs said anew, parted voices on channels of their own."""
    pitches = {
        note: pitch
        for voice, program in zip(voices, programs, strict=True)
        for note, pitch in zip(voice.notes, _by_octaves([note.pitch for note in voice.notes], program), strict=True)
    }
    out = with_pitches(events, pitches)
    of_channel = {voice.channel: program for voice, program in zip(voices, programs, strict=True) if not voice.moved}

    def without(_: int, event: Event) -> Event | None:
        told = (
            event.channel is not None
            and event.channel in of_channel
            and (event.data[0] & 0xF0 == _PROGRAM or (event.data[0] & 0xF0 == 0xB0 and event.data[1] in _BANK))
        )
        return None if told else event

    moved: dict[tuple[int, int], int] = {}  # place of an event: its new channel
    channels = list(free)
    for voice, program in zip(voices, programs, strict=True):
        if voice.moved:
            channel = channels.pop(0)
            of_channel[channel] = program
            moved |= {(note.track, place): channel for note in voice.notes for place in (note.on, note.off)}
    tracks = [
        [
            Event(event.tick, bytes([event.data[0] & 0xF0 | moved[number, place], *event.data[1:]]))
            if (number, place) in moved
            else event
            for place, event in enumerate(track)
        ]
        for number, track in enumerate(out.tracks)
    ]
    out = replace(out, tracks=tracks).changed(without)
    where = {}
    for number, track in enumerate(out.tracks):
        for event in track:
            if event.channel is not None and event.strikes:
                where.setdefault(event.channel, number)
    for channel, program in sorted(of_channel.items()):
        if channel in where:
            out.tracks[where[channel]].insert(0, Event(0, bytes([_PROGRAM | channel, program])))
    return _named(out, of_channel)


def _named(events: MidiEvents, of_channel: Mapping[int, int]) -> MidiEvents:
    """The file with the names of tracks that are one player's told anew: a flute is not to be called violin."""
    tracks = []
    for track in events.tracks:
        playing = {event.channel for event in track if event.channel is not None and event.strikes}
        program = of_channel.get(next(iter(playing))) if len(playing) == 1 else None
        if program is not None:
            name = track_name(family_of(program) or "piano", program, kit=False).encode()
            track = [meta(e.tick, TRACK_NAME, name) if e.is_meta and e.data[1] == TRACK_NAME else e for e in track]
        tracks.append(track)
    return replace(events, tracks=tracks)


def _by_octaves(pitches: Sequence[int], program: int) -> list[int]:
    """Pitches moved by octaves into the range of a program: all of them alike, by the fewest octaves that bring the most of them in; then the
    few outside one by one."""
    low, high = range_of(program)
    found = np.array(pitches)
    shifts = sorted(range(-5, 6), key=lambda k: (int(((found + 12 * k < low) | (found + 12 * k > high)).sum()), abs(k)))
    found = found + 12 * shifts[0]
    up = np.where(found < low, -(-(low - found) // 12), 0)
    down = np.where(found > high, -(-(found - high) // 12), 0)
    return np.clip(found + 12 * (up - down), 0, 127).tolist()


def _name(program: int) -> str:
    return family_of(program) or str(program)
