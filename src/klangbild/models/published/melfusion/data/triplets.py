"""`klangbild data triplets`: pictures, captions and music become a set like MeLBench, with hashes, licences and a split.

The pairs come from a pair manifest (`models/published/art2mus/data/pair_manifest.py`), the words from captions of the music, of the pictures, or
both. What is written: `train.jsonl`, `test.jsonl`, `validation.jsonl` in MeLBench's form (readable by MeLFusion's own code),
each line with the hashes and licences of its files as extra keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from klangbild.errors import InputError
from klangbild.models.published.art2mus.data.pair_manifest import Pair
from klangbild.models.published.melfusion.data.melbench import Triplet, write_triplets

SPLITS = ("train", "test", "validation")


@dataclass(frozen=True)
class TripletReport:
    """How many items each file has, and which pairs were left out and why."""

    counts: dict[str, int]
    left_out: list[tuple[str, str]]


def build_triplets(
    pairs: Sequence[Pair],
    *,
    pictures: Path,
    music: Path,
    out: Path,
    music_captions: Mapping[str, str] | None = None,
    picture_captions: Mapping[str, str] | None = None,
) -> TripletReport:
    """Write the three files.

    Args:
        pairs: rows of a pair manifest.
        pictures, music: the folders their names are relative to.
        out: a folder.
        music_captions, picture_captions: words by file (relative name, file name or stem). A music caption comes first;
            where both are known they are joined by ". ".

    Raises:
        InputError: no captions were given, or no pair has one.
    """
    if not music_captions and not picture_captions:
        raise InputError("no captions: give a caption file for the music, the pictures, or both")
    made: dict[str, list[Triplet]] = {split: [] for split in SPLITS}
    left_out = []
    for pair in pairs:
        words = [_words(music_captions, pair.music), _words(picture_captions, pair.picture)]
        captions = ". ".join(part.strip().rstrip(".") for part in words if part)
        if not captions:
            left_out.append((pair.picture, f"neither {pair.music} nor {pair.picture} has a caption"))
            continue
        extra = {
            "location_sha256": pair.music_sha256,
            "location_licence": pair.music_licence,
            "img_sha256": pair.picture_sha256,
            "img_licence": pair.picture_licence,
            "style": pair.stratum,
        }
        location, img_path = (music / pair.music).resolve(), (pictures / pair.picture).resolve()
        made[pair.split].append(Triplet(captions, location.as_posix(), img_path.as_posix(), extra=extra))
    if not any(made.values()):
        raise InputError(
            f"not one of {len(pairs)} pairs has a caption; the first: {left_out[0][1] if left_out else 'none'}"
        )
    for split, triplets in made.items():
        write_triplets(out / f"{split}.jsonl", triplets)
    return TripletReport({split: len(triplets) for split, triplets in made.items()}, left_out)


def _words(captions: Mapping[str, str] | None, file: str) -> str | None:
    """By relative name, then by file name, then by its stem."""
    if not captions:
        return None
    name = PurePosixPath(file)
    return next((captions[key] for key in (file, name.name, name.stem) if captions.get(key)), None)
