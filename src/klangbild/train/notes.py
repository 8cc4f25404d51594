"""Training the notes model: `klangbild train notes --config configs/notes.toml`.

The loop one can read: draw chunks, predict each next id, step, and every so often measure on held-out music and write a
checkpoint. The learning rate warms up and then stays; `--decay-steps` branches off the newest checkpoint and brings it to
zero (a branch for shipping: the main run goes on from where it stayed). Runs on CPU and CUDA alike, in bfloat16 where the machine has it.
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

import numpy as np
import torch
import torch.nn.functional as F

from klangbild.data.note_chunks import IGNORE, Chunk, NoteChunks, stack
from klangbild.data.note_data import NoteData
from klangbild.errors import UsageError
from klangbild.notes.bars import BOS, POSITION_0, TEMPO_0
from klangbild.notes.network_torch import Dropout, NetworkSizes, NotesNetwork
from klangbild.notes.weights_torch import in_other_mode
from klangbild.train.checkpoint import MovingAverage, load_checkpoint, save_checkpoint
from klangbild.train.config_file import load_config
from klangbild.train.optimizers import MuonAdamW, schedule
from klangbild.train.precision import autocast

CHECKPOINT, DECAYED = "last.pt", "decayed.pt"
LOG_COLUMNS = ("step", "ids", "minutes", "rate", "loss", "heldout", "ids_per_s")


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
    context: int = 512
    rows: int = 8
    muon_lr: float = 0.02
    adamw_lr: float = 0.003
    weight_decay: float = 0.0
    warmup: int = 30
    clip: float = 1.0
    dropout: float = 0.0
    condition_dropout: float = 0.1
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
        )


class NotesTrainer:
    """A model, its optimiser and its data; `run` trains until told to stop, `state` and `restore` carry it over."""

    def __init__(self, config: NotesConfig, data: NoteData, *, device: str = "cpu") -> None:
        self.config, self.data, self.device = config, data, device
        self.sizes = config.sizes(int(data.about["vocabulary"]))
        self.model = NotesNetwork(self.sizes, generator=torch.Generator().manual_seed(config.seed)).to(device)
        self.average = MovingAverage(self.model, decay=config.average)
        self.optimizer = MuonAdamW(
            self.model,
            self.model.matrices,
            muon_lr=config.muon_lr,
            adamw_lr=config.adamw_lr,
            weight_decay=config.weight_decay,
        )
        self.chunks = NoteChunks(
            data,
            pool_shares=config.pool_shares,
            section_start_share=config.section_start_share,
            opened_share=config.opened_share,
            dropout=config.condition_dropout,
            mode=config.mode,
            context=config.context,
        )
        self.heldout = heldout_batch(data, mode=config.mode, context=config.context, rows=config.heldout_chunks)
        self.forward = torch.compile(self.model) if config.compile else self.model
        self.step = self.ids_seen = 0
        self.minutes = 0.0
        self.before: dict[str, Any] = {}  # the "training" of the weights it started from: steps, ids_seen, minutes
        self._drawer = ThreadPoolExecutor(max_workers=2)
        self._ahead: dict[int, Future[Chunk]] = {}

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
        generator = None
        if config.dropout:
            generator = torch.Generator(self.device).manual_seed(config.seed * 1_000_003 + self.step)
        self.model.train()
        losses, counted = self._losses(batch, Dropout(config.dropout, generator), self.forward)
        opening = (losses * torch.from_numpy(opening_ids(batch)).to(self.device)).sum() / counted
        loss = losses.sum() / counted
        self.optimizer.set_factor(factor)
        self.optimizer.zero_grad()
        (loss + (config.opening_weight - 1.0) * opening).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        self.average.update(self.model)
        self.step += 1
        self.ids_seen += int((batch.targets != IGNORE).sum())
        return loss.detach()

    def _batch(self) -> Chunk:
        """This step's chunks. Beside an accelerator they are drawn ahead by another thread, which changes nothing of them."""
        config = self.config
        if self.device == "cpu":
            return self.chunks.batch(config.rows, seed=config.seed, step=self.step)
        for step in range(self.step, self.step + 3):
            if step not in self._ahead:
                self._ahead[step] = self._drawer.submit(self.chunks.batch, config.rows, seed=config.seed, step=step)
        return self._ahead.pop(self.step).result()

    def _losses(self, batch: Chunk, dropout: Dropout | None, forward) -> tuple[torch.Tensor, int]:
        """Nats of each target (rows, T), 0 where there is none, and how many there are."""
        ids, targets = (torch.from_numpy(a).to(self.device) for a in (batch.ids, batch.targets))
        condition = torch.from_numpy(batch.condition).to(self.device)
        with autocast(self.device):
            logits = forward(ids, condition, dropout)
        losses = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORE, reduction="none")
        return losses.view_as(targets), int((batch.targets != IGNORE).sum())

    @torch.no_grad()
    def heldout_loss(self) -> float:
        """Nats per id of the averaged weights on the fixed held-out chunks."""
        self.model.eval()
        own = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        total = count = 0.0
        self._load(self.average.weights)
        for first in range(0, len(self.heldout.ids), 8):
            part = Chunk(*(getattr(self.heldout, n)[first : first + 8] for n in ("ids", "condition", "targets")))
            losses, n = self._losses(part, None, self.model)
            total, count = total + float(losses.sum()), count + n
        self._load(own)
        return total / max(count, 1.0)

    @torch.no_grad()
    def _load(self, weights: dict[str, torch.Tensor]) -> None:
        for name, parameter in self.model.named_parameters():
            parameter.copy_(weights[name])


