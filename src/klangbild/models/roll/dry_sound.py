"""Notes to the plain sound that measures and training clips listen to: mono at 16 kHz, without a room, all of one level."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from klangbild.music.piece import Piece
from klangbild.sound.synth import active_level_db, synthesize_stems

RATE = 16_000
"""Of the dry sound, Hz."""
PLAYED_RATE = 24_000
"""Of what is played first: what lies above 16 kHz folds down to where the 16 kHz filter does not reach; samples have none."""
LEVEL_DB = -20.0
MAX_SHIFT = 2
"""Semitones by which a piece is moved at most, so that no key is told by its place."""


def played(piece: Piece, soundfont: Path) -> np.ndarray:
    """A piece with notes -> stereo sound (2, n) at `PLAYED_RATE`: its stems added up, nothing else. Raises InputError: no SoundFont."""
    stems = synthesize_stems(piece, soundfont=soundfont, rate=PLAYED_RATE)
    return np.sum([audio.samples for _, audio in stems], axis=0)


def leveled(stereo: np.ndarray) -> tuple[np.ndarray, float | None]:
    """Stereo sound (2, n) at `PLAYED_RATE` -> (mono float32 (m,) at `RATE`, brought to `LEVEL_DB`; the level it had, in dB).

    The level of what is silent is None, and left alone.
    """
    from scipy.signal import resample_poly

    level = active_level_db(stereo, PLAYED_RATE)
    mono = resample_poly(stereo.mean(axis=0).astype(np.float64), RATE, PLAYED_RATE)
    gain_db = 0.0 if level is None else LEVEL_DB - level
    return (mono * 10 ** (gain_db / 20)).astype(np.float32), level
