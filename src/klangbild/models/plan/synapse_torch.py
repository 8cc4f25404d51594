"""Our plan model's synapse as it is trained; `synapse.py` computes the same with numpy.

A map of a level begins as the words' own key and value maps of its block behind a map that was fitted, in closed form, to
say what paired clips' words say (`start`): from there training moves it. Gates begin a little open, for a gate at zero
teaches the maps behind it nothing.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from klangbild.errors import UsageError
from klangbild.models.plan.caption_words import MAX_WORDS
from klangbild.models.plan.network_torch import CONTEXT, ImageInputs, PlanNetwork, PlanSizes
from klangbild.models.plan.picture_levels import PLACES
from klangbild.models.plan.synapse import FORMS, averaging, block_levels, gates_of

OPEN_AT_START = 0.3
RIDGE = 300.0
"""Penalty of the closed-form start, in examples (of places of pictures)."""


class SynapseNet(nn.Module):
    """centers, scales: of each level's channels over the training pictures, (c,) each. Raises UsageError: unknown form."""

    def __init__(self, form: str, sizes: PlanSizes, centers: list[Tensor], scales: list[Tensor]) -> None:
        super().__init__()
        if form not in FORMS:
            raise UsageError(f"unknown synapse form {form!r}; choose from {', '.join(FORMS)}")
        self.form, self.layers, self.width = form, sizes.layers, sizes.width
        self.of_block = block_levels(sizes.layers)
        for level, (center, scale) in enumerate(zip(centers, scales, strict=True), start=1):
            self.register_buffer(f"center{level}", center)
            self.register_buffer(f"scale{level}", scale)
        start = {"gated": float(np.arctanh(OPEN_AT_START)), "paper": OPEN_AT_START, "released": 0.0}[form]
        self.alpha = nn.Parameter(torch.full((gates_of(form, sizes.layers),), start))
        if form != "released":
            for kind in ("keys", "values"):
                maps = [nn.Parameter(torch.zeros(len(centers[level]), sizes.width)) for level in self.of_block]
                setattr(self, kind, nn.ParameterList(maps))
                biases = [nn.Parameter(torch.zeros(sizes.width)) for _ in self.of_block]
                setattr(self, f"{kind[:-1]}_bias", nn.ParameterList(biases))

    def shares(self) -> Tensor:
        """What the gates do, (n,): the share of the picture at each."""
        if self.form == "released":
            return (2 * torch.sigmoid(self.alpha) - 1) / 5
        return torch.tanh(self.alpha) if self.form == "gated" else self.alpha

    def seen(self, levels: list[Tensor]) -> list[Tensor]:
        """Levels (B, 2, c) with mean 0 and spread 1."""
        return [(x - getattr(self, f"center{i}")) / getattr(self, f"scale{i}") for i, x in enumerate(levels, start=1)]

    def forward(
        self, levels: list[Tensor], words: Tensor, mask: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor, ImageInputs | None]:
        """Levels (B, 2, c), words' tokens (B, 12, D) with mask (B, 12), whether there is a picture (B,) -> what is heard."""
        free = CONTEXT - MAX_WORDS
        context, whole = F.pad(words, (0, 0, 0, free)), F.pad(mask, (0, free))
        down = torch.stack([_down(int(n)) for n in mask.sum(1).tolist()])
        seen = self.seen(levels)
        if self.form == "released":
            wide = torch.from_numpy(averaging(seen[3].shape[2], self.width))
            share = (self.shares()[0] * present)[:, None, None] * whole[..., None]
            return (1 - share) * context + share * (down @ seen[3] @ wide.T), whole, None
        keys, values = (
            torch.stack(
                [seen[self.of_block[layer]] @ maps[layer] + biases[layer] for layer in range(self.layers)], dim=1
            )
            for maps, biases in ((self.keys, self.key_bias), (self.values, self.value_bias))
        )
        none = torch.zeros(len(words), self.layers)
        if self.form == "gated":
            keys, values = (x.repeat_interleave(CONTEXT // PLACES, dim=2) for x in (keys, values))
            gate = self.alpha.expand(len(words), -1) * present[:, None]
            return context, whole, ImageInputs(keys, values, none, gate)
        mix = self.alpha[self.of_block].expand(len(words), -1) * present[:, None]
        return context, whole, ImageInputs(down[:, None] @ keys, down[:, None] @ values, mix, none)

    @torch.no_grad()
    def start(self, network: PlanNetwork, levels: list[Tensor], targets: Tensor) -> list[float]:
        """Fit each level to word tokens (n, D) by ridge regression and put that before the words' maps of each block.

        levels: (n, 2, c) of training pictures. Returns the share of the targets' variance that the mean over a level's places
        explains on these pictures (0..1 each).
        """
        if self.form == "released":
            return []
        center = targets.mean(0)
        wanted = targets - center
        explained, fitted = [], []
        for x in self.seen(levels):
            rows = x.flatten(0, 1)
            gram = rows.T @ rows + RIDGE * torch.eye(rows.shape[1])
            per_place = wanted[:, None].expand(-1, PLACES, -1).flatten(0, 1)
            fit = torch.linalg.solve(gram, rows.T @ per_place)
            fitted.append(fit)
            left = wanted - x.mean(1) @ fit
            explained.append(float(1 - left.square().sum() / wanted.square().sum()))
        for layer, block in enumerate(network.blocks):
            fit = fitted[self.of_block[layer]]
            for weight, maps, biases in zip(
                block.key_value.weight.chunk(2, dim=0), (self.keys, self.values), (self.key_bias, self.value_bias),
                strict=True,
            ):  # fmt: skip
                maps[layer].copy_(fit @ weight.T)
                biases[layer].copy_(center @ weight.T)
        return explained

    def arrays(self) -> dict[str, np.ndarray]:
        """As `synapse.Synapse` has them, float32."""
        found = {name: value.detach().numpy() for name, value in self.named_buffers()}
        found["alpha"] = self.alpha.detach().numpy()
        if self.form != "released":
            for layer in range(self.layers):
                for kind in ("key", "value"):
                    found[f"{kind}s_{layer}"] = getattr(self, f"{kind}s")[layer].detach().numpy()
                    found[f"{kind}_bias_{layer}"] = getattr(self, f"{kind}_bias")[layer].detach().numpy()
        return found


def _down(n: int) -> Tensor:
    """(16, 2): the places spread over the first n of the context."""
    matrix = np.zeros((CONTEXT, PLACES), np.float32)
    matrix[:n] = averaging(PLACES, n)
    return torch.from_numpy(matrix)
