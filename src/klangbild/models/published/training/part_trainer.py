"""Trains a part of a published sound system, on a CPU, a GPU or several (accelerate); `training/loop.py` is the loop around it.

Batches are drawn by step, and noise from a generator that depends on the seed and the step: a run that was stopped goes on as if
it had not been. A checkpoint holds the trainable part, its average, the optimiser and the step; nothing frozen is saved.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import GradientAccumulationPlugin
from torch import Tensor, nn
from torch.utils.data import DataLoader

from klangbild.errors import InputError, UsageError
from klangbild.models.published.first_minute import say, tell_pace
from klangbild.models.published.training.batches import Batch, Following, Items, batch_indices, collate, to_device
from klangbild.models.published.training.config import LoopConfig
from klangbild.training.checkpoint import MovingAverage, averaged, load_checkpoint
from klangbild.training.loop import CHECKPOINT, LOG, LogContext, Schedule, due, share_of, train_until_over

LOG_COLUMNS = ("step", "seconds", "rate", "loss")


@dataclass(frozen=True)
class Recipe:
    """What is learnt, and what is written and measured on the way.

    loss_of: (trainable, perhaps wrapped; batch on the device; generator of this step's noise) -> the loss, a scalar.
    save: writes the trained part for use, into the run's folder, with every checkpoint. validate: measured every `validate_every`
    steps, on the averaged weights where there is an average; `measures` are the names of what it gives. make_clips: writes
    validation clips, given the step. watched: further columns of the log, such as gates.
    """

    loss_of: Callable[[nn.Module, Batch, torch.Generator], Tensor]
    save: Callable[[nn.Module, Path], None]
    validate: Callable[[nn.Module], Mapping[str, float]]
    measures: tuple[str, ...]
    make_clips: Callable[[nn.Module, int], None]
    watched: Callable[[nn.Module], Mapping[str, float]] = lambda model: {}


class PartTrainer:
    """The trained part with its optimiser and average; a `Trainer` of `training/loop.py`."""

    def __init__(
        self, config: LoopConfig, trainable: nn.Module, items: Items, recipe: Recipe, settings: Mapping[str, Any],
        *, resume: bool,
    ) -> None:  # fmt: skip
        self.config, self.trainable, self.recipe, self.settings = config, trainable, recipe, settings
        self.step, self.minutes, self._first = 0, 0.0, True
        self.columns = (*LOG_COLUMNS, *(() if config.is_trial else recipe.measures), *recipe.watched(trainable))
        self.accelerator = Accelerator(
            cpu=config.cpu,
            mixed_precision=config.precision,
            gradient_accumulation_plugin=GradientAccumulationPlugin(config.accumulation, sync_with_dataloader=False),
        )
        self.weights = {name: weight for name, weight in trainable.named_parameters() if weight.requires_grad}
        optimizer = torch.optim.AdamW(
            self.weights.values(), lr=config.lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=config.weight_decay
        )
        self.average = MovingAverage(_Only(self.weights), decay=config.average) if config.average else None
        if resume:
            self._restore(Path(config.run, CHECKPOINT), optimizer)
        self.model, self.optimizer = self.accelerator.prepare(trainable, optimizer)
        if self.average is not None:
            self.average.weights = {
                name: value.to(self.accelerator.device) for name, value in self.average.weights.items()
            }
        places = batch_indices(
            len(items),
            config.batch,
            seed=config.seed,
            start=self.step * config.accumulation,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
        )
        self.batches = iter(
            DataLoader(
                items,  # type: ignore[arg-type]
                batch_sampler=Following(places),
                collate_fn=collate,
                num_workers=config.workers,
            )
        )
        trainable.train()
        if self.accelerator.is_main_process:
            n = sum(weight.numel() for weight in self.weights.values())
            say(f"training {n / 1e6:.1f} million weights on {self.accelerator.device}, {config.steps} steps of "
                f"{config.batch} x {config.accumulation} items")  # fmt: skip

    def rate(self, fallen: float) -> float:
        """The learning rate itself: the schedule counts steps."""
        return self.config.rate(self.step)

    def train_step(self, factor: float) -> float:
        """One step of `accumulation` batches; the mean of their losses. Raises InputError: a loss is not finite."""
        for group in self.optimizer.param_groups:
            group["lr"] = factor
        losses, started = [], time.perf_counter()
        for micro in range(self.config.accumulation):
            batch = to_device(next(self.batches), self.accelerator.device)
            place = (self.config.seed, self.step, micro, self.accelerator.process_index)
            generator = torch.Generator().manual_seed(_mixed(*place))
            with self.accelerator.accumulate(self.model):
                loss = self.recipe.loss_of(self.model, batch, generator)
                if not torch.isfinite(loss):
                    raise InputError(
                        f"the loss is not finite at step {self.step}; lower the rate or use precision 'no'"
                    )
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients and self.config.clip:
                    self.accelerator.clip_grad_norm_(self.weights.values(), self.config.clip)
                self.optimizer.step()
                self.optimizer.zero_grad()
            losses.append(float(loss.detach()))
        self.step += 1
        if self._first and self.accelerator.is_main_process:
            tell_pace("training step", time.perf_counter() - started, self.config.steps)
        self._first = False
        if self.average is not None:
            self.average.update(_Only(self.weights))
        return float(np.mean(losses))

    def row(self, now: LogContext) -> tuple:
        with self.as_used():
            measured = dict(self.recipe.validate(self.trainable)) if now.measuring and not self.config.is_trial else {}
            measured |= self.recipe.watched(self.trainable)
        self.trainable.train()
        loss = "" if math.isnan(now.loss) else now.loss
        told = (self.step, round(60 * self.minutes, 1), self.config.rate(self.step - 1), loss)
        return (*told, *(measured.get(name, "") for name in self.columns[len(told) :]))

    def state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "minutes": self.minutes,
            "settings": dict(self.settings),
            "weights": {name: weight.detach().cpu() for name, weight in self.weights.items()},
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
        }

    def as_used(self) -> AbstractContextManager[None]:
        """Inside, the weights are the averaged ones, where there is an average."""
        return nullcontext() if self.average is None else averaged(_Only(self.weights), self.average)

    def any_ended(self, ended: bool) -> bool:
        """Whether any of the processes that train together is to end."""
        if self.accelerator.num_processes == 1:
            return ended
        told = torch.tensor(float(ended), device=self.accelerator.device)
        return bool(self.accelerator.reduce(told, reduction="sum") > 0)

    def _restore(self, path: Path, optimizer: torch.optim.Optimizer) -> None:
        """Go on from a checkpoint. Raises InputError: it was made with other settings."""
        state = load_checkpoint(path)
        settings = self.settings
        other = [name for name, value in settings.items() if state["settings"].get(name) != value]
        if other:
            raise InputError(
                f"{path}: was made with {other[0]}={state['settings'].get(other[0])!r}, this run has "
                f"{settings[other[0]]!r}; use the same settings or another run folder"
            )
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(state["weights"][name])
        optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.step, self.minutes = int(state["step"]), float(state.get("minutes", 0.0))


def train_part(
    config: LoopConfig, trainable: nn.Module, items: Items, recipe: Recipe, settings: Mapping[str, Any], *, resume: bool
) -> Path:
    """Train.

    Args:
        config: how long, how fast, how often, and in which folder.
        trainable: only its parameters with `requires_grad` are trained, saved and averaged.
        items: the training data.
        recipe: see `Recipe`.
        settings: stored in the checkpoint; a run can only go on with the same.
        resume: go on from the run's checkpoint.

    Returns:
        The log's path.

    Raises:
        InputError: too few items, a checkpoint of other settings, or a loss that is not finite.
    """
    if config.steps < 1 or config.batch < 1 or config.accumulation < 1:
        raise UsageError("steps, batch and accumulation must be 1 or more")
    folder = Path(config.run)
    trainer = PartTrainer(config, trainable, items, recipe, settings, resume=resume)
    main = trainer.accelerator.is_main_process

    def save() -> None:
        with trainer.as_used():
            recipe.save(trainable, folder)

    def make_clips(whole: bool) -> None:
        if main and (due(trainer.step, config.clips_every) or (whole and not config.is_trial)):
            with trainer.as_used():
                recipe.make_clips(trainable, trainer.step)
            trainable.train()
        trainer.accelerator.wait_for_everyone()

    often = Schedule(config.log_every, config.validate_every, checkpoint_steps=config.checkpoint_every)
    ended = train_until_over(
        trainer,
        folder / CHECKPOINT,
        often,
        over=share_of(trainer, steps=config.steps, minutes=None),
        new_log=not resume,
        kept=save,
        after_step=make_clips,
        writes=main,
        agreed=trainer.any_ended,
    )
    trainer.accelerator.free_memory()
    if config.is_trial and main and not ended:
        print(
            f"{config.steps} steps are a trial: it ends without validation and clips, which come from "
            f"{config.validate_every} steps (validate_every) on, or at every clips_every",
            file=sys.stderr,
        )
    return folder / LOG


def _mixed(*parts: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


class _Only(nn.Module):
    """The trained parameters alone, as a module, for `MovingAverage`."""

    def __init__(self, weights: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        self.by_name = weights

    def named_parameters(self, *_: Any, **__: Any) -> Iterator[tuple[str, nn.Parameter]]:
        return iter(self.by_name.items())
