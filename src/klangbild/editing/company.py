"""A part that stays, and new company for it: everybody else is written anew around it, by the same players or by others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from klangbild.editing.midi_events import DRUM_CHANNEL, TRACK_NAME, Event, meta
from klangbild.editing.parts import Opened, Part
from klangbild.editing.players import programs_named
from klangbild.errors import UsageError
from klangbild.music.families import FAMILIES, FAMILY_INDEX, family_of
from klangbild.music.midi import track_name
from klangbild.music.piece import Track, make_notes

_USUAL = ("piano", "bass", "strings")
"""Who keeps a part company that was alone."""


def with_company(
    file: Opened, kept: Sequence[int], players: Sequence[str] | None
) -> tuple[Opened, tuple[int, ...], tuple[str, ...]]:
    """The file with the parts that are to be written beside those kept: (it, their numbers, what its asker should know).

    players: who they are; None: those that play there, or where nobody does, usual ones. The notes of those who play no more are left to be
    taken out.

    Raises:
        UsageError: a name is no player, or there is no channel left for one.
    """
    others = [number for number in range(len(file.parts)) if number not in kept]
    if players is None and others:
        return file, tuple(others), ()
    told: list[str] = []
    if players is None:
        families = {file.parts[i].family for i in kept}
        programs: list[int | None] = [FAMILIES[FAMILY_INDEX[name]].program for name in _USUAL if name not in families]
    else:
        programs, told = programs_named(players)
    taken = {file.parts[i].channel for i in kept}
    # whoever plays no more leaves a channel, and whatever was sent to it; one that nobody used is better
    free = [c for c in range(16) if c != DRUM_CHANNEL and c not in file.events.channels]
    events, parts, numbers = file.events, list(file.parts), []
    for program in programs:
        if program is None and DRUM_CHANNEL in taken:
            told.append("--players: the drums are kept as they are")
            continue
        if program is not None and not free:
            raise UsageError("--players: there is no channel left in this file for so many; name fewer")
        channel = DRUM_CHANNEL if program is None else free.pop(0)
        family = "drums" if program is None else family_of(program) or "piano"
        name = track_name(family, program or 0, kit=program is None)
        begins = [meta(0, TRACK_NAME, name.encode()), Event(0, bytes([0xC0 | channel, program or 0]))]
        events = events.with_track(begins)
        numbers.append(len(parts))
        parts.append(Part(len(events.tracks) - 1, channel, program or 0, family, ()))
    tracks = (*file.piece.tracks, *(Track(parts[i].family, parts[i].program, make_notes()) for i in numbers))
    return (
        replace(file, events=events, parts=tuple(parts), piece=replace(file.piece, tracks=tracks)), tuple(numbers), tuple(told)
    )  # fmt: skip
