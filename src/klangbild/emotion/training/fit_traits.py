"""Where pictures lie on each trait (`picture/traits.py`): quantiles over pictures of every kind, written as one small JSON.

Which pictures: all of OASIS, and of the two large unrated sets as many as `SAMPLE` says, drawn by the seed. What is measured with the
traits is measured on others (`sample(..., rest=True)`).
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from klangbild.emotion.training.data.pictures import read_set
from klangbild.errors import InputError
from klangbild.picture.traits import FILE, fit_population, measure_traits
from klangbild.whole_files import atomic_write

SAMPLE = {"oasis": 704, "wikiart": 1400, "photos": 300}
"""Set -> how many of its pictures."""


def sample(folder: Path, set_name: str, *, seed: int = 0, rest: bool = False) -> list[str]:
    """Files of a set that are fitted on, or (rest) all others. Raises InputError: there is no such set."""
    path = folder / f"{set_name}.zip"
    if not path.is_file():
        raise InputError(f"{path}: there is no such set; give the folder that holds the picture sets")
    with zipfile.ZipFile(path) as archive:
        files = sorted(name for name in archive.namelist() if name.lower().endswith((".jpg", ".jpeg", ".png")))
    n = min(SAMPLE[set_name], len(files))
    taken = set(np.random.default_rng([seed, sorted(SAMPLE).index(set_name)]).permutation(len(files))[:n].tolist())
    return [file for i, file in enumerate(files) if (i in taken) != rest]


def fit_traits(folder: Path, out: Path, *, seed: int = 0) -> Path:
    """Measure the pictures and write `out`/picture-traits.json. Raises InputError: a set is missing or damaged."""
    raw = []
    for set_name in SAMPLE:
        for _, picture in read_set(folder, set_name, sample(folder, set_name, seed=seed)):
            raw.append(measure_traits(picture)[0])
    kept = {"pictures": SAMPLE, "seed": seed, "command": "klangbild train traits", **fit_population(np.array(raw))}
    out.mkdir(parents=True, exist_ok=True)
    atomic_write(out / FILE, (json.dumps(kept) + "\n").encode())
    return out / FILE
