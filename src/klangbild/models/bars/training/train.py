"""Training the notes model: `klangbild train notes --config configs/notes.toml`.

Draw chunks, predict each next id, step; `training/loop.py` is the loop around it, which every so often measures on held-out music and
writes a checkpoint. The learning rate warms up and then stays; `--decay-steps` or `--decay-minutes` branches off the newest
checkpoint and brings it to zero (a branch for shipping: the main run goes on from where it stayed). Runs on CPU and CUDA alike,
in bfloat16 where the machine has it.
"""

from __future__ import annotations

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from klangbild.errors import InputError, UsageError
from klangbild.models.bars.data.batches import NoteBatches
from klangbild.models.bars.data.chunks import IGNORE
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.network_torch import NotesNetwork
from klangbild.models.bars.training.tensors import Tensors, heldout_batch
from klangbild.models.bars.training.train_config import NotesConfig
from klangbild.models.bars.training.weights_torch import in_other_mode
from klangbild.training.checkpoint import MovingAverage, averaged, load_checkpoint, progress_of, take_up
from klangbild.training.loop import (
    DECAY_LOG,
    DECAYED,
    LogContext,
    Schedule,
    checkpoint_of,
    share_of_call,
    train_until_over,
    warm,
)
from klangbild.training.optimizers import MuonAdamW
from klangbild.training.precision import autocast

LOG_COLUMNS = ("step", "ids", "minutes", "rate", "loss", "heldout", "heldout_told", "ids_per_s")


class NotesTrainer:
    """A model, its optimiser and its data; `state` and `restore` carry it over."""

    columns = LOG_COLUMNS

    def __init__(self, config: NotesConfig, data: NoteData, *, device: str = "cpu") -> None:
        self.config, self.data, self.device = config, data, device
        self.sizes = config.sizes(int(data.about["vocabulary"]))
        generator = torch.Generator().manual_seed(config.seed)
        self.model = NotesNetwork(self.sizes, dropout=config.dropout, generator=generator).to(device)
        self.average = MovingAverage(self.model, decay=config.average)
        self.optimizer = MuonAdamW(
            self.model,
            self.model.matrices,
            muon_lr=config.muon_lr,
            adamw_lr=config.adamw_lr,
            weight_decay=config.weight_decay,
        )
        self.chunks = NoteBatches(
            data,
            pool_shares=config.pool_shares,
            section_start_share=config.section_start_share,
            opened_share=config.opened_share,
            dropout=config.condition_dropout,
            described=config.attributes,
            attributes_dropout=config.attributes_dropout,
            group_dropout=config.group_dropout,
            mode=config.mode,
            context=config.context,
        )
        self.heldout = [
            heldout_batch(
                data,
                mode=config.mode,
                context=config.context,
                described=config.attributes,
                rows=config.heldout_chunks,
                told=told,
            )
            for told in ((False, True) if config.attributes else (False,))
        ]
        self.forward = torch.compile(self.model) if config.compile else self.model
        self.step = self.ids_seen = 0
        self.minutes = 0.0
        self.factor = 1.0  # the learning rate's, at the last step
        self.before: dict[str, Any] = {}  # the "training" of the weights it started from: steps, ids_seen, minutes
        self._targets: list[int] = []  # of each step since the last row of the log
        self._drawer = ThreadPoolExecutor(max_workers=2)
        self._ahead: dict[int, Future[Tensors]] = {}

    def state(self) -> dict[str, Any]:
        return {
            **progress_of(self, self.model),
            "ids_seen": self.ids_seen,
            "before": self.before,
            "sizes": self.sizes.as_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of a network of other sizes."""
        if state["sizes"] != self.sizes.as_dict():
            raise UsageError("the checkpoint is of a network of other sizes; use its config, or another 'run' folder")
        take_up(self, self.model, state)
        self.ids_seen = state["ids_seen"]
        self.before = state.get("before", {})

    def start_from(self, weights: dict[str, torch.Tensor]) -> tuple[list[str], list[str]]:
        """Take over every weight whose shape fits (fine-tuning, other modes).

        Returns the names left as they were, and those of the given weights that have no place here, with their shapes.

        Raises:
            InputError: none fits, so that this would be no start from them.
        """
        own = self.model.state_dict()
        weights = in_other_mode(weights, self.model.sizes)
        fitting = {n: w for n, w in weights.items() if n in own and own[n].shape == w.shape}
        if not fitting:
            raise InputError("no weight of these fits the network of this config; give weights of a notes model")
        self.model.load_state_dict(fitting, strict=False)
        self.average = MovingAverage(self.model, decay=self.config.average)
        dropped = [
            f"{n} {tuple(w.shape)}" + (f" (here {tuple(own[n].shape)})" if n in own else "")
            for n, w in sorted(weights.items())
            if n not in fitting
        ]
        return sorted(set(own) - set(fitting)), dropped

    def rate(self, fallen: float) -> float:
        """The learning rate's factor: it warms up, and then stays but for what has fallen (0..1) of a branch's way to zero."""
        return warm(self.step, self.config.warmup) * (1.0 - min(fallen, 1.0))

    def row(self, now: LogContext) -> tuple:
        """Of the log; with held-out losses where they are due."""
        held = [f"{loss:.4f}" for loss in self.heldout_losses()] if now.measuring else []
        speed = sum(self._targets) / max(len(self._targets) * now.s_per_step, 1e-9)
        self._targets.clear()
        told = (self.step, self.ids_seen, f"{self.minutes:.2f}", f"{self.factor:.3f}", f"{now.loss:.4f}")
        return (*told, *(*held, "", "")[:2], f"{speed:.0f}")

    def train_step(self, factor: float) -> torch.Tensor:
        """One step at a learning-rate factor; the mean loss, a scalar in nats per id, not yet read back from the
        device."""
        config = self.config
        batch = self._batch()
        if config.dropout:
            torch.manual_seed(config.seed * 1_000_003 + self.step)  # what dropout draws from
        self.model.train()
        losses = self._losses(batch, self.forward)
        loss = losses.sum() / batch.n_targets
        opening = (losses * batch.opening.to(self.device, non_blocking=True)).sum() / batch.n_targets
        self.optimizer.set_factor(factor)
        self.optimizer.zero_grad()
        (loss + (config.opening_weight - 1.0) * opening).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        self.average.update(self.model)
        self.step += 1
        self.factor = factor
        self.ids_seen += batch.n_targets
        self._targets.append(batch.n_targets)
        return loss.detach()

    def _batch(self) -> Tensors:
        """This step's chunks. Beside an accelerator they are drawn ahead by other threads, which changes nothing of them."""
        if self.device == "cpu":
            return self._drawn(self.step)
        for step in range(self.step, self.step + 4):
            if step not in self._ahead:
                self._ahead[step] = self._drawer.submit(self._drawn, step)
        return self._ahead.pop(self.step).result()

    def _drawn(self, step: int) -> Tensors:
        return Tensors.of(
            self.chunks.batch(self.config.rows, seed=self.config.seed, step=step), pinned=self.device != "cpu"
        )

    def _losses(self, batch: Tensors, forward) -> torch.Tensor:
        """Nats of each target (rows, T), 0 where there is none."""
        ids, targets, place, table = (
            t.to(self.device, non_blocking=True) for t in (batch.ids, batch.targets, batch.place, batch.table)
        )
        with autocast(self.device):
            logits = forward(ids, table[place])
        losses = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORE, reduction="none")
        return losses.view_as(targets)

    @torch.no_grad()
    def heldout_losses(self) -> list[float]:
        """Nats per id of the averaged weights on the fixed held-out chunks: attributes hidden, and told."""
        found = []
        with averaged(self.model, self.average):
            self.model.eval()
            for batch in self.heldout:
                parts = [batch.rows(first, first + 8) for first in range(0, len(batch.ids), 8)]
                total = sum(float(self._losses(part, self.model).sum()) for part in parts)
                found.append(total / max(batch.n_targets, 1))
        return found


