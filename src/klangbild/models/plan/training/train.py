"""Training the plan model: `klangbild train plan --config configs/plan.toml`.

Draw clips and captions, put them somewhere between noise and a plan, predict the velocity from the one to the other, step. Words are said
in some of the draws, and feeling and traits told as numbers in some: a picture is later translated to what those say (`train_projection.py`).
Every so often measure on held-out clips and write a checkpoint. The learning rate warms up and stays; `decay_minutes`
branches off the newest checkpoint and brings it to zero (what ships), as with the notes model.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import UsageError
from klangbild.models.plan.caption_words import Vocabulary
from klangbild.models.plan.channels import AROUSAL, CHANNELS, MODE, TEMPO, VALENCE
from klangbild.models.plan.data.batches import PlanBatch, PlanBatches, heldout_batches
from klangbild.models.plan.data.prepared import PlanClips
from klangbild.models.plan.network_torch import PlanModel, PlanSizes
from klangbild.training.checkpoint import MovingAverage, averaged, load_checkpoint, progress_of, take_up
from klangbild.training.config_file import load_config
from klangbild.training.loop import (
    CHECKPOINT,
    DECAY_LOG,
    DECAYED,
    LOG,
    LogContext,
    Schedule,
    checkpoint_of,
    share_of_call,
    train_until_over,
    warm,
)
from klangbild.training.optimizers import MuonAdamW

HEARD_FIRST = 3.0
LOG_COLUMNS = ("step", "clips", "minutes", "rate", "loss", "heldout", "heldout_wordless", "s_per_step")


@dataclass(frozen=True)
class PlanConfig:
    """Everything a run is made of; one TOML file. muon_lr 0: AdamW for all weights."""

    data: str = "data/prepared/plan.npz"
    run: str = "runs/plan"
    seed: int = 1
    width: int = 192
    layers: int = 4
    heads: int = 6
    hidden: int = 384
    words_hidden: int = 192
    rows: int = 64
    crop_share: float = 0.3
    words_dropped: float = 0.4
    axes_dropped: float = 0.5
    muon_lr: float = 0.02
    adamw_lr: float = 0.001
    weight_decay: float = 0.01
    warmup: int = 30
    clip: float = 1.0
    average: float = 0.998
    heldout_clips: int = 256
    heldout_every: int = 500
    checkpoint_minutes: float = 4.0

    @staticmethod
    def load(path: Path) -> PlanConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(PlanConfig, path)

    def sizes(self, vocabulary: int) -> PlanSizes:
        return PlanSizes(
            vocabulary, width=self.width, layers=self.layers, heads=self.heads, hidden=self.hidden,
            words_hidden=self.words_hidden,
        )  # fmt: skip


class PlanTrainer:
    """Model, optimiser and data; `state` and `restore` carry a run over."""

    columns = LOG_COLUMNS

    def __init__(self, config: PlanConfig, data: PlanClips) -> None:
        self.config, self.data = config, data
        self.vocabulary = Vocabulary()
        self.model = PlanModel(config.sizes(len(self.vocabulary)), self.vocabulary, seed=config.seed)
        self.average = MovingAverage(self.model, decay=config.average)
        self.optimizer = MuonAdamW(
            self.model,
            self.model.base.matrices if config.muon_lr else [],
            muon_lr=config.muon_lr,
            adamw_lr=config.adamw_lr,
            weight_decay=config.weight_decay,
        ) if config.muon_lr else _AdamW(self.model, lr=config.adamw_lr, weight_decay=config.weight_decay)  # fmt: skip
        self.batches = PlanBatches(
            data,
            self.vocabulary,
            rows=config.rows,
            crop_share=config.crop_share,
            words_dropped=config.words_dropped,
            axes_dropped=config.axes_dropped,
            seed=config.seed,
        )
        self.heldout = heldout_batches(data, self.vocabulary, clips=config.heldout_clips)
        self.weights = torch.from_numpy(channel_weights())
        self.step = self.clips_seen = 0
        self.minutes = 0.0

    def state(self) -> dict[str, Any]:
        return {
            **progress_of(self, self.model),
            "clips_seen": self.clips_seen,
            "sizes": self.model.sizes.as_dict(),
            "vocabulary": list(self.vocabulary.words),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of another network or vocabulary."""
        if state["sizes"] != self.model.sizes.as_dict() or tuple(state["vocabulary"]) != self.vocabulary.words:
            raise UsageError(
                "the checkpoint is of another network or vocabulary; use its config, or another 'run' folder"
            )
        take_up(self, self.model, state)
        self.clips_seen = state["clips_seen"]

    def rate(self, fallen: float) -> float:
        return warm(self.step, self.config.warmup) * (1 - min(fallen, 1.0))

    def row(self, now: LogContext) -> tuple:
        held = [f"{loss:.4f}" for loss in self.heldout_loss()] if now.measuring else ["", ""]
        told = (self.step, self.clips_seen, f"{self.minutes:.2f}", f"{now.factor:.3f}", f"{now.loss:.4f}")
        return (*told, *held, f"{now.s_per_step:.2f}")

    def train_step(self, factor: float) -> float:
        """One step at a learning-rate factor; its loss."""
        self.model.train()
        batch = self.batches.batch(self.step)
        loss = flow_loss(self.model, batch, self.weights).mean()
        self.optimizer.set_factor(factor)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.average.update(self.model)
        self.step += 1
        self.clips_seen += len(batch.clips)
        return loss.item()

    @torch.no_grad()
    def heldout_loss(self) -> tuple[float, float]:
        """Flow loss of the averaged weights on fixed held-out clips: (with their captions, without words)."""
        with averaged(self.model, self.average):
            self.model.eval()
            losses = []
            for silent in (False, True):
                found = [flow_loss(self.model, without_words(b) if silent else b, self.weights) for b in self.heldout]
                losses.append(float(torch.cat(found).mean()))
        return losses[0], losses[1]


