"""MeLFusion's idea on the plan model: the levels of the picture encoder speak in the blocks of the frozen plan model.

Fine levels speak in the first blocks, coarse ones in the last (`block_levels`); of each level there are two places to look at, the mean and
the deviation of its channels (`picture_levels.py`).
One interface, three forms, as for the published system:

| form | what the picture does in a block | gate | files hold |
|---|---|---|---|
| `gated` | an attention of its own to the level's keys and values, added to the words' | tanh(g), one a block | maps and gates |
| `paper` | K = a K_picture + (1 - a) K_words, V likewise; the places spread over the number of words | a, one a level | maps and gates |
| `released` | context = (1 - f) words + f picture, f = (2 sigmoid(alpha) - 1) / 5, averaged in length and width | f, one | a gate |

`strength` (the user's `--synapse`, 0..1) multiplies what a gate does; 0 is words only, to the bit. Without words, the place of
"nothing said" is the one that the picture joins.

The file is plain arrays (.npz), its card holds the sha256 of the encoder and of the plan model it was trained with.

Sources: MeLFusion, arXiv 2406.04673, figure 2, and its released code; Flamingo, arXiv 2204.14198, section 2.2 (tanh gate).
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

from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.models.plan.base import shipped_folder
from klangbild.models.plan.condition import CONTEXT, Condition, words_only
from klangbild.models.plan.packed_weights import unpacked
from klangbild.models.plan.picture_levels import LEVELS, PLACES, levels_of
from klangbild.picture.encoder import open_encoder, shipped_encoder
from klangbild.picture.picture import Picture

FORMS = ("gated", "paper", "released")
PREFERRED = ("gated", "paper", "released")
"""The form that is used where none is named: the first that is there, best on held-out triplets first (see the docs)."""


@dataclass(frozen=True)
class Synapse:
    """Arrays of a file: alpha (L,), (4,) or (1,) by form; center1 .. center4, scale1 .. scale4 (c,) of the levels' channels;
    except for `released`, for each block l: keys_l, values_l (c, D) and key_bias_l, value_bias_l (D,)."""

    form: str
    arrays: dict[str, np.ndarray]
    encoder: Path
    sha256: str
    card: dict[str, Any]

    @property
    def name(self) -> str:
        return f"melfusion-{self.form}"

    def gates(self) -> list[float]:
        """What the gates do: shares of the picture, see the table above."""
        return [round(float(share), 4) for share in shares(self.form, self.arrays["alpha"])]

    def condition(
        self, picture: Picture, tokens: np.ndarray, mask: np.ndarray, *, layers: int, strength: float = 1.0
    ) -> Condition:
        """tokens (12, D) and mask (12,): see `condition.PicturePart`.

        Raises:
            UsageError: strength is not within 0..1.
        """
        if not 0 <= strength <= 1:
            raise UsageError(f"--synapse {strength} is out of range; give 0 (words only) to 1")
        look = open_encoder(self.encoder).look([picture])
        levels = [level[0] for level in levels_of(look.embedding, look.surface)]
        return self.heard(levels, tokens, mask, layers=layers, strength=strength)

    def heard(
        self,
        levels: list[np.ndarray],
        tokens: np.ndarray,
        mask: np.ndarray,
        *,
        layers: int,
        strength: float = 1.0,
    ) -> Condition:
        """As `condition`, from the four levels, (2, c) each."""
        words = words_only(tokens, mask, layers=layers)
        if strength == 0:
            return words
        n = max(int(mask.sum()), 1)
        a = self.arrays
        seen = [(x - a[f"center{i}"]) / a[f"scale{i}"] for i, x in enumerate(levels, start=1)]
        share = strength * shares(self.form, a["alpha"])
        if self.form == "released":
            context = words.context.copy()
            narrow = averaging(PLACES, n) @ seen[3] @ averaging(seen[3].shape[1], context.shape[1]).T
            context[:n] = (1 - share[0]) * context[:n] + share[0] * narrow
            return Condition(context.astype(np.float32), words.mask, words.keys, words.values, words.mix, words.gate)
        of_block = block_levels(layers)
        keys, values = (
            np.stack(
                [seen[of_block[layer]] @ a[f"{kind}s_{layer}"] + a[f"{kind}_bias_{layer}"] for layer in range(layers)]
            )
            for kind in ("key", "value")
        )
        if self.form == "gated":
            # sixteen places of two are two, each as often as the other
            keys, values = (np.repeat(x, CONTEXT // PLACES, axis=1) for x in (keys, values))
            gate = np.arctanh(np.clip(share, -0.999999, 0.999999)).astype(np.float32)
            return Condition(
                words.context, words.mask, keys.astype(np.float32), values.astype(np.float32), words.mix, gate
            )
        down = np.zeros((CONTEXT, PLACES), np.float32)
        down[:n] = averaging(PLACES, n)
        mix = share[np.array(of_block)].astype(np.float32)
        return Condition(
            words.context,
            words.mask,
            (down @ keys).astype(np.float32),
            (down @ values).astype(np.float32),
            mix,
            words.gate,
        )

    def facts(self) -> dict[str, Any]:
        """The form and its gates."""
        return {"synapse_form": self.form, "gates": self.gates()}


def shares(form: str, alpha: np.ndarray) -> np.ndarray:
    """What a form makes of its trained numbers (n,): the shares (n,) of the picture."""
    if form == "released":
        return (2 / (1 + np.exp(-alpha)) - 1) / 5
    return np.tanh(alpha) if form == "gated" else alpha


def block_levels(layers: int) -> list[int]:
    """Which of the four levels each block hears, 0 the finest.

    >>> block_levels(6)
    [0, 1, 1, 2, 2, 3]
    """
    return [int(np.floor(level + 0.5)) for level in np.linspace(0, len(LEVELS) - 1, layers)]


def gates_of(form: str, layers: int) -> int:
    """How many gates a form has."""
    return {"gated": layers, "paper": len(LEVELS), "released": 1}[form]


def averaging(n: int, m: int) -> np.ndarray:
    """(m, n): adaptive average pooling from n values to m; bin i is the mean of floor(i n / m) .. ceil((i + 1) n / m) - 1.

    >>> averaging(4, 2).tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """
    matrix = np.zeros((m, n), np.float32)
    for i in range(m):
        first, end = i * n // m, -(-(i + 1) * n // m)
        matrix[i, first:end] = 1 / (end - first)
    return matrix


def synapse_file(form: str, folder: Path | None = None) -> Path:
    """Where a form's file is."""
    return (folder or shipped_folder()) / f"plan-melfusion-{form}.npz"


