"""Training the notes model: `klangbild train notes --config configs/notes.toml`.

The loop one can read: draw chunks, predict each next id, step, and every so often measure on held-out music and write a
checkpoint. The learning rate warms up and then stays; `--decay-steps` or `--decay-minutes` branches off the newest checkpoint
and brings it to zero (a branch for shipping: the main run goes on from where it stayed). Runs on CPU and CUDA alike, in
bfloat16 where the machine has it.
"""

from __future__ import annotations

import csv
import dataclasses
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from klangbild.data.note_batches import NoteBatches
from klangbild.data.note_chunks import IGNORE
from klangbild.data.note_data import NoteData
from klangbild.errors import UsageError
from klangbild.notes.attributes import N_INPUTS
from klangbild.notes.network_torch import NetworkSizes, NotesNetwork
from klangbild.notes.weights_torch import in_other_mode
from klangbild.train.checkpoint import MovingAverage, load_checkpoint, save_checkpoint
from klangbild.train.config_file import load_config
from klangbild.train.notes_tensors import Tensors, heldout_batch
from klangbild.train.optimizers import MuonAdamW, warmed_up
from klangbild.train.precision import autocast

CHECKPOINT, DECAYED = "last.pt", "decayed.pt"
LOG_COLUMNS = ("step", "ids", "minutes", "rate", "loss", "heldout", "heldout_told", "ids_per_s")


@dataclass(frozen=True)
class NotesConfig:
    """Everything a run is made of; one TOML file. Lengths in ids, rates per step."""

    data: str = "data/prepared/notes.npz"
    run: str = "runs/notes"
    seed: int = 1
    mode: str = "continuous_concat"
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 1024
    condition_width: int = 64
    places: bool = True
    attributes: bool = True
    context: int = 512
    rows: int = 8
    muon_lr: float = 0.02
    adamw_lr: float = 0.003
    weight_decay: float = 0.0
    warmup: int = 30
    clip: float = 1.0
    dropout: float = 0.0
    condition_dropout: float = 0.1
    attributes_dropout: float = 0.15
    group_dropout: float = 0.15
    section_start_share: float = 0.5
    opened_share: float = 0.75
    opening_weight: float = 48.0
    average: float = 0.999
    heldout_chunks: int = 48
    heldout_every: int = 500
    checkpoint_minutes: float = 4.0
    compile: bool = False
    pool_shares: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def load(path: Path) -> NotesConfig:
        """Raises InputError: missing, no TOML, or a name or type that is not ours."""
        return load_config(NotesConfig, path)

    def sizes(self, vocabulary: int) -> NetworkSizes:
        return NetworkSizes(
            vocabulary,
            self.mode,
            self.width,
            self.layers,
            self.heads,
            self.hidden,
            self.condition_width,
            places=self.places,
            attributes=N_INPUTS if self.attributes else 0,
        )


class NotesTrainer:
    """A model, its optimiser and its data; `run` trains until told to stop, `state` and `restore` carry it over."""

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
        self.before: dict[str, Any] = {}  # the "training" of the weights it started from: steps, ids_seen, minutes
        self._drawer = ThreadPoolExecutor(max_workers=2)
        self._ahead: dict[int, Future[Tensors]] = {}

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "ids_seen": self.ids_seen,
            "minutes": self.minutes,
            "before": self.before,
            "sizes": self.sizes.as_dict(),
            "config": dataclasses.asdict(self.config),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of a network of other sizes."""
        if state["sizes"] != self.sizes.as_dict():
            raise UsageError("the checkpoint is of a network of other sizes; use its config, or another 'run' folder")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.ids_seen, self.minutes = state["step"], state["ids_seen"], state["minutes"]
        self.before = state.get("before", {})

    def start_from(self, weights: dict[str, torch.Tensor]) -> list[str]:
        """Take over every weight whose shape fits (fine-tuning, other modes); returns the names left as they were."""
        own = self.model.state_dict()
        weights = in_other_mode(weights, self.model.sizes)
        fitting = {n: w for n, w in weights.items() if n in own and own[n].shape == w.shape}
        self.model.load_state_dict(fitting, strict=False)
        self.average = MovingAverage(self.model, decay=self.config.average)
        return sorted(set(own) - set(fitting))

    def train_step(self, factor: float) -> torch.Tensor:
        """One step at a learning-rate factor; the mean loss in nats per id (not yet read back from the device)."""
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
        self.ids_seen += batch.n_targets
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
        self.model.eval()
        own = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self._load(self.average.weights)
        found = []
        for batch in self.heldout:
            total = 0.0
            for first in range(0, len(batch.ids), 8):
                part = batch.rows(first, first + 8)
                total += float(self._losses(part, self.model).sum())
            found.append(total / max(batch.n_targets, 1))
        self._load(own)
        return found

    @torch.no_grad()
    def _load(self, weights: dict[str, torch.Tensor]) -> None:
        for name, parameter in self.model.named_parameters():
            parameter.copy_(weights[name])


class _Stop:
    """True once the process was asked to end (SIGTERM, Ctrl-C), so that a checkpoint can be written first."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


