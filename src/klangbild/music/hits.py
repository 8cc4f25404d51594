"""`--hit`: a downbeat with an accent at a second, as the composer of a film writes it.

Between two hits, and from the start to the first one, lies a whole number of bars; where that would need the tempo to move by more than 3 %, the
last of them is a shorter one (a bar of 2/4 before the hit), as film scores have it. `lay_bars` says how many bars and which one is shorter, before a
note is written; `on_seconds` then brings each bar line to its second, and `accented` makes the downbeat felt.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from klangbild.errors import UsageError
from klangbild.music.length import MOST_TEMPO_CHANGE, tempi_moved
from klangbild.music.meters import METERS
from klangbild.music.piece import HIT, Piece, make_notes

MOST_HITS = 64
_SLOWEST_BPM, _FASTEST_BPM = 40, 240
_NEAR_S = 5e-3
_SHORTEST_BEATS, _CUT_BEATS = 1.0, 0.5
"""A bar before a hit is no shorter than that, and is cut by so many beats (quarters) or a multiple: where quarters are counted by eighths last."""
_LOUDER, _AT_LEAST = 24, 100
"""By how much of MIDI's velocity an accent is louder, and how loud it is at the least."""
_CRASH, _KICK = 49, 36
_EPSILON = 1e-3
_ACCENT_BEATS = 1.0


@dataclass(frozen=True)
class BarLine:
    """A bar line that is to stand at a second: bar `bar` of the piece begins there, and the one before it is shorter by `cut` beats."""

    bar: int
    second: float
    cut: float = 0.0


def parse_hits(text: str) -> tuple[float, ...]:
    """From "41" or "12.5, 41". Raises UsageError: it does not read so; they are too many, or not above 0.

    >>> parse_hits("41,12.5")
    (12.5, 41.0)
    """
    found = []
    for part in text.replace(";", ",").replace(",", " ").split():
        try:
            second = float(part)
        except ValueError:
            raise UsageError(
                f"--hit '{part[:40]}' is not a second; write --hit 41.5, or --hit 12,41.5 for two"
            ) from None
        if not math.isfinite(second) or second <= 0.0:
            raise UsageError(f"--hit {part[:40]}: a hit lies behind the start of the piece; give a second above 0")
        found.append(second)
    if not found:
        raise UsageError("--hit is empty; give a second, like --hit 41.5")
    if len(found) > MOST_HITS:
        raise UsageError(f"--hit: {len(found)} hits are too many; give {MOST_HITS} at most")
    return tuple(sorted(set(found)))


def hits_as_text(hits: Any) -> Any:
    """Seconds as Python callers may give them (41, [12.5, 41]) as the setting's text; anything else as it is."""
    many = hits if isinstance(hits, (list, tuple)) else [hits]
    if not many or not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in many):
        return hits
    return ",".join(f"{one:.10g}" for one in many)


def bar_beats(meter: tuple[int, int]) -> float:
    """Quarter notes of a bar."""
    return 4.0 * meter[0] / meter[1]


def lay_bars(
    seconds: Sequence[float],
    meter: tuple[int, int],
    bpm: float,
    *,
    start: BarLine = BarLine(0, 0.0),
    most: float = MOST_TEMPO_CHANGE,
) -> tuple[BarLine, ...] | None:
    """Bar lines at these rising seconds, from `start` on, so that the tempo moves by `most` of itself; None: there are none.

    >>> lay_bars([41.0], (4, 4), 120.0), lay_bars([9.0], (4, 4), 120.0)
    ((BarLine(bar=20, second=41.0, cut=0.0),), (BarLine(bar=5, second=9.0, cut=2.0),))
    """
    whole, beat_s, lines = bar_beats(meter), 60.0 / bpm, []
    for second in seconds:
        beats = (second - start.second) / beat_s
        cuts = np.arange(0.0, whole - _SHORTEST_BEATS + 1e-9, _CUT_BEATS).tolist()
        found = []
        for cut in cuts:
            bars = max(round((beats + cut) / whole), 1)
            off = abs((bars * whole - cut) / beats - 1.0)
            if off <= most:
                found.append(
                    (cut > 0.0, meter[1] == 4 and cut % 1.0 > 0.0, cut != whole / 2.0, round(off, 6), bars, cut)
                )
        if not found:
            return None
        *_, bars, cut = min(found) if most <= MOST_TEMPO_CHANGE else min(found, key=lambda one: one[3])
        start = BarLine(start.bar + bars, second, cut)
        lines.append(start)
    return tuple(lines)


