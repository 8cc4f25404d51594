"""Drafts: a finished piece is read by the judges of emotion, and where it misses what was asked, others are made and the nearest is kept.

A piece misses where it is further from what was asked, on either axis, than the judges are from listeners (`emotion_judge.own_error`), or where
its tempo is called the opposite of what was asked; one whose tempo is called neither slow nor fast counts as further off. Everything is decided by rounded numbers, and by ids and not by a clock, so that the
same request keeps the same piece on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from klangbild.emotion.heard import Heard, HeardStretch
from klangbild.emotion.space import Emotion
from klangbild.errors import Stopped
from klangbild.metrics.emotion_judge import hear, own_error
from klangbild.music.describe import felt_tempo, tempo_word
from klangbild.music.piece import Piece

Finished = TypeVar("Finished")

MOST_IDS, _MOSTLY = 3000, 0.8
"""No further draft is ended beyond so many ids drawn for one piece, and none is begun for which less than `_MOSTLY` of the mean piece's is left: a
minute of dense music is 2,000 to 3,400, one core draws some 600 a second, and whoever waits for it is to wait ten seconds at most."""
CALM, EXCITED = -0.6, 0.6
"""Beyond these arousals a tempo may not be called lively or faster, or slow."""
_CALLED_WRONGLY = 10.0
_WRONG_WORDS = {-1: ("lively", "fast", "very fast"), 1: ("slow", "very slow")}
_NEITHER = "moderate"


def heard_in(piece: Piece, asked: Sequence[tuple[float, Emotion]]) -> Heard | None:
    """What the judges hear in a piece of which these emotions were asked from these beats on; None: too few notes to tell."""
    whole = hear(piece)
    if whole is None:
        return None
    if len(asked) == 1:
        return Heard(whole)
    ends = [beat for beat, _ in asked[1:]] + [piece.end_beats + 1.0]
    stretches = tuple(
        HeardStretch(float(piece.beats_to_seconds(beat)), emotion, hear(piece.between(beat, end)))
        for (beat, emotion), end in zip(asked, ends, strict=True)
    )
    return Heard(whole, stretches=stretches)


def miss(piece: Piece, heard: Heard | None, asked: Sequence[tuple[float, Emotion]]) -> tuple[bool, float]:
    """(whether a piece misses what was asked, how far it is from it in the judges' own errors, rounded)."""
    if heard is None:
        return False, 0.0
    pairs = [(one.asked, one.heard) for one in heard.stretches] or [(asked[0][1], heard.emotion)]
    error = own_error()
    offs = [
        round(abs(wished.valence - found.valence) / error.valence, 3) for wished, found in pairs if found is not None
    ] + [round(abs(wished.arousal - found.arousal) / error.arousal, 3) for wished, found in pairs if found is not None]
    far = round(sum(off * off for off in offs) / max(len(offs), 1), 3)
    wrong = not heard.stretches and called_wrongly(piece, asked[0][1])
    if not wrong and not heard.stretches and _side(asked[0][1]) and tempo_word(felt_tempo(piece)) == _NEITHER:
        far += 1.0
    return wrong or max(offs, default=0.0) > 1.0, far + _CALLED_WRONGLY * wrong


def called_wrongly(piece: Piece, asked: Emotion) -> bool:
    """Whether the word for the tempo of a piece is the opposite of what was asked: lively where it is calm, slow where it is excited."""
    side = _side(asked)
    return bool(side) and tempo_word(felt_tempo(piece)) in _WRONG_WORDS[side]


def _side(asked: Emotion) -> int:
    return -1 if asked.arousal <= CALM else 1 if asked.arousal >= EXCITED else 0


def judged(
    first: Finished,
    draw: Callable[[int, Callable[[], bool | None], int], Finished],
    asked_of: Callable[[Finished], Sequence[tuple[float, Emotion]]],
    *,
    piece_of: Callable[[Finished], Piece],
    drafts: int,
    ids: Callable[[], int],
    go_on: Callable[[], bool | None],
) -> tuple[Finished, Heard | None, bool]:
    """The draft that is nearest to what was asked, as the judges hear it; of equals the first. And whether the caller stopped.

    Args:
        first: a finished piece. draw: (number of a further draft from 0, go_on, most ids) -> another one; it raises Stopped where it was told to
            stop or would take more ids.
        piece_of: its notes. asked_of: what was asked of it from which beat on.
        drafts: how many more at most. ids: how many were drawn so far.
        go_on: called now and then; False stops, and what is best by then is kept.
    """
    stopped = False

    def tell() -> bool | None:
        nonlocal stopped
        stopped = stopped or go_on() is False
        return None if not stopped else False

    kept, heard = first, heard_in(piece_of(first), asked_of(first))
    missed, far = miss(piece_of(first), heard, asked_of(first))
    whole = 1
    for number in range(drafts):
        if not missed or stopped or ids() * (1.0 + _MOSTLY / whole) > MOST_IDS:
            break
        try:
            other = draw(number, tell, MOST_IDS - ids())
        except Stopped:
            continue
        whole += 1
        other_heard = heard_in(piece_of(other), asked_of(other))
        other_missed, other_far = miss(piece_of(other), other_heard, asked_of(other))
        if other_heard is not None and other_far < far:
            kept, heard, missed, far = other, other_heard, other_missed, other_far
    return kept, None if heard is None else replace(heard, drafts=whole), stopped
