"""`klangbild train melfusion` without `--music-model`: MeLFusion's synapse on our sound model. Only gates and maps learn.

Triplets of picture, words and clip come from matched pairs (`data/small_pairs`) and captions that mostly say who plays and
how fast, seldom what is felt: that is left to the picture. Words and picture are each dropped in a tenth of the cases.

The velocity that words and picture together make the frozen model predict is drawn to what it predicts from all that is true
of the clip, emotion words included (`teacher_share` of the loss, as in `small_art2mus`), and to the true velocity.

Sources: MeLFusion, arXiv 2406.04673; Hinton et al. (2015) for learning from another model's outputs.
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
from torch import Tensor

from klangbild.errors import UsageError
from klangbild.models.roll.caption_words import Vocabulary, caption_mask
from klangbild.models.roll.data.batches import TIME_MIDDLE, TIME_SPREAD, crops
from klangbild.models.roll.data.captions import ClipLatents, caption
from klangbild.models.roll.data.pairs import SoundPairs
from klangbild.models.roll.network_torch import SoundModel, words_context
from klangbild.models.roll.synapse_torch import SynapseNet
from klangbild.models.roll.training.clips import open_clips
from klangbild.models.roll.training.export import load_model
from klangbild.models.roll.training.train_projection import target_tokens
from klangbild.training.checkpoint import MovingAverage, averaged, load_checkpoint, progress_of, take_up
from klangbild.training.config_file import load_config
from klangbild.training.loop import LogContext, Schedule, checkpoint_of, share_of, train_until_over, warm

LOG_COLUMNS = ("step", "minutes", "rate", "loss", "heldout_right", "heldout_shuffled", "heldout_none")
CHECKPOINT_MINUTES = 2.0


@dataclass(frozen=True)
class SynapseConfig:
    """Everything a run is made of; one TOML file. form: gated, paper or released."""

    pairs: str = "data/prepared/roll-pairs.npz"
    data: str = "data/prepared/roll.npz"
    latent: str = "checkpoints/roll-latent.safetensors"
    base: str = "src/klangbild/weights/roll/sound-base.onnx"
    run: str = "runs/roll-melfusion"
    form: str = "gated"
    seed: int = 1
    fitted_start: bool = True
    steps: int = 250
    rows: int = 16
    crop: int = 32
    lr: float = 5e-4
    gate_lr: float = 5e-3
    warmup: int = 10
    weight_decay: float = 0.01
    clip: float = 1.0
    average: float = 0.98
    drop_words: float = 0.1
    drop_picture: float = 0.1
    feelings_said: float = 0.2
    teacher_share: float = 0.8
    heldout_pairs: int = 64
    heldout_every: int = 125

    @staticmethod
    def load(path: Path) -> SynapseConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(SynapseConfig, path)


@dataclass(frozen=True)
class TripletBatch:
    """noisy, wanted (B, T, 92): x_t and data - noise; time (B,); levels (B, 16, c) each; words and all that is true of the
    clip (B, 12) with their masks; present (B,): 0 where the picture is dropped."""

    noisy: Tensor
    wanted: Tensor
    time: Tensor
    levels: list[Tensor]
    words: Tensor
    mask: Tensor
    full: Tensor
    full_mask: Tensor
    present: Tensor


class TripletBatches:
    """Draws triplets of one side of the split; a batch is a function of seed and step."""

    def __init__(
        self,
        pairs: SoundPairs,
        data: ClipLatents,
        vocabulary: Vocabulary,
        config: SynapseConfig,
        *,
        heldout: bool,
    ) -> None:
        self.pairs, self.data, self.vocabulary, self.config = pairs, data, vocabulary, config
        self.rows = np.flatnonzero(pairs.heldout == heldout)
        self.dropping = not heldout

    def batch(self, step: int) -> TripletBatch:
        rng = np.random.default_rng([self.config.seed, step])
        return self.of(self.rows[rng.integers(0, len(self.rows), self.config.rows)], rng, self.config.crop)

    def of(self, rows: np.ndarray, rng: np.random.Generator, length: int) -> TripletBatch:
        """Pairs by number (B,), `length` latents of each clip."""
        clips = self.pairs.clip[rows]
        latents = crops(self.data, clips, length, rng)
        noise = rng.standard_normal(latents.shape, dtype=np.float32)
        odds = TIME_MIDDLE + TIME_SPREAD * rng.standard_normal(len(rows))
        time_ = (1 / (1 + np.exp(-odds))).astype(np.float32)
        t = time_[:, None, None]
        feelings = self.config.feelings_said if self.dropping else 0.0
        said = [caption(self.data, int(c), rng, feelings=feelings) for c in clips]
        full = [caption(self.data, int(c), rng, full=True) for c in clips]
        words, all_words = (np.array([self.vocabulary.read(text).ids for text in texts]) for texts in (said, full))
        present = np.ones(len(rows), np.float32)
        if self.dropping:
            words[rng.random(len(rows)) < self.config.drop_words] = 0
            present = (rng.random(len(rows)) >= self.config.drop_picture).astype(np.float32)
        masks = [np.array([caption_mask(ids) for ids in table.tolist()], np.float32) for table in (words, all_words)]
        given = ((1 - t) * noise + t * latents, latents - noise, time_)
        told = (words, masks[0], all_words, masks[1], present)
        levels = [torch.from_numpy(level) for level in self.pairs.levels(rows)]
        return TripletBatch(*(torch.from_numpy(a) for a in given), levels, *(torch.from_numpy(a) for a in told))


def losses(model: SoundModel, net: SynapseNet, batch: TripletBatch, weights: Tensor, *, teacher_share: float) -> Tensor:
    """(B,): weighted squared error of the velocity against the teacher's and the true one."""
    heard = net(batch.levels, model.words(batch.words), batch.mask, batch.present)
    velocity = model.base(batch.noisy, batch.time, *heard)
    wanted = batch.wanted
    if teacher_share:
        with torch.no_grad():
            told = model.base(batch.noisy, batch.time, *words_context(model.words(batch.full), batch.full_mask))
        # the mean of two squared errors differs from the error to the mean by a constant; a dropped picture has no teacher
        share = (teacher_share * batch.present)[:, None, None]
        wanted = share * told + (1 - share) * wanted
    return ((velocity - wanted).square() * weights).mean(dim=(1, 2))


