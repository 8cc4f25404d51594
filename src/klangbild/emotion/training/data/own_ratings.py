"""A person's own ratings: a CSV of pictures with valence and arousal, for heads that see as that person does."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from klangbild.emotion.training.data.pictures import KINDS, RatedPicture
from klangbild.errors import InputError, UsageError
from klangbild.picture.load import load_picture
from klangbild.picture.picture import Picture

MIN_RATED = 20
"""Fewer ratings than this cannot be told from chance."""


def own_ratings(path: str | Path, *, scale: tuple[float, float] | None = None) -> list[RatedPicture]:
    """Read a CSV with the columns file, valence, arousal and perhaps kind (photo or painting) and group.

    scale: the lowest and the highest rating that could be given, such as (1, 7); default -1 to 1. Pictures of one group
    (an artist, a place) are kept on one side of each fold; without that column each picture stands for itself. Files are
    relative to the CSV's folder. `kind` is "" where it is not told.

    Raises:
        InputError: missing table, columns or pictures, or fewer than `MIN_RATED` rows. UsageError: a rating outside the scale.
    """
    path = Path(path)
    low, high = scale or (-1.0, 1.0)
    if low >= high:
        raise UsageError(f"--scale {low:g},{high:g}: the first must be the lowest rating; give for example 1,7")
    try:
        with path.open(encoding="utf-8-sig", newline="") as table:
            rows = list(csv.DictReader(table))
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such table; give a CSV with the columns file, valence, arousal"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: does not read as a CSV in UTF-8 ({error}); save it again") from None
    missing = [name for name in ("file", "valence", "arousal") if not rows or name not in rows[0]]
    if missing:
        raise InputError(f"{path}: has no column '{missing[0]}'; it needs file, valence, arousal")
    if len(rows) < MIN_RATED:
        raise InputError(f"{path}: holds {len(rows)} ratings; heads need at least {MIN_RATED}")
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            ratings = [float(row[axis]) for axis in ("valence", "arousal")]
        except (TypeError, ValueError):
            raise InputError(f"{path}: line {number} has a rating that is no number; mend it") from None
        if not all(low <= rating <= high for rating in ratings):
            raise UsageError(
                f"{path}: line {number} is outside {low:g} to {high:g}; give the scale, for example --scale 1,7"
            )
        kind = (row.get("kind") or "").strip().lower()
        if kind not in ("", *KINDS):
            raise InputError(f"{path}: line {number} has the kind '{kind}'; give photo, painting or nothing")
        file = path.parent / row["file"]
        if not file.is_file():
            raise InputError(f"{file}: this picture of line {number} is not there; files are relative to the table")
        valence, arousal = (2 * (rating - low) / (high - low) - 1 for rating in ratings)
        group = (row.get("group") or "").strip() or str(file)
        found.append(RatedPicture("own", str(file), kind, group, valence, arousal))
    return found


def own_pictures(rated: list[RatedPicture]) -> Iterator[Picture]:
    """The pictures of `own_ratings`, loaded as any other, one at a time. Raises InputError: one cannot be read."""
    return (load_picture(item.file) for item in rated)
