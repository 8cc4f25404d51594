"""Muon for the matrices inside the blocks, AdamW for everything else: one object with one learning-rate factor.

Muon replaces the momentum of a matrix by the nearest orthogonal matrix, by five Newton-Schulz steps, before it is
subtracted. Matrices of one shape are stacked and orthogonalised together.

References: Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks"; Loshchilov and Hutter (2019),
"Decoupled weight decay regularization" (AdamW).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from klangbild.training.precision import has_bfloat16

# Coefficients of the odd polynomial a x + b x^3 + c x^5 of Jordan et al.; steepest at 0 among those that stay bounded.
_A, _B, _C = 3.4445, -4.7750, 2.0315


def orthogonalise(stack: Tensor, steps: int = 5) -> Tensor:
    """Matrices (n, rows, columns) -> the same with all singular values near 1 (0.7 .. 1.2), in bfloat16 where the machine has it."""
    x = stack.bfloat16() if has_bfloat16(stack.device.type) else stack
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.float().norm(dim=(-2, -1), keepdim=True) + 1e-7).to(x.dtype)
    for _ in range(steps):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * (gram @ gram)) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """For 2-d parameters only. `lr` is the size of the step per unit of sqrt(max(1, rows / columns))."""

    def __init__(
        self, params: Iterable[nn.Parameter], *, lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):  # the name and signature are torch's
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for shape, parameters in by_shape.items():
                directions = []
                for parameter in parameters:
                    state = self.state[parameter]
                    if "momentum" not in state:
                        state["momentum"] = torch.zeros_like(parameter)
                    state["momentum"].lerp_(parameter.grad, 1.0 - group["momentum"])
                    directions.append(parameter.grad.lerp(state["momentum"], group["momentum"]))  # Nesterov
                size = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for parameter, direction in zip(parameters, orthogonalise(torch.stack(directions)), strict=True):
                    parameter.mul_(1.0 - group["lr"] * group["weight_decay"])
                    parameter.add_(direction.to(parameter.dtype), alpha=-size)


class MuonAdamW:
    """Muon on `matrices`, AdamW on the model's other parameters; `set_factor` scales both learning rates."""

    def __init__(
        self,
        model: nn.Module,
        matrices: list[nn.Parameter],
        *,
        muon_lr: float = 0.02,
        adamw_lr: float = 3e-3,
        weight_decay: float = 0.0,
    ) -> None:
        taken = {id(p) for p in matrices}
        rest = [p for p in model.parameters() if id(p) not in taken]
        self.parts: dict[str, torch.optim.Optimizer] = {
            "muon": Muon(matrices, lr=muon_lr, weight_decay=weight_decay),
            "adamw": torch.optim.AdamW(rest, lr=adamw_lr, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.0),
        }
        self._base = {"muon": muon_lr, "adamw": adamw_lr}

    def set_factor(self, factor: float) -> None:
        for name, part in self.parts.items():
            for group in part.param_groups:
                group["lr"] = self._base[name] * factor

    def step(self) -> None:
        for part in self.parts.values():
            part.step()

    def zero_grad(self) -> None:
        for part in self.parts.values():
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> dict:
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state: dict) -> None:
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
