"""`klangbild train art2mus` and `klangbild train melfusion` without a published model: a picture part of the plan model, which is frozen.

Pictures and plans come from matched pairs (`data/pairs.py`). In two stages:

    1. aim      what the part says of a picture is drawn to what the model's own tokens say of the picture's numbers, its feeling and traits (Art2Mus's projection:
                half a minute; MeLFusion's synapse: in closed form, level by level)
    2. listen   through the frozen model: the velocity that the picture makes it predict is drawn to what it predicts when told those
                numbers (`teacher_share` of the loss), and to the true velocity of the paired plan (the rest: the papers' own loss)

Stage 1 and the teacher are ours: with minutes of a processor, the true velocity alone is too noisy a teacher. `teacher_share = 0` and `aim_steps = 0` is the
recipe as published (but for Art2Mus's guidance inside the loss).

Sources: Art2Mus, arXiv 2410.04906, section 3.2; MeLFusion, arXiv 2406.04673; AudioLDM 2, arXiv 2308.05734 (conditions translated to a language
of audio); Hinton et al. (2015) for learning from another model's outputs.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import UsageError
from klangbild.models.plan.data.pairs import PicturePairs
from klangbild.models.plan.data.prepared import PlanClips
from klangbild.models.plan.network_torch import words_context
from klangbild.models.plan.projection_torch import ProjectionNet
from klangbild.models.plan.synapse_torch import SynapseNet
from klangbild.models.plan.training.export import load_model
from klangbild.models.plan.training.pair_batches import PairBatch, PairBatches
from klangbild.models.plan.training.train import channel_weights
from klangbild.training.checkpoint import MovingAverage, averaged, load_checkpoint, progress_of, take_up
from klangbild.training.config_file import load_config
from klangbild.training.loop import LogContext, Schedule, checkpoint_of, half_cosine, share_of, train_until_over, warm

PROJECTIONS, FORMS = ("1", "4", "direct"), ("gated", "paper", "released")
LOG_COLUMNS = ("step", "minutes", "rate", "loss", "heldout_right", "heldout_shuffled", "heldout_none")


@dataclass(frozen=True)
class PartConfig:
    """Everything a run is made of; one TOML file. part: 1, 4 or direct (Art2Mus), gated, paper or released (MeLFusion)."""

    pairs: str = "data/prepared/plan-pairs.npz"
    data: str = "data/prepared/plan.npz"
    base: str = "src/klangbild/weights/plan/plan-base.onnx"
    run: str = "runs/plan-part"
    part: str = "4"
    seed: int = 1
    hidden: int = 96
    dropout: float = 0.4
    aim_steps: int = 800
    aim_rows: int = 128
    aim_lr: float = 2e-3
    steps: int = 300
    rows: int = 48
    lr: float = 5e-4
    gate_lr: float = 5e-3
    warmup: int = 10
    weight_decay: float = 0.02
    clip: float = 1.0
    average: float = 0.98
    teacher_share: float = 0.8
    said_share: float = 0.5
    feelings_said: float = 0.2
    heldout_pairs: int = 256
    heldout_every: int = 150
    checkpoint_minutes: float = 2.0

    @staticmethod
    def load(path: Path) -> PartConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(PartConfig, path)


class PartTrainer:
    """The frozen model, the part and its data."""

    def __init__(self, config: PartConfig) -> None:
        if config.part not in (*PROJECTIONS, *FORMS):
            raise UsageError(f"part {config.part!r} is not known; give one of {', '.join((*PROJECTIONS, *FORMS))}")
        self.config = config
        self.model, self.vocabulary, self.about = load_model(Path(config.base))
        self.model.requires_grad_(False)
        self.pairs, self.plans = PicturePairs.load(Path(config.pairs)), PlanClips.load(Path(config.data))
        self.weights = torch.from_numpy(channel_weights())
        self.train, self.held = (
            PairBatches(
                self.pairs, self.plans, self.vocabulary, heldout=held, said_share=config.said_share,
                feelings=config.feelings_said, seed=7 if held else config.seed,
            )
            for held in (False, True)
        )  # fmt: skip
        self.pictures, self.held_pictures = (
            np.unique(self.pairs.picture[side.rows]) for side in (self.train, self.held)
        )
        self.seen = torch.from_numpy(self.pairs.seen()) if config.part in PROJECTIONS else torch.zeros(0)
        self.net: ProjectionNet | SynapseNet = self._fresh()
        self.average = MovingAverage(self.net, decay=config.average)
        gates = [p for name, p in self.net.named_parameters() if name in ("alpha", "gate")]
        others = [p for name, p in self.net.named_parameters() if name not in ("alpha", "gate")]
        groups: list[dict[str, Any]] = [{"params": gates, "lr": config.gate_lr, "weight_decay": 0.0}] if gates else []
        groups += [{"params": others, "lr": config.lr, "weight_decay": config.weight_decay}] if others else []
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
        self.rates = [group["lr"] for group in groups]
        self.columns = (*LOG_COLUMNS, *(f"gate {number}" for number in range(1, len(self.gates()) + 1)))
        self.step, self.minutes, self.aimed = 0, 0.0, float("nan")

    def aim(self) -> float:
        """Stage 1; the share of the tokens' variance over held-out pictures that the picture then explains (of a synapse: the mean over its
        levels)."""
        with torch.no_grad():
            axes = torch.from_numpy(self.pairs.axes)
            targets = self.model.axes(axes, torch.ones(len(axes), 2))
        if isinstance(self.net, SynapseNet):
            levels = [torch.from_numpy(level) for level in self.pairs.levels(self.pictures)]
            explained = self.net.start(self.model.base, levels, targets[self.pictures].mean(1))
            self.aimed = float(np.mean(explained)) if explained else float("nan")
        else:
            self.aimed = self._aim_projection(self.net, targets)
        self.average = MovingAverage(self.net, decay=self.config.average)
        return self.aimed

    def rate(self, fallen: float) -> float:
        return warm(self.step, self.config.warmup) * half_cosine(fallen, lowest=0.02)

    def row(self, now: LogContext) -> tuple:
        checked = self.heldout() if now.measuring else {}
        errors = [f"{checked[n]:.5f}" if checked else "" for n in ("right", "shuffled", "none")]
        loss = "" if math.isnan(now.loss) else f"{now.loss:.5f}"
        gates = [f"{share:.4f}" for share in self.gates()]
        return (self.step, f"{self.minutes:.2f}", f"{now.progress:.3f}", loss, *errors, *gates)

    def gates(self) -> list[float]:
        """What the gates do, if there are any."""
        if isinstance(self.net, SynapseNet):
            return self.net.shares().tolist()
        return torch.tanh(self.net.gate).tolist() if self.config.part == "direct" else []

    def train_step(self, factor: float) -> float:
        """One step of stage 2."""
        config = self.config
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        self.net.train()
        if isinstance(self.net, ProjectionNet):
            self.net.draws.manual_seed((config.seed << 20) + self.step)
        loss = self.losses(self.train.batch(self.step, config.rows), teacher_share=config.teacher_share).mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), config.clip)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        return float(loss.detach())

    def losses(
        self, batch: PairBatch, *, teacher_share: float, pictures: np.ndarray | None = None, present: bool = True
    ) -> Tensor:
        """(B,): weighted squared error of the velocity against the teacher's and the true one. pictures: others than the batch's."""
        tokens = self.model.words(batch.words)
        seen = batch.pictures if pictures is None else pictures
        if not present:
            heard = (*words_context(tokens, batch.mask), None)
        elif isinstance(self.net, SynapseNet):
            levels = [torch.from_numpy(level) for level in self.pairs.levels(seen)]
            heard = self.net(levels, tokens, batch.mask, torch.ones(len(seen)))
        else:
            heard = self.net(self.seen[seen], tokens, batch.mask)
        velocity = self.model.base(batch.noisy, batch.time, *heard)
        wanted = batch.wanted
        if teacher_share:
            with torch.no_grad():
                both = torch.ones(len(batch.axes), 2)
                told = self.model(
                    batch.noisy,
                    batch.time,
                    batch.words,
                    batch.mask,
                    batch.axes,
                    both,
                    torch.full((len(batch.axes),), 4),
                )
            # the mean of two squared errors differs from the error to the mean by a constant
            wanted = teacher_share * told + (1 - teacher_share) * wanted
        return ((velocity - wanted).square() * self.weights).mean(dim=(1, 2))

    def heldout(self) -> dict[str, float]:
        """Mean of `heldout_errors` over the config's number of pairs."""
        return {name: float(errors.mean()) for name, errors in self.heldout_errors(self.config.heldout_pairs).items()}

    @torch.no_grad()
    def heldout_errors(self, pairs: int) -> dict[str, np.ndarray]:
        """Flow loss on held-out pairs, with the right picture, another's, and none (averaged weights)."""
        found: dict[str, list[np.ndarray]] = {"right": [], "shuffled": [], "none": []}
        rows = self.held.rows[np.unique(np.linspace(0, len(self.held.rows) - 1, pairs).astype(int))]
        with averaged(self.net, self.average):
            self.net.eval()
            for first in range(0, len(rows), 64):
                part = rows[first : first + 64]
                batch = self.held.of(part, np.random.default_rng([7, first]))
                others = np.roll(batch.pictures, max(len(part) // 2, 1))
                found["right"].append(self.losses(batch, teacher_share=0.0).numpy())
                found["shuffled"].append(self.losses(batch, teacher_share=0.0, pictures=others).numpy())
                found["none"].append(self.losses(batch, teacher_share=0.0, present=False).numpy())
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def state(self) -> dict[str, Any]:
        return {**progress_of(self, self.net), "aimed": self.aimed, "sizes": self.model.sizes.as_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of another part or size."""
        same = all(state["config"][n] == getattr(self.config, n) for n in ("part", "hidden"))
        if state["sizes"] != self.model.sizes.as_dict() or not same:
            raise UsageError("the checkpoint is of another part or model; use its config, or another 'run' folder")
        take_up(self, self.net, state)
        self.aimed = state["aimed"]

    def _fresh(self) -> ProjectionNet | SynapseNet:
        config = self.config
        if config.part in FORMS:
            flat = [torch.from_numpy(level).flatten(0, 1) for level in self.pairs.levels(self.pictures)]
            return SynapseNet(
                config.part, self.model.sizes, [x.mean(0) for x in flat], [x.std(0).clamp(min=1e-3) for x in flat]
            )
        mine = self.seen[self.pictures]
        return ProjectionNet(
            config.part, self.model.sizes, mine.mean(0), mine.std(0).clamp(min=1e-3), hidden=config.hidden,
            dropout=config.dropout, generator=torch.Generator().manual_seed(config.seed),
        )  # fmt: skip

    def _aim_projection(self, net: ProjectionNet, targets: Tensor) -> float:
        config = self.config
        if config.part == "direct":
            targets = net.start_direct(self.model.base, targets)
        elif config.part == "1":
            targets = targets[:, :1]
        optimizer = torch.optim.AdamW([net.w1, net.b1, net.w2, net.b2], lr=config.aim_lr, weight_decay=0.05)
        rows = torch.from_numpy(self.pictures)
        with torch.no_grad():
            net.b2.copy_(targets[rows].mean(0).flatten())
        net.train()
        for step in range(config.aim_steps):
            for group in optimizer.param_groups:
                group["lr"] = config.aim_lr * half_cosine(step / config.aim_steps, lowest=0.0)
            draw = np.random.default_rng([config.seed, 99, step]).integers(0, len(rows), config.aim_rows)
            picked = rows[torch.from_numpy(draw)]
            net.draws.manual_seed((config.seed << 20) + (1 << 19) + step)
            loss = (net.tokens(self.seen[picked]) - targets[picked]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        net.eval()
        held = torch.from_numpy(self.held_pictures)
        with torch.no_grad():
            error = (net.tokens(self.seen[held]) - targets[held]).square().mean()
        return float(1 - error / (targets[held] - targets[rows].mean(0)).square().mean())


def train_part(
    config: PartConfig, *, steps: int | None = None, minutes: float | None = None, resume: bool = False
) -> PartTrainer:
    """Train until `steps` (the config's without) or `minutes` are over, the rate falling to nothing; writes RUN/last.pt and log.csv.

    Raises:
        UsageError: a run is there already, or is of another part. InputError, NotAvailableError: data, base or checkpoint cannot be used.
    """
    torch.set_num_threads(1)
    target = checkpoint_of(Path(config.run), resume=resume)
    trainer = PartTrainer(config)
    if resume:
        trainer.restore(load_checkpoint(target))
    elif config.aim_steps:
        print(f"aimed: explains {trainer.aim():.3f} of what the tokens say", file=sys.stderr)
    often = Schedule(25, config.heldout_every, config.checkpoint_minutes, from_start=True)
    train_until_over(trainer, target, often, over=share_of(trainer, steps=steps or config.steps, minutes=minutes))
    return trainer
