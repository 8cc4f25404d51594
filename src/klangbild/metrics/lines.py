"""Lines: the salient part as a tune, and the outer voices against each other.

Conventions
    A part is a track. The *salient* part is the one that an ear follows: of the pitched parts without the bass family, the one
    with the largest product of the time that it is the highest sounding pitch, and of the share of its onsets that are one note:
    a pad above the singer is not the tune. Its line is the top note of each of its onsets (steps
    of a twelfth of a beat), a *move* the interval from one to the next, in semitones. A phrase ends at a rest of half a beat or
    more, or where two onsets are two beats or more apart; no move and no motif reaches over its end.

Metrics (of one piece; NaN where there is no such part, or fewer notes than it takes)
    single_onsets      share of the salient part's onsets that are one note, 0..1.
    steps              share of its moves that are 1 or 2 semitones, 0..1.
    repeated_notes     share that are none, 0..1.
    octave_leaps       share that are 12 semitones, 0..1.
    motifs_return      share of its runs of four moves (not all of them 0) that stand elsewhere in its line too, 0..1.
    phrase_beats       median length of its phrases, from the first onset to the end of the last note, beats.
    bars_exact         share of its bars (with an onset, from the second on) that an earlier one played already, 0..1.
    bars_varied        share of those that have the rhythm of an earlier one but other pitches than each of them, 0..1.
    longest_scale      most moves of 1 or 2 semitones one way in a row, of any pitched part.
    long_scales        1 where that is 14 or more.
    tune_scales        1 where a run in the salient part is longer than 9.
    parallels          the highest and the lowest pitch sounding on each beat: of the pairs of neighbouring beats where both
                       move, the share in which they go the same way from a fifth to a fifth or an octave to an octave
                       (an octave or more apart is as near as a fifth), 0..1.
    Source: ours; phrases by rests and gaps after Lerdahl and Jackendoff (1983), grouping rules 2a and 2b.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from itertools import pairwise

import numpy as np

from klangbild.metrics.bar_grid import STEPS_PER_BEAT, BarGrid
from klangbild.music.families import FAMILY_INDEX
from klangbild.music.tune import tune_among

MOTIF, LONG_SCALE, TUNE_SCALE = 4, 14, 9
_BASS = FAMILY_INDEX["bass"]
_NAN = float("nan")


def salient_part(grid: BarGrid) -> int | None:
    """The number of the part that is on top for long, and a line; None where only drums and bass play."""
    notes = grid.pitched
    notes = notes[notes["family"] != _BASS]
    return tune_among(*(notes[name] for name in ("step", "length", "pitch", "velocity", "part")))


def line_of(notes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Notes of one part (n,) -> of each onset its step, its top pitch and how many notes it has, all (onsets,)."""
    ordered = np.sort(notes, order=("step", "pitch"), kind="stable")
    step, first, count = np.unique(ordered["step"], return_index=True, return_counts=True)
    return step, ordered["pitch"][first + count - 1], count


