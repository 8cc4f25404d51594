"""`SoundData`: played clips that the sound model is measured by, in memory and on disk (.npz, compressed, no pickles)."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError
from klangbild.models.roll.data.clips import ClipPlan
from klangbild.whole_files import atomic_npz

FACT_TYPES = {
    "valence": "f4", "arousal": "f4", "tempo": "f4", "mode": "u1", "tonic": "u1", "meter": "u1", "families": "u2",
    "rate": "f4", "loudness": "f4", "pool": "u1", "transpose": "i1",
    "centroid": "f4",
}  # fmt: skip


@dataclass(frozen=True)
class SoundData:
    """N clips of 10.24 s: where each comes from, so that it can be played again, and what it is."""

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
    centroid: np.ndarray
    """(N,) float32: how high the clip's sound lies, see `sound_clips.mean_band`."""
    about: dict[str, Any]
    """Pools, families, licences, sound font, seed, sha256 of the notes file."""

    def __len__(self) -> int:
        return len(self.clip_piece)

    def height(self) -> np.ndarray:
        """How high each clip's sound lies: mean mel band, (N,), 0..79."""
        return self.centroid

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
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "about"}
        atomic_npz(path, about=np.array(json.dumps(self.about)), **arrays)

    @staticmethod
    def load(path: Path) -> SoundData:
        """Raises InputError: missing, or not a prepared file of ours."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            about = json.loads(str(arrays.pop("about")))
            if "latents" in arrays:
                raise ValueError("it holds latents of the model over spectrograms, which is gone")
            return SoundData(**arrays, about=about)
        except FileNotFoundError:
            raise InputError(
                f"{path}: there is no prepared sound; make it with 'klangbild data prepare sound NOTES.npz'"
            ) from None
        except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not prepared sound data ({error}); prepare it again") from None
