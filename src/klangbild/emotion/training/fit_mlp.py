"""ARIA's recipe for emotion heads, on any encoder: a small network each for valence and arousal.

Each is Linear d - d/2, ReLU, Dropout 0.1, Linear d/2 - d/4, ReLU, Dropout 0.1, Linear d/4 - 1, tanh. Both are trained together
on half the sum of 1 - CCC (Lin 1989), with AdamW (rate 1e-4, weight decay 0.01, cosine to 1 %), batches of 32, at most 100
epochs, and stop when a tenth of the groups, held back, has not got better for ten. Inputs are standardized, so that any encoder is
on one scale (ARIA gives CLIP's vectors as they are). Written from a specification of the recipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from klangbild.emotion.heads import mlp_values
from klangbild.emotion.training.data.pictures import folds_of


@dataclass(frozen=True)
class MlpValues:
    """layers: (weight (2, out, in), bias (2, out)) three times, for valence and arousal; `scale` (d,) goes before them."""

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    scale: np.ndarray

    def both(self, z: np.ndarray) -> np.ndarray:
        """z (n, d) -> (n, 2 kinds, 2 axes): one pair of heads serves both kinds."""
        return np.repeat(mlp_values(self.layers, z * self.scale)[:, None], 2, axis=1)


def concordance_loss(predicted: Tensor, rated: Tensor) -> Tensor:
    """Half the sum over valence and arousal of 1 - Lin's concordance correlation; (n, 2) each."""
    mean_p, mean_r = predicted.mean(dim=0), rated.mean(dim=0)
    covariance = ((predicted - mean_p) * (rated - mean_r)).mean(dim=0)
    apart = predicted.var(dim=0, unbiased=False) + rated.var(dim=0, unbiased=False) + (mean_p - mean_r) ** 2
    return 0.5 * (1 - 2 * covariance / (apart + 1e-8)).sum()


def fit_mlp(
    z: np.ndarray, y: np.ndarray, groups: np.ndarray, rng: np.random.Generator, *, epochs: int = 100, rate: float = 1e-4,
    batch: int = 32, patience: int = 10,
) -> MlpValues:  # fmt: skip
    """Fit on z (n, d), y (n, 2), groups (n,) kept on one side of the held-back tenth."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    # weighted blocks have small numbers; the networks want a deviation of about one
    scale = np.full(z.shape[1], 1 / max(float(z.std()), 1e-9))
    held = folds_of(groups, folds=10, rng=rng) == 0
    if held.sum() < 2:
        held = np.arange(len(z)) % 10 == 0
    inputs = torch.from_numpy((z * scale).astype(np.float32))
    rated = torch.from_numpy(y.astype(np.float32))
    train, other = torch.from_numpy(np.flatnonzero(~held)), torch.from_numpy(np.flatnonzero(held))
    heads = nn.ModuleList(_head(z.shape[1], generator) for _ in range(2))
    optimizer = torch.optim.AdamW(heads.parameters(), lr=rate, weight_decay=0.01)
    steps = max(1, epochs * -(-len(train) // batch))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=rate / 100)
    best, best_state, waited = float("inf"), None, 0
    for _ in range(epochs):
        order = train[torch.randperm(len(train), generator=generator)]
        for part in order.split(batch):
            if len(part) < 4:  # a concordance of fewer says nothing
                continue
            # dropout by hand, since torch's own takes no generator
            loss = concordance_loss(_forward(heads, inputs[part], generator), rated[part])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            value = float(concordance_loss(_forward(heads, inputs[other], None), rated[other]))
        if value < best - 1e-5:
            best, waited = value, 0
            best_state = {name: tensor.clone() for name, tensor in heads.state_dict().items()}
        else:
            waited += 1
            if waited >= patience:
                break
    if best_state is not None:
        heads.load_state_dict(best_state)
    layers = tuple(
        tuple(
            np.stack([getattr(head[index], name).detach().numpy().astype(np.float64) for head in heads])
            for name in ("weight", "bias")
        )
        for index in range(3)
    )
    return MlpValues(layers, scale)


def _head(width: int, generator: torch.Generator) -> nn.ModuleList:
    sizes = (width, max(2, width // 2), max(2, width // 4), 1)
    layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
    for layer in layers:  # torch's own default, from our generator
        bound = layer.in_features**-0.5
        nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layers


def _forward(heads: nn.ModuleList, x: Tensor, dropout: torch.Generator | None) -> Tensor:
    """(n, d) -> (n, 2)."""
    outputs = []
    for head in heads:
        hidden = x
        for layer in head[:-1]:
            hidden = torch.relu(layer(hidden))
            if dropout is not None:
                kept = torch.rand(hidden.shape, generator=dropout) >= 0.1
                hidden = hidden * kept / 0.9
        outputs.append(torch.tanh(head[-1](hidden)))
    return torch.cat(outputs, dim=1)
