"""`events`: the note language of midi-emotion and ARIA, with both ways to read and write it.

`clean` (the default) says what a musician would expect; `strict` repeats the published code, oddities included, so that its
results can be had again. The ids are the same. Ours has eleven instrument families, this language five: see `INSTRUMENT_OF`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from klangbild.models.aria.decode_clean import decode_clean, encode_clean
from klangbild.models.aria.decode_strict import VELOCITIES, TimedNote, decode_strict, encode_strict
from klangbild.models.aria.grammar import EventsState
from klangbild.models.aria.vocabulary import BASE_SIZE, INSTRUMENTS, SHIFT_0, START, EventsVocabulary
from klangbild.music.families import FAMILIES, FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.music.rules import Rules

INSTRUMENT_OF = {name: name if name in INSTRUMENTS else "strings" for name in FAMILY_NAMES}
"""Family -> instrument. As in the Lakh Pianoroll set of five tracks, what is none of the five counts as strings."""
GRID_TEMPO_BPM = 125.0
"""At this tempo 8 ms are exactly 1/60 beat, and 8 of the 480 ticks of a MIDI file: nothing is rounded on writing."""
STRICT_TEMPO_BPM = 120.0


@dataclass(frozen=True)
class EventsLanguage:
    """A `NoteLanguage`. `codec`: clean or strict. `tempo_bpm`: the tempo that decoded pieces are written in.

    The tempo only says how seconds are counted in beats; the music lasts the same. None: 125 (clean) or 120 (strict).
    """

    vocabulary: EventsVocabulary = field(default_factory=EventsVocabulary)
    codec: Literal["clean", "strict"] = "clean"
    tempo_bpm: float | None = None
    name: str = field(default="events", init=False)
    version: int = field(default=1, init=False)
    bos: int = field(default=START, init=False)
    """The id that every piece starts with."""

    @property
    def size(self) -> int:
        return self.vocabulary.size

    @property
    def is_rhythm(self) -> np.ndarray:
        """bool (size,): ids that place music in time (the shifts); the others are what sounds."""
        mask = np.zeros(self.size, bool)
        mask[SHIFT_0:BASE_SIZE] = True
        return mask

    def encode(self, piece: Piece) -> np.ndarray:
        """Piece -> ids (n,) int64, `<START>` first. Strict drops silent bars and the last bar, as midi-emotion does.

        Raises:
            ValueError: strict, and the piece has fewer than two bars or notes that last beyond two bars after its end.
        """
        notes = timed_notes(piece)
        if self.codec == "clean":
            ids = encode_clean(notes, length_s=float(piece.beats_to_seconds(piece.length_beats)))
        else:
            downbeats_s = piece.beats_to_seconds(np.array(piece.bar_starts())).tolist()
            ids = np.concatenate([np.empty(0, np.int64), *encode_strict(notes, downbeats_s)])
        return np.concatenate([[START], ids]).astype(np.int64)

    def decode(self, ids: np.ndarray) -> Piece:
        """Ids (n,) -> piece with one track per instrument that plays. Never an error: stray ids are passed over."""
        if self.codec == "clean":
            notes, length_s = decode_clean(ids)
        else:
            notes, length_s = decode_strict(ids), 0.0
        bpm = self.tempo_bpm or (GRID_TEMPO_BPM if self.codec == "clean" else STRICT_TEMPO_BPM)
        return to_piece(notes, tempo_bpm=bpm, length_s=length_s)

    def start(self, rules: Rules) -> EventsState:
        """The grammar state after `<START>`. Raises UsageError: the rules ask for what this language does not have."""
        return EventsState(rules, size=self.size)

    def advance(self, state: EventsState, token: int) -> None:
        state.advance(int(token))

    def allowed(self, state: EventsState, rules: Rules) -> np.ndarray:
        """bool (size,): ids that may come next."""
        return state.allowed()


def timed_notes(piece: Piece) -> list[TimedNote]:
    """The notes of a piece in seconds, by instrument. Track by track, in their order."""
    notes = []
    for track in piece.tracks:
        instrument = INSTRUMENT_OF[track.family]
        starts = piece.beats_to_seconds(track.notes["onset"])
        ends = piece.beats_to_seconds(track.notes["onset"] + track.notes["duration"])
        pitches = track.notes["pitch"]
        rows = zip(pitches.tolist(), starts.tolist(), ends.tolist(), strict=True)
        notes += [TimedNote(instrument, pitch, start, end) for pitch, start, end in rows]
    return notes


def to_piece(notes: list[TimedNote], *, tempo_bpm: float = GRID_TEMPO_BPM, length_s: float = 0.0) -> Piece:
    """Notes in seconds -> piece in one tempo, with midi-emotion's fixed velocities. `length_s`: where it ends at the least."""
    beats_per_second = tempo_bpm / 60.0
    tracks = []
    for family in FAMILY_NAMES:
        mine = [note for note in notes if note.instrument == family]
        if mine:
            onset = np.array([note.start_s for note in mine]) * beats_per_second
            end = np.array([note.end_s for note in mine]) * beats_per_second
            velocity = [VELOCITIES[family]] * len(mine)
            columns = make_notes(onset, end - onset, [note.pitch for note in mine], velocity)
            tracks.append(Track(family, FAMILIES[FAMILY_INDEX[family]].program, columns))
    return Piece(tracks=tuple(tracks), tempos=((0.0, tempo_bpm),), length_beats=length_s * beats_per_second)
