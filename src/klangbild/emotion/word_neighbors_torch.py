"""Words that our table does not have, placed between those table words that a small sentence encoder finds nearest.

Only where such an encoder is installed: a folder `sentence-encoder` in `klangbild models path`, in the format of
sentence-transformers (for example all-MiniLM-L6-v2, Apache-2.0, 90 MB), read by transformers (`klangbild[diffusion]`).
Without it a word that is not in the table is told and left aside, and nothing here is imported.

Reference: Reimers and Gurevych 2019, "Sentence-BERT".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from klangbild.errors import NotAvailableError

NEAREST = 5
"""How many table words a new word's place is the mean of, weighted by how near they are."""


@dataclass(frozen=True)
class Neighbor:
    """Where a word belongs: the nearest table word, its cosine, and the place -1..1 that the nearest ones give it."""

    word: str
    cosine: float
    valence: float
    arousal: float


class SentenceEncoder:
    """A BERT of sentence-transformers: texts -> unit vectors, the mean over their tokens. Weights must be safetensors.

    Raises:
        NotAvailableError: transformers is not installed, or the folder does not hold such an encoder.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from transformers import AutoModel, AutoTokenizer, logging
        except ImportError:
            raise NotAvailableError(
                f"{folder}: a sentence encoder needs transformers; run: pip install 'klangbild[diffusion]'"
            ) from None
        logging.disable_progress_bar()
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
        except Exception as error:  # the loaders raise many kinds, all meaning that the files are not right
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise NotAvailableError(f"{folder}: is not a sentence encoder ({first}); put it there again") from error

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 of length 1."""
        found = []
        for start in range(0, len(texts), 64):
            tokens = self._tokenizer(
                list(texts[start : start + 64]), padding=True, truncation=True, return_tensors="pt"
            )
            hidden = self._model(**tokens).last_hidden_state  # (batch, time, width)
            mask = tokens["attention_mask"][..., None].float()
            mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
            found.append(torch.nn.functional.normalize(mean, dim=1).numpy())
        return np.concatenate(found)


class WordNeighbors:
    """The table's words as vectors, computed once; `find` places others among them."""

    def __init__(self, encoder: SentenceEncoder, places: dict[str, tuple[float, float]]) -> None:
        self._encoder = encoder
        self._words = list(places)
        self._places = np.array([places[word] for word in self._words])
        self._vectors = encoder.embed(self._words)

    def find(self, words: Sequence[str], *, least: float, without: Sequence[str] = ()) -> dict[str, Neighbor]:
        """Those of `words` whose nearest table word (none of `without`) has a cosine of `least` or more, 0..1."""
        if not words:
            return {}
        cosines = self._encoder.embed(words) @ self._vectors.T
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
    return WordNeighbors(SentenceEncoder(folder), dict(places))