def refuse_hits(
    hits: Sequence[float],
    *,
    seconds: float | None,
    bars: int | None,
    tempo: float | None,
    meter: tuple[int, int] | None,
) -> None:
    """Raises UsageError: a hit lies where none can be. seconds, bars: the length asked for, one of them. tempo, meter: where they are asked for."""
    if seconds is not None and hits[-1] >= seconds:
        raise UsageError(
            f"--hit {hits[-1]:g} lies beyond the end of the piece, which is {seconds:g} s long; give --seconds "
            f"{math.ceil(hits[-1]) + 4}, or move the hit"
        )
    if tempo is not None and meter is not None:
        bar_s = bar_beats(meter) * 60.0 / tempo
        told = f"{bar_s:.3g} s at {tempo:g} bpm in {meter[0]}/{meter[1]}"
    else:
        shortest = min(bar_beats(one) for one in ([meter] if meter else METERS[2:]))
        bar_s = shortest * 60.0 / (tempo or _FASTEST_BPM)
        told = f"{bar_s:.3g} s at the shortest" + (f" at {tempo:g} bpm" if tempo else "")
    least = bar_s * (1.0 - MOST_TEMPO_CHANGE)
    if hits[0] < least:
        raise UsageError(
            f"--hit {hits[0]:g} lies in the first bar, which begins with a downbeat anyway (a bar lasts {told}); leave it out, or move it"
        )
    for before, after in itertools.pairwise(hits):
        if after - before < least:
            raise UsageError(
                f"--hit {before:g} and {after:g} are nearer to each other than a bar ({told}); move one of them, or leave it out"
            )
    if seconds is not None and seconds - hits[-1] < least:
        raise UsageError(
            f"--hit {hits[-1]:g} is nearer to the end, at {seconds:g} s, than a bar ({told}); give more --seconds, or move the hit"
        )
    tempi = [tempo] if tempo else range(_SLOWEST_BPM, _FASTEST_BPM + 1)
    meters = [meter] if meter else METERS[2:]
    laid = [lines for one in meters for bpm in tempi if (lines := lay_bars(hits, one, bpm))]
    many = " and ".join(f"{hit:g}" for hit in hits)
    if not laid:
        wish = " and ".join(["--tempo"] * bool(tempo) + ["--meter"] * bool(meter))
        advice = f"leave {wish} out, or move one of them" if wish else "move one of them"
        raise UsageError(f"--hit: no tempo moved by 3 % at most has a downbeat at {many} s; {advice}")
    if bars is not None and min(lines[-1].bar for lines in laid) >= bars:
        raise UsageError(f"--hit {hits[-1]:g} lies beyond the end of {bars} bars; give more --bars, or move the hit")


