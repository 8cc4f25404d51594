"""`SoundData`: the prepared file of the small sound model, in memory and on disk (.npz, compressed, no pickles)."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from klangbild.atomic import atomic_npz
from klangbild.data.sound_clips import ClipPlan
from klangbild.diffusion.small_latent import N_MELS, MelLatent, from_int8
from klangbild.errors import InputError

FACT_TYPES = {
    "valence": "f4", "arousal": "f4", "tempo": "f4", "mode": "u1", "tonic": "u1", "meter": "u1", "families": "u2",
    "rate": "f4", "loudness": "f4", "pool": "u1", "transpose": "i1",
}  # fmt: skip


@dataclass(frozen=True)
class SoundData:
    """N clips of 10.24 s as latents, with what each of them is."""

    latents: np.ndarray
    """(N, 160, 64) int8, whitened latents in steps of 1/32."""
    clip_piece: np.ndarray
    """(N,) int32: the piece's number in the notes file."""
    clip_heldout: np.ndarray
    """(N,) bool: the same split as the notes."""
    clip_section: np.ndarray
    clip_bar: np.ndarray
    """(N,) int32, uint8: where in the notes file the clip starts."""
    valence: np.ndarray
    arousal: np.ndarray
    """(N,) float32 in [-1, 1], on the music's plane: labels of the sections, pseudo-labels for most."""
    tempo: np.ndarray
    """(N,) float32, quarter notes per minute."""
    mode: np.ndarray
    """(N,) uint8: 0 minor, 1 major."""
    tonic: np.ndarray
    """(N,) uint8: pitch class as it sounds, 0 = C."""
    meter: np.ndarray
    """(N,) uint8: ten times the numerator plus the denominator, 44 for 4/4, 128 for 12/8."""
    families: np.ndarray
    """(N,) uint16: bit k is set where family k (`notes.families`) plays two notes or more."""
    rate: np.ndarray
    """(N,) float32, notes per second."""
    loudness: np.ndarray
    """(N,) float32, dB, of the piece as played; the clips themselves are equally loud."""
    pool: np.ndarray
    """(N,) uint8: index into `about["pools"]`."""
    transpose: np.ndarray
    """(N,) int8, semitones."""
    latent: MelLatent
    about: dict[str, Any]
    """Pools, families, licences, sound font, seed, mel settings, sha256 of the notes file, share of variance kept."""
    grid: ClassVar[int] = 1
    """A crop may start at every latent."""

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def channel_weights(self) -> np.ndarray:
        """How much each axis of the latent counts in a loss: its spread in the log-mel, mean 1. float32 (64,)."""
        return (self.latent.spread / self.latent.spread.mean()).astype(np.float32)

    def height(self) -> np.ndarray:
        """How high each clip's sound lies: mean mel band, weighted by magnitude, (N,), 0..79."""
        bands = np.arange(N_MELS)
        found = []
        for latents in self.latents:
            mel = np.exp(self.latent.decode(from_int8(latents)))
            found.append(float((mel @ bands).sum() / mel.sum()))
        return np.array(found, np.float32)

    def place(self, clip: int) -> tuple[int, int, int, int]:
        """Piece, section, bar of it, and semitones moved: where a clip comes from."""
        plan = self.plan(clip)
        return plan.piece, plan.section, plan.bar, plan.shift

    def plan(self, clip: int) -> ClipPlan:
        """What to render to hear clip number `clip`."""
        values = (self.clip_section, self.clip_piece, self.clip_bar, self.transpose)
        return ClipPlan(*(int(v[clip]) for v in values), bool(self.clip_heldout[clip]))

    def save(self, path: Path) -> None:
        """Write `path` (.npz), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("about", "latent")}
        latent = {f"latent_{f.name}": getattr(self.latent, f.name) for f in fields(self.latent)}
        atomic_npz(path, about=np.array(json.dumps(self.about)), **arrays, **latent)

    @staticmethod
    def load(path: Path) -> SoundData:
        """Raises InputError: missing, or not a prepared file of ours."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            about = json.loads(str(arrays.pop("about")))
            latent = MelLatent(*(arrays.pop(f"latent_{f.name}") for f in fields(MelLatent)))
            return SoundData(**arrays, latent=latent, about=about)
        except FileNotFoundError:
            raise InputError(
                f"{path}: there is no prepared sound; make it with 'klangbild data prepare sound NOTES.npz'"
            ) from None
        except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not prepared sound data ({error}); prepare it again") from None
