"""The notes model: a small decoder-only transformer over note ids, conditioned on valence and arousal.

Pre-norm RMSNorm, rotary positions, squared-ReLU feed-forward, no biases in the blocks, output layer apart from the
embedding. With `places`, every id also carries where it stands: which bar of eight, and where in the bar (`models/bars/bar_position.py`).
With `attributes`, also what its section is like (`models/bars/section_attributes.py`), through a small layer of its own. Shapes: B pieces, T ids, D width, V ids of the language.

References: Vaswani et al. (2017) "Attention is all you need"; Su et al. (2021) "RoFormer" (rotary positions); Zhang and
Sennrich (2019) "Root mean square layer normalization"; So et al. (2021) "Primer" (squared ReLU).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from klangbild.models.bars.bar_position import BARS, STEPS
from klangbild.models.bars.conditioning import MODES, extra_ids
from klangbild.models.bars.vocabulary import BAR_0, NOTE_0, POSITION_0, TEMPO_0


@dataclass(frozen=True)
class NetworkSizes:
    """All that fixes the weights' shapes. `vocabulary` counts the language's ids (prefix ids come on top); `attributes` the
    numbers beside each id that say what its section is like (0: none)."""

    vocabulary: int
    mode: str = "continuous_concat"
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 1024
    condition_width: int = 64
    rope_base: float = 10000.0
    places: bool = False
    attributes: int = 0
    attributes_hidden: int = 128

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"'{self.mode}' is not a conditioning mode; choose one of {', '.join(MODES)}")
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise ValueError(f"width {self.width} does not split into {self.heads} heads of an even size")

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def embedding_width(self) -> int:
        return self.width - (self.condition_width if self.mode == "continuous_concat" else 0)

    def as_dict(self) -> dict:
        return asdict(self)


def rope_tables(positions: Tensor, head_width: int, base: float) -> tuple[Tensor, Tensor]:
    """positions (T,) -> cos, sin (T, head_width / 2) float32."""
    frequency = base ** (-torch.arange(0, head_width, 2, device=positions.device, dtype=torch.float32) / head_width)
    angle = positions.float()[:, None] * frequency[None]
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """(B, H, T, head_width), its two halves turned against each other by each position's angles."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def places_of(ids: Tensor) -> tuple[Tensor, Tensor]:
    """`notes.places.BarPositions` for whole rows at once: ids (B, T) -> bar 0..7 and step 0..71 after each id, (B, T) int64."""
    is_bar = (ids >= BAR_0) & (ids < TEMPO_0)
    is_position = (ids >= POSITION_0) & (ids < NOTE_0)
    bar = is_bar.cumsum(dim=1) % BARS
    # the newest id that says a step: a Position its own, a Bar 0
    index = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    newest = torch.where(is_bar | is_position, index, -1).cummax(dim=1).values
    said = torch.where(is_position, ids - POSITION_0, 0)
    step = torch.where(newest >= 0, said.gather(1, newest.clamp(min=0)), 0)
    return bar, step