def phrases(notes: np.ndarray) -> list[tuple[int, int, float]]:
    """Phrases of one part's notes (n,): (first onset, behind its last onset, length in beats), by the onsets of `line_of`."""
    ordered = np.sort(notes, order=("step", "pitch"), kind="stable")
    step, first = np.unique(ordered["step"], return_index=True)
    if not len(step):
        return []
    end = np.maximum.accumulate(np.maximum.reduceat(ordered["step"] + ordered["length"], first))
    apart = (step[1:] - end[:-1] >= STEPS_PER_BEAT // 2) | (np.diff(step) >= 2 * STEPS_PER_BEAT)
    cuts = np.concatenate([[0], np.flatnonzero(apart) + 1, [len(step)]])
    return [(int(a), int(b), float(end[b - 1] - step[a]) / STEPS_PER_BEAT) for a, b in pairwise(cuts)]


def longest_scale(moves: np.ndarray) -> int:
    """Most moves (n,) of 1 or 2 semitones one way in a row."""
    best = run = way = 0
    for move in moves.tolist():
        stepwise = abs(move) in (1, 2)
        run = (run + 1 if (move > 0) == (way > 0) and way else 1) if stepwise else 0
        way = move if stepwise else 0
        best = max(best, run)
    return best


def motifs_return(lines: list[np.ndarray]) -> float:
    """Moves of each phrase, (n,) each -> share of runs of four that recur, 0..1, or NaN."""
    runs = [tuple(moves[i : i + MOTIF].tolist()) for moves in lines for i in range(len(moves) - MOTIF + 1)]
    count = Counter(run for run in runs if any(run))
    total = sum(count.values())
    return sum(c for c in count.values() if c > 1) / total if total else _NAN


def bars_again(grid: BarGrid, notes: np.ndarray) -> tuple[float, float]:
    """(exact, varied) shares of one part's bars, or NaN below two."""
    bars: dict[int, list[tuple[int, int]]] = {}
    for bar, at, pitch in zip(notes["bar"].tolist(), notes["at"].tolist(), notes["pitch"].tolist(), strict=True):
        bars.setdefault(bar, []).append((at, pitch))
    contents = [frozenset(bars[number]) for number in sorted(bars)]
    if len(contents) < 2:
        return _NAN, _NAN
    exact = varied = 0
    seen: set[frozenset] = set()
    rhythms: set[frozenset] = set()
    for number, content in enumerate(contents):
        rhythm = frozenset(at for at, _ in content)
        if number:
            exact += content in seen
            varied += content not in seen and rhythm in rhythms
        seen.add(content)
        rhythms.add(rhythm)
    return exact / (len(contents) - 1), varied / (len(contents) - 1)


def parallels(grid: BarGrid) -> float:
    """0..1, or NaN where the outer voices never move together."""
    on_beat = grid.sounding[::STEPS_PER_BEAT] > 0
    two = on_beat.sum(axis=1) >= 2
    low, high = on_beat.argmax(axis=1), 127 - on_beat[:, ::-1].argmax(axis=1)
    moves_low, moves_high, interval = np.diff(low), np.diff(high), (high - low) % 12
    both = two[1:] & two[:-1] & (moves_low != 0) & (moves_high != 0)
    same = np.isin(interval[1:], (0, 7)) & (interval[1:] == interval[:-1]) & (np.sign(moves_low) == np.sign(moves_high))
    return float(same[both].mean()) if both.any() else _NAN


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    out = OrderedDict.fromkeys((
        "single_onsets", "steps", "repeated_notes", "octave_leaps", "motifs_return", "phrase_beats", "bars_exact",
        "bars_varied", "longest_scale", "long_scales", "tune_scales",
    ), _NAN)  # fmt: skip
    scales = []
    for number in np.unique(grid.pitched["part"]).tolist():
        part = grid.pitched[grid.pitched["part"] == number]
        pitch = line_of(part)[1]
        scales.append(max(longest_scale(np.diff(pitch[a:b])) for a, b, _ in phrases(part)))
    if scales:
        out["longest_scale"], out["long_scales"] = float(max(scales)), float(max(scales) >= LONG_SCALE)
    salient = salient_part(grid)
    if salient is not None:
        notes = grid.notes[grid.notes["part"] == salient]
        _, pitch, count = line_of(notes)
        found = phrases(notes)
        lines = [np.diff(pitch[a:b]) for a, b, _ in found]
        moves = np.concatenate(lines)
        out["single_onsets"] = float((count == 1).mean())
        if len(moves):
            size = np.abs(moves)
            out["steps"] = float(((size == 1) | (size == 2)).mean())
            out["repeated_notes"], out["octave_leaps"] = float((size == 0).mean()), float((size == 12).mean())
        out["motifs_return"] = motifs_return(lines)
        out["phrase_beats"] = float(np.median([length for _, _, length in found]))
        out["bars_exact"], out["bars_varied"] = bars_again(grid, notes)
        out["tune_scales"] = float(max(map(longest_scale, lines)) > TUNE_SCALE)
    out["parallels"] = parallels(grid)
    return out
