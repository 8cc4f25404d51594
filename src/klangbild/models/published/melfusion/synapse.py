"""The visual synapse: how a picture's features enter the cross-attention of a music network. Three forms, one door.

At a decoder layer the music network asks (queries Q) a context of words C (batch, L, width_words), through its own
projections W_k, W_v. The image network offers, at the same layer, hidden states H or its self-attention's keys and
values K_I, V_I. A gate says how much of it is heard:

| form | what is mixed | gate | at the start |
|---|---|---|---|
| `paper` | K = a K_I + (1 - a) W_k C, V likewise | a, one per level | 0: words only |
| `released` | C' = (1 - f) C + f pool(H), then W_k C', W_v C' | f = (2 sigmoid(alpha) - 1) / 5, in (-0.2, 0.2) | 0 |
| `gated` | attend(Q, W_k C, W_v C) + tanh(g) attend(Q, U_k H, U_v H) | tanh(g), own projections U | 0 |

The paper adds keys of different lengths without saying how; here the image's are averaged down to L (adaptive average
pooling), as the released code does with its states. Where the widths of the two networks differ, `paper` gets two learned
linear maps. `gated` keeps words and picture apart, so a masked word masks no part of the picture, and nothing is pooled.

`strength` (0..1, the user's `--synapse`) multiplies the gate: 0 is words only, bit for bit.

Sources: MeLFusion, arXiv 2406.04673, figure 2; its released code for the second form; Flamingo, arXiv 2204.14198,
section 2.2, for a tanh gate that starts at zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from klangbild.errors import UsageError

Form = Literal["paper", "released", "gated"]
FORMS: tuple[Form, ...] = ("paper", "released", "gated")
RELEASED_LIMIT = 0.2  # f cannot leave (-0.2, 0.2)


@dataclass(frozen=True)
class ImageFeatures:
    """What one layer of an image network offers, (batch, n, width) each; a form needs either states, or keys and values.

    `present` (batch,) is 1 where an item has a picture and 0 where it goes without (dropped in training); None: all have.
    """

    states: Tensor | None = None
    keys: Tensor | None = None
    values: Tensor | None = None
    present: Tensor | None = None

    def repeat(self, n: int) -> ImageFeatures:
        """Each item `n` times in a row."""
        parts = (self.states, self.keys, self.values, self.present)
        return ImageFeatures(*(None if part is None else part.repeat_interleave(n, dim=0) for part in parts))


class Gate(nn.Module):
    """One learned number, read and set as what it does (`value`), stored as what is trained (`alpha`)."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        if form not in FORMS:
            raise UsageError(f"unknown synapse form {form!r}; choose from {', '.join(FORMS)}")
        self.form = form
        self.alpha = nn.Parameter(torch.zeros(()))

    def forward(self) -> Tensor:
        """The share of the picture, a scalar; see the table above."""
        if self.form == "released":
            return (2 * torch.sigmoid(self.alpha) - 1) / 5
        return torch.tanh(self.alpha) if self.form == "gated" else self.alpha

    @property
    def value(self) -> float:
        return float(self().detach())

    def set(self, value: float) -> None:
        """Make the gate this open.

        Raises:
            UsageError: the form cannot reach that value.
        """
        limit = {"paper": None, "released": RELEASED_LIMIT, "gated": 1.0}[self.form]
        if limit is not None and not -limit < value < limit:
            raise UsageError(f"gate {value} out of range; the {self.form} form reaches -{limit} to {limit}, exclusive")
        with torch.no_grad():
            if self.form == "released":
                self.alpha.copy_(torch.logit(torch.tensor((5 * value + 1) / 2, dtype=torch.float64)))
            elif self.form == "gated":
                self.alpha.copy_(torch.atanh(torch.tensor(value, dtype=torch.float64)))
            else:
                self.alpha.fill_(value)


