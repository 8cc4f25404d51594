"""Training our small sound model: `klangbild train sound --config configs/sound.toml`.

Draw clips and captions, put them somewhere between noise and music, predict the velocity from the one to the other, step.
Every so often measure on held-out clips and write a checkpoint. The learning rate warms up and stays; `decay_minutes`
branches off the newest checkpoint and brings it to zero (what ships), as with the notes model.

The same for either latent (`data` says which): log-mel, where the squared error of an axis counts as much as the axis is spread in
the mel (loud shapes before fine grain), or beats of a piano roll (`latent` is then the autoencoder's weights).
"""

from __future__ import annotations

import csv
import dataclasses
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klangbild.data.sound_batches import ClipLatents, SoundBatch, SoundBatches, heldout_batches
from klangbild.diffusion.small_network_torch import SoundModel, SoundSizes
from klangbild.diffusion.small_words import Vocabulary
from klangbild.errors import UsageError
from klangbild.train.checkpoint import MovingAverage, load_checkpoint, save_checkpoint
from klangbild.train.config_file import load_config
from klangbild.train.optimizers import MuonAdamW, schedule
from klangbild.train.roll_clips import open_clips

CHECKPOINT, DECAYED = "last.pt", "decayed.pt"
LOG_COLUMNS = ("step", "clips", "minutes", "rate", "loss", "heldout", "heldout_wordless", "s_per_step")


@dataclass(frozen=True)
class SoundConfig:
    """Everything a run is made of; one TOML file. muon_lr 0: AdamW for all weights. latent: the autoencoder's weights, where
    `data` holds piano rolls. period: see `SoundSizes`."""

    data: str = "data/prepared/sound.npz"
    latent: str = ""
    run: str = "runs/sound-base"
    seed: int = 1
    width: int = 256
    layers: int = 6
    heads: int = 8
    hidden: int = 768
    words_hidden: int = 512
    period: int = 0
    rows: int = 16
    crop_share: float = 0.5
    words_dropped: float = 0.12
    muon_lr: float = 0.02
    adamw_lr: float = 0.001
    weight_decay: float = 0.01
    warmup: int = 30
    clip: float = 1.0
    average: float = 0.998
    heldout_clips: int = 64
    heldout_every: int = 500
    checkpoint_minutes: float = 4.0

    @staticmethod
    def load(path: Path) -> SoundConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(SoundConfig, path)

    def sizes(self, vocabulary: int, channels: int) -> SoundSizes:
        return SoundSizes(
            vocabulary, channels=channels, width=self.width, layers=self.layers, heads=self.heads, hidden=self.hidden,
            words_hidden=self.words_hidden, period=self.period,
        )  # fmt: skip


