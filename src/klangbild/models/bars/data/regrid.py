"""Putting music without a usable beat back on one: played-in performances, wrong tempo maps, shifted grids.

Two cures. Where the file's tempo is right and only its zero is off, notes are moved by a constant. Otherwise the pulse is
found in seconds: the frequency at which the onsets agree best, then its phase followed through the piece, so that slow
drift is taken out. Which pulses are beats and bars is chosen by `bar_profiles`.

References: Goto (2001), "An audio-based real-time beat tracking system"; Grosche and Müller (2011), "Extracting
predominant local pulse information from music recordings" (following the phase of the strongest local frequency).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from klangbild.models.bars.data.bar_profiles import best_reading, note_channels
from klangbild.music.piece import Piece

SLOWEST_PULSE_HZ, FASTEST_PULSE_HZ = 4.0, 18.0
WINDOW_S = 3.0
"""Standard deviation of the window in which the pulse's phase is taken as constant."""
MIN_NEAR = 0.6
"""Share of onsets that must lie within 15 % of a pulse; else the piece is given up."""
SHIFT_AGREEMENT = 0.7


@dataclass(frozen=True)
class Regrid:
    """The piece on its found beat, or None; `why` says what was found or what was missing."""

    piece: Piece | None
    why: str


def regrid(piece: Piece) -> Regrid:
    """Find a beat for a piece whose notes do not follow the one it claims."""
    onsets, channels = note_channels(piece)
    for pulses in (4, 3, 6):
        agreement = np.exp(2j * np.pi * pulses * onsets).mean()
        if abs(agreement) >= SHIFT_AGREEMENT:
            return _shifted(piece, onsets, channels, pulses, float(np.angle(agreement)) / (2 * np.pi * pulses))
    return _tracked(piece, channels)


def _shifted(piece: Piece, onsets: np.ndarray, channels: np.ndarray, pulses: int, offset: float) -> Regrid:
    """The file's beats, its zero moved to where bars start; a constant meter is kept, another becomes 4/4."""
    pulse = np.rint((onsets - offset) * pulses).astype(int)
    bpm = float(np.median([b for _, b in piece.tempos]))
    beats = (3,) if piece.meters[0][1:] == (3, 4) else (4,)
    reading = best_reading(pulse, channels, bpm / 60.0 * pulses, pulses_per_beat=(pulses,), beats_per_bar=beats)
    bar = reading.beats_per_bar
    zero = offset + reading.phase / pulses
    zero -= bar * np.ceil((zero - float(onsets.min())) / bar)  # the last bar start before the first note

    def moved(track):
        notes = track.notes.copy()
        notes["onset"] = np.maximum(notes["onset"] - zero, 0.0)
        return replace(track, notes=notes)

    before = [t for t in piece.tempos if t[0] <= zero][-1:] or [piece.tempos[0]]
    tempos = [(0.0, before[0][1])] + [(at - zero, b) for at, b in piece.tempos if at > zero]
    result = replace(
        piece, tracks=tuple(map(moved, piece.tracks)), tempos=tuple(tempos), meters=((0.0, bar, 4),), length_beats=0.0
    )
    return Regrid(result, f"grid moved by {zero:+.3f} beats")


def _pulse_rate(times: np.ndarray) -> tuple[float, float]:
    """Onsets in seconds (n,) -> the slowest rate (Hz) at which they agree nearly best, and the agreement there, 0..1.

    Agreement is measured in windows of 12 s, so that a slow drift of the phase does no harm.
    """
    rates = np.arange(SLOWEST_PULSE_HZ, FASTEST_PULSE_HZ, 0.02)
    agreement, weight = np.zeros(len(rates)), 0
    for begin in np.arange(times[0], times[-1] + 1e-6, 12.0):
        part = times[(times >= begin) & (times < begin + 12.0)]
        if len(part) >= 8:
            # rows in slices: a dense window times all rates would be large
            agreement += np.abs(sum(np.exp(2j * np.pi * rates * t) for t in part))
            weight += len(part)
    if not weight:
        return 0.0, 0.0
    agreement /= weight
    best = int(agreement.argmax())
    for divisor in (4, 3, 2):  # multiples of a pulse agree as well as it does
        near = np.abs(rates - rates[best] / divisor) < 0.05
        if near.any() and agreement[near].max() > 0.85 * agreement[best]:
            index = np.flatnonzero(near)[int(agreement[near].argmax())]
            return float(rates[index]), float(agreement[index])
    return float(rates[best]), float(agreement[best])