class Synapse(nn.Module):
    """Cross-attention of one decoder layer to words and a picture.

    Args:
        form: see above.
        gate: the gate to use; several layers of a level may share one. A new one by default.
        width: of keys and values inside the music layer (heads * head width). Needed by `paper` and `gated`.
        image_width: of the features offered. `paper` adds two linear maps where it differs from `width`.
    """

    def __init__(
        self, form: Form, *, gate: Gate | None = None, width: int | None = None, image_width: int | None = None
    ) -> None:
        super().__init__()
        self.form = form
        self.gate = gate or Gate(form)
        self.strength = 1.0
        self.image_key: nn.Linear | None = None
        self.image_value: nn.Linear | None = None
        wanted = form == "gated" or (form == "paper" and width != image_width)
        if wanted:
            if width is None or image_width is None:
                raise UsageError(f"the {form} form needs the widths of the music layer and of the image features")
            self.image_key = nn.Linear(image_width, width, bias=False)
            self.image_value = nn.Linear(image_width, width, bias=False)

    def forward(
        self,
        queries: Tensor,
        context: Tensor,
        features: ImageFeatures | None,
        *,
        to_k: Callable[[Tensor], Tensor],
        to_v: Callable[[Tensor], Tensor],
        n_heads: int,
        mask_bias: Tensor | None = None,
    ) -> Tensor:
        """What the layer hears, (batch, q, width), before its output projection.

        Args:
            queries: (batch, q, width), projected.
            context: (batch, L, width_words).
            features: of the image network, or None: words only.
            to_k, to_v: the music layer's own projections of the context.
            n_heads: heads are contiguous slices of the last axis.
            mask_bias: added to the scores of the words, (batch, 1, L); 0 where a word counts.
        """
        if features is None or self.strength == 0:
            return attend(queries, to_k(context), to_v(context), n_heads=n_heads, mask_bias=mask_bias)
        share = self.strength * self.gate().to(queries.dtype)
        if features.present is not None:
            share = share * features.present.to(queries.dtype)[:, None, None]  # (batch, 1, 1)
        if self.form == "released":
            mixed = mix(context, pool(_given(features.states), context.shape[1], context.shape[2]), share)
            return attend(queries, to_k(mixed), to_v(mixed), n_heads=n_heads, mask_bias=mask_bias)
        keys, values = to_k(context), to_v(context)
        if self.form == "paper":
            image_keys, image_values = _given(features.keys), _given(features.values)
            if self.image_key is not None and self.image_value is not None:
                image_keys, image_values = self.image_key(image_keys), self.image_value(image_values)
            length, width = keys.shape[1:]
            keys = mix(keys, pool(image_keys, length, width), share)
            values = mix(values, pool(image_values, length, width), share)
            return attend(queries, keys, values, n_heads=n_heads, mask_bias=mask_bias)
        words = attend(queries, keys, values, n_heads=n_heads, mask_bias=mask_bias)
        states = _given(features.states)
        picture = attend(queries, self.image_key(states), self.image_value(states), n_heads=n_heads)
        return words + share * picture


def mix(words: Tensor, picture: Tensor, share: Tensor | float) -> Tensor:
    """(1 - share) words + share picture, of two (batch, tokens, width); share: a scalar."""
    return (1 - share) * words + share * picture


def pool(features: Tensor, length: int, width: int) -> Tensor:
    """Adaptive average pooling over tokens and over width, (batch, n, w) -> (batch, length, width).

    Bin i of m over n values is the mean of floor(i n / m) .. ceil((i + 1) n / m) - 1; fewer values than bins repeat.
    """
    if features.shape[1:] == (length, width):
        return features
    return functional.adaptive_avg_pool2d(features, (length, width))


def attend(queries: Tensor, keys: Tensor, values: Tensor, *, n_heads: int, mask_bias: Tensor | None = None) -> Tensor:
    """Multi-head softmax(Q K^T / sqrt(head width)) V of queries (batch, Q, width), keys and values (batch, L, width)
    -> (batch, Q, width); mask_bias: (batch, 1, L), added to the scores; heads are contiguous slices of the last axis."""
    split = [part.unflatten(-1, (n_heads, -1)).transpose(1, 2) for part in (queries, keys, values)]
    bias = None if mask_bias is None else mask_bias[:, None].to(queries.dtype)  # (batch, 1, 1, L)
    out = functional.scaled_dot_product_attention(*split, attn_mask=bias)
    return out.transpose(1, 2).flatten(2)


def _given(part: Tensor | None) -> Tensor:
    if part is None:
        raise UsageError("these image features were recorded for another synapse form; record them again")
    return part
