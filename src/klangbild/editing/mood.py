"""A piece moved on the plane of emotion: by what decides it most to listeners (tempo, loudness, articulation, mode), its notes staying what
they are. What was asked of it moves along, so that bars that are written anew with it follow.

Hevner (1937), "The affective value of pitch and tempo in music", American Journal of Psychology 49; Gabrielsson & Lindstrom (2010).
"""

from __future__ import annotations

from dataclasses import replace

from klangbild.editing.midi_events import DRUM_CHANNEL, MidiEvents, Note
from klangbild.editing.parts import Opened, opened
from klangbild.editing.times import times_faster
from klangbild.editing.tonality import in_key
from klangbild.editing.wish import Wish
from klangbild.emotion.space import Emotion
from klangbild.music.going_on import key_heard
from klangbild.music.piece import Key

STEP = 0.5
"""How far on the plane (-1..1) a mood is asked to move."""
_TEMPO, _LOUDNESS, _LENGTH = 1.22, 14, 1.3
"""Of calmer and livelier: the ratio of tempi, the velocity, and the ratio of lengths of notes."""
_SHADE = 1.15
"""Of brighter and darker: the ratio of tempi. The judges hear it and the mode; register and purer harmony lead them in either direction."""
_SLOWEST, _FASTEST = 36.0, 230.0


def moved(emotion: Emotion, wish: Wish) -> Emotion:
    """What is asked of the music then."""
    up = STEP * (bool(wish.livelier) - bool(wish.calmer))
    bright = STEP * (bool(wish.brighter) - bool(wish.darker))
    return Emotion(
        round(min(max(emotion.valence + bright, -1.0), 1.0), 6), round(min(max(emotion.arousal + up, -1.0), 1.0), 6)
    )


def in_mood(file: Opened, wish: Wish, name: str) -> tuple[MidiEvents, tuple[str, ...]]:
    """The file in the mood that is wished; and what its asker should know."""
    events, told = file.events, []
    if wish.brighter or wish.darker:
        mode = "major" if wish.brighter else "minor"
        heard = key_heard(file.piece)
        if heard.mode != mode:
            events, more = in_key(file, Key(heard.tonic, mode))
            told += more
        else:
            told.append(
                f"--{'brighter' if wish.brighter else 'darker'}: it is in {heard} already; its tempo alone moves"
            )
        events = times_faster(events, _within(file, _SHADE if wish.brighter else 1.0 / _SHADE))
    if wish.calmer or wish.livelier:
        livelier = bool(wish.livelier)
        events = times_faster(events, _within(file, _TEMPO if livelier else 1.0 / _TEMPO))
        events = _touched(events, livelier=livelier)
        if not livelier:
            events = _fewer_strokes(opened(events.write(), name))
    return events, tuple(told)


def _within(file: Opened, ratio: float) -> float:
    """A ratio of tempi that leads nowhere absurd."""
    from klangbild.music.describe import main_tempo

    bpm = main_tempo(file.piece)
    if ratio < 1.0:
        return max(ratio, min(_SLOWEST / bpm, 1.0))
    return min(ratio, max(_FASTEST / bpm, 1.0))


def _touched(events: MidiEvents, *, livelier: bool) -> MidiEvents:
    """Louder and shorter, or softer and longer: a longer note ends before its key is struck again."""
    notes = events.notes()
    following: dict[tuple[int, int], list[Note]] = {}
    for note in sorted(notes, key=lambda note: note.begin):
        following.setdefault((note.channel, note.pitch), []).append(note)
    new = []
    for rows in following.values():
        for note, then in zip(rows, [*rows[1:], None], strict=True):
            length = note.end - note.begin
            if note.channel != DRUM_CHANNEL:
                length = round(length / _LENGTH) if livelier else round(length * _LENGTH)
            end = note.begin + max(length, 1)
            if then is not None and then.begin > note.begin:
                end = min(end, max(then.begin, note.end if then.begin >= note.end else note.begin + 1))
            velocity = note.velocity + (_LOUDNESS if livelier else -_LOUDNESS)
            new.append(replace(note, end=end, velocity=min(max(velocity, 12), 127), on=-1, off=-1))
    return events.replaced(notes, new)


def _fewer_strokes(file: Opened) -> MidiEvents:
    """Drums without what they strike between the eighths."""
    half = file.events.division // 2
    gone = [
        note
        for part in file.parts
        if part.family == "drums"
        for note in part.notes
        if min(note.begin % half, half - note.begin % half) > half // 8
    ]
    return file.events.replaced(gone, [])
