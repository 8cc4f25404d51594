"""`Piece`: the one type that holds music as notes.

Conventions: time is counted in **beats**, and a beat is a quarter note, whatever the meter. Onsets and durations are
float64 beats from the start of the piece; pitches are MIDI numbers 0..127 (60 = middle C); velocities 1..127.
Tempo is in quarter notes per minute (bpm), and may change; so may the meter. Seconds exist only through
`beats_to_seconds`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES, MELODIC_DRUMS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from klangbild.music.performance import Performance

Column = Sequence[float] | np.ndarray
NOTE_DTYPE = np.dtype([("onset", "f8"), ("duration", "f8"), ("pitch", "u1"), ("velocity", "u1")])
LOOP_START, LOOP_END = "loopStart", "loopEnd"
"""Markers between which game engines repeat a MIDI file."""
HIT, MOOD = "hit ", "mood: "
"""How a marker begins where a downbeat was asked for (its second follows), and from which on another emotion was (its name follows)."""
PITCH_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def make_notes(onset: Column = (), duration: Column = (), pitch: Column = (), velocity: Column = ()) -> np.ndarray:
    """Parallel columns (n,) -> structured notes (n,) of `NOTE_DTYPE`, sorted by onset, then pitch.

    Onset and duration in beats, pitch and velocity in MIDI's 0..127. Raises ValueError: a column of another length.
    """
    notes = np.empty(len(onset), NOTE_DTYPE)
    for name, column in {"onset": onset, "duration": duration, "pitch": pitch, "velocity": velocity}.items():
        notes[name] = column
    return np.sort(notes, order=("onset", "pitch"), kind="stable")


@dataclass(frozen=True)
class Key:
    """A tonic (pitch class 0..11, 0 = C) and a mode, "major" or "minor".

    >>> str(Key.parse("f# minor")), Key.parse("Bb").tonic
    ('F# minor', 10)
    """

    tonic: int
    mode: str

    def __str__(self) -> str:
        return f"{PITCH_NAMES[self.tonic]} {self.mode}"

    @staticmethod
    def parse(text: str) -> Key:
        """From "C", "C major", "a minor", "Am", "F#m", "bb minor". Raises ValueError for anything else."""
        word = text.strip().replace("♯", "#").replace("♭", "b")
        lower = word.lower()
        mode = "major"
        for ending, name in (("minor", "minor"), ("major", "major"), ("min", "minor"), ("maj", "major")):
            if lower.endswith(ending):
                word, mode = word[: -len(ending)].strip(" -_"), name
                break
        else:
            if len(word) > 1 and word.endswith("m"):
                word, mode = word[:-1], "minor"
        steps = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
        accidentals = word[1:].lower()
        if not word or word[0].lower() not in steps or accidentals not in ("", "#", "b"):
            raise ValueError(f"'{text}' is not a key")
        return Key((steps[word[0].lower()] + {"": 0, "#": 1, "b": -1}[accidentals]) % 12, mode)


@dataclass(frozen=True)
class Track:
    """The notes (structured, `NOTE_DTYPE`) of one instrument: a family and a General MIDI program 0..127.

    performance: how they are played, where a file of others says so (`midi_performance`); it is heard and nothing else."""

    family: str
    program: int
    notes: np.ndarray
    performance: Performance | None = field(default=None, compare=False, repr=False)

    @property
    def is_drum(self) -> bool:
        return self.family == "drums"

    @property
    def plays_kit(self) -> bool:
        """Whether each pitch is another drum. A woodblock, taiko or tom that is played by pitch is a drum but no kit."""
        return self.is_drum and self.program not in MELODIC_DRUMS


@dataclass(frozen=True)
class Piece:
    """A piece of music in beats.

    tempos: (beat, bpm) changes, the first at beat 0. meters: (beat, numerator, denominator) changes, the first at beat 0.
    markers: (beat, text). length_beats: where the last bar ends (0 means: where the last note ends).
    """

    tracks: tuple[Track, ...]
    tempos: tuple[tuple[float, float], ...] = ((0.0, 120.0),)
    meters: tuple[tuple[float, int, int], ...] = ((0.0, 4, 4),)
    key: Key | None = None
    markers: tuple[tuple[float, str], ...] = ()
    length_beats: float = 0.0
    record: str | None = field(default=None, compare=False)
    """The result record (JSON text) that a file of ours carries; None for music of others."""
    told: tuple[str, ...] = field(default=(), compare=False)
    """What of the file it was read from was put right, passed over or will not be heard, in words."""

    @property
    def n_notes(self) -> int:
        return sum(len(track.notes) for track in self.tracks)

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families that play at least one note, in `FAMILIES` order."""
        playing = {track.family for track in self.tracks if len(track.notes)}
        return tuple(sorted(playing, key=FAMILY_INDEX.__getitem__))

    @property
    def loops(self) -> bool:
        """Whether its end leads to its beginning (`length.looping`)."""
        return any(text == LOOP_END for _, text in self.markers)

    @property
    def moods(self) -> tuple[tuple[float, str], ...]:
        """(beat, the name of the emotion asked from there on), of a piece whose course has several."""
        return tuple((beat, text.removeprefix(MOOD)) for beat, text in self.markers if text.startswith(MOOD))

    @property
    def end_beats(self) -> float:
        """Where the piece ends: the end of its last bar, or of its last note if that is later."""
        ends = [float((t.notes["onset"] + t.notes["duration"]).max()) for t in self.tracks if len(t.notes)]
        return max([self.length_beats, *ends])

    @property
    def seconds(self) -> float:
        """Duration from beat 0 to `end_beats`."""
        return float(self.beats_to_seconds(self.end_beats))

    def beats_to_seconds(self, beats: ArrayLike) -> np.ndarray:
        """Beats (...,) from 0 on -> seconds (...,), float64, through the tempo map."""
        at = np.array([beat for beat, _ in self.tempos])
        seconds_per_beat = 60.0 / np.array([bpm for _, bpm in self.tempos])
        elapsed = np.concatenate([[0.0], np.cumsum(np.diff(at) * seconds_per_beat[:-1])])
        beats = np.asarray(beats, dtype=np.float64)
        index = np.clip(np.searchsorted(at, beats, side="right") - 1, 0, None)
        return elapsed[index] + (beats - at[index]) * seconds_per_beat[index]

    def seconds_to_beats(self, seconds: ArrayLike) -> np.ndarray:
        """Seconds (...,) from 0 on -> beats (...,), float64: the inverse of `beats_to_seconds`."""
        at = np.array([beat for beat, _ in self.tempos])
        elapsed = self.beats_to_seconds(at)
        bpm = np.array([bpm for _, bpm in self.tempos])
        seconds = np.asarray(seconds, dtype=np.float64)
        index = np.clip(np.searchsorted(elapsed, seconds, side="right") - 1, 0, None)
        return at[index] + (seconds - elapsed[index]) * bpm[index] / 60.0

    def bar_starts(self) -> list[float]:
        """The beat at which each bar starts, up to `end_beats`; a meter change starts a new bar."""
        starts: list[float] = []
        beat, end = 0.0, self.end_beats
        changes = [at for at, _, _ in self.meters]
        while beat < end - 1e-6 or not starts:
            starts.append(beat)
            _, numerator, denominator = self.meters[max(bisect_right(changes, beat + 1e-6) - 1, 0)]
            following = beat + 4.0 * numerator / denominator
            change = bisect_right(changes, beat + 1e-6)
            beat = changes[change] if change < len(changes) and changes[change] < following - 1e-6 else following
        return starts

    def between(self, begin: float, end: float) -> Piece:
        """The notes that start at beats from `begin` to before `end`, as a piece of its own that starts at beat 0, with its tempi and meters."""

        def moved(changes: tuple[Any, ...]) -> tuple[Any, ...]:
            before = [change for change in changes if change[0] <= begin + 1e-6]
            within = [change for change in changes if begin + 1e-6 < change[0] < end]
            return ((0.0, *before[-1][1:]), *((change[0] - begin, *change[1:]) for change in within))

        tracks = []
        for track in self.tracks:
            onset = track.notes["onset"]
            notes = track.notes[(onset >= begin - 1e-6) & (onset < end - 1e-6)].copy()
            notes["onset"] = np.maximum(notes["onset"] - begin, 0.0)
            tracks.append(replace(track, notes=notes))
        whole = min(end, max(self.length_beats, begin)) - begin
        return replace(
            self,
            tracks=tuple(tracks),
            tempos=moved(self.tempos),
            meters=moved(self.meters),
            markers=(),
            length_beats=whole,
        )

    def transposed(self, semitones: int) -> Piece:
        """Every pitched note and the key moved by `semitones`; a note that would leave 0..127 moves an octave back."""
        if semitones == 0:
            return self
        tracks = []
        for track in self.tracks:
            if track.is_drum:
                tracks.append(track)
                continue
            pitch = track.notes["pitch"].astype(int) + semitones
            pitch = np.where(pitch > 127, pitch - 12, np.where(pitch < 0, pitch + 12, pitch))
            notes = track.notes.copy()
            notes["pitch"] = pitch
            tracks.append(replace(track, notes=notes))
        key = Key((self.key.tonic + semitones) % 12, self.key.mode) if self.key else None
        return replace(self, tracks=tuple(tracks), key=key)

    def by_family(self) -> dict[str, np.ndarray]:
        """All notes of each playing family, merged over tracks and sorted: family -> structured notes."""
        merged: dict[str, list[np.ndarray]] = {name: [] for name in FAMILY_NAMES}
        for track in self.tracks:
            merged[track.family].append(track.notes)
        return {
            name: np.sort(np.concatenate(parts), order=("onset", "pitch"), kind="stable")
            for name, parts in merged.items()
            if sum(map(len, parts))
        }