def _pulse_map(times: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Times (k,) every 0.25 s and the running pulse number at each, rising: the phase followed through the piece."""
    grid = np.arange(times[0] - 2.0, times[-1] + 4.0, 0.25)
    spin = np.exp(2j * np.pi * rate * times)
    local = np.zeros(len(grid), complex)
    for i, t in enumerate(grid):
        near = slice(*np.searchsorted(times, (t - 3 * WINDOW_S, t + 3 * WINDOW_S)))
        local[i] = (spin[near] * np.exp(-0.5 * ((times[near] - t) / WINDOW_S) ** 2)).sum()
    phase = np.unwrap(np.angle(local))
    pulse = rate * grid - phase / (2 * np.pi)
    return grid, np.maximum.accumulate(pulse + np.arange(len(pulse)) * 1e-9)


def _tracked(piece: Piece, channels: np.ndarray) -> Regrid:
    onsets = np.concatenate([track.notes["onset"] for track in piece.tracks])
    seconds = piece.beats_to_seconds(onsets)
    times = np.unique(np.rint(seconds * 200.0)) / 200.0  # 5 ms
    if len(times) < 24 or times[-1] - times[0] < 4.0:
        return Regrid(None, "too short to find a beat")
    rate, agreement = _pulse_rate(times)
    if agreement < 0.4:
        return Regrid(None, f"no steady pulse (agreement {agreement:.2f})")
    grid, running = _pulse_map(times, rate)
    pulse = np.interp(seconds, grid, running)
    near = np.abs(pulse - np.rint(pulse)) <= 0.15
    if near.mean() < MIN_NEAR:
        return Regrid(None, f"only {near.mean():.0%} of the notes follow the pulse")
    try:
        reading = best_reading(np.rint(pulse[near]).astype(int), channels[near], rate)
    except ValueError as error:
        return Regrid(None, str(error))
    bar = reading.pulses_per_beat * reading.beats_per_bar
    zero = reading.phase + bar * np.floor((pulse.min() - reading.phase + 0.25) / bar)

    def beats_at(at_s: np.ndarray) -> np.ndarray:
        return (np.interp(at_s, grid, running) - zero) / reading.pulses_per_beat

    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        start_s = piece.beats_to_seconds(track.notes["onset"])
        end_s = piece.beats_to_seconds(track.notes["onset"] + track.notes["duration"])
        notes["onset"] = np.maximum(beats_at(start_s), 0.0)
        notes["duration"] = np.maximum(beats_at(end_s) - beats_at(start_s), 1 / 24)
        tracks.append(replace(track, notes=np.sort(notes, order=("onset", "pitch"), kind="stable")))
    tempos = _tempos(grid, beats_at(grid), reading.beats_per_bar * 8)
    result = replace(
        piece,
        tracks=tuple(tracks),
        tempos=tempos,
        meters=((0.0, reading.beats_per_bar, 4),),
        markers=(),
        length_beats=0.0,
    )
    found = f"pulse {rate:.2f} Hz read as {tempos[0][1]:.0f} bpm in {reading.beats_per_bar}/4"
    return Regrid(result, found)


def _tempos(grid: np.ndarray, beats: np.ndarray, every: int) -> tuple[tuple[float, float], ...]:
    """One tempo for each stretch of `every` beats, from the time it took."""
    edges = np.arange(0.0, beats[-1], every)
    at_s = np.interp(np.append(edges, edges[-1] + every), beats, grid)
    spans = np.diff(at_s)
    bpm = 60.0 * every / np.maximum(spans, 1e-3)
    if len(bpm) > 1:
        bpm[-1] = bpm[-2]  # the last stretch is cut short
    elif beats[-1] > 0:
        bpm[0] = 60.0 * (beats[-1] - beats[0]) / max(grid[-1] - grid[0], 1e-3)
    usual = float(np.median(bpm))
    # a steady piece keeps one tempo; the language writes steps of 6 %
    steady = np.abs(np.log(bpm / usual)) < 0.03
    bpm = np.where(steady, usual, np.clip(bpm, 40.0, 240.0))
    changes = [(0.0, round(float(bpm[0]), 2))]
    for at, value in zip(edges[1:], bpm[1:], strict=True):
        if abs(value - changes[-1][1]) > 0.5:
            changes.append((float(at), round(float(value), 2)))
    return tuple(changes)
