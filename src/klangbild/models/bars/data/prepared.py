"""`NoteData`: the prepared file of the notes model, in memory and on disk (.npz, compressed, no pickles)."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError
from klangbild.whole_files import atomic_npz


@dataclass(frozen=True)
class NoteData:
    """Sections of note ids with their features and labels. S sections, P pieces, N ids, F features.

    Sections of a piece stand together and in order; a piece may have none, and a section that is there for its features
    only has no ids.
    """

    ids: np.ndarray
    """(N,) uint16, without BOS and EOS."""
    section_start: np.ndarray
    """(S + 1,) int64: section s is ids[section_start[s]:section_start[s + 1]]."""
    section_piece: np.ndarray
    """(S,) int32."""
    section_seconds: np.ndarray
    """(S,) float32."""
    features: np.ndarray
    """(S, F) float32, raw; their names are in `about["features"]`."""
    valence: np.ndarray
    arousal: np.ndarray
    """(S,) float32 in [-1, 1]."""
    label_source: np.ndarray
    """(S,) uint8: `emotion_labels.NO_LABEL`, PSEUDO or HUMAN."""
    piece_name: np.ndarray
    """(P,) str, "set/file"."""
    piece_pool: np.ndarray
    """(P,) uint8: index into `about["pools"]`."""
    piece_heldout: np.ndarray
    """(P,) bool."""
    piece_cluster: np.ndarray
    """(P,) int32: pieces that are nearly the same share one."""
    piece_rating: np.ndarray
    """(P, 3) float32: human valence, arousal (NaN: none), quadrant (0: none)."""
    about: dict[str, Any]
    """Language, vocabulary, note ids, names of features and pools, licences, knots of the attributes."""
    attributes: np.ndarray | None = None
    """(S, A) int8: `notes.attributes` of each section in steps of 1/127; None in a file made before there were any."""

    def save(self, path: Path) -> None:
        """Write `path` (.npz); a crash leaves the former file whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "about"}
        arrays = {name: array for name, array in arrays.items() if array is not None}
        arrays["features"] = arrays["features"].astype(np.float16)
        atomic_npz(path, about=np.array(json.dumps(self.about)), **arrays)

    @staticmethod
    def load(path: Path) -> NoteData:
        """Raises InputError: missing, or not a prepared file of ours."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            about = json.loads(str(arrays.pop("about")))
            arrays["features"] = arrays["features"].astype(np.float32)
            return NoteData(**arrays, about=about)
        except FileNotFoundError:
            raise InputError(
                f"{path}: there is no prepared data; make it with 'klangbild data prepare notes RAW_DIR'"
            ) from None
        except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not prepared notes data ({error}); prepare it again") from None

    def pool_of(self, piece: int) -> str:
        """The set a piece came from."""
        return self.about["pools"][int(self.piece_pool[piece])]

    def bands(self) -> int | None:
        """The number of the set of bands where it is what the music is mostly about: a quarter of the ids or more; else None."""
        if "band" not in self.about["pools"]:
            return None
        number = self.about["pools"].index("band")
        sizes = np.diff(self.section_start)
        mine = sizes[self.piece_pool[self.section_piece] == number].sum()
        return number if mine >= 0.25 * max(sizes.sum(), 1) else None
