"""Training midi-emotion's networks: `klangbild train events --config configs/events.toml [--conditioning ...]`.

With the published defaults (configs/events.toml): 20 layers, windows of 1216 ids, 4 a step, Adam at a constant 2e-5, dropout
0.1, gradients clipped to norm 1. A conditional model may start from a trained one without condition (`start_weights`), as the
paper's do: weights of the same name are copied, of the embedding as many columns as fit.

`regression = true` trains the judge instead: 8 layers, no mask, `<CLS>` first, [valence, arousal] through tanh, L1 loss.
`training/loop.py` is the loop around a step. A run folder holds `last.pt` (to go on from), `log.csv`, and the published trio of
`to_published.py`, which both `klangbild models add` and midi-emotion itself can read.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from klangbild.errors import InputError, UsageError
from klangbild.models.aria.data.chunks import Batch, EventsChunks, label_edges
from klangbild.models.aria.data.prepare import EventsData
from klangbild.models.aria.network_torch import MidiEmotionNetwork, next_token_loss
from klangbild.models.aria.training.to_published import write_published
from klangbild.models.aria.training.train_config import CLS, EventsConfig
from klangbild.models.aria.vocabulary import PAD
from klangbild.models.device_torch import check_device
from klangbild.training.checkpoint import load_checkpoint
from klangbild.training.loop import (
    CHECKPOINT,
    LogContext,
    Schedule,
    checkpoint_of,
    share_of_call,
    train_until_over,
    warm,
)

LOG_COLUMNS = ("step", "minutes", "loss", "heldout_nll", "top1", "top5", "l1")


@dataclass(frozen=True)
class Score:
    """On held-out music: nll in nats an id, accuracies 0..1; l1 (the judge only) = mean |error| of valence, of arousal."""

    nll: float = math.nan
    top1: float = math.nan
    top5: float = math.nan
    l1_valence: float = math.nan
    l1_arousal: float = math.nan

    @property
    def perplexity(self) -> float:
        return math.exp(self.nll)

    @property
    def l1(self) -> float:
        """The mean of both axes."""
        return (self.l1_valence + self.l1_arousal) / 2.0


class EventsTrainer:
    """A network, its optimizer and its data. Step i draws from generators made from (seed, i): a run can be taken up again."""

    columns = LOG_COLUMNS

    def __init__(self, config: EventsConfig, data: EventsData, *, device: str = "cpu") -> None:
        self.config, self.data, self.device = config, data, device
        self.vocabulary, self.sizes = config.vocabulary(), config.sizes()
        generator = torch.Generator().manual_seed(config.seed)
        self.network = MidiEmotionNetwork(self.sizes, dropout=config.dropout, generator=generator).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=config.lr)
        self.bin_edges = (
            label_edges(data) if config.bins == "quantile" and config.conditioning == "discrete_token" else None
        )
        labelled = config.regression or config.labelled_only or config.conditioning != "none"
        chunks = {
            "conditioning": self.sizes.conditioning,
            "length": config.length,
            "bin_edges": self.bin_edges,
            "labelled_only": labelled,
        }
        self.chunks = EventsChunks(data, self.vocabulary, **chunks)
        self.heldout = EventsChunks(data, self.vocabulary, heldout=True, **chunks)
        if not len(self.chunks.songs):
            what = "labelled song" if labelled else "song"
            raise InputError(f"{config.data}: holds no {what} to train on; prepare it with --labels, or more music")
        self.step, self.minutes = 0, 0.0

    def rate(self, fallen: float) -> float:
        """The learning rate's factor: it warms up, and stays."""
        return warm(self.step, self.config.warmup)

    def row(self, now: LogContext) -> tuple:
        """Of the log; with what held-out songs say where they are due."""
        score = self.evaluate() if now.measuring else Score()
        numbers = (now.loss, score.nll, score.top1, score.top5, score.l1)
        return (self.step, f"{self.minutes:.2f}", *("" if math.isnan(x) else f"{x:.4f}" for x in numbers))

    def train_step(self, factor: float = 1.0) -> Tensor:
        """One step at a factor of the learning rate; the loss, a scalar in nats an id, or L1, not yet read back from
        the device."""
        config = self.config
        rng = np.random.default_rng([config.seed, self.step])
        batch = self.chunks.batch(config.rows, rng)
        torch.manual_seed(config.seed * 1_000_003 + self.step)  # what dropout draws from
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * factor
        self.network.train()
        loss = self.loss(batch)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        self.optimizer.step()
        self.step += 1
        return loss.detach()

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy, a scalar in nats, over the targets that are not PAD, or the judge's L1."""
        answer = self.answer(batch)
        if self.config.regression:
            return F.l1_loss(answer.float(), torch.from_numpy(batch.condition).to(self.device))
        return next_token_loss(answer.float(), torch.from_numpy(batch.targets).to(self.device))

    def answer(self, batch: Batch) -> Tensor:
        """The network's output for a batch, logits (rows, T, ids), or (rows, 2) of the judge; the judge reads `<CLS>`
        and the whole window."""
        ids = batch.inputs
        if self.config.regression:
            ids = np.concatenate([np.full((len(ids), 1), self.vocabulary.ids[CLS]), ids], axis=1)
        where = torch.from_numpy(ids).to(self.device)
        # bfloat16 pays on accelerators; on the CPU float32 is the reference
        with torch.autocast(self.device.split(":")[0], dtype=torch.bfloat16, enabled=self.device != "cpu"):
            return self.network(where, torch.from_numpy(batch.condition).to(self.device))

    @torch.no_grad()
    def evaluate(self, *, exhaustive: bool = False) -> Score:
        """On held-out songs: one window of each of `heldout_rows`, or (exhaustive) every whole window there is."""
        self.network.eval()
        if exhaustive:
            windows = self.heldout.exhaustive()
            batches = [self.heldout.stack(windows[i : i + 4]) for i in range(0, len(windows), 4)]
        else:
            whole = self.heldout.fixed(self.config.heldout_rows)
            batches = [
                Batch(*(getattr(whole, f.name)[i : i + 4] for f in dataclasses.fields(Batch)))
                for i in range(0, len(whole.inputs), 4)
            ]
        if not batches:
            raise InputError(
                f"{self.config.data}: holds no held-out window of {self.config.length} ids; prepare more songs"
            )
        return self._judged(batches) if self.config.regression else self._predicted(batches)

    def _judged(self, batches: list[Batch]) -> Score:
        errors = [np.abs(self.answer(b).float().cpu().numpy() - b.condition) for b in batches]
        valence, arousal = np.concatenate(errors).mean(axis=0).tolist()
        return Score(l1_valence=valence, l1_arousal=arousal)

    def _predicted(self, batches: list[Batch]) -> Score:
        nll = hits1 = hits5 = count = 0.0
        for batch in batches:
            targets = torch.from_numpy(batch.targets).to(self.device)
            logits = self.answer(batch).float()[:, -targets.shape[1] :]
            real = targets != PAD
            nll += float(F.cross_entropy(logits[real], targets[real], reduction="sum"))
            best = logits[real].topk(5, dim=-1).indices == targets[real][:, None]
            hits1 += float(best[:, 0].sum())
            hits5 += float(best.any(dim=-1).sum())
            count += float(real.sum())
        return Score(nll / count, hits1 / count, hits5 / count)

    # -- taking up and handing on ------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "minutes": self.minutes,
            "sizes": self.sizes.as_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of a network of other sizes."""
        if state["sizes"] != self.sizes.as_dict():
            raise UsageError("the checkpoint is of a network of other sizes; use its config, or another 'run' folder")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.minutes = state["step"], state["minutes"]


def transfer(network: MidiEmotionNetwork, weights: dict[str, Tensor]) -> tuple[list[str], list[str]]:
    """Copy weights of the same name; a table of another width or vocabulary takes as much as fits.

    This is how a conditional model starts from one without condition: `continuous_concat` gets the first columns of each
    token's embedding.

    Returns what stayed new, and what of the given weights was left aside, whole or in part, with shapes.

    Raises:
        InputError: no name is one of this network's.
    """
    own = network.state_dict()
    fresh = []
    left = [f"{name} {tuple(source.shape)}" for name, source in sorted(weights.items()) if name not in own]
    for name, target in own.items():
        source = weights.get(name)
        if source is None or source.ndim != target.ndim:
            fresh.append(name)
            if source is not None:
                left.append(f"{name} {tuple(source.shape)} (here {tuple(target.shape)})")
            continue
        part = tuple(slice(0, min(a, b)) for a, b in zip(source.shape, target.shape, strict=True))
        with torch.no_grad():
            target[part] = source[part].to(target)
        if source.shape != target.shape:
            left.append(f"part of {name} {tuple(source.shape)} (here {tuple(target.shape)})")
    if len(fresh) == len(own):
        raise InputError("no weight of these is one of this network's; give the model.pt of a midi-emotion model")
    return fresh, left


def train(
    config: EventsConfig,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    device: str = "cpu",
    threads: int = 1,
    resume: bool = False,
    start_weights: dict[str, Tensor] | None = None,
) -> EventsTrainer:
    """Train until `steps` or `minutes` of this call are over (for ever without either). Writes into `config.run`.

    Raises:
        UsageError: a run is there already and `resume` is not set.
        NotAvailableError: there is no such device here.
    """
    torch.set_num_threads(threads)
    check_device(device)
    folder = Path(config.run)
    target = checkpoint_of(folder, resume=resume)
    trainer = EventsTrainer(config, EventsData.load(Path(config.data)), device=device)
    if resume:
        trainer.restore(load_checkpoint(target, device=device))
    elif start_weights:
        fresh, left = transfer(trainer.network, start_weights)
        print(f"started from given weights; new: {', '.join(fresh) or 'none'}", file=sys.stderr)
        print(f"left aside of them: {', '.join(left) or 'none'}", file=sys.stderr)

    def publish() -> None:
        write_published(folder, trainer.network, trainer.vocabulary, config, bin_edges=trainer.bin_edges)

    often = Schedule(config.log_every, config.eval_every, config.checkpoint_minutes)
    train_until_over(trainer, target, often, over=share_of_call(trainer, minutes=minutes, steps=steps), kept=publish)
    return trainer


def evaluate_run(config: EventsConfig, *, device: str = "cpu", threads: int = 1) -> dict[str, float]:
    """The newest checkpoint of a run on every whole held-out window: what is a number of `Score`, by name."""
    torch.set_num_threads(threads)
    check_device(device)
    trainer = EventsTrainer(config, EventsData.load(Path(config.data)), device=device)
    trainer.restore(load_checkpoint(Path(config.run) / CHECKPOINT, device=device))
    score = trainer.evaluate(exhaustive=True)
    found = dataclasses.asdict(score) | {"perplexity": score.perplexity, "l1": score.l1}
    return {name: value for name, value in found.items() if not math.isnan(value)}
