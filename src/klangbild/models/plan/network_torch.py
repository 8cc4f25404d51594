"""Our plan model as a torch network: words to tokens, and the velocity of a rectified flow over latents.

    words (B, 12) -> WordsEncoder -> tokens (B, 12, 256); four more tokens are free for a picture: the context (B, 16, 256)
    x_t = (1 - t) noise + t data -> PlanNetwork(x_t, t, context) -> data - noise

A transformer over time (a latent a beat): in each block self-attention with rotary positions, cross-attention to the context,
and a feed-forward part, the first and the last of them scaled and shifted by time and by the mean of the context
(one table for all blocks, as PixArt's). A picture may speak in each block's cross-attention in two more ways, both zero at
the start and silent at zero: mixed into the words' keys and values, or through keys and values of its own behind a gate.

Sources: Peebles and Xie 2023 (DiT); Chen et al. 2023 (PixArt-alpha, one table); Liu et al. 2022 and Lipman et al. 2022
(rectified flow); Su et al. 2021 (rotary positions); MeLFusion, arXiv 2406.04673 (mixed keys); Flamingo, arXiv 2204.14198
(tanh gate).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from klangbild.models.plan.caption_words import MAX_WORDS, Vocabulary
from klangbild.models.plan.channels import CHANNELS
from klangbild.models.plan.traits_of_music import N_AXES

PICTURE_PLACES = 4
CONTEXT = MAX_WORDS + PICTURE_PLACES
"""Tokens of the context: twelve of words, four of a picture."""
MASKED = -1e9
ROPE_BASE = 1000.0


@dataclass(frozen=True)
class PlanSizes:
    """Widths and depths. vocabulary: numbers of words, 0 included."""

    vocabulary: int
    channels: int = CHANNELS
    width: int = 192
    layers: int = 4
    heads: int = 6
    hidden: int = 384
    words_hidden: int = 192
    axes_hidden: int = 64

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class ImageInputs:
    """What a picture says in each block. keys, values (B, L, 16, D); mix, gate (B, L)."""

    keys: Tensor
    values: Tensor
    mix: Tensor
    gate: Tensor


def _linear(rows_in: int, rows_out: int, generator: torch.Generator | None, *, bias: bool = False, zero: bool = False):
    layer = nn.Linear(rows_in, rows_out, bias=bias)
    if zero:
        nn.init.zeros_(layer.weight)
    else:
        nn.init.normal_(layer.weight, std=rows_in**-0.5, generator=generator)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-5)


def _heads(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


class WordsEncoder(nn.Module):
    """Numbers of words (B, 12) int64, 0 for none, -> tokens (B, 12, D).

    A word is a row of a table plus a linear map of its place on the plane of emotion, so that rare words start near those
    that mean alike; one block of self-attention lets the words of a caption see each other. Order does not matter.
    """

    affect: Tensor

    def __init__(self, sizes: PlanSizes, vocabulary: Vocabulary, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        d = sizes.width
        self.heads = sizes.heads
        self.table = nn.Embedding(sizes.vocabulary, d)
        nn.init.normal_(self.table.weight, std=0.3, generator=generator)
        self.place = _linear(3, d, generator)
        self.attention_in = _linear(d, 3 * d, generator)
        self.attention_out = _linear(d, d, generator, zero=True)
        self.up = _linear(d, sizes.words_hidden, generator)
        self.down = _linear(sizes.words_hidden, d, generator, zero=True)
        self.vocabulary = vocabulary
        self.register_buffer("affect", torch.tensor(vocabulary.affect(), dtype=torch.float32))

    def forward(self, words: Tensor) -> Tensor:
        """Numbers of words (B, 12) int64, 0 for none -> tokens (B, 12, D)."""
        x = self.table(words) + self.place(self.affect[words])
        # a caption without words is one word: number 0 in the first place
        present = (words > 0).float()
        first = F.one_hot(torch.zeros_like(words[:, 0]), words.shape[1]).float()
        present = torch.maximum(present, first)
        bias = ((1.0 - present) * MASKED)[:, None, None, :]
        q, k, v = (_heads(part, self.heads) for part in self.attention_in(_norm(x)).chunk(3, dim=-1))
        heard = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        x = x + self.attention_out(heard.transpose(1, 2).flatten(2))
        return x + self.down(F.silu(self.up(_norm(x))))


class _Block(nn.Module):
    def __init__(self, sizes: PlanSizes, generator: torch.Generator | None) -> None:
        super().__init__()
        d = sizes.width
        self.heads = sizes.heads
        self.attention_in = _linear(d, 3 * d, generator)
        self.attention_out = _linear(d, d, generator, zero=True)
        self.query = _linear(d, d, generator)
        self.key_value = _linear(d, 2 * d, generator)
        self.cross_out = _linear(d, d, generator, zero=True)
        self.up = _linear(d, sizes.hidden, generator)
        self.down = _linear(sizes.hidden, d, generator, zero=True)
        self.shifts = nn.Parameter(torch.zeros(6, d))

    def forward(
        self, x: Tensor, shared: Tensor, turns: tuple[Tensor, Tensor], context: Tensor, bias: Tensor, image: ImageInputs | None,
        layer: int,
    ) -> Tensor:  # fmt: skip
        scale_a, shift_a, gate_a, scale_f, shift_f, gate_f = (shared + self.shifts).unbind(1)
        h = _norm(x) * (1 + scale_a[:, None]) + shift_a[:, None]
        q, k, v = (_heads(part, self.heads) for part in self.attention_in(h).chunk(3, dim=-1))
        heard = F.scaled_dot_product_attention(_turned(q, turns), _turned(k, turns), v)
        x = x + (1 + gate_a[:, None]) * self.attention_out(heard.transpose(1, 2).flatten(2))
        x = x + self.cross_out(self._listen(_norm(x), context, bias, image, layer))
        h = _norm(x) * (1 + scale_f[:, None]) + shift_f[:, None]
        return x + (1 + gate_f[:, None]) * self.down(F.silu(self.up(h)))

    def _listen(self, x: Tensor, context: Tensor, bias: Tensor, image: ImageInputs | None, layer: int) -> Tensor:
        """Cross-attention to words and picture, before the output projection."""
        query = _heads(self.query(x), self.heads)
        keys, values = self.key_value(context).chunk(2, dim=-1)
        if image is not None:
            mix = image.mix[:, layer, None, None]
            keys = (1 - mix) * keys + mix * image.keys[:, layer]
            values = (1 - mix) * values + mix * image.values[:, layer]
        heard = F.scaled_dot_product_attention(
            query, _heads(keys, self.heads), _heads(values, self.heads), attn_mask=bias
        )
        if image is not None:
            own = [_heads(part[:, layer], self.heads) for part in (image.keys, image.values)]
            gate = torch.tanh(image.gate[:, layer, None, None, None])
            heard = heard + gate * F.scaled_dot_product_attention(query, *own)
        return heard.transpose(1, 2).flatten(2)


class PlanNetwork(nn.Module):
    """x (B, T, channels), t (B,) in 0..1, context (B, 16, D), its mask (B, 16) of 0 and 1 -> velocity like x; any T."""

    def __init__(self, sizes: PlanSizes, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.sizes = sizes
        d = sizes.width
        self.enter = _linear(3 * sizes.channels, d, generator, bias=True)
        self.time_in = _linear(d, d, generator, bias=True)
        self.pooled = _linear(d, d, generator)
        self.time_out = _linear(d, 6 * d, generator, bias=True, zero=True)
        self.blocks = nn.ModuleList(_Block(sizes, generator) for _ in range(sizes.layers))
        self.last_shifts = _linear(d, 2 * d, generator, bias=True, zero=True)
        self.leave = _linear(d, sizes.channels, generator, bias=True, zero=True)

    @property
    def matrices(self) -> list[nn.Parameter]:
        """The matrices inside the blocks, for Muon."""
        return [p for block in self.blocks for p in block.parameters() if p.ndim == 2 and p is not block.shifts]

    def forward(
        self, x: Tensor, t: Tensor, context: Tensor, context_mask: Tensor, image: ImageInputs | None = None
    ) -> Tensor:
        """x (B, T, channels), t (B,), context (B, 16, D), its mask (B, 16) -> velocity (B, T, channels)."""
        mask = context_mask[..., None]
        mean = (context * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        c = F.silu(self.time_in(waves(t, self.sizes.width)) + self.pooled(mean))
        shared = self.time_out(c).unflatten(-1, (6, -1))
        bias = ((1.0 - context_mask) * MASKED)[:, None, None, :]
        before, after = F.pad(x, (0, 0, 1, 0))[:, :-1], F.pad(x, (0, 0, 0, 1))[:, 1:]
        h = self.enter(torch.cat([before, x, after], dim=-1))
        turns = rotary(x.shape[1], self.sizes.head_width)
        turns = (turns[0].to(x), turns[1].to(x))
        for layer, block in enumerate(self.blocks):
            h = block(h, shared, turns, context, bias, image, layer)
        scale, shift = self.last_shifts(c).chunk(2, dim=-1)
        return self.leave(_norm(h) * (1 + scale[:, None]) + shift[:, None])


class AxesTokens(nn.Module):
    """Feeling and traits (B, 8) of -1..1, and whether each of the two is told (B, 2) -> tokens (B, 4, D); the first says all of it, too."""

    def __init__(self, sizes: PlanSizes, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.enter = _linear(N_AXES + 2, sizes.axes_hidden, generator, bias=True)
        self.leave = _linear(sizes.axes_hidden, PICTURE_PLACES * sizes.width, generator, bias=True)

    def forward(self, axes: Tensor, known: Tensor) -> Tensor:
        """axes (B, 8), known (B, 2) of 0 and 1 -> (B, 4, D)."""
        told = torch.cat([axes[:, :2] * known[:, :1], axes[:, 2:] * known[:, 1:], known], dim=1)
        return self.leave(F.silu(self.enter(told))).unflatten(-1, (PICTURE_PLACES, -1))


class PlanModel(nn.Module):
    """Words, numbers and network together, as they are trained."""

    def __init__(self, sizes: PlanSizes, vocabulary: Vocabulary, *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.sizes = sizes
        self.words = WordsEncoder(sizes, vocabulary, generator=generator)
        self.base = PlanNetwork(sizes, generator=generator)
        self.axes = AxesTokens(sizes, generator=generator)

    def forward(
        self, x: Tensor, t: Tensor, words: Tensor, mask: Tensor, axes: Tensor, known: Tensor, places: Tensor
    ) -> Tensor:
        """x (B, T, C), t (B,), words (B, 12) and mask (B, 12), axes (B, 8), known (B, 2), places (B,): how many tokens say the axes."""
        told = (torch.arange(PICTURE_PLACES) < places[:, None]) * known.amax(dim=1, keepdim=True)
        context = torch.cat([self.words(words), self.axes(axes, known)], dim=1)
        return self.base(x, t, context, torch.cat([mask, told.to(mask)], dim=1))


def words_context(tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(B, 12, D), (B, 12) -> (B, 16, D), (B, 16) with empty places for a picture."""
    return F.pad(tokens, (0, 0, 0, PICTURE_PLACES)), F.pad(mask, (0, PICTURE_PLACES))


def waves(t: Tensor, width: int) -> Tensor:
    """Times (B,) in 0..1 -> (B, width) cosines and sines, periods from 1/1000 of a turn to a whole one and more."""
    frequency = 1000.0 * torch.exp(-math.log(1e4) / (width // 2) * torch.arange(width // 2, device=t.device))
    angle = t[:, None] * frequency
    return torch.cat([torch.cos(angle), torch.sin(angle)], dim=-1)


def rotary(length: int, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, width) of positions 0 .. T - 1."""
    frequency = ROPE_BASE ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = torch.arange(length, dtype=torch.float32)[:, None] * frequency
    angle = torch.cat([angle, angle], dim=-1)
    return torch.cos(angle), torch.sin(angle)


def _turned(x: Tensor, turns: tuple[Tensor, Tensor]) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * turns[0] + torch.cat([-second, first], dim=-1) * turns[1]
