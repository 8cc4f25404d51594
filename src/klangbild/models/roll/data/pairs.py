"""Pictures matched with clips of the sound model's data, by what both ask for: matched by construction, not found.

Nobody made these pictures and this music for each other. A pair is near in four numbers, each -1..1:

    valence, arousal   of the picture as our emotion model reads it, on the music's plane; of the clip as labelled (weight 1)
    light              of the picture, and how high the clip lies (its spectral centroid, or its mean pitch), in ranks (weight 1/4)
    detail             edges in the picture, and notes per second in the clip, in ranks (weight 1/4)

The last two are correspondences that people are known to make (brighter is higher, Marks 1974; busier is denser). The
assignment is the one with the least sum of squared distances: every picture once, every clip at most twice. Held-out pieces
get held-out pictures only. `klangbild data pair` writes the manifest (frozen: CSV with hash and licence) and the file that
`klangbild train art2mus` reads.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError
from klangbild.models.roll.data.clip_table import SoundData
from klangbild.models.roll.data.picture_views import PictureViews, picture_views
from klangbild.models.roll.data.prepared import RollData
from klangbild.picture.encoder import LEVELS
from klangbild.training.manifest import sha256_of
from klangbild.whole_files import atomic_npz, atomic_write

LICENCES = {"wikiart": "WikiArt's terms; single works may be in copyright", "photos": "ImageNet's terms"}
HELDOUT_SHARE = 0.15
WEIGHTS = (1.0, 1.0, 0.25, 0.25)
AXES = ("valence", "arousal", "light", "detail")
MAX_OF_A_CLIP = 2
MAX_PAIRS = 3200
_COLUMNS = (
    "picture", "picture_sha256", "picture_licence", "clip", "piece", "section", "bar", "transpose", "music_licence",
    "distance", "valence_asked", "arousal_asked", "valence", "arousal", "split",
)  # fmt: skip


@dataclass(frozen=True)
class SoundPairs:
    """n pairs: row i of `views` with clip number `clip[i]` of the prepared sound; levels are int8 in steps of `step`.

    distance (n,): weighted, see above. step (4,): of each level. about: hashes, counts, correlations.
    """

    views: PictureViews
    clip: np.ndarray
    heldout: np.ndarray
    distance: np.ndarray
    step: np.ndarray
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.clip)

    def levels(self, rows: np.ndarray) -> list[np.ndarray]:
        """The encoder's four levels of some pairs, float32 (rows, 16, c) each."""
        return [getattr(self.views, n)[rows].astype(np.float32) * s for n, s in zip(LEVELS, self.step, strict=True)]

    def save(self, path: Path) -> None:
        """Write `path` (.npz, compressed), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        seen = {f"view_{f.name}": getattr(self.views, f.name) for f in fields(PictureViews)}
        own = {name: getattr(self, name) for name in ("clip", "heldout", "distance", "step")}
        atomic_npz(path, about=np.array(json.dumps(self.about)), **seen, **own)

    @staticmethod
    def load(path: Path) -> SoundPairs:
        """Raises InputError: missing, or not what `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as a:
                views = PictureViews(*(a[f"view_{f.name}"] for f in fields(PictureViews)))
                own = [a[name] for name in ("clip", "heldout", "distance", "step")]
                return SoundPairs(views, *own, about=json.loads(str(a["about"])))
        except FileNotFoundError:
            command = (
                f"klangbild data pair --pictures DIR --music data/prepared/sound.npz -o {path.with_suffix('.csv')}"
            )
            raise InputError(f"{path}: there are no such pairs; make them with '{command}'") from None
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: holds no pairs for the sound model ({error}); pair again") from None


def pair_sound(
    pictures: Path,
    sound_file: Path,
    *,
    manifest: Path,
    out: Path,
    cache: Path,
    most_pictures: int = 6000,
    most_pairs: int = MAX_PAIRS,
    seed: int = 0,
    on_progress: Callable[[str, int, int], object] | None = None,
) -> SoundPairs:
    """Look at the pictures (kept in `cache`), match, write the manifest and the training file.

    Raises:
        InputError: a side cannot be read.
    """
    if cache.is_file():
        views = PictureViews.load(cache)
    else:
        views = picture_views(pictures, most=most_pictures, seed=seed, on_progress=on_progress)
        views.save(cache)
    sound = load_clips(sound_file)
    pairs = match(views, sound, most_pairs=most_pairs, seed=seed)
    pairs.about["sound_sha256"] = sha256_of(sound_file.read_bytes())
    text = manifest_text(pairs, sound)
    pairs.about["manifest_sha256"] = sha256_of(text.encode())
    manifest.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(manifest, text.encode())
    pairs.save(out)
    return pairs


def load_clips(path: Path) -> SoundData | RollData:
    """Prepared clips of either kind. Raises InputError: missing, or of no kind of ours."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            is_roll = "note_lane" in archive.files
    except (OSError, ValueError, zipfile.BadZipFile):
        is_roll = False
    return RollData.load(path) if is_roll else SoundData.load(path)


def match(
    views: PictureViews, sound: SoundData | RollData, *, most_pairs: int = MAX_PAIRS, seed: int = 0
) -> SoundPairs:
    """Pairs of both sides of the split, training pairs first.

    Raises:
        InputError: a side has no picture or no clip.
    """
    rng = np.random.default_rng(seed)
    seen, heard = picture_numbers(views), clip_numbers(sound)
    held_picture = held_out(views)
    rows, clips, sides = [], [], []
    for held in (False, True):
        mine = np.flatnonzero(held_picture == held)
        theirs = np.flatnonzero(sound.clip_heldout == held)
        if not len(mine) or not len(theirs):
            raise InputError("pairing needs pictures and clips on both sides of the split; prepare more")
        wanted = min(most_pairs, len(mine), MAX_OF_A_CLIP * len(theirs)) if not held else min(len(mine), len(theirs))
        # every clip once before any of them twice
        again = [theirs[rng.permutation(len(theirs))] for _ in range(MAX_OF_A_CLIP)]
        slots = np.concatenate(again)[:wanted]
        found = _assigned(heard[slots], seen[mine])
        rows.append(mine[found])
        clips.append(slots)
        sides.append(np.full(len(slots), held))
    row, clip, heldout = (np.concatenate(part) for part in (rows, clips, sides))
    distance = np.sqrt((((seen[row] - heard[clip]) ** 2) * WEIGHTS).sum(axis=1)).astype(np.float32)
    taken, step = _as_int8(views.take(row))
    about = {
        "pairs": int((~heldout).sum()),
        "pairs_held_out": int(heldout.sum()),
        "clips": len(np.unique(clip[~heldout])),
        "seed": seed,
        "axes": dict(zip(AXES, WEIGHTS, strict=True)),
        "correlation": {
            side: {
                a: round(float(np.corrcoef(seen[row[m], k], heard[clip[m], k])[0, 1]), 3) for k, a in enumerate(AXES)
            }
            for side, m in (("training", ~heldout), ("held out", heldout))
        },
    }
    return SoundPairs(taken, clip.astype(np.int32), heldout, distance, step, about)


def picture_numbers(views: PictureViews) -> np.ndarray:
    """(n, 4) in the order of `AXES`."""
    return np.column_stack([views.asked, _ranks(views.brightness), _ranks(views.edge_density)])


def clip_numbers(sound: SoundData | RollData) -> np.ndarray:
    """(n, 4) in the order of `AXES`."""
    return np.column_stack([sound.valence, sound.arousal, _ranks(sound.height()), _ranks(sound.rate)])


def held_out(views: PictureViews) -> np.ndarray:
    """(n,) bool by the picture's own hash, so that it never changes sides."""
    return np.array([int(digest[:8], 16) < HELDOUT_SHARE * 2**32 for digest in views.sha256])


def manifest_text(pairs: SoundPairs, sound: SoundData | RollData) -> str:
    """One row a pair; licences of the music by pool."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    pools, licences = sound.about["pools"], sound.about["licences"]
    for i, clip in enumerate(pairs.clip.tolist()):
        name = str(pairs.views.name[i])
        licence = licences.get(pools[int(sound.pool[clip])]) or "not stated"
        writer.writerow([
            name, pairs.views.sha256[i], LICENCES.get(name.partition("/")[0], "not stated"), clip, *sound.place(clip),
            licence if isinstance(licence, str) else "; ".join(licence),
            f"{pairs.distance[i]:.4f}", *(f"{v:.3f}" for v in pairs.views.asked[i]), f"{sound.valence[clip]:.3f}",
            f"{sound.arousal[clip]:.3f}", "heldout" if pairs.heldout[i] else "train",
        ])  # fmt: skip
    return text.getvalue()


def _assigned(slots: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """For each slot (k, 4) the row of its picture (n >= k, 4): the least sum of squared distances."""
    from scipy.optimize import linear_sum_assignment

    root = np.sqrt(WEIGHTS).astype(np.float32)
    a, b = (side.astype(np.float32) * root for side in (slots, pictures))
    cost = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    _, columns = linear_sum_assignment(cost)
    return columns


def _ranks(values: np.ndarray) -> np.ndarray:
    """Percentiles within the set, -1..1."""
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return (2 * (order + 0.5) / len(values) - 1).astype(np.float32)


def _as_int8(views: PictureViews) -> tuple[PictureViews, np.ndarray]:
    """Levels as int8, and the step of each: a thousandth of the numbers is cut off at the top."""
    parts = {f.name: getattr(views, f.name) for f in fields(PictureViews)}
    steps = []
    for name in LEVELS:
        level = parts[name].astype(np.float32)
        step = max(float(np.quantile(np.abs(level), 0.999)) / 127, 1e-6)
        parts[name] = np.clip(np.rint(level / step), -127, 127).astype(np.int8)
        steps.append(step)
    return PictureViews(**parts), np.array(steps, np.float32)
