"""Checkpoints: everything a run needs to go on as if it had never stopped, and never half a file.

A training checkpoint (`.pt`) holds the weights, their moving average, the optimiser's state, the step and the settings.
It is plain tensors and numbers, and is read with `weights_only=True`: no code in it is ever run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from klangbild.errors import InputError, NotAvailableError
from klangbild.whole_files import atomic_path


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """A crash, or a loss of power, leaves the former file whole. Raises OutputError: it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, durable=True) as temporary:
        torch.save(state, temporary)


def load_checkpoint(path: Path, *, device: str = "cpu") -> dict[str, Any]:
    """Raises NotAvailableError: no such file. InputError: not one of our checkpoints."""
    if not path.is_file():
        raise NotAvailableError(f"{path}: there is no checkpoint; start one with 'klangbild train'")
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        if not isinstance(state, dict) or "step" not in state:
            raise ValueError("it holds no state of a run")
        return state
    except Exception as error:  # noqa: BLE001 - the unpickler raises many kinds, all meaning "damaged or unsafe"
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: is not a training checkpoint of ours ({first}); delete it or start afresh") from None


class MovingAverage:
    """Exponential moving average of a model's weights; starts as a plain mean so that early steps do not linger."""

    def __init__(self, model: nn.Module, *, decay: float = 0.999) -> None:
        self.decay, self.steps = decay, 0
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        share = 1.0 - min(self.decay, self.steps / (self.steps + 10.0))
        for name, parameter in model.named_parameters():
            self.weights[name].lerp_(parameter.detach(), share)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]
        for name, weight in state["weights"].items():
            self.weights[name].copy_(weight)


class Learner(Protocol):
    """What trainers have in common. optimizer: anything with `state_dict` and `load_state_dict`; config: a dataclass."""

    average: MovingAverage
    optimizer: Any
    step: int
    minutes: float
    config: Any


def progress_of(trainer: Learner, model: nn.Module) -> dict[str, Any]:
    """What every checkpoint holds: the model that learns, its average, the optimiser, how far it is, the settings."""
    return {
        "model": model.state_dict(),
        "average": trainer.average.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "step": trainer.step,
        "minutes": trainer.minutes,
        "config": dataclasses.asdict(trainer.config),
    }


def take_up(trainer: Learner, model: nn.Module, state: dict[str, Any]) -> None:
    """Go on from what `progress_of` gave, but for the settings: a run may go on with others."""
    model.load_state_dict(state["model"])
    trainer.average.load_state_dict(state["average"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.step, trainer.minutes = state["step"], state["minutes"]


@contextmanager
def averaged(model: nn.Module, average: MovingAverage) -> Iterator[None]:
    """Inside, the model has its averaged weights."""
    own = {name: p.detach().clone() for name, p in model.named_parameters()}
    _put(model, average.weights)
    try:
        yield
    finally:
        _put(model, own)


@torch.no_grad()
def _put(model: nn.Module, weights: dict[str, Tensor]) -> None:
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])
