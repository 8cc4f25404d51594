"""Music in words, made from the notes: for people who cannot hear it, for alt texts, and for search.

`describe` gives one line in plain words ("slow, minor, strings and piano, 72 bpm in 3/4, rises at bar 9, ends softly");
`music_facts` the numbers behind it, as they stand in a result file.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klangbild.emotion.course import course_words
from klangbild.music.families import FAMILY_INDEX
from klangbild.music.key import estimate_key
from klangbild.music.piece import Piece

# tempo words by felt bpm (lower limit, word)
_TEMPO_WORDS = ((168, "very fast"), (128, "fast"), (100, "lively"), (76, "moderate"), (56, "slow"), (0, "very slow"))
_DENSITY_WORDS = ((9.0, "dense"), (1.2, None), (0.0, "sparse"))
_RISE_RATIO = 1.6
_FELT, _ON_BEAT = 0.6, 0.1
_SOFT_VELOCITY, _LOUD_VELOCITY = 52, 98


def describe(piece: Piece) -> str:
    """One line of plain words, most telling first; "silence" when nothing sounds.

    >>> from klangbild.music.piece import Key, Track, make_notes
    >>> notes = make_notes([0, 3, 6, 9], [3, 3, 3, 3], [57, 60, 64, 57], [70, 70, 60, 45])
    >>> describe(Piece((Track("piano", 0, notes),), tempos=((0.0, 60.0),), meters=((0.0, 3, 4),), key=Key(9, "minor")))
    'slow, minor, piano, 60 bpm in 3/4, sparse, ends softly'
    """
    if not piece.n_notes:
        return "silence"
    key = piece.key or estimate_key(piece)
    bpm, (numerator, denominator) = main_tempo(piece), main_meter(piece)
    felt = felt_tempo(piece)
    parts = [tempo_word(felt)]
    pitched = any(family != "drums" for family in piece.families)
    if pitched:
        parts.append(key.mode)
    parts.append(_instrument_words(piece))
    written = "" if round(felt) == round(bpm) else f" (felt as {round(felt)})"
    parts.append(f"{round(bpm)} bpm{written} in {numerator}/{denominator}")
    parts += [words for words in (_density_word(piece), _dynamics_word(piece)) if words]
    parts += _shape_words(piece)
    if piece.moods:
        parts.append(course_words([(float(piece.beats_to_seconds(beat)), name) for beat, name in piece.moods]))
    return ", ".join(parts)


def music_facts(piece: Piece) -> dict[str, Any]:
    """What a result file says about the music: seconds, bars, tempo (bpm), key, meter, instruments, notes, words.

    `key` is the piece's own, else the one its notes fit best; None when only drums play.
    """
    pitched = any(family != "drums" for family in piece.families)
    key = (piece.key or estimate_key(piece)) if pitched else None
    numerator, denominator = main_meter(piece)
    return {
        "seconds": round(piece.seconds, 3),
        "bars": len(piece.bar_starts()) if piece.end_beats > 0 else 0,
        "tempo": round(main_tempo(piece), 3),
        "key": str(key) if key else None,
        "meter": f"{numerator}/{denominator}",
        "instruments": list(piece.families),
        "notes": piece.n_notes,
        "words": describe(piece),
    }


def main_tempo(piece: Piece) -> float:
    """The tempo in bpm that lasts longest; of equals the first."""
    ends = [beat for beat, _ in piece.tempos[1:]] + [max(piece.end_beats, piece.tempos[-1][0])]
    lasting: dict[float, float] = {}
    for (beat, bpm), end in zip(piece.tempos, ends, strict=True):
        lasting[bpm] = lasting.get(bpm, 0.0) + max(min(end, piece.end_beats) - beat, 0.0) / bpm
    return max(lasting, key=lasting.__getitem__)


def felt_tempo(piece: Piece) -> float:
    """The tempo in bpm that a listener taps: the written one, or half or twice it where that is how the music moves.

    A beat is felt where something begins on it: with onsets on fewer than `_FELT` of the beats the pulse is twice as slow; below
    56 bpm, with onsets on nearly all half beats, twice as fast.
    """
    bpm = main_tempo(piece)
    onsets = (
        np.unique(np.concatenate([track.notes["onset"] for track in piece.tracks])) if piece.tracks else np.zeros(0)
    )
    if len(onsets) < 2:
        return bpm

    def filled(step: float) -> float:
        grid = np.arange(np.floor(onsets[0]), max(piece.end_beats, onsets[-1]), step)
        near = np.clip(np.searchsorted(onsets, grid - _ON_BEAT), 0, len(onsets) - 1)
        return float((np.abs(onsets[near] - grid) <= _ON_BEAT).mean())

    if bpm >= _TEMPO_WORDS[3][0] and filled(1.0) < _FELT:
        return bpm / 2.0
    return bpm * 2.0 if bpm < _TEMPO_WORDS[4][0] and filled(0.5) > 0.9 else bpm


def main_meter(piece: Piece) -> tuple[int, int]:
    """The meter that lasts longest; of equals the first."""
    ends = [beat for beat, _, _ in piece.meters[1:]] + [max(piece.end_beats, piece.meters[-1][0])]
    lasting: dict[tuple[int, int], float] = {}
    for (beat, numerator, denominator), end in zip(piece.meters, ends, strict=True):
        meter = (numerator, denominator)
        lasting[meter] = lasting.get(meter, 0.0) + max(end - beat, 0.0)
    return max(lasting, key=lasting.__getitem__)


def tempo_word(bpm: float) -> str:
    """very slow, slow, moderate, lively, fast or very fast."""
    return next(word for lowest, word in _TEMPO_WORDS if bpm >= lowest)


def _instrument_words(piece: Piece) -> str:
    """The families by how much they are heard: at most four names, joined as in a sentence."""
    weight = {}
    for family, notes in piece.by_family().items():
        heard = np.minimum(notes["duration"], 4.0) * (notes["velocity"] / 127.0) ** 2
        # a drum hit is heard for longer than its note lasts, and carries no tune
        weight[family] = 0.1 * len(notes) if family == "drums" else float(heard.sum())
    names = sorted(weight, key=lambda family: (-weight[family], FAMILY_INDEX[family]))
    if len(names) == 1:
        return f"{names[0]} alone" if names[0] == "drums" else names[0]
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _density_word(piece: Piece) -> str | None:
    onsets = {(round(float(beat), 3)) for track in piece.tracks for beat in track.notes["onset"]}
    per_second = len(onsets) / max(piece.seconds, 1e-6)
    return next(word for lowest, word in _DENSITY_WORDS if per_second >= lowest)


def _dynamics_word(piece: Piece) -> str | None:
    velocities = np.concatenate([track.notes["velocity"] for track in piece.tracks])
    mean = float(velocities.mean())
    return "soft" if mean < _SOFT_VELOCITY else "loud" if mean > _LOUD_VELOCITY else None


def _shape_words(piece: Piece) -> list[str]:
    """Where the music rises or falls most, and how it ends, if it does."""
    energy = bar_energy(piece)
    words = []
    if len(energy) >= 8:
        # the bar that divides the music into two most unlike neighbourhoods of four bars
        span = min(4, len(energy) // 2)
        best = (0.0, 0)
        for bar in range(2, len(energy) - 3):
            before, after = energy[max(bar - span, 0) : bar].mean(), energy[bar : bar + span].mean()
            change = math.log(max(after, 1e-3) / max(before, 1e-3))
            if abs(change) > abs(best[0]) + 1e-9:
                best = (change, bar)
        if best[0] > math.log(_RISE_RATIO):
            words.append(f"rises at bar {best[1] + 1}")
        elif best[0] < -math.log(_RISE_RATIO):
            words.append(f"calms at bar {best[1] + 1}")
    ending = "loops" if piece.loops else _ending_word(piece, energy)
    return [*words, ending] if ending else words


def _ending_word(piece: Piece, energy: np.ndarray) -> str | None:
    notes = np.concatenate([track.notes for track in piece.tracks])
    last = notes[notes["onset"] >= notes["onset"].max() - 1.0]
    typical = float(np.median(notes["velocity"]))
    final = float(last["velocity"].mean())
    if final < 0.85 * typical or (len(energy) > 4 and energy[-1] < 0.35 * energy[:-1].mean()):
        return "ends softly"
    if final > 1.15 * typical or (len(energy) > 4 and energy[-1] > 1.5 * energy[:-1].mean()):
        return "ends strongly"
    return None


def bar_energy(piece: Piece) -> np.ndarray:
    """How much is going on in each bar: sum of (velocity / 127)^2 over its note onsets, per beat: (bars,)."""
    starts = np.array(piece.bar_starts())
    ends = np.append(starts[1:], max(piece.end_beats, starts[-1] + 1e-6))
    energy = np.zeros(len(starts))
    for track in piece.tracks:
        bar = np.clip(np.searchsorted(starts, track.notes["onset"] + 1e-6, side="right") - 1, 0, None)
        np.add.at(energy, bar, (track.notes["velocity"] / 127.0) ** 2)
    return energy / np.maximum(ends - starts, 0.25)
