"""Mending tempo maps and meters, so that a beat of the file is a beat one would tap.

Many files were written by programs that knew no beat: 12 bpm, 480 bpm, 64/128, no tempo at all. Here the beat is doubled
or halved until it lies in 50..220 bpm, meters that no one counts become 4/4, and silence before the music goes. Whether
the notes then stand on the beat's grid at all is measured by `on_grid`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from klangbild.models.bars.language import METERS
from klangbild.music.piece import Piece, Track

SLOWEST_BPM, FASTEST_BPM = 50.0, 220.0
_EQUAL_METERS = {(2, 2): (4, 4), (3, 2): (6, 4), (4, 8): (2, 4), (2, 8): (1, 4), (12, 16): (3, 4), (6, 16): (3, 8)}
# Bars that only exporters write as the meter of a whole piece.
_UNCOUNTED = ((1, 4), (3, 8), (1, 8))


@dataclass(frozen=True)
class Repair:
    """A mended piece and what was done: the factor on the beats (2 = twice as many), the meters replaced."""

    piece: Piece
    beat_factor: float
    meters_replaced: int


def usual_bpm(piece: Piece) -> float:
    """The tempo under which the middle note of the piece stands (a median over notes)."""
    onsets = np.concatenate([t.notes["onset"] for t in piece.tracks]) if piece.tracks else np.zeros(1)
    at = np.array([beat for beat, _ in piece.tempos])
    index = np.clip(np.searchsorted(at, onsets, side="right") - 1, 0, None)
    return float(np.median(np.array([bpm for _, bpm in piece.tempos])[index]))


def scale_beats(piece: Piece, factor: float) -> Piece:
    """The same music in seconds with `factor` times as many beats (and bars)."""
    if factor == 1.0:
        return piece
    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        notes["onset"] *= factor
        notes["duration"] *= factor
        tracks.append(replace(track, notes=notes))
    return replace(
        piece,
        tracks=tuple(tracks),
        tempos=tuple((at * factor, bpm * factor) for at, bpm in piece.tempos),
        meters=tuple((at * factor, n, d) for at, n, d in piece.meters),
        markers=tuple((at * factor, text) for at, text in piece.markers),
        length_beats=piece.length_beats * factor,
    )


def mend_meters(piece: Piece) -> tuple[Piece, int]:
    """Meters that the language knows; others, and one-beat bars that fill most of a piece, become 4/4."""
    end = max(piece.end_beats, 1e-9)
    starts = [at for at, _, _ in piece.meters]
    lengths = np.diff([*starts, max(end, starts[-1])])
    replaced, meters = 0, []
    for (at, numerator, denominator), length in zip(piece.meters, lengths, strict=True):
        meter = _EQUAL_METERS.get((numerator, denominator), (numerator, denominator))
        if meter not in METERS or (meter in _UNCOUNTED and length > 0.25 * end):
            meter, replaced = (4, 4), replaced + 1
        if not meters or meters[-1][1:] != meter:
            meters.append((at, *meter))
    return replace(piece, meters=tuple(meters)), replaced


def trim_silence(piece: Piece) -> Piece:
    """Whole bars before the first note go (at most up to the first change of meter after it)."""
    first = min((float(t.notes["onset"].min()) for t in piece.tracks if len(t.notes)), default=0.0)
    skipped = max((s for s in piece.bar_starts() if s <= first + 1e-6), default=0.0)
    if skipped <= 0.0:
        return piece
    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        notes["onset"] -= skipped
        tracks.append(Track(track.family, track.program, notes))

    def moved(changes: tuple) -> tuple:
        before = [c for c in changes if c[0] <= skipped + 1e-9][-1:]
        after = [c for c in changes if c[0] > skipped + 1e-9]
        return tuple([(0.0, *c[1:]) for c in before] + [(c[0] - skipped, *c[1:]) for c in after])

    return replace(
        piece,
        tracks=tuple(tracks),
        tempos=moved(piece.tempos),
        meters=moved(piece.meters),
        markers=tuple((at - skipped, text) for at, text in piece.markers if at >= skipped),
        length_beats=max(piece.length_beats - skipped, 0.0),
    )


def mend(piece: Piece) -> Repair:
    """Beat into 50..220 bpm, known meters, no silence before the music."""
    bpm = usual_bpm(piece)
    factor = 1.0
    while bpm * factor < SLOWEST_BPM:
        factor *= 2.0
    while bpm * factor > FASTEST_BPM:
        factor /= 2.0
    piece = scale_beats(piece, factor)
    piece, replaced = mend_meters(piece)
    return Repair(trim_silence(piece), factor, replaced)


def on_grid(piece: Piece) -> bool:
    """Whether the notes follow the beat: at least 35 % of onsets within 0.04 beats of an eighth, or at least 45 % within
    0.01 beats of a twelfth (evenly spread onsets would give 16 % and 24 %)."""
    onsets = np.concatenate([t.notes["onset"] for t in piece.tracks]) if piece.tracks else np.zeros(0)
    if not len(onsets):
        return False
    eighths, twelfths = onsets * 2.0, onsets * 12.0
    near_eighth = np.abs(eighths - np.rint(eighths)) / 2.0 <= 0.04
    near_twelfth = np.abs(twelfths - np.rint(twelfths)) / 12.0 <= 0.01
    return bool(near_eighth.mean() >= 0.35 or near_twelfth.mean() >= 0.45)
