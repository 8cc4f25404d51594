"""Pictures matched with clips of plans, by what both ask for: matched by construction, not found.

Nobody made these pictures and this music for each other. A pair is near in the eight numbers of `traits_of_music.AXES`, each -1..1:

    valence, arousal   of the picture as our emotion model reads it, on the music's plane; of the clip as labelled (weight 1 each)
    six traits         of the picture (`picture.traits`), and what goes with each in the music, in ranks (weight `WEIGHTS`)

That brighter and higher hung is higher in pitch, and finer and more jagged denser, people are known to feel (Marks 1974; Spence 2011; Adeli, Rouat
and Molotchnikoff 2014); the other traits are a composer's ideas without a study behind them. Colour itself has no weight of its own: what it does is
in valence and arousal already (Whiteford and others 2018). Every picture gets `CLIPS_OF_A_PICTURE` clips, by the assignment with the least sum of
squared distances; no clip is taken more than `MAX_OF_A_CLIP` times. Held-out pieces get held-out pictures only. `klangbild data pair` writes the
manifest (frozen: CSV with hash and licence) and the file that `klangbild train art2mus` and `train melfusion` read.
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
from klangbild.models.plan.data.picture_views import PictureViews, picture_views
from klangbild.models.plan.data.prepared import PlanClips
from klangbild.models.plan.picture_levels import levels_of
from klangbild.models.plan.traits_of_music import AXES
from klangbild.training.manifest import sha256_of
from klangbild.whole_files import atomic_npz, atomic_write

LICENCES = {"wikiart": "WikiArt's terms; single works may be in copyright", "photos": "ImageNet's terms"}
HELDOUT_SHARE = 0.15
WEIGHTS = (1.0, 1.0, 0.4, 0.3, 0.2, 0.2, 0.2, 0.2)
CLIPS_OF_A_PICTURE = 5
MAX_OF_A_CLIP = 3
BLOCK = 1500
"""So many pictures are matched at once."""
_COLUMNS = (
    "picture", "picture_sha256", "picture_licence", "clip", "piece", "section", "music_licence", "distance", "valence_asked",
    "arousal_asked", "valence", "arousal", "split",
)  # fmt: skip


@dataclass(frozen=True)
class PicturePairs:
    """n pairs: picture `picture[i]` (a row of `views`) with clip number `clip[i]` of the prepared plans.

    axes (pictures, 8): what each picture asks for, in the order of `traits_of_music.AXES`. distance (n,): weighted, see above. about: hashes,
    counts, correlations.
    """

    views: PictureViews
    axes: np.ndarray
    picture: np.ndarray
    clip: np.ndarray
    heldout: np.ndarray
    distance: np.ndarray
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.clip)

    def seen(self) -> np.ndarray:
        """All that is seen of each picture, (pictures, 3296) float32."""
        return np.concatenate([self.views.embedding, self.views.surface], axis=1).astype(np.float32)

    def levels(self, pictures: np.ndarray) -> list[np.ndarray]:
        """The encoder's four levels of some pictures (rows of `views`), float32 (rows, 2, c) each."""
        return levels_of(*(part[pictures].astype(np.float32) for part in (self.views.embedding, self.views.surface)))

    def save(self, path: Path) -> None:
        """Write `path` (.npz, compressed), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        seen = {f"view_{f.name}": getattr(self.views, f.name) for f in fields(PictureViews)}
        own = {name: getattr(self, name) for name in ("axes", "picture", "clip", "heldout", "distance")}
        atomic_npz(path, about=np.array(json.dumps(self.about)), **seen, **own)

    @staticmethod
    def load(path: Path) -> PicturePairs:
        """Raises InputError: missing, or not what `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as a:
                views = PictureViews(*(a[f"view_{f.name}"] for f in fields(PictureViews)))
                own = [a[name] for name in ("axes", "picture", "clip", "heldout", "distance")]
                return PicturePairs(views, *own, about=json.loads(str(a["about"])))
        except FileNotFoundError:
            command = f"klangbild data pair --pictures DIR --music data/prepared/plan.npz -o {path.with_suffix('.csv')}"
            raise InputError(f"{path}: there are no such pairs; make them with '{command}'") from None
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: holds no pairs for the plan model ({error}); pair again") from None


def pair_plans(
    pictures: Path,
    plans_file: Path,
    *,
    manifest: Path,
    out: Path,
    cache: Path,
    most_pictures: int = 6000,
    seed: int = 0,
    on_progress: Callable[[str, int, int], object] | None = None,
) -> PicturePairs:
    """Look at the pictures (kept in `cache`), match, write the manifest and the training file.

    Raises:
        InputError: a side cannot be read.
    """
    if cache.is_file():
        views = PictureViews.load(cache)
    else:
        views = picture_views(pictures, most=most_pictures, seed=seed, on_progress=on_progress)
        views.save(cache)
    plans = PlanClips.load(plans_file)
    pairs = match(views, plans, seed=seed)
    pairs.about["plans_sha256"] = sha256_of(plans_file.read_bytes())
    text = manifest_text(pairs, plans)
    pairs.about["manifest_sha256"] = sha256_of(text.encode())
    manifest.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(manifest, text.encode())
    pairs.save(out)
    return pairs


def match(views: PictureViews, plans: PlanClips, *, seed: int = 0) -> PicturePairs:
    """Pairs of both sides of the split, training pairs first.

    Raises:
        InputError: a side has no picture or no clip.
    """
    rng = np.random.default_rng(seed)
    seen, heard = picture_axes(views), plans.axes()
    held_picture = held_out(views)
    rows, clips, sides = [], [], []
    for held in (False, True):
        mine = rng.permutation(np.flatnonzero(held_picture == held))
        theirs = np.flatnonzero(plans.clip_heldout == held)
        if not len(mine) or not len(theirs):
            raise InputError("pairing needs pictures and clips on both sides of the split; prepare more")
        times = min(CLIPS_OF_A_PICTURE, max(MAX_OF_A_CLIP * len(theirs) // len(mine), 1)) if not held else 1
        taken = np.zeros(len(theirs), int)
        for _ in range(times):
            for first in range(0, len(mine), BLOCK):
                some = mine[first : first + BLOCK]
                found = _assigned(seen[some], heard[theirs], taken)
                taken[found] += 1
                rows.append(some)
                clips.append(theirs[found])
                sides.append(np.full(len(some), held))
    row, clip, heldout = (np.concatenate(part) for part in (rows, clips, sides))
    distance = np.sqrt((((seen[row] - heard[clip]) ** 2) * WEIGHTS).sum(axis=1)).astype(np.float32)
    about = {
        "pairs": int((~heldout).sum()),
        "pairs_held_out": int(heldout.sum()),
        "pictures": len(np.unique(row[~heldout])),
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
    return PicturePairs(views, seen, row.astype(np.int32), clip.astype(np.int32), heldout, distance, about)


def picture_axes(views: PictureViews) -> np.ndarray:
    """(n, 8) in the order of `AXES`."""
    return np.column_stack([views.asked, views.traits]).astype(np.float32)


def held_out(views: PictureViews) -> np.ndarray:
    """(n,) bool by the picture's own hash, so that it never changes sides."""
    return np.array([int(digest[:8], 16) < HELDOUT_SHARE * 2**32 for digest in views.sha256])


def manifest_text(pairs: PicturePairs, plans: PlanClips) -> str:
    """One row a pair; licences of the music by pool."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    pools, licences = plans.about["pools"], plans.about["licences"]
    heard = plans.axes()
    for i, (picture, clip) in enumerate(zip(pairs.picture.tolist(), pairs.clip.tolist(), strict=True)):
        name = str(pairs.views.name[picture])
        licence = licences.get(pools[int(plans.clip_pool[clip])]) or "not stated"
        writer.writerow([
            name, pairs.views.sha256[picture], LICENCES.get(name.partition("/")[0], "not stated"), clip,
            int(plans.clip_piece[clip]), int(plans.clip_section[clip, 0]),
            licence if isinstance(licence, str) else "; ".join(licence),
            f"{pairs.distance[i]:.4f}", *(f"{v:.3f}" for v in pairs.views.asked[picture]), *(f"{v:.3f}" for v in heard[clip, :2]),
            "heldout" if pairs.heldout[i] else "train",
        ])  # fmt: skip
    return text.getvalue()


def _assigned(pictures: np.ndarray, clips: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """For each picture (k, 8) the row of its clip (n, 8): the least sum of squared distances, none that is taken often enough already.

    taken (n,): how often each was. A picture's next clip is another one than before, for what is taken costs more."""
    from scipy.optimize import linear_sum_assignment

    root = np.sqrt(WEIGHTS).astype(np.float32)
    free = np.flatnonzero(taken < MAX_OF_A_CLIP)
    free = free if len(free) >= len(pictures) else np.arange(len(taken))
    a, b = pictures.astype(np.float32) * root, clips[free].astype(np.float32) * root
    cost = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T + 0.05 * taken[free]
    if len(free) < len(pictures):  # few clips, as in tests: each picture the nearest
        return free[cost.argmin(axis=1)]
    _, columns = linear_sum_assignment(cost)
    return free[columns]
