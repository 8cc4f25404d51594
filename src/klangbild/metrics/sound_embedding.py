"""A small embedding of sound of our own: what Frechet audio distance and the sound judge are measured on when no VGGish,
CLAP or PANNs is at hand. It ships, needs numpy and scipy only, and sees timbre, harmony, pulse and repetition.

From clips of 8 s, every 4 s (a shorter sound is one clip), the loudness of the whole sound taken out:

    mel_mean, mel_sd     40 + 40  level of 40 mel bands (30-7,900 Hz), dB above a floor of -80
    mel_flux             10       how much groups of four bands move from frame to frame
    spectrum             4        flatness, centroid, its spread, share of frames that are nearly silent
    harmony              6        how peaked the chroma of frames and clip are, chroma change, major and minor fit, clarity
    pulse                14       autocorrelation of the onset strength at 12 tempi (50-200 bpm), its best, onsets per second
    return               6        likeness of the clip to itself 0.5, 1, 2, 3 and 4 s later, and the best of these

then standardised, each group weighing alike, and turned to the principal axes of real music (`judge-sound.npz`), 48 numbers.

Conventions
    Audio of any rate and channel count; mixed to mono and resampled to 16 kHz. Silence and NaN are refused: they have no
    embedding, and a silent zero would look like music.
    It hears timbre, level, pulse and return; music whose notes are shuffled it can hardly tell from real music by Frechet
    distance (see the controls): for that use the classifier, or measure the notes.
    Numbers on this embedding compare with each other only, never with FAD on VGGish.

Source: ours; parts after Tzanetakis and Cook (2002), "Musical genre classification of audio signals".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.music.key import key_fits
from klangbild.shipped import weights_folder
from klangbild.sound.audio import Audio

RATE, N_FFT, HOP = 16000, 1024, 512
CLIP_S, STEP_S = 8.0, 4.0
N_MELS, FLOOR_DB = 40, -80.0
PULSE_BPM = np.geomspace(50, 200, 12)
RETURN_S = (0.5, 1.0, 2.0, 3.0, 4.0)
GROUPS = (40, 40, 10, 4, 6, 14, 6)
N_RAW = sum(GROUPS)
_FRAMES_PER_S = RATE / HOP


@dataclass(frozen=True)
class Axes:
    """mean, scale (120,) of real music's raw numbers; axes (120, 48), principal directions over their spread."""

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray

    def turn(self, raw: np.ndarray) -> np.ndarray:
        """(clips, 120) -> (clips, 48)."""
        return np.clip((raw - self.mean) / self.scale, -8, 8) @ self.axes


def weights_file() -> Path:
    return weights_folder() / "judge-sound.npz"


@lru_cache(maxsize=1)
def load_axes() -> Axes:
    """The axes that ship. Raises NotAvailableError: not in this installation."""
    if not weights_file().is_file():
        raise NotAvailableError(f"{weights_file()}: is not here; make it with 'klangbild measure sound-judge RAW_DIR'")
    with np.load(weights_file(), allow_pickle=False) as archive:
        return Axes(*(archive[name].astype(np.float64) for name in ("mean", "scale", "axes")))


def embed(audio: Audio) -> np.ndarray:
    """One sound -> (clips, 48). Raises InputError: silent, or not finite."""
    return load_axes().turn(raw_features(audio))


def raw_features(audio: Audio) -> np.ndarray:
    """One sound -> (clips, 120) float64.

    Raises:
        InputError: it is empty, silent, or holds numbers that are not finite.
    """
    mono = _mono_16k(audio)
    clip, step = int(CLIP_S * RATE), int(STEP_S * RATE)
    starts = range(0, max(len(mono) - clip, 0) + 1, step)
    rows = [_clip_features(mono[s : s + clip]) for s in starts if mono[s : s + clip].any()]
    # what begins to sound behind the last whole stretch is heard from the end
    return np.array(rows or [_clip_features(mono[-clip:])])


def _mono_16k(audio: Audio) -> np.ndarray:
    samples = np.asarray(audio.samples, np.float64)
    if samples.ndim != 2 or not samples.size:
        raise InputError(f"sound of shape {samples.shape}: it is empty; give sound of one sample or more")
    if not np.isfinite(samples).all():
        raise InputError("the sound holds numbers that are not finite; write it again")
    mono = samples.mean(axis=0)
    level = float(np.sqrt((mono**2).mean()))
    if level < 1e-6:
        raise InputError("the sound is silent, which has no embedding; leave it out and count it as silent")
    if audio.rate != RATE:
        from math import gcd

        from scipy.signal import resample_poly

        common = gcd(audio.rate, RATE)
        mono = resample_poly(mono, RATE // common, audio.rate // common)
    mono = mono * (0.1 / level)
    return np.pad(mono, (0, max(2 * N_FFT - len(mono), 0)))


def _clip_features(mono: np.ndarray) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(mono, N_FFT)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(N_FFT))) ** 2 / N_FFT
    mel = 10 * np.log10(np.maximum(power @ _mel_bank().T, 10 ** (FLOOR_DB / 10))) - FLOOR_DB
    flux = np.maximum(np.diff(mel, axis=0), 0)
    strength = flux.mean(axis=1) if len(flux) else np.zeros(1)
    return np.concatenate([
        mel.mean(axis=0), mel.std(axis=0),
        np.abs(np.diff(mel, axis=0)).mean(axis=0).reshape(10, 4).mean(axis=1) if len(flux) else np.zeros(10),
        _spectrum(power), _harmony(mono), _pulse(strength), _return(mel),
    ])  # fmt: skip


