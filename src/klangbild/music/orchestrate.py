"""From families to instruments: which General MIDI program each family takes, and how its notes are stressed.

The note model writes for families (strings, winds, ...). Which strings, which winds is decided here from the emotion: each
program stands at a place on the valence/arousal plane (our own ear's judgement, no measurement), and the one nearest to the
asked emotion is taken, after a little shake of the dice so that equal emotions do not always sound equal.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.piece import Key, Piece

# family -> (program, valence, arousal)
_PALETTE: dict[str, tuple[tuple[int, float, float], ...]] = {
    "drums": ((0, 0.0, 0.0),),
    "piano": ((0, 0.0, 0.0), (1, 0.2, 0.7), (4, 0.4, -0.4)),
    "mallet": ((11, 0.1, -0.5), (12, 0.4, 0.3), (8, 0.5, -0.7), (14, -0.6, -0.2), (47, -0.5, 0.7)),
    "organ": ((19, -0.5, 0.0), (16, 0.2, 0.4), (21, 0.6, 0.3), (20, 0.0, -0.6)),
    "guitar": ((24, 0.2, -0.6), (25, 0.5, 0.0), (27, 0.3, 0.4), (29, -0.2, 0.7), (30, -0.6, 0.9)),
    "bass": ((32, 0.1, -0.4), (33, 0.1, 0.2), (34, 0.0, 0.7), (35, -0.3, -0.4), (39, -0.5, 0.6)),
    "strings": ((48, 0.1, 0.2), (49, 0.1, -0.5), (44, -0.7, 0.6), (42, -0.5, -0.4)),
    "brass": ((61, 0.3, 0.6), (60, 0.2, -0.4), (57, -0.5, 0.3), (56, 0.5, 0.5)),
    "winds": ((73, 0.5, -0.3), (71, 0.0, -0.4), (68, -0.4, -0.2), (72, 0.6, 0.4), (70, -0.5, 0.3)),
    "lead": ((80, 0.2, 0.5), (81, -0.3, 0.7), (82, 0.3, -0.5)),
    "pad": ((88, 0.4, -0.3), (89, 0.2, -0.6), (91, -0.1, -0.2), (95, -0.5, 0.1)),
}
_SHAKE = 0.2
_TONICS = tuple(range(12))
_DOWNBEAT, _BEAT, _OFFBEAT = 3, 1, -2
"""Velocity added to notes on the first beat of a bar, on the other beats, and between beats, in a piece played with nuance."""
_NUANCE = 8.0
"""Spread of a piece's velocities from which on the accents are whole; what was written level stays level."""


def orchestrate(piece: Piece, emotion: Emotion, rng: np.random.Generator) -> Piece:
    """The piece with a program for each track and metrical accents in its velocities (1..127)."""
    starts = np.array(piece.bar_starts())
    written = np.concatenate([[64.0], *[track.notes["velocity"].astype(float) for track in piece.tracks]])[1:]
    nuance = min(written.std() / _NUANCE, 1.0) if len(written) else 0.0
    tracks = []
    for track in piece.tracks:
        choices = np.array(_PALETTE[track.family])
        place = np.array([emotion.valence, emotion.arousal]) + rng.normal(0.0, _SHAKE, 2)
        program = int(choices[((choices[:, 1:] - place) ** 2).sum(axis=1).argmin(), 0])
        notes = track.notes.copy()
        in_bar = notes["onset"] - starts[np.clip(np.searchsorted(starts, notes["onset"] + 1e-6) - 1, 0, None)]
        accent = np.where(in_bar < 1e-6, _DOWNBEAT, np.where(np.abs(in_bar - np.rint(in_bar)) < 1e-6, _BEAT, _OFFBEAT))
        accent = np.rint(nuance * accent).astype(int)
        notes["velocity"] = np.clip(notes["velocity"].astype(int) + accent, 1, 127)
        tracks.append(replace(track, program=program, notes=notes))
    return replace(piece, tracks=tuple(tracks))


def in_key(piece: Piece, wish: Key | None, rng: np.random.Generator) -> Piece:
    """The piece (in C major / A minor) moved to the wished key, or to one drawn by `rng`, by the shorter way."""
    drawn = int(rng.choice(_TONICS))
    home = 0 if piece.key is None or piece.key.mode == "major" else 9
    shift = ((wish.tonic if wish else drawn) - home + 5) % 12 - 5
    return piece.transposed(shift)
