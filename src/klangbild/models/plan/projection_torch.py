"""Art2Mus's projection for the plan model, as it is trained; `projection.py` computes the same with numpy.

seen (B, 3296) -> tokens: one or four of the model's width in the context, or, for `direct`, four narrow ones that every
block turns to keys and values of its own behind a tanh gate.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from klangbild.errors import UsageError
from klangbild.models.plan.caption_words import MAX_WORDS
from klangbild.models.plan.network_torch import CONTEXT, ImageInputs, PlanNetwork, PlanSizes

DIRECT_TOKENS, DIRECT_WIDTH = 4, 64
GATE_AT_START = 0.5
"""tanh of it. Zero would teach the keys and values nothing until the gate has opened by chance."""


class ProjectionNet(nn.Module):
    """mean, scale (384,): of what is seen of the training pictures. Raises UsageError: unknown variant."""

    mean: Tensor
    scale: Tensor

    def __init__(
        self, variant: str, sizes: PlanSizes, mean: Tensor, scale: Tensor, *, hidden: int = 128, dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if variant not in ("1", "4", "direct"):
            raise UsageError(f"variant {variant!r} is not known; give 1, 4 or direct")
        self.variant, self.dropout = variant, dropout
        self.draws = torch.Generator()
        self.n_tokens = 1 if variant == "1" else DIRECT_TOKENS
        self.width = DIRECT_WIDTH if variant == "direct" else sizes.width
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)
        self.w1 = nn.Parameter(torch.empty(len(mean), hidden))
        self.b1 = nn.Parameter(torch.zeros(hidden))
        self.w2 = nn.Parameter(torch.empty(hidden, self.n_tokens * self.width))
        self.b2 = nn.Parameter(torch.zeros(self.n_tokens * self.width))
        for weight in (self.w1, self.w2):
            nn.init.normal_(weight, std=weight.shape[0] ** -0.5, generator=generator)
        if variant == "direct":
            shape = (sizes.layers, DIRECT_WIDTH, sizes.width)
            self.keys, self.values = (nn.Parameter(torch.zeros(shape)) for _ in range(2))
            self.key_bias, self.value_bias = (
                nn.Parameter(torch.zeros(sizes.layers, DIRECT_TOKENS, sizes.width)) for _ in range(2)
            )
            self.gate = nn.Parameter(torch.full((sizes.layers,), float(np.arctanh(GATE_AT_START))))

    def tokens(self, embedding: Tensor) -> Tensor:
        """(B, 3296) -> (B, n, width)."""
        scaled = (embedding - self.mean) / self.scale
        if self.training and self.dropout:
            kept = torch.rand(scaled.shape, generator=self.draws) >= self.dropout
            scaled = scaled * kept / (1 - self.dropout)
        return (F.silu(scaled @ self.w1 + self.b1) @ self.w2 + self.b2).unflatten(-1, (self.n_tokens, self.width))

    def forward(self, embedding: Tensor, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, ImageInputs | None]:
        """What is seen, words' tokens (B, 12, D) with mask (B, 12), "nothing said" where nothing was -> what the network hears."""
        seen = self.tokens(embedding)
        free = CONTEXT - MAX_WORDS
        if self.variant == "direct":
            return F.pad(words, (0, 0, 0, free)), F.pad(mask, (0, free)), self.image(seen)
        context = torch.cat([words, F.pad(seen, (0, 0, 0, free - self.n_tokens))], dim=1)
        present = torch.ones(len(seen), self.n_tokens, dtype=mask.dtype)
        whole = torch.cat([mask, F.pad(present, (0, free - self.n_tokens))], dim=1)
        return context, whole, None

    def image(self, seen: Tensor) -> ImageInputs:
        """Narrow tokens (B, 4, 64) -> keys and values of every block; sixteen places hold each of the four four times."""
        keys, values = (
            (torch.einsum("bpr,lrd->blpd", seen, weight) + bias).repeat_interleave(CONTEXT // DIRECT_TOKENS, dim=2)
            for weight, bias in ((self.keys, self.key_bias), (self.values, self.value_bias))
        )
        gate = self.gate.expand(len(seen), -1)
        return ImageInputs(keys, values, torch.zeros_like(gate), gate)

    def start_direct(self, network: PlanNetwork, tokens: Tensor) -> Tensor:
        """Begin as if the blocks read wide tokens by their own maps for words, cut to the directions that matter.

        tokens: (n, 4, D), examples of what the four tokens shall be. Sets keys, values and biases; returns the same
        examples as narrow tokens (n, 4, 64), for the first layers to aim at.
        """
        middle = tokens.mean(dim=0)  # (4, D)
        spread = (tokens - middle).flatten(0, 1)
        _, _, directions = torch.linalg.svd(spread, full_matrices=False)
        basis = directions[:DIRECT_WIDTH].T  # (D, r)
        narrow = (tokens - middle) @ basis
        scale = narrow.std().clamp(min=1e-6)
        rank = basis.shape[1]
        with torch.no_grad():
            for layer, block in enumerate(network.blocks):
                to_keys, to_values = block.key_value.weight.chunk(2, dim=0)  # (D, D) each
                self.keys[layer, :rank], self.values[layer, :rank] = (
                    scale * basis.T @ w.T for w in (to_keys, to_values)
                )
                self.key_bias[layer], self.value_bias[layer] = middle @ to_keys.T, middle @ to_values.T
        return F.pad(narrow / scale, (0, DIRECT_WIDTH - rank))
