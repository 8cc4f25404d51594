"""What a word that the sound vocabulary lacks stands for: the word of the vocabulary that a sentence encoder finds nearest.

Only where such an encoder is installed (`emotion.sentence_encoder`). "Oud" is compared with every word that can be said, synonyms
too ("lute"), and stands for what the nearest one stands for ("guitar"), if that is near enough. Rare words the encoder knows by
their first letters only ("dulcimer" lies next to "dur"), so a word that shares these and no more is passed over. What it adds is
measured in docs/diffusion.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from klangbild.emotion.sentence_encoder import NEAR, Encoder, encoder_folder, open_encoder, word_vectors


@dataclass(frozen=True)
class NearWord:
    """said: the nearest word that can be said; word: the vocabulary's word that it stands for; cosine: how near."""

    said: str
    word: str
    cosine: float


class NearWords:
    """All that can be said as vectors, computed once."""

    def __init__(self, encoder: Encoder, meanings: dict[str, str]) -> None:
        self._encoder, self._said, self._meanings = encoder, list(meanings), meanings
        self._vectors = word_vectors(encoder, self._said)

    def find(self, words: Sequence[str], *, least: float = NEAR, without: Sequence[str] = ()) -> dict[str, NearWord]:
        """Those of `words` whose nearest word (none of `without`) has a cosine of `least` or more, -1..1."""
        if not words:
            return {}
        cosines = word_vectors(self._encoder, words) @ self._vectors.T  # (words, said)
        cosines[:, [self._said.index(word) for word in without]] = -1.0
        for word, row in zip(words, cosines, strict=True):
            row[[begins_alike(word, said) for said in self._said]] = -1.0
        found = {}
        for word, row in zip(words, cosines, strict=True):
            best = int(np.argmax(row))
            if row[best] >= least:
                found[word] = NearWord(self._said[best], self._meanings[self._said[best]], float(row[best]))
        return found


def begins_alike(word: str, said: str) -> bool:
    """Whether two words share their first two or three letters and nothing that would make them kin.

    >>> begins_alike("dulcimer", "dur"), begins_alike("pianist", "piano"), begins_alike("seaport", "sea")
    (True, False, False)
    """
    word = word.lower()
    return len(said) > 2 and word[:2] == said[:2] and not word.startswith(said) and word[:4] != said[:4]


def nearest_meanings(meanings: dict[str, str], words: Sequence[str]) -> dict[str, str]:
    """Words and phrases -> the vocabulary's words that they stand for; those that nothing is near to, and all of them where there
    is no encoder, are left out. `meanings`: of `Vocabulary.meanings`."""
    folder = encoder_folder()
    if folder is None or not words:
        return {}
    return {word: near.word for word, near in _open(folder, tuple(meanings.items())).find(words).items()}


@lru_cache(maxsize=1)
def _open(folder: Path, meanings: tuple[tuple[str, str], ...]) -> NearWords:
    return NearWords(open_encoder(folder), dict(meanings))
