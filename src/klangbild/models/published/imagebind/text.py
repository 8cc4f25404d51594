"""ImageBind's third tower: words (as CLIP token ids) in the space of pictures and sound. Used to rank by words as well."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from klangbild.models.published.imagebind.tower import EPS, LogitScale, Trunk, UnitLength


@dataclass(frozen=True)
class TextConfig:
    """Sizes of the text tower; the defaults are `imagebind_huge`'s (354.0 M weights)."""

    vocabulary: int = 49408
    context: int = 77
    width: int = 1024
    n_blocks: int = 24
    n_heads: int = 16
    out_dim: int = 1024


class TextTower(nn.Module):
    """Ids (batch, context), the end token being the highest id and zeros after it -> (batch, out_dim).

    Vectors are unit length times a learned scale (at most 100).
    """

    def __init__(self, config: TextConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TextConfig()
        self.preprocessor = _Tokens(config)
        self.trunk = Trunk(config.width, config.n_heads, config.n_blocks)
        projection = nn.Sequential(
            nn.LayerNorm(config.width, eps=EPS), nn.Linear(config.width, config.out_dim, bias=False)
        )
        self.head = nn.ModuleDict({"proj": projection})
        self.postprocessor = nn.Sequential(UnitLength(), LogitScale(1 / 0.07, learnable=True))

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (batch, tokens) int64 -> vectors (batch, out_dim), read where the end token stands."""
        states = self.trunk(self.preprocessor(ids), self.preprocessor.mask)
        end = states[torch.arange(ids.shape[0]), ids.argmax(dim=-1)]  # (batch, width)
        return self.postprocessor(self.head["proj"](end))


class _Tokens(nn.Module):
    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.randn(1, config.context, config.width) * 0.01)
        self.token_embedding = nn.Embedding(config.vocabulary, config.width)
        # The checkpoint stores its causal mask, so it is a buffer here too.
        ahead = torch.full((config.context, config.context), float("-inf")).triu(1)
        self.register_buffer("mask", ahead)

    def forward(self, ids: Tensor) -> Tensor:
        return self.token_embedding(ids) + self.pos_embed