class SynapseTrainer:
    """The frozen model, the synapse and its data."""

    def __init__(self, config: SynapseConfig) -> None:
        self.config = config
        self.model, self.vocabulary, self.about = load_model(Path(config.base))
        self.model.requires_grad_(False)
        self.pairs, self.data = SoundPairs.load(Path(config.pairs)), open_clips(Path(config.data), config.latent)
        self.weights = torch.from_numpy(self.data.channel_weights)
        self.train = TripletBatches(self.pairs, self.data, self.vocabulary, config, heldout=False)
        self.held = TripletBatches(self.pairs, self.data, self.vocabulary, config, heldout=True)
        levels = [torch.from_numpy(level) for level in self.pairs.levels(self.train.rows)]
        flat = [level.flatten(0, 1) for level in levels]
        self.net = SynapseNet(
            config.form, self.model.sizes, [x.mean(0) for x in flat], [x.std(0).clamp(min=1e-3) for x in flat]
        )
        self.explained: list[float] = []
        if config.fitted_start:
            clips = self.pairs.clip[self.train.rows]
            targets = target_tokens(self.model, self.vocabulary, self.data, clips).mean(1)
            self.explained = self.net.start(self.model.base, levels, targets)
        self.average = MovingAverage(self.net, decay=config.average)
        gates = [self.net.alpha]
        maps = [p for p in self.net.parameters() if p is not self.net.alpha]
        groups = [{"params": gates, "lr": config.gate_lr, "weight_decay": 0.0}]
        groups += [{"params": maps, "lr": config.lr, "weight_decay": config.weight_decay}] if maps else []
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
        self.rates = [group["lr"] for group in groups]
        self.columns = (*LOG_COLUMNS, *(f"gate {number}" for number in range(1, len(self.net.alpha) + 1)))
        self.step, self.minutes = 0, 0.0

    def rate(self, fallen: float) -> float:
        return warm(self.step, self.config.warmup) * (1 - min(fallen, 1.0))

    def row(self, now: LogContext) -> tuple:
        checked = self.heldout() if now.measuring else {}
        errors = [f"{checked[n]:.5f}" if checked else "" for n in ("right", "shuffled", "none")]
        gates = [f"{share:.4f}" for share in self.net.shares().tolist()]
        loss = "" if math.isnan(now.loss) else f"{now.loss:.5f}"
        return (self.step, f"{self.minutes:.2f}", f"{1 - now.progress:.3f}", loss, *errors, *gates)

    def train_step(self, factor: float) -> float:
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor
        self.net.train()
        batch = self.train.batch(self.step)
        loss = losses(self.model, self.net, batch, self.weights, teacher_share=self.config.teacher_share).mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        return float(loss.detach())

    def heldout(self) -> dict[str, float]:
        """Mean of `heldout_errors` over the config's number of pairs."""
        return {name: float(errors.mean()) for name, errors in self.heldout_errors(self.config.heldout_pairs).items()}

    @torch.no_grad()
    def heldout_errors(self, pairs: int) -> dict[str, np.ndarray]:
        """Flow loss on held-out triplets, words without feelings: the right picture, another's, none (averaged weights)."""
        found: dict[str, list[np.ndarray]] = {"right": [], "shuffled": [], "none": []}
        rows = self.held.rows[np.unique(np.linspace(0, len(self.held.rows) - 1, pairs).astype(int))]
        with averaged(self.net, self.average):
            self.net.eval()
            for first in range(0, len(rows), 16):
                part = rows[first : first + 16]
                batch = self.held.of(part, np.random.default_rng([7, first]), self.data.latents.shape[1])
                others = [level.roll(max(len(part) // 2, 1), dims=0) for level in batch.levels]
                cases = {
                    "right": batch,
                    "shuffled": dataclasses.replace(batch, levels=others),
                    "none": dataclasses.replace(batch, present=torch.zeros_like(batch.present)),
                }
                for name, case in cases.items():
                    found[name].append(losses(self.model, self.net, case, self.weights, teacher_share=0.0).numpy())
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def state(self) -> dict[str, Any]:
        return {
            **progress_of(self, self.net),
            "explained": self.explained,
            "sizes": self.model.sizes.as_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of another form or size."""
        if state["sizes"] != self.model.sizes.as_dict() or state["config"]["form"] != self.config.form:
            raise UsageError("the checkpoint is of another form or model; use its config, or another 'run' folder")
        take_up(self, self.net, state)
        self.explained = state["explained"]


def train_synapse(
    config: SynapseConfig, *, steps: int | None = None, minutes: float | None = None, resume: bool = False
) -> SynapseTrainer:
    """Train until `steps` (the config's without) or `minutes` are over, the rate falling to zero; writes RUN/last.pt and log.csv.

    Raises:
        UsageError: a run is already there. InputError, NotAvailableError: data, base or checkpoint cannot be used.
    """
    torch.set_num_threads(1)
    target = checkpoint_of(Path(config.run), resume=resume)
    trainer = SynapseTrainer(config)
    if resume:
        trainer.restore(load_checkpoint(target))
    elif trainer.explained:
        told = ", ".join(f"{share:.3f}" for share in trainer.explained)
        print(f"start: levels explain {told} of the words' variance on training pictures", file=sys.stderr)
    often = Schedule(25, config.heldout_every, CHECKPOINT_MINUTES, from_start=True)
    train_until_over(trainer, target, often, over=share_of(trainer, steps=steps or config.steps, minutes=minutes))
    return trainer