def heldout_batch(data: NoteData, *, mode: str, context: int, rows: int) -> Chunk:
    """Fixed held-out chunks: one from each of `rows` evenly spread held-out pieces (band first, if there is band music),
    at the section a quarter into the piece, the emotion shown."""
    source = NoteChunks(data, mode=mode, context=context, heldout=True, dropout=0.0)
    pieces = source.pieces
    if "band" in data.about["pools"]:
        band = pieces[data.piece_pool[pieces] == data.about["pools"].index("band")]
        pieces = band if len(band) else pieces
    pieces = pieces[np.unique(np.linspace(0, len(pieces) - 1, rows).astype(int))]
    chunks = []
    for piece in pieces.tolist():
        first, end = int(source.first_section[piece]), int(source.end_section[piece])
        chunks.append(source.chunk(piece, int(data.section_start[first + (end - first) // 4])))
    return stack(chunks)


def opening_ids(batch: Chunk) -> np.ndarray:
    """float32 (rows, T): 1 where a chunk's opening is followed by its first Bar and that by a Tempo, else 0.

    They are two ids in a thousand, nothing before them gives them away, and mode and tempo are what the emotion decides
    most: without more weight they are learnt last.
    """
    chosen = np.zeros(batch.ids.shape, np.float32)
    opened = batch.ids[:, 0] <= BOS  # PAD or BOS
    chosen[opened, 0] = 1.0
    chosen[:, 1] = opened & (batch.targets[:, 1] >= TEMPO_0) & (batch.targets[:, 1] < POSITION_0)
    return chosen


class _Stop:
    """True once the process was asked to end (SIGTERM, Ctrl-C), so that a checkpoint can be written first."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        self.asked = True


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
) -> NotesTrainer:
    """Train until `minutes` or `steps` (of this call) are over, for ever if neither is given, or SIGTERM.

    start_weights, start_training: weights to start from, and the "training" of their header, which counts in the card.
    decay_steps: branch off the checkpoint, bring the learning rate to zero in so many steps, and write `decayed.pt`.
    """
    torch.set_num_threads(threads)
    trainer = NotesTrainer(config, NoteData.load(Path(config.data)), device=device)
    folder = Path(config.run)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / (DECAYED if decay_steps else CHECKPOINT)
    if resume or decay_steps:
        trainer.restore(load_checkpoint(folder / CHECKPOINT, device=device))
    elif target.exists():
        raise UsageError(f"{target}: a run is already there; add --resume, or name another 'run' folder in the config")
    elif start_weights:
        fresh = trainer.start_from(start_weights)
        trainer.before = {k: v for k, v in (start_training or {}).items() if k in ("steps", "ids_seen", "minutes")}
        print(f"started from given weights; new: {', '.join(fresh) or 'none'}", file=sys.stderr)
    decay_from = trainer.step if decay_steps else None
    steps = decay_steps or steps
    print(
        f"{config.mode}: {sum(p.numel() for p in trainer.model.parameters()):,} weights, "
        f"{trainer.chunks.n_ids:,} ids to learn from, step {trainer.step}, {torch.get_num_threads()} threads",
        file=sys.stderr,
        flush=True,
    )
    _loop(trainer, target, minutes=minutes, steps=steps, decay_from=decay_from, decay_steps=decay_steps or 0)
    return trainer


def _loop(
    trainer: NotesTrainer,
    target: Path,
    *,
    minutes: float | None,
    steps: int | None,
    decay_from: int | None,
    decay_steps: int,
) -> None:
    stop = _Stop()
    first_step, begun, saved = trainer.step, time.monotonic(), time.monotonic()
    minutes_before, factor = trainer.minutes, 1.0
    losses: list[torch.Tensor] = []
    tick, ids_before = time.monotonic(), trainer.ids_seen
    log_path = target.with_name("log-decay.csv" if decay_steps else "log.csv")
    with _log(log_path) as log:
        while True:
            elapsed = (time.monotonic() - begun) / 60.0
            done = stop.asked or (minutes is not None and elapsed >= minutes)
            done = done or (steps is not None and trainer.step - first_step >= steps)
            if losses and (done or trainer.step % 50 == 0):
                heldout = trainer.step % trainer.config.heldout_every == 0 or (done and not stop.asked)
                speed = (trainer.ids_seen - ids_before) / max(time.monotonic() - tick, 1e-9)
                row = (
                    trainer.step,
                    trainer.ids_seen,
                    f"{trainer.minutes:.2f}",
                    f"{factor:.3f}",
                    f"{torch.stack(losses).mean().item():.4f}",
                    f"{trainer.heldout_loss():.4f}" if heldout else "",
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
            factor = schedule(
                trainer.step, warmup=trainer.config.warmup, decay_from=decay_from, decay_steps=decay_steps
            )
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
