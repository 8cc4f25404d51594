"""What a score says of the tempo: a mark where it changes to the ear, "rit." where it slows down at the end, and for players of files
every change."""

from __future__ import annotations

from dataclasses import dataclass

from klangbild.music.piece import Piece
from klangbild.score.rhythm import TICKS, Bar

_HEARD = 0.04
_APART_BARS = 2
_ITALIAN = (
    (45, "Grave"),
    (60, "Largo"),
    (76, "Adagio"),
    (108, "Andante"),
    (120, "Moderato"),
    (168, "Allegro"),
    (1e9, "Presto"),
)


@dataclass(frozen=True)
class TempoMark:
    """at: tick of the piece. bpm: quarters a minute. printed: whether its number is; words: before it."""

    at: int
    bpm: float
    printed: bool
    words: str = ""


def tempo_marks(piece: Piece, bars: list[Bar]) -> list[TempoMark]:
    """The marks of a piece, in order."""
    marks: list[TempoMark] = []
    shown, shown_at, slowing = 0.0, 0, False
    ending = bars[-3].start if len(bars) > 3 else bars[-1].end
    for beat, bpm in piece.tempos:
        at = round(beat * TICKS)
        if not marks:
            word = next(name for below, name in _ITALIAN if bpm < below)
            marks.append(TempoMark(at, bpm, True, word))
        elif at >= ending and bpm < marks[-1].bpm:
            marks.append(TempoMark(at, bpm, False, "" if slowing else "rit."))
            slowing = True
            continue
        else:
            bar = max((i for i, b in enumerate(bars) if b.start <= at), default=0)
            last = max((i for i, b in enumerate(bars) if b.start <= shown_at), default=0)
            printed = abs(bpm / shown - 1.0) > _HEARD and bar - last >= _APART_BARS
            marks.append(TempoMark(at, bpm, printed))
            if not printed:
                continue
        shown, shown_at = bpm, at
    return marks
