"""The transformer that ImageBind's towers share: trunk, blocks and attention, with the published checkpoint's names.

Each tower turns one kind of input into tokens (batch, 1 + n, width), a class token first, runs them through pre-norm
blocks, and projects one token to the joint space. What differs: vision has a LayerNorm before its first block; audio
appends one learned key and value in every block; text is causal. LayerNorm eps is 1e-6, GELU exact.

Source: ImageBind, arXiv 2305.05665, section 3 and appendix B; architecture written anew, names as in `imagebind_huge.pth`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-6


class Attention(nn.Module):
    """Multi-head self-attention with packed input projection; `extra_key` appends a learned key and value."""

    def __init__(self, width: int, n_heads: int, *, extra_key: bool) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        self.bias_k = nn.Parameter(torch.empty(1, 1, width)) if extra_key else None
        self.bias_v = nn.Parameter(torch.empty(1, 1, width)) if extra_key else None
        nn.init.xavier_uniform_(self.in_proj_weight)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                nn.init.xavier_normal_(extra)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(batch, tokens, width) -> same; mask: added to the scores, (tokens, tokens)."""
        batch, _, width = x.shape
        query, key, value = functional.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        if self.bias_k is not None and self.bias_v is not None:
            key = torch.cat([key, self.bias_k.expand(batch, 1, width)], dim=1)
            value = torch.cat([value, self.bias_v.expand(batch, 1, width)], dim=1)
        out = functional.scaled_dot_product_attention(
            self._split(query), self._split(key), self._split(value), attn_mask=mask
        )  # (batch, heads, tokens, width / heads)
        return self.out_proj(out.transpose(1, 2).reshape(x.shape))

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], x.shape[1], self.n_heads, -1).transpose(1, 2)


class Mlp(nn.Module):
    """Two layers, four times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) -> (batch, tokens, width)."""
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, n_heads: int, *, extra_key: bool) -> None:
        super().__init__()
        self.attn = Attention(width, n_heads, extra_key=extra_key)
        self.norm_1 = nn.LayerNorm(width, eps=EPS)
        self.mlp = Mlp(width)
        self.norm_2 = nn.LayerNorm(width, eps=EPS)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(batch, tokens, width) -> (batch, tokens, width); mask: added to the scores, (tokens, tokens)."""
        x = x + self.attn(self.norm_1(x), mask)
        return x + self.mlp(self.norm_2(x))


class Trunk(nn.Module):
    """`n_blocks` blocks, with a LayerNorm before the first where `pre_norm`."""

    def __init__(
        self, width: int, n_heads: int, n_blocks: int, *, pre_norm: bool = False, extra_key: bool = False
    ) -> None:
        super().__init__()
        if pre_norm:
            self.pre_transformer_layer = nn.Sequential(nn.LayerNorm(width, eps=EPS))
        self.pre_norm = pre_norm
        self.blocks = nn.ModuleList(Block(width, n_heads, extra_key=extra_key) for _ in range(n_blocks))

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """(batch, tokens, width) -> (batch, tokens, width); mask: added to the scores, (tokens, tokens)."""
        x = self.pre_transformer_layer(tokens) if self.pre_norm else tokens
        for block in self.blocks:
            x = block(x, mask)
        return x


class FirstToken(nn.Module):
    """(batch, tokens, width) -> (batch, width)."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) -> (batch, width)."""
        return x[:, 0]


def first_token_head(width: int, out_dim: int) -> nn.Sequential:
    """LayerNorm, class token, Linear without bias: entries 0 and 2 carry the weights, as in the checkpoint."""
    return nn.Sequential(nn.LayerNorm(width, eps=EPS), FirstToken(), nn.Linear(width, out_dim, bias=False))


class PositionEmbedding(nn.Module):
    """Learned positions, class token included."""

    def __init__(self, n_tokens: int, width: int) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.randn(1, n_tokens, width) * 0.02)


class LogitScale(nn.Module):
    """Multiplies by exp(log_logit_scale), at most 100; `learnable` decides parameter or buffer."""

    def __init__(self, scale: float, *, learnable: bool) -> None:
        super().__init__()
        value = torch.log(torch.tensor(float(scale)))
        if learnable:
            self.log_logit_scale = nn.Parameter(value)
        else:
            self.register_buffer("log_logit_scale", value)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        return x * self.log_logit_scale.exp().clamp(max=100)


class UnitLength(nn.Module):
    """L2 norm over the last axis."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width), each of length 1."""
        return functional.normalize(x, dim=-1)


def add_class_token(patches: Tensor, class_token: Tensor, positions: PositionEmbedding) -> Tensor:
    """(batch, n, width) -> (batch, 1 + n, width): class token first, positions added."""
    tokens = torch.cat([class_token.expand(patches.shape[0], 1, -1), patches], dim=1)
    return tokens + positions.pos_embed
