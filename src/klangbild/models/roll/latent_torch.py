"""The autoencoder of the piano-roll latent as it is trained; `latent.py` decodes the same with numpy.

    a beat: numbers that are set (`data.roll_data.Beats`) and loudness (6,) -> code (80,) -> onset, sounding, loudness

The code has spread 1 (batch statistics, no scale of its own) and is disturbed by noise of `NOISE` in training, so that near codes
mean near music and small errors of the flow stay small: a variational autoencoder of fixed width, in effect.

Source: Kingma and Welling, arXiv 1312.6114, with the variance fixed; Ioffe and Szegedy, arXiv 1502.03167.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from klangbild.models.roll.grid import GROUPS, N_LANES, STEPS
from klangbild.models.roll.latent import CODE, RANK

BEAT_NUMBERS = 2 * STEPS * N_LANES
NOISE = 0.25


@dataclass(frozen=True)
class RollSizes:
    """Widths of the encoder and of the decoder."""

    encoder: int = 320
    decoder: int = 288

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class RollAutoencoder(nn.Module):
    """See above."""

    def __init__(self, sizes: RollSizes, *, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.sizes = sizes
        e, d = sizes.encoder, sizes.decoder
        self.numbers = nn.EmbeddingBag(BEAT_NUMBERS, e, mode="sum", include_last_offset=True)
        self.loud_in = nn.Linear(len(GROUPS), e)
        self.encode_middle = nn.Linear(e, e)
        self.encode_out = nn.Linear(e, CODE, bias=False)
        self.normal = nn.BatchNorm1d(CODE, affine=False, momentum=0.02)
        self.enter = nn.Linear(CODE, d)
        self.middle = nn.Linear(d, d)
        self.places = nn.Linear(d, len(GROUPS) * STEPS * RANK)
        self.lanes = nn.ModuleList(nn.Linear(RANK, 2 * group.n) for group in GROUPS)
        self.loud = nn.Linear(d, len(GROUPS))
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                spread = 0.1 if name.startswith("numbers") else parameter.shape[1] ** -0.5
                nn.init.normal_(parameter, std=spread, generator=generator)
            else:
                nn.init.zeros_(parameter)
        for map_ in self.lanes:
            nn.init.constant_(map_.bias, -4.0)  # most lanes are silent

    def encode(self, index: Tensor, offset: Tensor, loud: Tensor) -> Tensor:
        """Numbers (E,) of beats that begin at offset (B + 1,), loudness (B, 6) -> codes (B, 80), undisturbed."""
        h = F.silu(self.numbers(index, offset) + self.loud_in(loud))
        h = h + F.silu(self.encode_middle(h))
        return self.normal(self.encode_out(h))

    def decode(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, 80) -> logits (B, 2, 4, N_LANES), onset before sounding, and loudness (B, 6)."""
        h = F.silu(self.enter(code))
        h = h + F.silu(self.middle(h))
        places = F.silu(self.places(h)).unflatten(-1, (len(GROUPS), STEPS, RANK))
        both = [map_(places[:, group]).unflatten(-1, (2, -1)) for group, map_ in enumerate(self.lanes)]
        return torch.cat(both, dim=-1).transpose(1, 2), self.loud(h)

    def arrays(self) -> dict[str, np.ndarray]:
        """The decoder as `roll_latent.RollLatent` has it, float32."""
        found: dict[str, np.ndarray] = {}
        named = {"enter": self.enter, "middle": self.middle, "places": self.places, "loud": self.loud}
        named |= {f"lanes_{group}": map_ for group, map_ in enumerate(self.lanes)}
        for name, layer in named.items():
            found[name] = np.ascontiguousarray(layer.weight.detach().numpy().T)
            found[f"{name}_bias"] = layer.bias.detach().numpy()
        return found


def beat_loss(logits: Tensor, loud: Tensor, index: Tensor, offset: Tensor, wanted_loud: Tensor) -> Tensor:
    """(B,) nats a beat: cross-entropy of onsets, half of that of what sounds on, and the squared error of loudness where a
    group plays (tenths of it count as one nat)."""
    target = torch.zeros(len(loud), BEAT_NUMBERS)
    target[torch.repeat_interleave(torch.arange(len(loud)), offset.diff()), index] = 1.0
    target = target.unflatten(1, (2, STEPS, N_LANES))
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(dim=(2, 3))
    error = ((loud - wanted_loud) * 10).square() * (wanted_loud > 0)
    return entropy[:, 0] + 0.5 * entropy[:, 1] + error.sum(dim=1)
