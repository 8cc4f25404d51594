"""Art2Mus's idea on the plan model: what our picture encoder sees becomes tokens that the frozen plan model listens to.

    1        one token in the context, beside the words           (Art2Mus)
    4        four tokens                                          (Art2Mus-4)
    direct   four tokens turned to keys and values in every block, each behind a gate of its own; the context is the words'

    tokens = W2 silu(W1 (seen - mean) / scale + b1) + b2     seen (3296,) by the picture encoder that ships

The files are plain arrays (.npz; large ones int8 with a float32 scale a column); numpy is all they need. A file belongs to one encoder and one plan model: its
card holds the sha256 of both.

Sources: Art2Mus, arXiv 2410.04906, section 3.2 (projection); MeLFusion, arXiv 2406.04673 (keys and values in every block).
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.plan.base import shipped_folder
from klangbild.models.plan.caption_words import MAX_WORDS
from klangbild.models.plan.condition import CONTEXT, PICTURE_PLACES, Condition, words_only
from klangbild.models.plan.packed_weights import unpacked
from klangbild.models.plan.picture_levels import seen_by
from klangbild.picture.encoder import open_encoder, shipped_encoder
from klangbild.picture.picture import Picture

VARIANTS = ("1", "4", "direct")


@dataclass(frozen=True)
class Projection:
    """Arrays of a file: mean, scale (3296,); w1 (3296, h), b1 (h,); w2 (h, n w), b2 (n w,), w being the model's width D; for
    direct w is 64, and there are keys, values (L, 64, D), key_bias, value_bias (L, 4, D) and gate (L,)."""

    variant: str
    arrays: dict[str, np.ndarray]
    encoder: Path
    sha256: str
    card: dict[str, Any]

    @property
    def name(self) -> str:
        return f"art2mus-{self.variant}"

    def tokens(self, seen: np.ndarray) -> np.ndarray:
        """What is seen (3296,) -> tokens (n, D)."""
        a = self.arrays
        hidden = ((seen - a["mean"]) / a["scale"]) @ a["w1"] + a["b1"]
        hidden = hidden / (1 + np.exp(-hidden))
        return (hidden @ a["w2"] + a["b2"]).reshape(int(self.card["tokens"]), -1).astype(np.float32)

    def condition(
        self, picture: Picture, tokens: np.ndarray, mask: np.ndarray, *, layers: int, strength: float = 1.0
    ) -> Condition:
        """tokens (12, D) and mask (12,): see `condition.PicturePart`; strength scales the gates of direct, the
        others are heard or not at all."""
        look = open_encoder(self.encoder).look([picture])
        return self.heard(seen_by(look)[0], tokens, mask, layers=layers, strength=strength)

    def heard(
        self, seen: np.ndarray, tokens: np.ndarray, mask: np.ndarray, *, layers: int, strength: float = 1.0
    ) -> Condition:
        """As `condition`, from what is seen (3296,)."""
        words = words_only(tokens, mask, layers=layers)
        if strength == 0:
            return words
        told = self.tokens(seen)
        if self.variant != "direct":
            context, whole = words.context.copy(), words.mask.copy()
            context[MAX_WORDS : MAX_WORDS + len(told)] = told
            whole[MAX_WORDS : MAX_WORDS + len(told)] = 1
            return Condition(context, whole, words.keys, words.values, words.mix, words.gate)
        a, repeats = self.arrays, CONTEXT // len(told)
        # equal keys side by side weigh as one: sixteen places of four tokens are four tokens
        keys, values = (
            np.repeat(np.einsum("pr,lrd->lpd", told, a[name]) + a[bias], repeats, axis=1).astype(np.float32)
            for name, bias in (("keys", "key_bias"), ("values", "value_bias"))
        )
        gate = np.arctanh(np.clip(strength * np.tanh(a["gate"]), -0.999999, 0.999999)).astype(np.float32)
        return Condition(words.context, words.mask, keys, values, words.mix, gate)

    def facts(self) -> dict[str, Any]:
        """The variant, and the gates of direct."""
        facts: dict[str, Any] = {"image_tokens": self.variant}
        if self.variant == "direct":
            facts["gates"] = [round(float(g), 4) for g in np.tanh(self.arrays["gate"])]
        return facts


def projection_file(variant: str, folder: Path | None = None) -> Path:
    """Where a variant's file is."""
    return (folder or shipped_folder()) / f"plan-art2mus-{variant}.npz"


@lru_cache(maxsize=8)
def open_projection(variant: str, folder: Path | None = None, encoder: Path | None = None) -> Projection:
    """A variant's file, opened once.

    Raises:
        NotAvailableError: it is not there. InputError: damaged, or trained for another picture encoder.
    """
    path = projection_file(variant, folder)
    encoder = encoder or shipped_encoder()
    if not path.is_file() or not encoder.is_file():
        missing = encoder if path.is_file() else path
        raise NotAvailableError(f"{missing}: is not in this installation; use --engine notes, or give --text alone")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = unpacked({name: archive[name] for name in archive.files})
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if not 1 <= int(card["tokens"]) <= PICTURE_PLACES:
            raise ValueError(f"{card['tokens']} tokens")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: is not a picture projection of ours ({error}); install it again") from None
    if card.get("encoder_sha256") != hashlib.sha256(encoder.read_bytes()).hexdigest():
        raise InputError(
            f"{path}: was trained for another picture encoder; train it again with 'klangbild train art2mus'"
        )
    return Projection(variant, arrays, encoder, hashlib.sha256(path.read_bytes()).hexdigest(), card)
