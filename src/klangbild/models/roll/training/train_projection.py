"""`klangbild train art2mus`: Art2Mus's recipe on our sound model. The sound model is frozen, only a projection learns.

Pictures and clips come from matched pairs (`data/small_pairs`). In two stages:

    1. aim      the picture's tokens are drawn to the tokens of words that say what the paired clip is (half a minute)
    2. listen   through the frozen model: the velocity that the picture makes it predict is drawn to what it predicts from
                the clip's words (`teacher_share` of the loss), and to the true velocity (the rest: Art2Mus's own loss)

Stage 1 and the teacher are ours: with some thousand pairs and minutes of a processor, the true velocity alone is too noisy
a teacher. `teacher_share = 0` and `aim_steps = 0` is the recipe as published (but for its guidance inside the loss).

Sources: Art2Mus, arXiv 2410.04906, section 3.2; Hinton et al. (2015) for learning from another model's outputs.
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

from klangbild.emotion.space import Emotion
from klangbild.errors import UsageError
from klangbild.models.roll.caption_words import MAX_WORDS, Vocabulary, density_word, tempo_word
from klangbild.models.roll.data.captions import ClipLatents
from klangbild.models.roll.data.pairs import SoundPairs
from klangbild.models.roll.describe_emotion import emotion_words
from klangbild.models.roll.network_torch import SoundModel, words_context
from klangbild.models.roll.projection_torch import ProjectionNet
from klangbild.models.roll.training.clips import open_clips
from klangbild.models.roll.training.export import load_model
from klangbild.models.roll.training.pair_batches import PairBatch, PairBatches
from klangbild.training.checkpoint import MovingAverage, load_checkpoint, progress_of, take_up
from klangbild.training.config_file import load_config
from klangbild.training.loop import LogContext, Schedule, checkpoint_of, half_cosine, share_of, train_until_over, warm

NEAR_WORDS = 5
LOG_COLUMNS = ("step", "minutes", "rate", "loss", "heldout_right", "heldout_shuffled", "heldout_none")


@dataclass(frozen=True)
class ProjectionConfig:
    """Everything a run is made of; one TOML file. variant: 1, 4 or direct; latent: see `sound_base.SoundConfig`."""

    pairs: str = "data/prepared/roll-pairs.npz"
    data: str = "data/prepared/roll.npz"
    latent: str = "checkpoints/roll-latent.safetensors"
    base: str = "src/klangbild/weights/roll/sound-base.onnx"
    run: str = "runs/roll-art2mus"
    variant: str = "4"
    seed: int = 1
    hidden: int = 128
    dropout: float = 0.3
    aim_steps: int = 600
    aim_rows: int = 128
    aim_lr: float = 2e-3
    steps: int = 300
    rows: int = 16
    crop: int = 32
    lr: float = 5e-4
    warmup: int = 20
    weight_decay: float = 0.02
    clip: float = 1.0
    average: float = 0.98
    teacher_share: float = 0.8
    said_share: float = 0.25
    heldout_pairs: int = 64
    heldout_every: int = 100
    checkpoint_minutes: float = 2.0

    @staticmethod
    def load(path: Path) -> ProjectionConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(ProjectionConfig, path)


def target_words(data: ClipLatents, clip: int) -> list[list[str]]:
    """Four words that say what a clip is: feeling, tempo, density, mode; stage 1's aim. Once for each near feeling, so that
    the aim is where feelings of that kind lie, not the one word that happens to be nearest."""
    place = Emotion(*(float(np.clip(v[clip], -1, 1)) for v in (data.valence, data.arousal)))
    mode = ("minor", "major")[int(data.mode[clip])]
    rest = [tempo_word(float(data.tempo[clip])), density_word(float(data.rate[clip])), mode]
    return [[word, *rest] for word in emotion_words(place, NEAR_WORDS)]


@torch.no_grad()
def target_tokens(model: SoundModel, vocabulary: Vocabulary, data: ClipLatents, clips: np.ndarray) -> Tensor:
    """(n, 4, D): the words encoder's tokens of `target_words`, mean over the near feelings."""
    free = [0] * (MAX_WORDS - 4)
    ids = [[*(vocabulary.number[w] for w in words), *free] for c in clips for words in target_words(data, int(c))]
    tokens = torch.cat([model.words(part)[:, :4] for part in torch.tensor(ids).split(256)])
    return tokens.unflatten(0, (len(clips), NEAR_WORDS)).mean(dim=1)