def train(
    config: NotesConfig,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    device: str = "cpu",
    threads: int = 1,
    resume: bool = False,
    start_weights: dict[str, torch.Tensor] | None = None,
    start_training: dict[str, Any] | None = None,
    decay_steps: int | None = None,
    decay_minutes: float | None = None,
) -> NotesTrainer:
    """Train until `minutes` or `steps` (of this call) are over, for ever if neither is given, or Ctrl-C or SIGTERM.

    start_weights, start_training: weights to start from, and the "training" of their header, which counts in the card.
    decay_steps, decay_minutes: then bring the learning rate to zero in so many, and write `decayed.pt`; without `minutes`
    and `steps`, branch off the run's checkpoint at once.

    Raises:
        UsageError: a run is there already, or its checkpoint is of other sizes. InputError, NotAvailableError: data or
            checkpoint cannot be used.
    """
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high")
    folder = Path(config.run)
    decays = decay_steps is not None or decay_minutes is not None
    branch = decays and minutes is None and steps is None
    target = checkpoint_of(folder, resume=resume or branch)
    trainer = NotesTrainer(config, NoteData.load(Path(config.data)), device=device)
    if resume or branch:
        trainer.restore(load_checkpoint(target, device=device))
    elif start_weights:
        fresh, dropped = trainer.start_from(start_weights)
        trainer.before = {k: v for k, v in (start_training or {}).items() if k in ("steps", "ids_seen", "minutes")}
        print(f"started from given weights; new: {', '.join(fresh) or 'none'}", file=sys.stderr)
        print(f"left aside of them: {', '.join(dropped) or 'none'}", file=sys.stderr)
    print(
        f"{config.mode}: {sum(p.numel() for p in trainer.model.parameters()):,} weights, "
        f"{trainer.chunks.n_ids:,} ids to learn from, step {trainer.step}, {torch.get_num_threads()} threads",
        file=sys.stderr,
        flush=True,
    )
    often = Schedule(50, config.heldout_every, config.checkpoint_minutes)
    stopped = False
    if not branch:
        over = share_of_call(trainer, minutes=minutes, steps=steps)
        stopped = train_until_over(trainer, target, often, over=over, fallen=lambda: 0.0)
    if decays and not stopped:
        over = share_of_call(trainer, minutes=decay_minutes, steps=decay_steps)
        train_until_over(trainer, folder / DECAYED, often, over=over, log=folder / DECAY_LOG)
    return trainer