def on_seconds(piece: Piece, lines: Iterable[BarLine]) -> Piece:
    """The piece with each of these bar lines at its second: bars before them cut, and between them the tempi moved together. Bars are counted in
    the piece as it is given."""
    lines = sorted(lines, key=lambda line: line.bar)
    starts = piece.bar_starts()
    beats = [starts[line.bar] for line in lines]
    for line, beat in reversed(list(zip(lines, beats, strict=True))):
        if line.cut:
            piece = _without(piece, starts[line.bar - 1], beat, line.cut)
    removed, at = 0.0, []
    for line, beat in zip(lines, beats, strict=True):
        removed += line.cut
        at.append(beat - removed)
    tempos, since = list(piece.tempos), (0.0, 0.0)
    for beat, line in zip(at, lines, strict=True):
        lasts = float(piece.beats_to_seconds(beat) - piece.beats_to_seconds(since[0]))
        ratio = lasts / (line.second - since[1])
        tempos = tempi_moved(tempos, since[0], beat, ratio)
        since = (beat, line.second)
    return replace(piece, tempos=tuple(tempos))


def _without(piece: Piece, bar: float, end: float, cut: float) -> Piece:
    """The piece without the last `cut` beats of the bar from beat `bar` to `end`; what sounds across them sounds on."""
    first = end - cut

    def place(beat: float) -> float:
        return beat if beat <= first else max(beat - cut, first)

    tracks = []
    for track in piece.tracks:
        onset = track.notes["onset"]
        notes = track.notes[(onset < first - _EPSILON) | (onset >= end - _EPSILON)].copy()
        ends = notes["onset"] + notes["duration"]
        onset = notes["onset"].copy()
        notes["onset"] = np.where(onset >= end - _EPSILON, onset - cut, onset)
        ends = np.where(ends <= first, ends, np.maximum(ends - cut, first))
        notes["duration"] = np.maximum(ends - notes["onset"], 1.0 / 24.0)
        tracks.append(replace(track, notes=notes))
    (numerator, denominator) = [change[1:] for change in piece.meters if change[0] <= bar + _EPSILON][-1]
    by = denominator if (end - bar - cut) * denominator / 4.0 % 1.0 == 0.0 else 8
    shorter = round((end - bar - cut) * by / 4.0)
    meters = [change for change in piece.meters if change[0] < bar - _EPSILON]
    meters += [(bar, shorter, by), (first, numerator, denominator)]
    meters += [(change[0] - cut, *change[1:]) for change in piece.meters if change[0] > end + _EPSILON]
    return replace(
        piece,
        tracks=tuple(tracks),
        meters=tuple(meters),
        tempos=tuple({place(beat): bpm for beat, bpm in piece.tempos}.items()),
        markers=tuple((place(beat), text) for beat, text in piece.markers),
        length_beats=piece.length_beats - cut,
    )


def accented(piece: Piece, beats: Sequence[float]) -> Piece:
    """The piece with an accent on each of these beats: whoever plays there plays louder, what sounds across is struck again, the kit adds
    kick and crash; and a marker."""
    for beat in beats:
        tracks = [_struck(track, beat) for track in piece.tracks]
        if not any(_begins(track.notes, beat).any() for track in tracks):
            tracks = [_brought_forward(track, beat, piece.tracks) for track in tracks]
        piece = replace(piece, tracks=tuple(tracks))
    marks = tuple((beat, f"{HIT}{float(piece.beats_to_seconds(beat)):.6g} s") for beat in beats)
    return replace(piece, markers=tuple(sorted((*piece.markers, *marks))))


def with_hits(piece: Piece, lines: Sequence[BarLine], hits: Sequence[float]) -> Piece:
    """The piece with these bar lines at their seconds, and accents on those at the seconds of `hits`. Lines behind its end are passed over."""
    n_bars = len(piece.bar_starts())
    lines = [line for line in lines if line.bar < n_bars]
    if not lines:
        return piece
    piece = on_seconds(piece, lines)
    seconds = piece.beats_to_seconds(starts := piece.bar_starts())
    struck = [line.second for line in lines if line.second in hits]
    return accented(piece, [starts[int(np.abs(seconds - second).argmin())] for second in struck]) if struck else piece


def _begins(notes: np.ndarray, beat: float) -> np.ndarray:
    return np.abs(notes["onset"] - beat) < _EPSILON