class _AdamW:
    """AdamW on everything, with `MuonAdamW`'s manners."""

    def __init__(self, model: torch.nn.Module, *, lr: float, weight_decay: float) -> None:
        self.lr = lr
        self.part = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=weight_decay)

    def set_factor(self, factor: float) -> None:
        for group in self.part.param_groups:
            group["lr"] = self.lr * factor

    def step(self) -> None:
        self.part.step()

    def zero_grad(self) -> None:
        self.part.zero_grad(set_to_none=True)

    def state_dict(self) -> dict:
        return self.part.state_dict()

    def load_state_dict(self, state: dict) -> None:
        self.part.load_state_dict(state)


def channel_weights() -> np.ndarray:
    """(channels,), mean 1: how much each counts in the loss. Tempo, mode and feeling are heard first, and are one number each."""
    weights = np.ones(CHANNELS, np.float32)
    weights[[TEMPO, MODE, VALENCE, AROUSAL]] = HEARD_FIRST
    return weights / weights.mean()


def flow_loss(model: PlanModel, batch: PlanBatch, weights: Tensor) -> Tensor:
    """Weighted squared error of the velocity, (B,): one number a clip."""
    given = (batch.noisy, batch.time, batch.words, batch.mask, batch.axes, batch.known, batch.places)
    wanted = torch.from_numpy(batch.rows - batch.noise)
    return ((model(*(torch.from_numpy(a) for a in given)) - wanted).square() * weights).mean(dim=(1, 2))


def without_words(batch: PlanBatch) -> PlanBatch:
    """The same with nothing said."""
    mask = np.zeros_like(batch.mask)
    mask[:, 0] = 1.0
    return dataclasses.replace(batch, words=np.zeros_like(batch.words), mask=mask)


def train_plan(
    config: PlanConfig,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    threads: int = 1,
    resume: bool = False,
    start_weights: dict[str, Tensor] | None = None,
    decay_minutes: float | None = None,
    decay_steps: int | None = None,
) -> PlanTrainer:
    """Train until `minutes` or `steps` of this call are over, for ever if neither is given, or Ctrl-C or SIGTERM.

    decay_minutes, decay_steps: branch off the checkpoint, bring the rate to zero in so long, and write `decayed.pt`.

    Raises:
        UsageError: a run is already there. InputError, NotAvailableError: data, config or checkpoint cannot be used.
    """
    torch.set_num_threads(threads)
    trainer = PlanTrainer(config, PlanClips.load(Path(config.data)))
    folder = Path(config.run)
    decaying = decay_minutes is not None or decay_steps is not None
    if resume or decaying:
        trainer.restore(load_checkpoint(folder / CHECKPOINT))
    target = folder / DECAYED if decaying else checkpoint_of(folder, resume=resume)
    if start_weights and not resume and not decaying:
        trainer.model.load_state_dict(start_weights)
        trainer.average = MovingAverage(trainer.model, decay=config.average)
    print(
        f"{sum(p.numel() for p in trainer.model.parameters()):,} weights, {len(trainer.batches.clips)} clips to learn from, "
        f"step {trainer.step}, {torch.get_num_threads()} threads",
        file=sys.stderr,
        flush=True,
    )
    ended = share_of_call(trainer, minutes=minutes, steps=steps)
    decayed = share_of_call(trainer, minutes=decay_minutes, steps=decay_steps)
    train_until_over(
        trainer,
        target,
        Schedule(50, config.heldout_every, config.checkpoint_minutes),
        over=lambda: max(ended(), decayed()),
        fallen=decayed,
        log=folder / (DECAY_LOG if decaying else LOG),
        new_log=decaying,
    )
    return trainer
