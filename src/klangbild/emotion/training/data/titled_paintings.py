"""Unrated paintings whose titles say a mood: "Storm at Sea", "Dancing Girls", "Graveyard under Snow".

A title's mood is the mean place of the affect words in it (`emotion.affect_words`: our judgement, nobody's rating of the picture). Words that
titles use for something else (a still life, the young Bacchus, the flight into Egypt) are passed over.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.emotion.words import english_words

SET = "wikiart"
_OTHERWISE = frozenset(
    [
        "still",
        "young",
        "new",
        "grand",
        "rock",
        "flight",
        "wild",
        "holy",
        "sacred",
        "church",
        "cathedral",
        "wood",
        "island",
        "oriental",
        "light",
        "driving",
        "train",
        "fair",
    ]
)


@dataclass(frozen=True)
class TitledPainting:
    """One painting: its file, its artist (see `artist_name`), and its title's mood, valence and arousal in -1..1."""

    file: str
    artist: str
    mood: tuple[float, float]


def mood_of_title(title: str) -> tuple[float, float] | None:
    """The mood that a title says, or None where it says none."""
    places = english_words()
    found = [places[word] for word in re.findall(r"[a-z]+", title.lower()) if word in places and word not in _OTHERWISE]
    return tuple(float(axis) for axis in np.mean(found, axis=0)) if found else None


def titled_paintings(data: Path) -> list[TitledPainting]:
    """The paintings of the set whose titles say a mood, in the order of its table; none where there is no table."""
    path = Path(data) / f"{SET}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as table:
        moods = [(row, mood_of_title(row["title"])) for row in csv.DictReader(table)]
    return [TitledPainting(row["file"], artist_name(row["artist"]), mood) for row, mood in moods if mood is not None]


def artist_name(written: str) -> str:
    """An artist's name alike however a table writes it: "Vinci da, Leonardo" and "leonardo-da-vinci"."""
    plain = unicodedata.normalize("NFKD", written.lower()).encode("ascii", "ignore").decode()
    return "-".join(sorted(re.findall(r"[a-z]+", plain)))
