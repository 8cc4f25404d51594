"""The latent of our small sound model: log-mel spectrograms as 64 numbers, 15.6 times a second, and back.

    sound at 16 kHz, mono
      -> magnitudes (n_fft 1024, hop 256, Hann), a full-scale sine being 1
      -> 80 mel bands, 62.5 frames a second, natural log with a floor of 2**-15 (-90 dB)
      -> patches of 4 frames (320 numbers) -> their 64 principal axes, each scaled to spread 1 over the training clips

160 latents are 10.24 s. The axes are fitted in closed form (`fit`) on training clips only, and ship as
`weights/sound-latent.npz`: nothing here is trained by steps, and numpy is all it needs.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np

from klangbild.atomic import atomic_path
from klangbild.diffusion.mel_bank import slaney_mel_bank
from klangbild.errors import InputError, NotAvailableError

RATE, N_FFT, HOP, N_MELS = 16_000, 1024, 256, 80
PATCH, CHANNELS = 4, 64
N_BINS = N_FFT // 2 + 1
FLOOR = 2.0**-15
LATENTS_PER_S = RATE / HOP / PATCH
INT8_STEP = 1 / 32
"""Prepared latents are int8 in steps of this: +-3.97 spreads."""


def magnitudes(sound: np.ndarray) -> np.ndarray:
    """Mono sound (n,) at 16 kHz -> float32 (n // 256, 513); frame i is centred on sample 256 i, edges mirrored."""
    padded = np.pad(np.asarray(sound, np.float32), N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][: len(sound) // HOP]
    return (np.abs(np.fft.rfft(frames * hann())) / (N_FFT / 4)).astype(np.float32)


def log_mel(magnitude: np.ndarray) -> np.ndarray:
    """Magnitudes (frames, 513) -> natural-log mel (frames, 80), float32, -10.4 at the least."""
    return np.log(np.maximum(magnitude @ mel_bank().T, FLOOR)).astype(np.float32)


@lru_cache(maxsize=1)
def hann() -> np.ndarray:
    """The periodic Hann window, float32 (1024,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)


@lru_cache(maxsize=1)
def mel_bank() -> np.ndarray:
    """Slaney's triangles as weighted means of bins: float32 (80, 513), rows summing to 1."""
    bank = slaney_mel_bank(RATE, N_FFT, N_MELS, low_hz=0.0, high_hz=RATE / 2)
    return bank / bank.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class MelLatent:
    """mean (320,); axes (320, 64), orthonormal; spread (64,) of the training clips along each axis. All float32."""

    mean: np.ndarray
    axes: np.ndarray
    spread: np.ndarray

    def encode(self, log_mel: np.ndarray) -> np.ndarray:
        """Log-mel (frames, 80) -> whitened latents (frames // 4, 64), float32; up to 3 frames at the end are left out."""
        frames = np.asarray(log_mel, np.float32)
        if frames.ndim != 2 or frames.shape[1] != N_MELS:
            raise ValueError(f"a log-mel is (frames, {N_MELS}), not {frames.shape}")
        patches = frames[: len(frames) // PATCH * PATCH].reshape(-1, PATCH * N_MELS)
        return ((patches - self.mean) @ self.axes / self.spread).astype(np.float32)

    def decode(self, latent: np.ndarray) -> np.ndarray:
        """Latents (n, 64) -> log-mel (4 n, 80), float32, not below the floor."""
        latent = np.asarray(latent, np.float32)
        if latent.ndim != 2 or latent.shape[1] != len(self.spread):
            raise ValueError(f"latents are (n, {len(self.spread)}), not {latent.shape}")
        patches = (latent * self.spread) @ self.axes.T + self.mean
        return np.maximum(patches.reshape(-1, N_MELS), np.log(FLOOR)).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write `path` (.npz), whole or not at all."""
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, mean=self.mean, axes=self.axes, spread=self.spread)

    @staticmethod
    def load(path: str | Path | None = None) -> MelLatent:
        """From `save`'s file, or from a prepared sound file; without a path the one that ships.

        Raises:
            NotAvailableError: there is no such file.
            InputError: it is no latent of ours.
        """
        path = Path(path) if path else weights_file()
        if not path.is_file():
            raise NotAvailableError(
                f"{path}: there is no sound latent; make it with 'klangbild data prepare sound NOTES.npz'"
            )
        try:
            with np.load(path, allow_pickle=False) as archive:
                prefix = "latent_" if "latent_mean" in archive.files else ""
                latent = MelLatent(*(archive[prefix + name] for name in ("mean", "axes", "spread")))
            if latent.axes.shape != (len(latent.mean), len(latent.spread)) or len(latent.mean) != PATCH * N_MELS:
                raise ValueError(f"axes of shape {latent.axes.shape}")
            return latent
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not a sound latent ({error}); prepare it again") from None


def weights_file() -> Path:
    """Where the latent that ships is."""
    return Path(str(resources.files("klangbild") / "weights" / "sound-latent.npz"))


class PatchMoments:
    """First and second moments of patches, added up clip by clip, so that no clip has to be kept."""

    def __init__(self) -> None:
        self.n = 0
        self.total = np.zeros(PATCH * N_MELS)
        self.products = np.zeros((PATCH * N_MELS, PATCH * N_MELS))

    def add(self, log_mel: np.ndarray) -> None:
        """One clip's log-mel (frames, 80)."""
        patches = log_mel[: len(log_mel) // PATCH * PATCH].reshape(-1, PATCH * N_MELS).astype(np.float64)
        self.n += len(patches)
        self.total += patches.sum(axis=0)
        self.products += patches.T @ patches

    def fit(self, channels: int = CHANNELS) -> tuple[MelLatent, float]:
        """(latent, share of the variance that its axes keep). Raises ValueError: fewer patches than channels."""
        if self.n <= channels:
            raise ValueError(f"{self.n} patches are too few for {channels} axes")
        mean = self.total / self.n
        values, vectors = np.linalg.eigh(self.products / self.n - np.outer(mean, mean))
        order = np.argsort(values)[::-1][:channels]
        axes = vectors[:, order]
        # a sign of its own for each axis, so that another linear algebra library gives the same file
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(channels)])
        spread = np.sqrt(np.maximum(values[order], 1e-8))
        latent = MelLatent(*(a.astype(np.float32) for a in (mean, axes, spread)))
        return latent, float(values[order].sum() / values.sum())


def to_int8(latent: np.ndarray) -> np.ndarray:
    """Whitened latents -> int8, as they are kept in a prepared file."""
    return np.clip(np.rint(latent / INT8_STEP), -127, 127).astype(np.int8)


def from_int8(latent: np.ndarray) -> np.ndarray:
    """The inverse, float32."""
    return latent.astype(np.float32) * np.float32(INT8_STEP)