@lru_cache(maxsize=8)
def open_synapse(form: str | None = None, folder: Path | None = None, encoder: Path | None = None) -> Synapse:
    """A form's file, opened once; without a form the first of `PREFERRED` that is there.

    Raises:
        NotAvailableError: it is not there. InputError: damaged, or trained for another picture encoder.
    """
    if form is None:
        there = [name for name in PREFERRED if synapse_file(name, folder).is_file()]
        form = there[0] if there else PREFERRED[0]
    path = synapse_file(form, folder)
    encoder = encoder or shipped_encoder()
    for needed in (path, path.with_suffix(".json"), encoder):
        if not needed.is_file():
            raise NotAvailableError(f"{needed}: is not in this installation; use --engine notes, or give --text alone")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = unpacked({name: archive[name] for name in archive.files})
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if card["form"] != form or "alpha" not in arrays or "center4" not in arrays:
            raise ValueError("its card is of another form")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: is not a synapse of ours ({error}); install it again") from None
    if card.get("encoder_sha256") != hashlib.sha256(encoder.read_bytes()).hexdigest():
        raise InputError(
            f"{path}: was trained for another picture encoder; train it again with 'klangbild train melfusion'"
        )
    return Synapse(form, arrays, encoder, hashlib.sha256(path.read_bytes()).hexdigest(), card)
