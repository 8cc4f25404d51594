"""What the plan model listens to at every step: words and a picture, one `Condition` for each side of the guidance.

    context (16, D)   twelve places of words, four of a picture; mask (16,) is 1 where there is something
    keys, values      (L, 16, D): what a picture says in each block, beside the context
    mix (L,)          share of them that replaces the words' own keys and values (MeLFusion's paper form)
    gate (L,)         tanh of it is how loud they are heard on their own (decoupled form)

mix and gate zero: words only, to the bit. Whatever turns a picture into this (Art2Mus's projection, MeLFusion's synapse) is a
`PicturePart`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from klangbild.models.plan.caption_words import MAX_WORDS

if TYPE_CHECKING:
    from klangbild.picture.picture import Picture

CONTEXT = 16
PICTURE_PLACES = CONTEXT - MAX_WORDS


@dataclass(frozen=True)
class Condition:
    """See above; all float32."""

    context: np.ndarray
    mask: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    mix: np.ndarray
    gate: np.ndarray


class PicturePart(Protocol):
    """Turns a picture into what the plan model hears of it."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str: ...

    def condition(
        self, picture: Picture, tokens: np.ndarray, mask: np.ndarray, *, layers: int, strength: float = 1.0
    ) -> Condition:
        """Words' tokens (12, D) with their mask (12,), all zero where nothing was said, and a picture -> a condition.

        strength: 0..1, how much of the picture is heard (`--synapse`); 0 is words only.
        """
        ...

    def facts(self) -> dict[str, Any]:
        """For the record's "music": the variant, and gates if there are any."""
        ...


def words_only(tokens: np.ndarray, mask: np.ndarray, *, layers: int) -> Condition:
    """Words' tokens (12, D) and their mask (12,) with empty places for a picture."""
    width = tokens.shape[1]
    silent = np.zeros((layers, CONTEXT, width), np.float32)
    none = np.zeros(layers, np.float32)
    context = np.concatenate([tokens, np.zeros((PICTURE_PLACES, width))]).astype(np.float32)
    whole = np.concatenate([mask, np.zeros(PICTURE_PLACES)]).astype(np.float32)
    return Condition(context, whole, silent, silent, none, none)


def stacked(conditions: Sequence[Condition]) -> dict[str, np.ndarray]:
    """Conditions -> the graph's inputs by name, a row each."""
    rows = {
        "context": [c.context for c in conditions],
        "context_mask": [c.mask for c in conditions],
        "image_k": [c.keys for c in conditions],
        "image_v": [c.values for c in conditions],
        "image_mix": [c.mix for c in conditions],
        "image_gate": [c.gate for c in conditions],
    }
    return {name: np.stack(values).astype(np.float32) for name, values in rows.items()}