def _struck(track: Any, beat: float) -> Any:
    notes = track.notes.copy()
    ends = notes["onset"] + notes["duration"]
    added = []
    if track.plays_kit:
        there = set(notes["pitch"][_begins(notes, beat)].tolist())
        if len(notes):
            added = [(beat, 0.25, pitch, 0) for pitch in (_CRASH, _KICK) if pitch not in there]
    elif not _begins(notes, beat).any():
        across = (notes["onset"] < beat - _EPSILON) & (ends > beat + _EPSILON)
        added = [(beat, end - beat, pitch, v) for end, pitch, v in zip(ends[across], notes["pitch"][across], notes["velocity"][across], strict=True)]  # fmt: skip
        notes["duration"][across] = beat - notes["onset"][across]
    if added:
        notes = np.concatenate([notes, make_notes(*map(list, zip(*added, strict=True)))])
        notes = np.sort(notes, order=("onset", "pitch"), kind="stable")
    now = _begins(notes, beat)
    louder = np.maximum(notes["velocity"][now].astype(int) + _LOUDER, _AT_LEAST)
    notes["velocity"][now] = np.minimum(louder, 127)
    return replace(track, notes=notes)


def _brought_forward(track: Any, beat: float, tracks: Sequence[Any]) -> Any:
    """Where nothing at all begins or sounds: the track that plays next, or played last, plays its notes at the beat as well."""
    pitched = [one for one in tracks if not one.is_drum and len(one.notes)] or [one for one in tracks if len(one.notes)]

    def wait(one: Any) -> float:
        later = one.notes["onset"][one.notes["onset"] > beat]
        return float(later.min() - beat) if len(later) else math.inf

    if not pitched:
        return track
    chosen = min(pitched, key=wait)
    if (track.family, track.program) != (chosen.family, chosen.program) or not len(track.notes):
        return track
    notes, gap = track.notes, wait(chosen)
    group = beat + gap if math.isfinite(gap) else float(notes["onset"].max())
    copied = notes[_begins(notes, group)].copy()
    copied["onset"], copied["duration"] = beat, min(gap, _ACCENT_BEATS)
    copied["velocity"] = np.minimum(np.maximum(copied["velocity"].astype(int) + _LOUDER, _AT_LEAST), 127)
    return replace(track, notes=np.sort(np.concatenate([notes, copied]), order=("onset", "pitch"), kind="stable"))


def told_of_hits(piece: Piece, hits: Sequence[float], *, asked_bpm: float | None = None) -> list[str]:
    """What the asker should know of the hits of a finished piece: a line each. asked_bpm: the tempo asked for, if one was."""
    starts = piece.bar_starts()
    seconds = piece.beats_to_seconds(starts)
    lines = []
    for hit in hits:
        off = float(np.abs(seconds - hit).min())
        if off > _NEAR_S:
            lines.append(f"--hit {hit:g}: found no bar line; the nearest stands {off:.2f} s away")
            continue
        bar = int(np.abs(seconds - hit).argmin())
        usual, before = (_meter_at(piece, starts[max(index, 0)]) for index in (bar, bar - 1))
        if before != usual:
            lines.append(f"--hit {hit:g}: a bar of {before[0]}/{before[1]} stands before it")
    if asked_bpm is not None:
        at = piece.seconds_to_beats([0.0, *hits[:-1]])
        bpms = [[bpm for beat, bpm in piece.tempos if beat <= begin + _EPSILON][-1] for begin in at]
        if any(abs(bpm / asked_bpm - 1.0) > 5e-4 for bpm in bpms):
            lines.append(
                f"--hit: the tempo moved from {asked_bpm:g} bpm to {min(bpms):.5g} at the slowest and {max(bpms):.5g} at the quickest"
            )
    return lines


def _meter_at(piece: Piece, beat: float) -> tuple[int, int]:
    return [change[1:] for change in piece.meters if change[0] <= beat + _EPSILON][-1]
