"""`PlanClips`: what the flow over plans learns from, in memory and on disk (.npz, compressed, no pickles).

A clip is six sections of a piece, one after the other; a piece of fewer begins again. `prepare.py` makes them of prepared notes.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError
from klangbild.models.plan.channels import from_int8, to_int8, to_rows
from klangbild.models.plan.traits_of_music import fit_knots, places, raw_traits
from klangbild.whole_files import atomic_npz

CLIP_SECTIONS = 6
_STEPS = 127.0


@dataclass(frozen=True)
class PlanClips:
    """S sections and N clips of them."""

    values: np.ndarray
    """(S, attributes) int8, in steps of 1/127."""
    valence: np.ndarray
    arousal: np.ndarray
    """(S,) float32 in [-1, 1]."""
    bpm: np.ndarray
    """(S,) float32."""
    major: np.ndarray
    triple: np.ndarray
    compound: np.ndarray
    """(S,) bool."""
    rate: np.ndarray
    """(S,) float32, notes a second."""
    clip_section: np.ndarray
    """(N, 6) int32."""
    clip_piece: np.ndarray
    """(N,) int32: the piece's number in the notes file."""
    clip_heldout: np.ndarray
    """(N,) bool: the same split as the notes."""
    clip_pool: np.ndarray
    """(N,) uint8: index into `about["pools"]`."""
    about: dict[str, Any]
    """Pools, licences, names of the attributes, sha256 of the notes file."""

    def __len__(self) -> int:
        return len(self.clip_section)

    def rows(self, clips: np.ndarray) -> np.ndarray:
        """Plans of some clips, (n, 6, channels) float32."""
        of = self.clip_section[clips]
        emotion = np.stack([self.valence[of], self.arousal[of]], axis=-1)
        sections = to_rows(
            self.values[of].astype(np.float32) / _STEPS,
            self.bpm[of],
            self.major[of],
            emotion,
            self.triple[of],
            self.compound[of],
        )
        return from_int8(to_int8(sections))

    def facts(self, clip: int) -> dict[str, Any]:
        """What words may say of a clip: its valence, arousal, tempo (bpm), mode (0 minor, 1 major), meter ("", "triple", "compound"),
        families (bit k: family k plays in half of it or more), rate (notes a second), pool (its name)."""
        of = self.clip_section[clip]
        plays = (self.values[of, : self.n_families] > 0).mean(axis=0) >= 0.5
        meter = "triple" if self.triple[of].mean() > 0.5 else "compound" if self.compound[of].mean() > 0.5 else ""
        return {
            "valence": float(self.valence[of].mean()), "arousal": float(self.arousal[of].mean()),
            "tempo": float(np.exp(np.log(self.bpm[of]).mean())), "mode": int(self.major[of].mean() >= 0.5), "meter": meter,
            "families": int(plays @ (1 << np.arange(self.n_families))), "rate": float(self.rate[of].mean()),
            "pool": self.about["pools"][int(self.clip_pool[clip])],
        }  # fmt: skip

    @property
    def n_families(self) -> int:
        return int(self.about["families"])

    def axes(self, knots: np.ndarray | None = None) -> np.ndarray:
        """(N, 8) float32 in the order of `traits_of_music.AXES`; traits are places among the training clips, or by other knots."""
        of = self.clip_section
        raw = raw_traits(self.values.astype(np.float32) / _STEPS)[of].mean(axis=1)
        knots = fit_knots(raw[~self.clip_heldout]) if knots is None else knots
        felt = np.stack([self.valence[of].mean(axis=1), self.arousal[of].mean(axis=1)], axis=1)
        return np.concatenate([felt, places(raw, knots)], axis=1).astype(np.float32)

    def knots(self) -> np.ndarray:
        """(6, k): see `axes`."""
        raw = raw_traits(self.values.astype(np.float32) / _STEPS)[self.clip_section].mean(axis=1)
        return fit_knots(raw[~self.clip_heldout])

    def save(self, path: Path) -> None:
        """Write `path` (.npz), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "about"}
        atomic_npz(path, about=np.array(json.dumps(self.about)), **arrays)

    @staticmethod
    def load(path: Path) -> PlanClips:
        """Raises InputError: missing, or not a prepared file of ours."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            about = json.loads(str(arrays.pop("about")))
            return PlanClips(**arrays, about=about)
        except FileNotFoundError:
            raise InputError(
                f"{path}: there are no prepared plans; make them with 'klangbild data prepare plan NOTES.npz'"
            ) from None
        except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: holds no prepared plans ({error}); prepare it again") from None