def losses(model: SoundModel, net: ProjectionNet, batch: PairBatch, weights: Tensor, *, teacher_share: float) -> Tensor:
    """(B,): weighted squared error of the velocity against the teacher's and the true one."""
    tokens = model.words(batch.beside)
    said = batch.said
    heard = net(batch.embedding, tokens, batch.beside_mask, said)
    velocity = model.base(batch.noisy, batch.time, *heard)
    wanted = batch.wanted
    if teacher_share:
        with torch.no_grad():
            told = model.base(batch.noisy, batch.time, *words_context(model.words(batch.full), batch.full_mask))
        # the mean of two squared errors differs from the error to the mean by a constant
        wanted = teacher_share * told + (1 - teacher_share) * wanted
    return ((velocity - wanted).square() * weights).mean(dim=(1, 2))


class ProjectionTrainer:
    """The frozen model, the projection and its data."""

    columns = LOG_COLUMNS

    def __init__(self, config: ProjectionConfig) -> None:
        self.config = config
        self.model, self.vocabulary, self.about = load_model(Path(config.base))
        self.model.requires_grad_(False)
        self.pairs, self.data = SoundPairs.load(Path(config.pairs)), open_clips(Path(config.data), config.latent)
        self.weights = torch.from_numpy(self.data.channel_weights)
        self.train = PairBatches(
            self.pairs, self.data, self.vocabulary, heldout=False, said_share=config.said_share, seed=config.seed
        )
        self.held = PairBatches(self.pairs, self.data, self.vocabulary, heldout=True, said_share=0.0, seed=7)
        mine = torch.from_numpy(self.train.embedding[self.train.rows])
        self.net = ProjectionNet(
            config.variant, self.model.sizes, mine.mean(0), mine.std(0).clamp(min=1e-3), hidden=config.hidden,
            dropout=config.dropout, generator=torch.Generator().manual_seed(config.seed),
        )  # fmt: skip
        self.average = MovingAverage(self.net, decay=config.average)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        self.step, self.minutes, self.aimed = 0, 0.0, float("nan")

    def aim(self) -> float:
        """Stage 1; the share of the tokens' variance over held-out pairs that the picture then explains."""
        config = self.config
        targets = target_tokens(self.model, self.vocabulary, self.data, self.pairs.clip)
        if config.variant == "direct":
            targets = self.net.start_direct(self.model.base, targets)
        elif config.variant == "1":
            targets = targets.mean(dim=1, keepdim=True)
        seen = torch.from_numpy(self.train.embedding)
        first = [self.net.w1, self.net.b1, self.net.w2, self.net.b2]
        optimizer = torch.optim.AdamW(first, lr=config.aim_lr, weight_decay=0.05)
        rows = torch.from_numpy(self.train.rows)
        with torch.no_grad():
            self.net.b2.copy_(targets[rows].mean(0).flatten())
        self.net.train()
        for step in range(config.aim_steps):
            for group in optimizer.param_groups:
                group["lr"] = config.aim_lr * 0.5 * (1 + math.cos(math.pi * step / config.aim_steps))
            draw = np.random.default_rng([config.seed, 99, step]).integers(0, len(rows), config.aim_rows)
            picked = rows[torch.from_numpy(draw)]
            loss = (self.net.tokens(seen[picked]) - targets[picked]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.average = MovingAverage(self.net, decay=config.average)
        self.net.eval()
        held = torch.from_numpy(self.held.rows)
        with torch.no_grad():
            error = (self.net.tokens(seen[held]) - targets[held]).square().mean()
        self.aimed = float(1 - error / (targets[held] - targets[rows].mean(0)).square().mean())
        return self.aimed

    def rate(self, fallen: float) -> float:
        return warm(self.step, self.config.warmup) * half_cosine(fallen, lowest=0.02)

    def row(self, now: LogContext) -> tuple:
        checked = self.heldout() if now.measuring else {}
        errors = [f"{checked[n]:.5f}" if checked else "" for n in ("right", "shuffled", "none")]
        return (self.step, f"{self.minutes:.2f}", f"{now.progress:.3f}", f"{now.loss:.5f}", *errors)

    def train_step(self, factor: float) -> float:
        """One step of stage 2."""
        config = self.config
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * factor
        self.net.train()
        batch = self.train.batch(self.step, config.rows, config.crop)
        loss = losses(self.model, self.net, batch, self.weights, teacher_share=config.teacher_share).mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), config.clip)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def heldout(self) -> dict[str, float]:
        """Flow loss on held-out pairs with the right picture, with another's, and with none."""
        net = self.averaged()
        totals = {"right": 0.0, "shuffled": 0.0, "none": 0.0}
        rows = self.held.rows[np.linspace(0, len(self.held.rows) - 1, self.config.heldout_pairs).astype(int)]
        for first in range(0, len(rows), 16):
            part = rows[first : first + 16]
            batch = self.held.of(part, np.random.default_rng([7, first]), self.data.latents.shape[1])
            other = dataclasses.replace(batch, embedding=batch.embedding.roll(len(part) // 2, dims=0))
            for name, one in (("right", batch), ("shuffled", other)):
                totals[name] += float(losses(self.model, net, one, self.weights, teacher_share=0.0).sum())
            context = words_context(self.model.words(batch.beside), batch.beside_mask)
            error = (self.model.base(batch.noisy, batch.time, *context) - batch.wanted).square() * self.weights
            totals["none"] += float(error.mean(dim=(1, 2)).sum())
        return {name: total / len(rows) for name, total in totals.items()}

    def averaged(self) -> ProjectionNet:
        """The projection with its averaged weights."""
        net = ProjectionNet(
            self.config.variant, self.model.sizes, self.net.mean, self.net.scale, hidden=self.config.hidden
        )
        net.load_state_dict({**self.net.state_dict(), **self.average.weights})
        return net.eval()

    def state(self) -> dict[str, Any]:
        return {
            **progress_of(self, self.net),
            "aimed": self.aimed,
            "sizes": self.model.sizes.as_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of another variant or size."""
        same = ("variant", "hidden")
        if state["sizes"] != self.model.sizes.as_dict() or any(
            state["config"][n] != getattr(self.config, n) for n in same
        ):
            raise UsageError("the checkpoint is of another projection; use its config, or another 'run' folder")
        take_up(self, self.net, state)
        self.aimed = state["aimed"]


def train_projection(
    config: ProjectionConfig, *, minutes: float | None = None, steps: int | None = None, resume: bool = False
) -> Path:
    """Train until the steps (or minutes in all) are over; returns the run's last.pt.

    Raises:
        InputError: data or base cannot be used. UsageError: a run is there already, or is of another projection.
    """
    target = checkpoint_of(Path(config.run), resume=resume)
    trainer = ProjectionTrainer(config)
    if resume:
        trainer.restore(load_checkpoint(target))
    elif config.aim_steps:
        print(f"aimed: explains {trainer.aim():.3f} of the tokens' variance on held-out pairs", file=sys.stderr)
    often = Schedule(25, config.heldout_every, config.checkpoint_minutes, from_start=True)
    train_until_over(trainer, target, often, over=share_of(trainer, steps=steps or config.steps, minutes=minutes))
    return target
