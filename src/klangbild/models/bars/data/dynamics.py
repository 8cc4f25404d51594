"""Loudness for music that was written down without any: a rule, the same for a piece whenever it is prepared.

Scores that programs turned into MIDI are all of one velocity. A model that learns from them plays so. Here each note gets

    level of the piece    80, louder where notes come fast and softer where they come slowly (10 for a doubling of the pace), and up
                          or down by chance (standard deviation 9, drawn from the file's own bytes)
    level of the bar      louder where it is denser and its tune is higher, and in the middle of each four bars; scaled to a
                          standard deviation of 7.7, smoothed over the bars beside it
    accent                by place in the bar and as the top note of a chord
    balance               what its family is louder or softer than the others in the file stays

Measured, on the 199 parts of pitched instruments and 515 of drums with more than eight velocities in the open sets that people played or
programmed (games_open, groove, freedoom): the accents, the top note's 2, and how far bars (7.7) and parts (17.8, of which two thirds are
used) lie apart. What makes a bar louder is convention and not measured there: those parts are loops of games, in which density
explains 2 of 127 for a factor of e, and register and the place in four bars nothing. Source: Friberg, Bresin and Sundberg
(2006), "Overview of the KTH rule system for musical performance", rules High loud and Phrase arch.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from klangbild.music.piece import Piece

FLAT_VELOCITIES = 4
"""A piece with no more different velocities than this was written down without dynamics (some programs mark the beats)."""
LEVEL, PACE, CHANCE = 80.0, 10.0, 9.0
BAR_SPREAD = 7.7
USUAL_ONSETS_PER_S = 4.0
PITCHED_ACCENTS = (4.9, 3.7, 3.3, 0.0)
DRUM_ACCENTS = (17.3, 22.8, 10.2, 0.0)
"""Added to notes on the bar, on another beat, on another eighth, elsewhere (then centred)."""
TOP_NOTE = 2.0
SOFTEST, LOUDEST = 24, 120
_DENSITY, _REGISTER, _ARCH = 1.0, 0.7, 0.5


def is_flat(piece: Piece) -> bool:
    """Whether a piece says nothing of loudness: hardly any different velocities."""
    velocities = [t.notes["velocity"] for t in piece.tracks if len(t.notes)]
    return bool(velocities) and len(np.unique(np.concatenate(velocities))) <= FLAT_VELOCITIES


def with_dynamics(piece: Piece, seed: bytes) -> Piece:
    """The piece with velocities by the rule above. seed: bytes of the file; equal ones give equal velocities."""
    notes = np.concatenate([t.notes for t in piece.tracks])
    starts = np.array(piece.bar_starts())
    level = LEVEL + _pace(piece, notes) + CHANCE * _chance(seed)
    of_bar = level + _bar_levels(notes, starts, piece.end_beats)
    usual = float(np.median(notes["velocity"]))
    tracks = []
    for track in piece.tracks:
        own = track.notes.copy()
        if len(own):
            velocity = of_bar[_bar_of(own["onset"], starts)] + _accents(own, starts, drums=track.is_drum)
            velocity += float(np.median(own["velocity"])) - usual
            own["velocity"] = np.clip(np.rint(velocity), SOFTEST, LOUDEST)
        tracks.append(replace(track, notes=own))
    return replace(piece, tracks=tuple(tracks))


def _pace(piece: Piece, notes: np.ndarray) -> float:
    onsets = len(np.unique(np.rint(notes["onset"] * 24.0)))
    doublings = np.log2(max(onsets / max(piece.seconds, 1.0), 0.1) / USUAL_ONSETS_PER_S)
    return PACE * float(np.clip(doublings, -1.5, 1.5))


def _chance(seed: bytes) -> float:
    """A number of a normal distribution that a file keeps for ever, within two standard deviations."""
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8], "big")
    return float(np.clip(np.random.default_rng(number).normal(), -2.0, 2.0))


def _bar_of(onsets: np.ndarray, starts: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(starts, onsets + 1e-6, side="right") - 1, 0, None)


def _bar_levels(notes: np.ndarray, starts: np.ndarray, end: float) -> np.ndarray:
    """(bars,): how much louder each bar is than the piece."""
    bar = _bar_of(notes["onset"], starts)
    beats = np.maximum(np.diff([*starts, max(end, starts[-1] + 1.0)]), 0.25)
    count = np.bincount(bar, minlength=len(starts))
    moment = np.rint(notes["onset"] * 24.0).astype(np.int64)
    order = np.lexsort((notes["pitch"], moment))
    last = np.r_[np.diff(moment[order]) > 0, True]  # the highest note of each moment: roughly the tune
    tune, tune_bar = notes["pitch"][order][last].astype(float), bar[order][last]
    height = np.bincount(tune_bar, tune, len(starts)) / np.maximum(np.bincount(tune_bar, minlength=len(starts)), 1)
    height = np.where(count > 0, height, tune.mean())
    arch = np.sin(np.pi * (np.arange(len(starts)) % 4 + 0.5) / 4.0)
    shape = (
        _DENSITY * _standard(np.log1p(count / beats), count > 0)
        + _REGISTER * _standard(height, count > 0)
        + _ARCH * _standard(arch, count > 0)
    )
    padded = np.r_[shape[0], shape, shape[-1]]
    shape = (padded[:-2] + 2.0 * padded[1:-1] + padded[2:]) / 4.0
    return BAR_SPREAD * np.clip(_standard(shape, count > 0), -2.5, 2.5)


def _standard(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1 over the bars that have notes; 0 everywhere where nothing varies."""
    mean, spread = values[counted].mean(), values[counted].std()
    return (values - mean) / spread if spread > 1e-6 else np.zeros(len(values))


def _accents(notes: np.ndarray, starts: np.ndarray, *, drums: bool) -> np.ndarray:
    place = notes["onset"] - starts[_bar_of(notes["onset"], starts)]

    def near(step: float) -> np.ndarray:
        return np.abs(place / step - np.rint(place / step)) * step < 0.06

    bar, beat, eighth, else_ = DRUM_ACCENTS if drums else PITCHED_ACCENTS
    accent = np.select([place < 0.06, near(1.0), near(0.5)], [bar, beat, eighth], else_)
    if not drums:
        moment = np.rint(notes["onset"] * 24.0)
        rises = np.diff(moment) > 0
        top, alone = np.r_[rises, True], np.r_[True, rises] & np.r_[rises, True]
        accent = accent + TOP_NOTE * (top & ~alone)
    return accent - accent.mean()