def _spectrum(power: np.ndarray) -> np.ndarray:
    total = power.sum(axis=1)
    loud = total > total.max() * 1e-5
    heard = power[loud] + 1e-12
    flatness = np.exp(np.log(heard).mean(axis=1)) / heard.mean(axis=1)
    octave = np.log2(np.maximum(np.arange(power.shape[1]), 1))
    center = (heard @ octave) / heard.sum(axis=1)
    return np.array([np.log10(flatness).mean(), center.mean(), center.std(), 1 - loud.mean()])


def _harmony(mono: np.ndarray) -> np.ndarray:
    size = 4096
    padded = np.pad(mono, (0, max(size - len(mono), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(size)))
    chroma = magnitude @ _chroma_bank().T
    total = chroma.sum(axis=1, keepdims=True)
    chroma = np.divide(chroma, total, out=np.full_like(chroma, 1 / 12), where=total > 0)
    whole = chroma.mean(axis=0)
    fits = key_fits(whole)
    change = np.abs(np.diff(chroma, axis=0)).sum(axis=1).mean() if len(chroma) > 1 else 0.0
    entropies = [-(c * np.log2(np.maximum(c, 1e-9))).sum(axis=-1).mean() for c in (chroma, whole)]
    return np.array([*entropies, change, fits[0].max(), fits[1].max(), fits.max()])


def _pulse(strength: np.ndarray) -> np.ndarray:
    centred = strength - strength.mean()
    energy = float((centred**2).sum())
    lags = np.rint(_FRAMES_PER_S * 60 / PULSE_BPM).astype(int)
    if energy <= 0:
        return np.zeros(14)
    row = [float((centred[lag:] * centred[:-lag]).sum() / energy) if lag < len(centred) else 0.0 for lag in lags]
    peaks = (centred[1:-1] > centred[:-2]) & (centred[1:-1] >= centred[2:]) & (centred[1:-1] > strength.std())
    return np.array([*row, max(row), peaks.sum() / (len(strength) / _FRAMES_PER_S)])


def _return(mel: np.ndarray) -> np.ndarray:
    centred = mel - mel.mean(axis=0)
    length = np.linalg.norm(centred, axis=1)
    row = []
    for seconds in RETURN_S:
        lag = round(seconds * _FRAMES_PER_S)
        if lag >= len(mel):
            row.append(0.0)
            continue
        # the best of neighbouring lags: a bar rarely is a whole number of frames
        near = [_likeness(centred, length, k) for k in range(max(lag - 3, 1), min(lag + 4, len(mel) - 1))]
        row.append(max(near, default=0.0))
    return np.array([*row, max(row)])


def _likeness(centred: np.ndarray, length: np.ndarray, lag: int) -> float:
    weight = length[lag:] * length[:-lag]
    return float((centred[lag:] * centred[:-lag]).sum() / max(weight.sum(), 1e-9))


@lru_cache(maxsize=1)
def _mel_bank() -> np.ndarray:
    """(40, bins) triangles, 30 Hz to 7.9 kHz, each of area 1."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (30.0, 7900.0))
    edges = 700 * (10 ** (np.linspace(low, high, N_MELS + 2) / 2595) - 1)
    hz = np.fft.rfftfreq(N_FFT, 1 / RATE)
    rise = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    bank = np.maximum(np.minimum(rise, fall), 0)
    for row, centre in enumerate(edges[1:-1]):
        if bank[row].sum() == 0:  # narrower than a bin
            bank[row, np.abs(hz - centre).argmin()] = 1
    return bank / bank.sum(axis=1, keepdims=True)


@lru_cache(maxsize=1)
def _chroma_bank() -> np.ndarray:
    """(12, bins): to which pitch class each bin from 80 Hz to 2 kHz belongs."""
    hz = np.fft.rfftfreq(4096, 1 / RATE)
    bank = np.zeros((12, len(hz)))
    used = np.flatnonzero((hz >= 80) & (hz <= 2000))
    bank[np.rint(12 * np.log2(hz[used] / 440.0) + 9).astype(int) % 12, used] = 1
    return bank