class SoundTrainer:
    """Model, optimiser and data; `state` and `restore` carry a run over."""

    def __init__(self, config: SoundConfig, data: ClipLatents) -> None:
        self.config, self.data = config, data
        self.vocabulary = Vocabulary()
        self.model = SoundModel(
            config.sizes(len(self.vocabulary), data.latents.shape[2]), self.vocabulary, seed=config.seed
        )
        self.average = MovingAverage(self.model, decay=config.average)
        self.optimizer = MuonAdamW(
            self.model,
            self.model.base.matrices if config.muon_lr else [],
            muon_lr=config.muon_lr,
            adamw_lr=config.adamw_lr,
            weight_decay=config.weight_decay,
        ) if config.muon_lr else _AdamW(self.model, lr=config.adamw_lr, weight_decay=config.weight_decay)  # fmt: skip
        self.batches = SoundBatches(
            data,
            self.vocabulary,
            rows=config.rows,
            crop_share=config.crop_share,
            words_dropped=config.words_dropped,
            seed=config.seed,
        )
        self.heldout = heldout_batches(data, self.vocabulary, clips=config.heldout_clips)
        self.weights = torch.from_numpy(data.channel_weights)
        self.step = self.clips_seen = 0
        self.minutes = 0.0

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "clips_seen": self.clips_seen,
            "minutes": self.minutes,
            "sizes": self.model.sizes.as_dict(),
            "vocabulary": list(self.vocabulary.words),
            "config": dataclasses.asdict(self.config),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of another network or vocabulary."""
        if state["sizes"] != self.model.sizes.as_dict() or tuple(state["vocabulary"]) != self.vocabulary.words:
            raise UsageError(
                "the checkpoint is of another network or vocabulary; use its config, or another 'run' folder"
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.clips_seen, self.minutes = state["step"], state["clips_seen"], state["minutes"]

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


def flow_loss(model: SoundModel, batch: SoundBatch, weights: Tensor) -> Tensor:
    """Weighted squared error of the velocity, (B,): one number a clip."""
    noisy, time_, words, mask = (torch.from_numpy(a) for a in (batch.noisy, batch.time, batch.words, batch.mask))
    wanted = torch.from_numpy(batch.latents - batch.noise)
    return ((model(noisy, time_, words, mask) - wanted).square() * weights).mean(dim=(1, 2))


def without_words(batch: SoundBatch) -> SoundBatch:
    """The same with nothing said."""
    mask = np.zeros_like(batch.mask)
    mask[:, 0] = 1.0
    return dataclasses.replace(batch, words=np.zeros_like(batch.words), mask=mask)


@contextmanager
def averaged(model: torch.nn.Module, average: MovingAverage) -> Iterator[None]:
    """Inside, the model has its averaged weights."""
    own = {name: p.detach().clone() for name, p in model.named_parameters()}
    _put(model, average.weights)
    try:
        yield
    finally:
        _put(model, own)


@torch.no_grad()
def _put(model: torch.nn.Module, weights: dict[str, Tensor]) -> None:
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])


def train_sound(
    config: SoundConfig,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    threads: int = 1,
    resume: bool = False,
    start_weights: dict[str, Tensor] | None = None,
    decay_minutes: float | None = None,
    decay_steps: int | None = None,
) -> SoundTrainer:
    """Train until `minutes` or `steps` of this call are over, for ever if neither is given, or SIGTERM.

    decay_minutes, decay_steps: branch off the checkpoint, bring the rate to zero in so long, and write `decayed.pt`.

    Raises:
        UsageError: a run is already there. InputError, NotAvailableError: data, config or checkpoint cannot be used.
    """
    torch.set_num_threads(threads)
    trainer = SoundTrainer(config, open_clips(Path(config.data), config.latent))
    folder = Path(config.run)
    folder.mkdir(parents=True, exist_ok=True)
    decaying = decay_minutes is not None or decay_steps is not None
    target = folder / (DECAYED if decaying else CHECKPOINT)
    if resume or decaying:
        trainer.restore(load_checkpoint(folder / CHECKPOINT))
    elif target.exists():
        raise UsageError(f"{target}: a run is already there; add --resume, or name another 'run' folder in the config")
    elif start_weights:
        trainer.model.load_state_dict(start_weights)
        trainer.average = MovingAverage(trainer.model, decay=config.average)
    print(
        f"{sum(p.numel() for p in trainer.model.parameters()):,} weights, {len(trainer.batches.clips)} clips to learn from, "
        f"step {trainer.step}, {torch.get_num_threads()} threads",
        file=sys.stderr,
        flush=True,
    )
    _loop(trainer, target, minutes=minutes, steps=steps, decay_minutes=decay_minutes, decay_steps=decay_steps)
    return trainer


def _loop(
    trainer: SoundTrainer,
    target: Path,
    *,
    minutes: float | None,
    steps: int | None,
    decay_minutes: float | None,
    decay_steps: int | None,
) -> None:
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda n, _: asked.append(n))
    first, begun, before = trainer.step, time.monotonic(), trainer.minutes
    saved = tick = begun
    losses: list[float] = []
    path = target.with_name("log-decay.csv" if target.name == DECAYED else "log.csv")
    fresh = not path.exists() or target.name == DECAYED
    with path.open("w" if fresh else "a", newline="", buffering=1, encoding="utf-8") as file:
        log = csv.writer(file, lineterminator="\n")
        if fresh:
            log.writerow(LOG_COLUMNS)
        while True:
            elapsed = (time.monotonic() - begun) / 60
            decayed = (
                elapsed / decay_minutes if decay_minutes else (trainer.step - first) / decay_steps if decay_steps else 0
            )
            done = bool(asked) or decayed >= 1 or (minutes is not None and elapsed >= minutes)
            done = done or (steps is not None and trainer.step - first >= steps)
            if losses and (done or trainer.step % 50 == 0):
                pace = (time.monotonic() - tick) / len(losses)
                due = (trainer.step % trainer.config.heldout_every == 0 or done) and not asked
                held = [f"{x:.4f}" for x in trainer.heldout_loss()] if due else ["", ""]
                factor = schedule(trainer.step, warmup=trainer.config.warmup) * (1 - min(decayed, 1.0))
                row = (trainer.step, trainer.clips_seen, f"{trainer.minutes:.2f}", f"{factor:.3f}",
                       f"{np.mean(losses):.4f}", *held, f"{pace:.2f}")  # fmt: skip
                log.writerow(row)
                print("  ".join(f"{n} {v}" for n, v in zip(LOG_COLUMNS, row, strict=True)), file=sys.stderr, flush=True)
                losses, tick = [], time.monotonic()
            if done or time.monotonic() - saved > 60 * trainer.config.checkpoint_minutes:
                save_checkpoint(target, trainer.state())
                saved = time.monotonic()
            if done:
                return
            losses.append(trainer.train_step(schedule(trainer.step, warmup=trainer.config.warmup) * (1 - decayed)))
            trainer.minutes = before + (time.monotonic() - begun) / 60
