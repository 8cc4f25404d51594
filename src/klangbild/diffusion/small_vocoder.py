"""From log-mel to sound: a small net says the magnitudes, Griffin and Lim's iteration with momentum finds phases to them.

    log-mel (frames, 80) -> sound-magnitudes.onnx -> magnitudes (frames, 513) -> phases -> samples (frames x 256), 16 kHz

Phases start from a generator that is passed in, so the same seed gives the same sound. numpy, scipy and onnxruntime only.

Source: Griffin and Lim (1984); the momentum: Perraudin, Balazs and Sondergaard (2013), "A fast Griffin-Lim algorithm".
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.diffusion.small_latent import FLOOR, HOP, N_FFT, N_MELS, hann
from klangbild.errors import InputError, KlangbildError, NotAvailableError

ITERATIONS = 48
MOMENTUM = 0.99


class MagnitudeModel:
    """The net's file (.onnx): input "log_mel" (1, frames, 80), output "log_magnitudes" (1, frames, 513)."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise NotAvailableError(f"{path}: there is no vocoder; see 'klangbild models list'")
        self._session = open_session(path)

    def magnitudes(self, log_mel: np.ndarray) -> np.ndarray:
        """Natural-log mel (frames, 80) -> magnitudes (frames, 513), a full-scale sine being 1; the floor becomes 0."""
        if log_mel.ndim != 2 or log_mel.shape[1] != N_MELS:
            raise ValueError(f"a log-mel is (frames, {N_MELS}), not {log_mel.shape}")
        found = self._session.run(["log_magnitudes"], {"log_mel": log_mel[None].astype(np.float32)})[0][0]
        # what is at the floor is silence, not a hiss of -90 dB
        return np.where(found > np.log(FLOOR) + 1e-3, np.exp(found), 0.0).astype(np.float32)


@lru_cache(maxsize=2)
def open_vocoder(path: Path | None = None) -> MagnitudeModel:
    """A vocoder file, opened once; without a path the one that ships."""
    return MagnitudeModel(path or weights_file())


def open_session(path: Path) -> Any:
    """A graph in onnxruntime, on one thread: the same bytes on every machine. Raises InputError: it is damaged."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own kinds for every damaged file
        first = str(error).splitlines()[0]
        raise InputError(f"{path}: is not a part of the small sound model ({first}); install it again") from error


def weights_file() -> Path:
    """Where the net that ships is."""
    return Path(str(resources.files("klangbild") / "weights" / "sound-magnitudes.onnx"))


def griffin_lim(
    magnitudes: np.ndarray, rng: np.random.Generator, *, iterations: int = ITERATIONS, momentum: float = MOMENTUM
) -> np.ndarray:
    """Magnitudes (frames, 513) as `small_latent.magnitudes` gives them -> mono sound (frames x 256,) float32.

    Args:
        rng: draws the first phases.
        iterations: 32 to 64; each costs two Fourier transforms of the whole sound.
        momentum: 0 is Griffin and Lim's own; .99 gets nearer in fewer iterations.

    Raises:
        KlangbildError: the magnitudes are not finite.
    """
    from scipy import fft

    if not np.isfinite(magnitudes).all():
        raise KlangbildError("the sound model produced numbers that are not finite; try another seed or less guidance")
    wanted = magnitudes.astype(np.float32) * np.float32(N_FFT / 4)
    angle = rng.uniform(0, 2 * np.pi, wanted.shape).astype(np.float32)
    guess = wanted * np.exp(1j * angle).astype(np.complex64)
    before = np.zeros_like(guess)
    for _ in range(iterations):
        sound = _overlapped(fft.irfft(guess, N_FFT, axis=1))
        again = fft.rfft(_frames(sound), axis=1)
        # the step of the accelerated iteration; its phase alone is kept
        moved = again - np.float32(momentum / (1 + momentum)) * before
        before = again
        guess = wanted * (moved / np.maximum(np.abs(moved), np.float32(1e-12)))
    sound = _overlapped(fft.irfft(guess, N_FFT, axis=1))
    return sound[N_FFT // 2 : N_FFT // 2 + len(magnitudes) * HOP]


def vocode(
    log_mel: np.ndarray, rng: np.random.Generator, *, model: MagnitudeModel | None = None, iterations: int = ITERATIONS
) -> np.ndarray:
    """Log-mel (frames, 80) -> mono sound at 16 kHz (frames x 256,) float32."""
    return griffin_lim((model or open_vocoder()).magnitudes(log_mel), rng, iterations=iterations)


def _frames(sound: np.ndarray) -> np.ndarray:
    """Padded sound -> windowed frames (frames, 1024) at a hop of 256."""
    return np.lib.stride_tricks.sliding_window_view(sound, N_FFT)[::HOP] * hann()


def _overlapped(frames: np.ndarray) -> np.ndarray:
    """Frames (n, 1024) -> windowed again, added at a hop of 256 and divided by the windows: ((n + 3) x 256,)."""
    count, parts = len(frames), N_FFT // HOP
    windowed = (frames * hann()).reshape(count, parts, HOP)
    total = np.zeros((count + parts - 1, HOP), np.float32)
    for part in range(parts):
        total[part : part + count] += windowed[:, part]
    return (total / _window_sum(count)).reshape(-1)


@lru_cache(maxsize=4)
def _window_sum(count: int) -> np.ndarray:
    parts = N_FFT // HOP
    squares = (hann() ** 2).reshape(parts, HOP)
    total = np.zeros((count + parts - 1, HOP), np.float32)
    for part in range(parts):
        total[part : part + count] += squares[part]
    return np.maximum(total, np.float32(1e-3))
