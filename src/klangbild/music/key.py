"""Which key is it in: Krumhansl-Kessler profiles against the pitch-class histogram, weighted by duration.

Reference: Krumhansl, "Cognitive Foundations of Musical Pitch" (1990), the key-finding algorithm of chapter 4.
"""

from __future__ import annotations

import numpy as np

from klangbild.music.piece import Key, Piece

_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
MAJOR_PROFILE, MINOR_PROFILE = ((p - p.mean()) / p.std() for p in (_MAJOR, _MINOR))
"""(12,) each, from the tonic on: how well a pitch class belongs, with mean 0 and standard deviation 1."""
USUAL_SHARES = {"major": _MAJOR / _MAJOR.sum(), "minor": _MINOR / _MINOR.sum()}
"""Mode -> (12,) from the tonic on: about how much of the time each pitch class sounds, summing to 1."""


def pitch_class_histogram(notes: np.ndarray) -> np.ndarray:
    """Structured notes -> (12,) durations per pitch class, each note counted for at most 4 beats, summing to 1 (or 0)."""
    weight = np.minimum(notes["duration"], 4.0)
    histogram = np.bincount(notes["pitch"].astype(int) % 12, weights=weight, minlength=12)
    return histogram / histogram.sum() if histogram.sum() > 0 else histogram


def key_fits(histogram: np.ndarray) -> np.ndarray:
    """(12,) histogram -> (2, 12) correlations -1..1 with the major (row 0) and minor (row 1) profile of each tonic."""
    if histogram.std() == 0:
        return np.zeros((2, 12))
    centred = (histogram - histogram.mean()) / histogram.std() / 12
    fits = np.empty((2, 12))
    for row, profile in enumerate((MAJOR_PROFILE, MINOR_PROFILE)):
        fits[row] = [centred @ np.roll(profile, tonic) for tonic in range(12)]
    return fits


def estimate_key(piece: Piece) -> Key:
    """The best-fitting of the 24 keys; C major when there is no pitched note."""
    pitched = [track.notes for track in piece.tracks if not track.is_drum and len(track.notes)]
    if not pitched:
        return Key(0, "major")
    fits = key_fits(pitch_class_histogram(np.concatenate(pitched)))
    row, tonic = np.unravel_index(int(fits.argmax()), fits.shape)
    return Key(int(tonic), "minor" if row else "major")


def mode_in_c(pitches: np.ndarray, steps: np.ndarray) -> str:
    """Mode of notes with pitches (n,), 0..127, that stand in C major / A minor: the better of the two fits. steps
    (n,): their whole-number lengths.

    Whole numbers make the answer independent of where in the piece the notes stand.
    """
    histogram = np.bincount(pitches.astype(int) % 12, weights=np.minimum(steps, 48), minlength=12)
    fits = key_fits(histogram)
    return "major" if fits[0, 0] >= fits[1, 9] else "minor"