class RMSNorm(nn.Module):
    """x / rms(x) * weight, in float32."""

    epsilon = 1e-5

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width) float32."""
        x = x.float()
        return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + self.epsilon) * self.weight


class Block(nn.Module):
    """Self-attention, then the feed-forward layer, each added to what came in."""

    def __init__(self, sizes: NetworkSizes, *, dropout: float = 0.0) -> None:
        super().__init__()
        width = sizes.width
        self.heads = sizes.heads
        self.attention_norm, self.hidden_norm = RMSNorm(width), RMSNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.up = nn.Linear(width, sizes.hidden, bias=False)
        self.down = nn.Linear(sizes.hidden, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x (B, T, width), cos and sin (T, head_width / 2) -> (B, T, width); each place sees those before it."""
        h = self.attention_norm(x)
        q, k, v = (
            layer(h).unflatten(-1, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.dropout(self.out(mixed.transpose(1, 2).flatten(2)))
        return x + self.dropout(self.down(F.relu(self.up(self.hidden_norm(x))).square()))


class NotesNetwork(nn.Module):
    """ids (B, T) int64 and condition (B, T, 3 + attributes) float32 -> logits (B, T, V): the odds of the id after each one.

    A condition of three numbers hides the attributes. dropout: of training alone; it draws from torch's own generator.
    """

    def __init__(self, sizes: NetworkSizes, *, dropout: float = 0.0, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.sizes = sizes
        self.embedding = nn.Embedding(sizes.vocabulary + extra_ids(sizes.mode), sizes.embedding_width)
        condition_out = {"continuous_concat": sizes.condition_width, "continuous_token": 2 * sizes.width}
        self.condition = nn.Linear(3, condition_out[sizes.mode]) if sizes.mode in condition_out else None
        self.bar = nn.Embedding(BARS, sizes.width) if sizes.places else None
        self.step = nn.Embedding(STEPS, sizes.width) if sizes.places else None
        if sizes.attributes:
            self.attributes_in = nn.Linear(sizes.attributes, sizes.attributes_hidden)
            self.attributes_out = nn.Linear(sizes.attributes_hidden, sizes.width, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(sizes, dropout=dropout) for _ in range(sizes.layers))
        self.norm = RMSNorm(sizes.width)
        self.head = nn.Linear(sizes.width, sizes.vocabulary, bias=False)
        self._initialise(generator)

    def _initialise(self, generator: torch.Generator | None) -> None:
        """Outputs that add to the stream start at zero, so that every block starts as the identity."""
        with torch.no_grad():
            self.embedding.weight.normal_(std=0.5, generator=generator)
            if self.condition is not None:
                self.condition.weight.normal_(std=0.5, generator=generator)
                self.condition.bias.zero_()
            self.head.weight.zero_()
            for table in (self.bar, self.step):
                if table is not None:
                    table.weight.zero_()  # weights trained without places stay what they were
            if self.sizes.attributes:
                self.attributes_in.weight.normal_(std=self.sizes.attributes**-0.5, generator=generator)
                self.attributes_in.bias.zero_()
                self.attributes_out.weight.zero_()
            for block in self.blocks:
                for layer in (block.query, block.key, block.value, block.up):
                    layer.weight.normal_(std=layer.in_features**-0.5, generator=generator)
                block.out.weight.zero_()
                block.down.weight.zero_()

    def embed(self, ids: Tensor, condition: Tensor) -> Tensor:
        """The first layer's input (B, T, D) float32, with the emotion in it as the mode says."""
        x = self.embedding(ids)
        if self.sizes.mode == "continuous_concat":
            return torch.cat([x, self.condition(condition[..., :3])], dim=-1)
        if self.sizes.mode == "continuous_token":
            valence, arousal = self.condition(condition[..., :3]).chunk(2, dim=-1)
            first = self.sizes.vocabulary
            return x + (ids == first)[..., None] * valence + (ids == first + 1)[..., None] * arousal
        return x

    def forward(self, ids: Tensor, condition: Tensor) -> Tensor:
        """ids (B, T) int64, condition (B, T, 3 + attributes) float32 -> logits (B, T, V)."""
        positions = torch.arange(ids.shape[1], device=ids.device)
        cos, sin = rope_tables(positions, self.sizes.head_width, self.sizes.rope_base)
        x = self.embed(ids, condition).float()
        if self.bar is not None:
            bar, step = places_of(ids)
            x = x + self.bar(bar) + self.step(step)
        if self.sizes.attributes:
            told = F.pad(condition[..., 3:], (0, 3 + self.sizes.attributes - condition.shape[-1]))
            x = x + self.attributes_out(F.relu(self.attributes_in(told)).square())
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.head(self.norm(x))

    @property
    def matrices(self) -> list[nn.Parameter]:
        """The blocks' weight matrices: those that Muon trains."""
        return [p for p in self.blocks.parameters() if p.ndim == 2]
