"""Words that our table does not have, placed between those table words that a small sentence encoder finds nearest.

Only where such an encoder is installed (`sentence_encoder`); without it a word that is not in the table is told and left aside,
and nothing here is imported.

Reference: Reimers and Gurevych 2019, "Sentence-BERT".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from klangbild.emotion.sentence_encoder import Encoder, open_encoder, word_vectors

NEAREST = 5
"""How many table words a new word's place is the mean of, weighted by how near they are."""


@dataclass(frozen=True)
class Neighbor:
    """Where a word belongs: the nearest table word, its cosine, and the place -1..1 that the nearest ones give it."""

    word: str
    cosine: float
    valence: float
    arousal: float


class WordNeighbors:
    """The table's words as vectors, computed once; `find` places others among them."""

    def __init__(self, encoder: Encoder, places: dict[str, tuple[float, float]]) -> None:
        self._encoder = encoder
        self._words = list(places)
        self._places = np.array([places[word] for word in self._words])
        self._vectors = word_vectors(encoder, self._words)

    def find(self, words: Sequence[str], *, least: float, without: Sequence[str] = ()) -> dict[str, Neighbor]:
        """Those of `words` whose nearest table word (none of `without`) has a cosine of `least` or more, 0..1."""
        if not words:
            return {}
        cosines = word_vectors(self._encoder, words) @ self._vectors.T
        cosines[:, [self._words.index(word) for word in without]] = -1.0
        found = {}
        for word, row in zip(words, cosines, strict=True):
            order = np.argsort(-row, kind="stable")[:NEAREST]
            if row[order[0]] >= least:
                # the nearest counts most: a far fifth must not pull a word to the middle
                share = np.maximum(row[order], 0) ** 4
                valence, arousal = share @ self._places[order] / share.sum()
                found[word] = Neighbor(self._words[order[0]], float(row[order[0]]), float(valence), float(arousal))
        return found


@lru_cache(maxsize=1)
def open_neighbors(folder: Path, places: tuple[tuple[str, tuple[float, float]], ...]) -> WordNeighbors:
    """The encoder in `folder` with a table ((word, (valence, arousal)), ...), opened once."""
    return WordNeighbors(open_encoder(folder), dict(places))
