"""Music that is wrong on purpose: what a metric that claims to see something must tell from real music.

Conventions
    Each control keeps as much of the real piece as it can and breaks one thing. All draw from a generator that is passed in.

Controls of notes
    shuffled_bars     the bars of a piece in random order: the notes are right, the form is not.
    shuffled_notes    pitches, velocities and onsets each permuted over the piece, family by family: right counts, no music.
    shuffled_pitches  pitches permuted within each pitched part: its rhythm and its notes, no tune and no harmony.
    one_bar           one bar of the piece, over and over.
    random_notes      as many notes, but uniform in onset, pitch and velocity: the white noise of notes.
Controls of sound
    white_noise       as long, as loud.
    shuffled_frames   100 ms pieces of the sound in random order.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from klangbild.metrics.bar_grid import STEPS_PER_BEAT, bar_grid
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.sound.audio import Audio


def shuffled_bars(piece: Piece, rng: np.random.Generator) -> Piece:
    """Bars in random order; a note held over the bar line stays with the bar it starts in, cut at the piece's end."""
    n = bar_grid(piece).n_bars
    return _from_bars(piece, rng.permutation(n))


def one_bar(piece: Piece, rng: np.random.Generator) -> Piece:
    """The bar with most notes of eight drawn ones, as often as the piece has bars."""
    grid = bar_grid(piece)
    drawn = rng.integers(0, grid.n_bars, 8)
    fullest = max(drawn.tolist(), key=lambda bar: len(grid.bar_notes[bar]))
    return _from_bars(piece, np.full(grid.n_bars, fullest))


def _from_bars(piece: Piece, order: np.ndarray) -> Piece:
    """The bars `order`, one after the other, with their meters; the tempo at the start holds throughout."""
    grid = bar_grid(piece)
    starts = grid.starts / STEPS_PER_BEAT
    lengths = np.diff(starts)
    placed = np.concatenate([[0.0], np.cumsum(lengths[order])])
    end = placed[-1]
    tracks = []
    for track in piece.tracks:
        bar = np.clip(np.searchsorted(starts, track.notes["onset"] + 1e-6, side="right") - 1, 0, len(lengths) - 1)
        parts = []
        for new, old in enumerate(order):
            part = track.notes[bar == old].copy()
            part["onset"] += placed[new] - starts[old]
            parts.append(part)
        notes = np.sort(np.concatenate(parts), order=("onset", "pitch"))
        notes["duration"] = np.minimum(notes["duration"], np.maximum(end - notes["onset"], 1e-3))
        if len(notes):
            tracks.append(replace(track, notes=notes))
    changes = [a for _, a, _ in piece.meters]
    meters = piece.meters[:1] if len(changes) == 1 else _meters(piece, starts, order, placed)
    return replace(
        piece, tracks=tuple(tracks), tempos=((0.0, piece.tempos[0][1]),), meters=meters, length_beats=float(end)
    )


def _meters(
    piece: Piece, starts: np.ndarray, order: np.ndarray, placed: np.ndarray
) -> tuple[tuple[float, int, int], ...]:
    at = np.array([beat for beat, _, _ in piece.meters])
    of_bar = np.clip(np.searchsorted(at, starts[:-1] + 1e-6, side="right") - 1, 0, None)
    return tuple((float(placed[new]), *piece.meters[of_bar[old]][1:]) for new, old in enumerate(order))


def shuffled_notes(piece: Piece, rng: np.random.Generator) -> Piece:
    """Onsets, pitches and velocities permuted apart from each other within each track."""
    tracks = []
    for track in piece.tracks:
        onset, pitch, velocity, duration = (
            rng.permutation(track.notes[f]) for f in ("onset", "pitch", "velocity", "duration")
        )
        tracks.append(Track(track.family, track.program, make_notes(onset, duration, pitch, velocity)))
    return replace(piece, tracks=tuple(tracks))


def shuffled_pitches(piece: Piece, rng: np.random.Generator) -> Piece:
    """Pitches permuted within each pitched track; drums, rhythm and loudness stay."""
    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        if not track.is_drum:
            notes["pitch"] = rng.permutation(notes["pitch"])
        tracks.append(replace(track, notes=np.sort(notes, order=("onset", "pitch"), kind="stable")))
    return replace(piece, tracks=tuple(tracks))


def random_notes(piece: Piece, rng: np.random.Generator) -> Piece:
    """Uniform onsets on the grid, pitches 36..96, velocities and lengths, as many as before in each track."""
    end = max(piece.end_beats, 1.0)
    tracks = []
    for track in piece.tracks:
        n = len(track.notes)
        onset = rng.integers(0, max(int(end * STEPS_PER_BEAT), 1), n) / STEPS_PER_BEAT
        low, high = (35, 82) if track.is_drum else (36, 97)
        notes = make_notes(
            onset, rng.integers(1, 25, n) / STEPS_PER_BEAT, rng.integers(low, high, n), rng.integers(1, 128, n)
        )
        tracks.append(Track(track.family, track.program, notes))
    return replace(piece, tracks=tuple(tracks))


def white_noise(audio: Audio, rng: np.random.Generator) -> Audio:
    """Gaussian noise as long, with the sound's own channels (channels, n) and RMS."""
    level = float(np.sqrt((audio.samples.astype(np.float64) ** 2).mean()))
    return Audio(rng.normal(0, level, audio.samples.shape).astype(np.float32), audio.rate)


def shuffled_frames(audio: Audio, rng: np.random.Generator) -> Audio:
    """100 ms pieces of a sound (channels, n) in random order; the last, shorter one stays."""
    size = audio.rate // 10
    n = audio.samples.shape[1] // size
    whole = audio.samples[:, : n * size].reshape(len(audio.samples), n, size)[:, rng.permutation(n)]
    return Audio(
        np.concatenate([whole.reshape(len(audio.samples), -1), audio.samples[:, n * size :]], axis=1), audio.rate
    )


NOTE_CONTROLS = {
    "shuffled bars": shuffled_bars, "shuffled notes": shuffled_notes, "one bar": one_bar, "random notes": random_notes,
}  # fmt: skip
SOUND_CONTROLS = {"white noise": white_noise, "shuffled frames": shuffled_frames}
