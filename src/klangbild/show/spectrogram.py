"""The spectrogram: what sounds when and how high, as a picture for docs and for people who read sound.

Log-frequency from 40 Hz to 16 kHz (a quarter-tone a row), level in dB under the loudest point, 80 dB deep.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from klangbild.show.canvas import INK, SOFT_INK, Canvas
from klangbild.sound.audio import Audio, LongAudio

_MIN_HZ, _MAX_HZ = 40.0, 16_000.0
_DEPTH_DB = 80.0
_WINDOW = 4096
_MARGIN = 64
# from quiet to loud: paper to deep blue over teal; monotone in lightness, so it prints in grey
_RAMP = ((0.0, "#fbf9f5"), (0.3, "#cfe3dc"), (0.55, "#6fb3b2"), (0.78, "#2b6c93"), (1.0, "#14213d"))


def draw_spectrogram(audio: Audio | LongAudio, *, title: str = "", width: int = 1400, height: int = 560) -> Image.Image:
    """RGB image of all channels of a sound (channels, n) together, time to the right (s), frequency upwards (Hz, log)."""
    canvas = Canvas(width, height)
    left, top = _MARGIN, 52 if title else 24
    wide, high = width - _MARGIN - 96, height - top - 52
    levels = log_spectrogram(audio, columns=wide, rows=high)
    canvas.paste(Image.fromarray(_coloured(levels / _DEPTH_DB + 1)), left, top, wide, high)
    if title:
        canvas.text(left, 34, title, size=20, bold=True)
    for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10_000):
        y = top + high * (1 - math.log(hz / _MIN_HZ) / math.log(_MAX_HZ / _MIN_HZ))
        canvas.line([(left - 5, y), (left, y)], fill=SOFT_INK)
        canvas.text(left - 9, y, f"{hz // 1000} kHz" if hz >= 1000 else f"{hz} Hz", size=11, fill=SOFT_INK, anchor="rm")
    seconds = max(audio.seconds, 1e-6)
    tick = next((k for k in (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300) if wide / seconds * k >= 70), 600)
    for at in np.arange(0, seconds + 1e-9, tick).tolist():
        x = left + wide * at / seconds
        canvas.line([(x, top + high), (x, top + high + 5)], fill=SOFT_INK)
        canvas.text(x, top + high + 22, f"{at:g} s", size=11, fill=SOFT_INK, anchor="ms")
    _draw_scale(canvas, left + wide + 22, top, high)
    return canvas.finish()


def log_spectrogram(audio: Audio | LongAudio, *, columns: int, rows: int) -> np.ndarray:
    """Level in dB under the loudest point, -80..0: float32 (rows, columns), row 0 the highest frequency."""
    mono = audio.samples.mean(axis=0) if audio.samples.size else np.zeros(1, np.float32)
    padded = np.concatenate([np.zeros(_WINDOW // 2, np.float32), mono, np.zeros(_WINDOW, np.float32)])
    starts = np.linspace(0, max(len(mono) - 1, 0), columns).astype(int)
    window = np.hanning(_WINDOW).astype(np.float32)
    hz = np.fft.rfftfreq(_WINDOW, 1 / audio.rate)
    edges = np.geomspace(_MIN_HZ, min(_MAX_HZ, audio.rate / 2), rows + 1)
    low = np.searchsorted(hz, edges[:-1])
    high = np.maximum(np.searchsorted(hz, edges[1:]), low + 1)
    centres = np.sqrt(edges[1:] * edges[:-1])
    out = np.empty((rows, columns), np.float32)
    for first in range(0, columns, 256):
        part = starts[first : first + 256]
        frames = np.stack([padded[s : s + _WINDOW] for s in part]) * window
        power = (np.abs(np.fft.rfft(frames)) ** 2).astype(np.float64)
        totals = np.concatenate([np.zeros((len(part), 1)), np.cumsum(power, axis=1)], axis=1)
        mean = (totals[:, np.minimum(high, len(hz))] - totals[:, low]) / (high - low)
        narrow = (edges[1:] - edges[:-1]) < hz[1]  # rows finer than a bin: between the bins' values
        for index, column in enumerate(power):
            mean[index, narrow] = np.interp(centres[narrow], hz, column)
        out[:, first : first + 256] = mean.T[::-1]
    peak = float(out.max())
    if peak <= 0:
        return np.full((rows, columns), -_DEPTH_DB, np.float32)
    return np.maximum(10 * np.log10(np.maximum(out / peak, 1e-12)), -_DEPTH_DB).astype(np.float32)


def _coloured(share: np.ndarray) -> np.ndarray:
    """0..1 -> RGB uint8 (..., 3) along the ramp."""
    at = [stop for stop, _ in _RAMP]
    colours = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for _, c in _RAMP], float)
    table = np.stack([np.interp(np.linspace(0, 1, 256), at, colours[:, k]) for k in range(3)], axis=1)
    return table.round().astype(np.uint8)[np.clip(share * 255, 0, 255).astype(np.uint8)]


def _draw_scale(canvas: Canvas, x: float, top: float, high: float) -> None:
    ramp = np.repeat(np.linspace(1, 0, round(high))[:, None], 14, axis=1)
    canvas.paste(Image.fromarray(_coloured(ramp)), x, top, 14, high)
    for db in (0, -20, -40, -60, -80):
        y = top + high * -db / _DEPTH_DB
        canvas.text(x + 20, y, f"{db} dB", size=11, fill=INK if db == 0 else SOFT_INK, anchor="lm")
