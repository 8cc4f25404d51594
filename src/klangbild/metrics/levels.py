"""Loudness, true peak, silence and clipping of sounds.

Conventions
    One row a file. Loudness and true peak after ITU-R BS.1770-5, None (NaN in sets) for silence. Shares are 0..1 of the
    file's time. Numbers that are not finite are an error, not a level.

Metrics
    loudness_lufs     integrated loudness.
    true_peak_dbtp    oversampled peak; above 0 it clips in a converter.
    silent_share      share of 50 ms blocks more than 60 dB below full scale (RMS).
    longest_gap_s     longest run of such blocks between first and last sound, in seconds; NaN where nothing sounds.
    clipped_share     share of samples at full scale (|x| >= 0.999) that stand in runs of three or more.
    is_silent         1 where nothing sounds at all.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.errors import InputError
from klangbild.sound.audio import Audio
from klangbild.sound.loudness import measure_loudness

BLOCK_S, SILENT_DB, FULL_SCALE, RUN = 0.05, -60.0, 0.999, 3


def validate(audio: Audio) -> None:
    """Some samples (channels, n), all finite.

    Raises:
        InputError: otherwise.
    """
    if audio.samples.ndim != 2 or not audio.samples.size:
        raise InputError(f"sound of shape {audio.samples.shape}: it is empty; give sound of one sample or more")
    if not np.isfinite(audio.samples).all():
        raise InputError("the sound holds numbers that are not finite; write it again")


def silent_blocks(audio: Audio) -> np.ndarray:
    """(blocks,) bool; the last block may be shorter."""
    size = max(round(BLOCK_S * audio.rate), 1)
    power = (audio.samples.astype(np.float64) ** 2).mean(axis=0)
    starts = np.arange(0, len(power), size)
    mean = np.add.reduceat(power, starts) / np.diff(np.append(starts, len(power)))
    return mean < 10 ** (SILENT_DB / 10)


def longest_gap_s(audio: Audio) -> float:
    """The longest silence between sounds of (channels, n), in seconds: 0 where sound never pauses; NaN where it never starts: there is nothing a gap could lie between."""
    silent = silent_blocks(audio)
    sounding = np.flatnonzero(~silent)
    return float((np.diff(sounding) - 1).max(initial=0) * BLOCK_S) if len(sounding) else float("nan")


def clipped_share(audio: Audio) -> float:
    """How much of a sound (channels, n) is clipped, 0..1 over all channels."""
    clipped = 0
    for channel in np.abs(audio.samples) >= FULL_SCALE:
        edges = np.diff(np.concatenate([[0], channel.astype(int), [0]]))
        runs = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
        clipped += int(runs[runs >= RUN].sum())
    return clipped / audio.samples.size


def evaluate(audio: Audio) -> OrderedDict[str, float]:
    """All scores of this file by name, of a sound (channels, n). Raises InputError as `validate` does."""
    validate(audio)
    loudness = measure_loudness(audio)
    silent = silent_blocks(audio)
    return OrderedDict(
        loudness_lufs=np.nan if loudness.lufs is None else loudness.lufs,
        true_peak_dbtp=np.nan if loudness.true_peak_dbtp is None else loudness.true_peak_dbtp,
        silent_share=float(silent.mean()),
        longest_gap_s=longest_gap_s(audio),
        clipped_share=clipped_share(audio),
        is_silent=float(silent.all()),
    )