@dataclass(frozen=True)
class Stretch:
    """How long to train: until its minutes or steps are over, for ever if neither is given. decay: the rate falls to zero."""

    minutes: float | None = None
    steps: int | None = None
    decay: bool = False

    def share_done(self, minutes: float, steps: int) -> float:
        """0 .. 1 and above: how much of it is over."""
        shares = [
            done / most if most else 1.0
            for done, most in ((minutes, self.minutes), (steps, self.steps))
            if most is not None
        ]
        return max(shares, default=0.0)


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
    """Train until `minutes` or `steps` (of this call) are over, for ever if neither is given, or SIGTERM.

    start_weights, start_training: weights to start from, and the "training" of their header, which counts in the card.
    decay_steps, decay_minutes: then bring the learning rate to zero in so many, and write `decayed.pt`; without `minutes`
    and `steps`, branch off the run's checkpoint at once.
    """
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high")
    trainer = NotesTrainer(config, NoteData.load(Path(config.data)), device=device)
    folder = Path(config.run)
    folder.mkdir(parents=True, exist_ok=True)
    decays = decay_steps is not None or decay_minutes is not None
    branch = decays and minutes is None and steps is None
    if resume or branch:
        trainer.restore(load_checkpoint(folder / CHECKPOINT, device=device))
    elif (folder / CHECKPOINT).exists():
        raise UsageError(
            f"{folder / CHECKPOINT}: a run is already there; add --resume, or name another 'run' folder in the config"
        )
    elif start_weights:
        fresh = trainer.start_from(start_weights)
        trainer.before = {k: v for k, v in (start_training or {}).items() if k in ("steps", "ids_seen", "minutes")}
        print(f"started from given weights; new: {', '.join(fresh) or 'none'}", file=sys.stderr)
    print(
        f"{config.mode}: {sum(p.numel() for p in trainer.model.parameters()):,} weights, "
        f"{trainer.chunks.n_ids:,} ids to learn from, step {trainer.step}, {torch.get_num_threads()} threads",
        file=sys.stderr,
        flush=True,
    )
    stop = _Stop()
    if not branch:
        _loop(trainer, folder / CHECKPOINT, Stretch(minutes, steps), stop)
    if decays and not stop.asked:
        _loop(trainer, folder / DECAYED, Stretch(decay_minutes, decay_steps, decay=True), stop)
    return trainer


def _loop(trainer: NotesTrainer, target: Path, stretch: Stretch, stop: _Stop) -> None:
    first_step, begun, saved = trainer.step, time.monotonic(), time.monotonic()
    minutes_before, factor = trainer.minutes, 1.0
    losses: list[torch.Tensor] = []
    tick, ids_before = time.monotonic(), trainer.ids_seen
    with _log(target.with_name("log-decay.csv" if stretch.decay else "log.csv")) as log:
        while True:
            share = stretch.share_done((time.monotonic() - begun) / 60.0, trainer.step - first_step)
            done = stop.asked or share >= 1.0
            if losses and (done or trainer.step % 50 == 0):
                heldout = trainer.step % trainer.config.heldout_every == 0 or (done and not stop.asked)
                measured = [f"{loss:.4f}" for loss in trainer.heldout_losses()] if heldout else []
                speed = (trainer.ids_seen - ids_before) / max(time.monotonic() - tick, 1e-9)
                row = (
                    trainer.step,
                    trainer.ids_seen,
                    f"{trainer.minutes:.2f}",
                    f"{factor:.3f}",
                    f"{torch.stack(losses).mean().item():.4f}",
                    *(*measured, "", "")[:2],
                    f"{speed:.0f}",
                )
                log.writerow(row)
                print("  ".join(f"{n} {v}" for n, v in zip(LOG_COLUMNS, row, strict=True)), file=sys.stderr, flush=True)
                losses, tick, ids_before = [], time.monotonic(), trainer.ids_seen
            if done or time.monotonic() - saved > 60.0 * trainer.config.checkpoint_minutes:
                save_checkpoint(target, trainer.state())
                saved = time.monotonic()
            if done:
                return
            factor = warmed_up(trainer.step, trainer.config.warmup) * (1.0 - share if stretch.decay else 1.0)
            losses.append(trainer.train_step(factor))
            trainer.minutes = minutes_before + (time.monotonic() - begun) / 60.0


class _log:
    """A CSV writer on a file that is appended to, line by line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        fresh = not self.path.exists()
        self.file = self.path.open("a", newline="", buffering=1, encoding="utf-8")
        writer = csv.writer(self.file, lineterminator="\n")
        if fresh:
            writer.writerow(LOG_COLUMNS)
        return writer

    def __exit__(self, *_: object) -> None:
        self.file.close()
