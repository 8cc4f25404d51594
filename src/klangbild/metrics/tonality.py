"""Home: which notes belong to the key, what rubs, and whether the piece comes home.

Conventions
    The *heard* key is Krumhansl's on the whole piece. The *written* one is trusted in files that carry our record; in files of
    others the key signature is more often a default than a statement (C major in most), so there the heard key stands in for it,
    and what compares the two is NaN. A minor key has both sevenths. Drums are left out; a sixteenth is a quarter of a beat.

Metrics (of one piece; NaN without pitched notes)
    out_of_key            share of notes whose pitch class the heard key lacks, 0..1.
    clashes               share of sixteenths with pitched sound in which two pitches a semitone apart sound together, 0..1.
    distinct_pitches      how many of the 128 pitches are played, 1..128.
    few_pitches           1 where they are 12 or fewer.
    key_misheard          1 where the heard tonic is not the written one; NaN for files without our record.
    end_rubs              1 where in the last bar (in which the last pitched note ends) a pitch class outside the tonic's triad
                          rings on for more than a beat.
    final_chord_s         seconds from the last pitched onset to the end of the last pitched note.
    v_i_end               1 where the last two different chords are a dominant (with its major third) and the tonic.
    Source: ours; key finding after Krumhansl (1990).
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import STEPS_PER_BEAT, BarGrid
from klangbild.metrics.chords import SCALES, Beats, chords_of, v_i
from klangbild.music.key import estimate_key
from klangbild.music.piece import Key, Piece

FEW = 12
_SIXTEENTH = STEPS_PER_BEAT // 4


def home_key(piece: Piece) -> Key:
    """The written key of a file of ours, else the heard one."""
    return piece.key if piece.record is not None and piece.key is not None else estimate_key(piece)


def key_misheard(piece: Piece) -> float:
    """0, 1 or NaN."""
    if piece.record is None or piece.key is None:
        return float("nan")
    return float(estimate_key(piece).tonic != piece.key.tonic)


def out_of_key(notes: np.ndarray, key: Key) -> float:
    """Structured notes (n,), n > 0 -> 0..1."""
    degree = (notes["pitch"].astype(int) - key.tonic) % 12
    return float(1.0 - np.isin(degree, SCALES[key.mode]).mean())


def clashes(grid: BarGrid) -> float:
    """0..1, or NaN."""
    roll = grid.sounding
    if not len(roll):
        return float("nan")
    sounds = roll.reshape(-1, _SIXTEENTH, 128).max(axis=1) > 0
    # within one sixteenth two notes may follow each other: only what sounds at the same step rubs
    at_once = roll > 0
    rub = (at_once[:, 1:] & at_once[:, :-1]).any(axis=1)
    rubs = rub.reshape(-1, _SIXTEENTH).any(axis=1)
    any_sound = sounds.any(axis=1)
    return float(rubs[any_sound].mean()) if any_sound.any() else float("nan")


def end_rubs(grid: BarGrid, key: Key) -> bool:
    """Whether something rings against the tonic's triad in the bar in which the last pitched note ends."""
    notes = grid.pitched
    end = int((notes["step"] + notes["length"]).max())
    start = int(grid.starts[max(np.searchsorted(grid.starts, end) - 1, 0)])
    third = 4 if key.mode == "major" else 3
    foreign = ~np.isin((notes["pitch"] - key.tonic) % 12, (0, third, 7))
    rings = notes["step"] + notes["length"] - np.maximum(notes["step"], start)
    return bool((rings[foreign] > STEPS_PER_BEAT).any())


def final_chord_s(grid: BarGrid) -> float:
    """Seconds, from the last pitched onset on."""
    notes = grid.pitched
    onset, end = notes["step"].max(), (notes["step"] + notes["length"]).max()
    return float(np.diff(grid.piece.beats_to_seconds(np.array([onset, end]) / STEPS_PER_BEAT))[0])


def v_i_end(beats: Beats, key: Key) -> bool:
    """Whether the last recognised chord is the tonic, and the last of another root before it the dominant."""
    used = np.flatnonzero(beats.recognised)
    last = [at for at in used if beats.root[at] != beats.root[used[-1]]][-1:]
    if not last or beats.root[used[-1]] != key.tonic:
        return False
    return any(at > last[0] for at in v_i(beats, key.tonic))


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    names = ("out_of_key", "clashes", "distinct_pitches", "few_pitches", "key_misheard")
    notes = grid.pitched
    if not len(notes):
        return OrderedDict.fromkeys(names, float("nan"))
    distinct = len(np.unique(notes["pitch"]))
    return OrderedDict(
        out_of_key=out_of_key(notes, estimate_key(grid.piece)),
        clashes=clashes(grid),
        distinct_pitches=float(distinct),
        few_pitches=float(distinct <= FEW),
        key_misheard=key_misheard(grid.piece),
    )


def ending(grid: BarGrid) -> OrderedDict[str, float]:
    """The scores of how a whole piece ends, by name."""
    if not len(grid.pitched):
        return OrderedDict.fromkeys(("end_rubs", "final_chord_s", "v_i_end"), float("nan"))
    key = home_key(grid.piece)
    return OrderedDict(
        end_rubs=float(end_rubs(grid, key)),
        final_chord_s=final_chord_s(grid),
        v_i_end=float(v_i_end(chords_of(grid), key)),
    )
