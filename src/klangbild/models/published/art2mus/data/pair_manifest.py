"""`klangbild data pair`: a folder of pictures and a folder of music become a frozen manifest of pairs.

The manifest is a CSV with one pair a row, and says of each file where it is, its hash and its licence: a training run
that reads it needs to trust nothing else. Beside it, `*.report.json` holds the statistics of the paper's table 1 and the
list of files that could not be read.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.models.published.art2mus.data.pairing import PairStatistics, greedy_pairs, pair_statistics
from klangbild.models.published.art2mus.data.split import N_VALIDATION, TEST_SHARE, stratified_split
from klangbild.models.published.art2mus.data.vectors import (
    Embedder,
    FileVectors,
    OnProgress,
    embed_music,
    embed_pictures,
)
from klangbild.whole_files import atomic_write

UNSTATED = "not stated"
Facts = Mapping[str, tuple[str, str]]  # file -> (licence, stratum); see sources.py


@dataclass(frozen=True)
class Pair:
    """One row. `similarity` is the cosine of the two vectors; `stratum` the picture's style; `split` train | test | validation."""

    picture: str
    picture_sha256: str
    picture_licence: str
    music: str
    music_sha256: str
    music_licence: str
    similarity: float
    stratum: str
    split: str


@dataclass(frozen=True)
class PairReport:
    """What was made: the pairs, their statistics, the files left out with their reasons."""

    pairs: list[Pair]
    statistics: PairStatistics
    corrupt: list[tuple[str, str]]


def pair_folders(
    pictures: Path,
    music: Path,
    embedder: Embedder,
    *,
    out: Path,
    cache: Path | None = None,
    picture_facts: Facts | None = None,
    music_facts: Facts | None = None,
    seed: int = 0,
    test_share: float = TEST_SHARE,
    n_validation: int = N_VALIDATION,
    memory_mb: float = 256,
    on_progress: Callable[[str, int, int], bool | None] | None = None,
) -> PairReport:
    """Embed, pair, split, write. Run it again after a stop: what was embedded is kept.

    Args:
        pictures, music: folders, searched to the bottom.
        embedder: a space that both share.
        out: the manifest, `.csv`.
        cache: of vectors; `vectors.sqlite` beside the manifest by default.
        picture_facts, music_facts: licence and style by file; what is missing is "not stated" and "all".
        seed: of the split.
        test_share, n_validation: see `split.py`.
        memory_mb: see `pairing.greedy_pairs`.
        on_progress: (stage, done, all) -> False to stop; stages "pictures", "music", "pairs".

    Raises:
        InputError: a folder without files that can be read. Stopped: by `on_progress`.
    """
    cache = cache or out.with_name("vectors.sqlite")
    seen = embed_pictures(pictures, embedder, cache=cache, on_progress=_stage("pictures", on_progress))
    heard = embed_music(music, embedder, cache=cache, on_progress=_stage("music", on_progress))
    for side, folder in ((seen, pictures), (heard, music)):
        if not side.files:
            raise InputError(f"{folder}: not one file could be read; the first one: {side.corrupt[0][1]}")
    pairs = make_pairs(
        seen,
        heard,
        picture_facts=picture_facts,
        music_facts=music_facts,
        rng=np.random.default_rng(seed),
        test_share=test_share,
        n_validation=n_validation,
        memory_mb=memory_mb,
        on_progress=_stage("pairs", on_progress),
    )
    report = PairReport(
        pairs=pairs,
        statistics=pair_statistics(np.array([pair.similarity for pair in pairs])),
        corrupt=[*seen.corrupt, *heard.corrupt],
    )
    write_pairs(out, report)
    return report


def make_pairs(
    seen: FileVectors,
    heard: FileVectors,
    *,
    rng: np.random.Generator,
    picture_facts: Facts | None = None,
    music_facts: Facts | None = None,
    test_share: float = TEST_SHARE,
    n_validation: int = N_VALIDATION,
    memory_mb: float = 256,
    on_progress: OnProgress | None = None,
) -> list[Pair]:
    """Pairs of files whose vectors are known, in the order of the pictures."""
    pairing = greedy_pairs(seen.vectors, heard.vectors, memory_mb=memory_mb, on_progress=on_progress)
    facts = [
        (_facts(picture_facts, seen.files[i]), _facts(music_facts, heard.files[j])) for i, j in pairing.pairs.tolist()
    ]
    split = stratified_split(
        [picture[1] for picture, _ in facts], rng=rng, test_share=test_share, n_validation=n_validation
    )
    return [
        Pair(
            picture=seen.files[i],
            picture_sha256=seen.sha256[i],
            picture_licence=picture[0],
            music=heard.files[j],
            music_sha256=heard.sha256[j],
            music_licence=track[0],
            similarity=round(float(pairing.similarity[i]), 6),
            stratum=picture[1],
            split=side,
        )
        for (i, j), (picture, track), side in zip(pairing.pairs.tolist(), facts, split, strict=True)
    ]


def write_pairs(path: Path, report: PairReport) -> None:
    """The manifest and its report, each whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Pair)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(pair) for pair in report.pairs)
    summary = {"statistics": asdict(report.statistics), "corrupt": [list(entry) for entry in report.corrupt]}
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, text.getvalue())
    _write(path.with_suffix(".report.json"), json.dumps(summary, indent=1, ensure_ascii=False) + "\n")


def read_pairs(path: Path, *, split: str | None = None) -> list[Pair]:
    """The rows of a manifest, of one side of the split or all.

    Raises:
        InputError: missing, or not such a manifest.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [Pair(**{**row, "similarity": float(row["similarity"])}) for row in csv.DictReader(file)]
    except OSError:
        raise InputError(
            f"{path}: there is no such manifest; make it with 'klangbild data pair --pictures DIR --music DIR'"
        ) from None
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(
            f"{path}: is not a manifest of pairs ({error}); make it with 'klangbild data pair --pictures DIR --music DIR'"
        ) from error
    return [row for row in rows if split is None or row.split == split]


def licences(pairs: Iterable[Pair]) -> dict[str, int]:
    """How many files are under which licence."""
    counts: dict[str, int] = {}
    for pair in pairs:
        for licence in (pair.picture_licence, pair.music_licence):
            counts[licence] = counts.get(licence, 0) + 1
    return dict(sorted(counts.items()))


def _facts(facts: Facts | None, file: str) -> tuple[str, str]:
    return (facts or {}).get(file, (UNSTATED, "all"))


def _stage(name: str, on_progress: Callable[[str, int, int], bool | None] | None) -> OnProgress | None:
    return None if on_progress is None else lambda done, n: on_progress(name, done, n)


def _write(path: Path, text: str) -> None:
    atomic_write(path, text.encode("utf-8"))
