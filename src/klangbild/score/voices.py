"""Chords that overlap, shared out to voices, and each voice cut into symbols that a player reads.

A voice sounds one chord at a time. What would need more than `MOST_VOICES` on one staff ends where the next chord begins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from klangbild.score.rhythm import SHORTEST, TICKS, Bar, Chord, Grid

MOST_VOICES = 4
_SYMBOLS = (96, 72, 48, 36, 24, 18, 12, 9, 6, 3)
"""Ticks of whole, half, quarter, eighth, sixteenth and thirty-second notes, plain and dotted."""
_TUPLET_SYMBOLS = (16, 12, 8, 6, 4, 2)


@dataclass(frozen=True)
class Symbol:
    """One note sign or rest of a voice. start, length: ticks; pitches: none for a rest. tied_from, tied_to: it goes on from the sign
    before, goes on in the next. tuplet: 0, or how many notes it counts (3, 6, 12); first, last: of its tuplet. velocity: of its chord."""

    start: int
    length: int
    pitches: tuple[int, ...] = ()
    tied_from: bool = False
    tied_to: bool = False
    tuplet: int = 0
    first: bool = False
    last: bool = False
    velocity: int = 64


def in_voices(chords: list[Chord]) -> list[list[Chord]]:
    """Chords in order of onset -> voices of which none overlaps itself, the first the fullest."""
    voices: list[list[Chord]] = []
    for chord in chords:
        free = [voice for voice in voices if voice[-1].end <= chord.start]
        if free:
            free[0].append(chord)
        elif len(voices) < MOST_VOICES:
            voices.append([chord])
        else:
            cut = [voice for voice in voices if voice[-1].start < chord.start]
            if cut:
                longest = min(cut, key=lambda voice: voice[-1].start)
                longest[-1] = replace(longest[-1], end=chord.start)
                longest.append(chord)
            else:  # five lengths at once: those of the last voice become one chord
                last = voices[-1][-1]
                both = tuple(sorted({*last.pitches, *chord.pitches}))
                voices[-1][-1] = replace(last, pitches=both, velocity=max(last.velocity, chord.velocity))
    return voices


def symbols_of(voice: list[Chord], bar: Bar, grid: Grid) -> list[Symbol]:
    """The signs of one voice in one bar, rests between them, which fill it exactly; none where the voice is silent in it."""
    spans: list[tuple[int, int, Chord | None]] = []
    at = bar.start
    for chord in voice:
        start, end = max(chord.start, bar.start), min(chord.end, bar.end)
        if start >= end:
            continue
        if start > at:
            spans.append((at, start, None))
        spans.append((start, end, chord))
        at = end
    if not spans:
        return []
    if at < bar.end:
        spans.append((at, bar.end, None))
    signs = []
    for start, end, chord in spans:
        pieces = _cut(start, end, bar, grid, rest=chord is None)
        for i, (place, length, tuplet) in enumerate(pieces):
            if chord is None:
                signs.append(Symbol(place, length, tuplet=tuplet))
                continue
            tied_from = i > 0 or chord.start < start
            tied_to = i < len(pieces) - 1 or chord.end > end
            signs.append(Symbol(place, length, chord.pitches, tied_from, tied_to, tuplet, velocity=chord.velocity))
    return _brackets(signs)


def first_sign(start: int, end: int, bar: Bar, grid: Grid) -> int:
    """Ticks of the first sign of a sound inside a bar: of a drum the only one."""
    return _cut(start, end, bar, grid, rest=False)[0][1]


def _cut(start: int, end: int, bar: Bar, grid: Grid, *, rest: bool) -> list[tuple[int, int, int]]:
    """(start, ticks, tuplet) of the signs of one sound or rest inside a bar."""
    found, at = [], start
    while at < end:
        quarter = at // TICKS
        low = quarter * TICKS
        if grid.tuplet(quarter) and (at > low or end < low + TICKS):
            inside = min(end, low + TICKS) - at
            length = next((s for s in _TUPLET_SYMBOLS if s <= inside), inside)
            found.append((at, length, grid.tuplet(quarter)))
        else:
            length = _plain(at, min(end, _before_tuplet(at, end, grid)), bar, grid, rest=rest)
            found.append((at, length, 0))
        at += length
    return found


def _before_tuplet(at: int, end: int, grid: Grid) -> int:
    """Where the first quarter begins that is a tuplet and is not filled from `at` to `end`."""
    last = (end - 1) // TICKS
    return last * TICKS if end % TICKS and grid.tuplet(last) and last * TICKS > at else end


def _plain(at: int, end: int, bar: Bar, grid: Grid, *, rest: bool) -> int:
    """Ticks of the longest plain sign from `at` that hides no beat which a reader looks for."""
    place, left, beat = at - bar.start, end - at, bar.beat
    for length in _SYMBOLS:
        if length > left or ((at + length) % TICKS and grid.tuplet((at + length) // TICKS)):
            continue
        stop = place + length
        if length <= SHORTEST or (stop <= (place // beat + 1) * beat and _fits(place % beat, length, bar, beat)):
            return length
        if place % beat == 0 and _whole_beats(place, length, bar, rest=rest):
            return length
        syncopated = not rest and not bar.in_threes and place % beat == beat // 2 and length in (beat, beat * 3 // 2)
        if syncopated and not _hides_middle(place, stop, bar):
            return length
    return min(left, SHORTEST)


def _fits(inside: int, length: int, bar: Bar, beat: int) -> bool:
    """Whether a sign inside a beat stands where its own length, or for dotted ones their third, divides."""
    if bar.in_threes:
        return inside % (length if length in (12, 6, 3) else 12) == 0 or length == beat
    unit = {18: 6, 9: 3, 36: 12}.get(length, length)
    return inside % unit == 0 and not (length == 12 and inside % 12 and inside % 6)


def _whole_beats(place: int, length: int, bar: Bar, *, rest: bool) -> bool:
    """Whether a sign from a beat on may be so long: in meters of threes whole beats, elsewhere not over the middle of the bar unless from
    its start; a rest as long as it stands on."""
    if bar.in_threes:
        return length in (36, 72) and (not rest or length == 36)
    if length % 12:
        return False
    if length == 36:
        return not rest and not _hides_middle(place, place + length, bar)
    if rest and place % length:
        return False
    return not _hides_middle(place, place + length, bar)


def _hides_middle(place: int, stop: int, bar: Bar) -> bool:
    middle = 48 if (bar.numerator, bar.denominator) == (4, 4) else None
    return middle is not None and 0 < place < middle < stop and (place, stop) != (24, 72)


def _brackets(signs: list[Symbol]) -> list[Symbol]:
    """The signs with the first and last of each quarter's tuplet marked."""
    for i, sign in enumerate(signs):
        if not sign.tuplet:
            continue
        quarter = sign.start // TICKS
        before = i and signs[i - 1].tuplet and signs[i - 1].start // TICKS == quarter
        after = i + 1 < len(signs) and signs[i + 1].tuplet and signs[i + 1].start // TICKS == quarter
        signs[i] = replace(sign, first=not before, last=not after)
    return signs
