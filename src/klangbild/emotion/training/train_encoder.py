"""Train the picture encoder by distillation: `klangbild train picture --config configs/picture.toml`.

The student sees 128 pixels and learns to say what the teacher saw at 224: its summary, its four quarters, its opinion on
what the picture shows (Hinton et al. 2015), and what a ridge on the teacher's summary would say of valence and arousal (on
unrated pictures only; no rated picture is ever shown to the student). Runs on CPU and CUDA alike, in bfloat16 where the machine has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from klangbild.emotion.training.batches import Batch, PictureBatches
from klangbild.emotion.training.data.pictures_prepare import TARGET_SCALE, PictureData, load_picture_data
from klangbild.emotion.training.encoder_torch import EncoderSizes, Student
from klangbild.emotion.training.export_encoder import load_student, student_history
from klangbild.emotion.training.ridge import fit_ridge_heads
from klangbild.errors import UsageError
from klangbild.training.checkpoint import MovingAverage, load_checkpoint, save_checkpoint
from klangbild.training.config_file import load_config
from klangbild.training.loop import CHECKPOINT, LogContext, Schedule, share_of_call, train_until_over, warm
from klangbild.training.precision import autocast

LOG_COLUMNS = ("step", "pictures", "minutes", "rate", "loss", "art_r2", "photo_r2", "ms_per_picture")
_TEMPERATURE = 2.0


@dataclass(frozen=True)
class PictureConfig:
    """Everything a run is made of; one TOML file. Loss weights as in the study, none of them tuned."""

    data: str = "data/prepared/pictures.npz"
    run: str = "runs/picture"
    seed: int = 1
    widths: tuple[int, ...] = (32, 64, 128, 192)
    blocks: tuple[int, ...] = (0, 1, 2, 2)
    steps: int = 13_000
    batch: int = 64
    rate: float = 0.002
    warmup: int = 100
    weight_decay: float = 0.03
    clip: float = 2.0
    average: float = 0.999
    weight_quadrants: float = 1.0
    weight_pooled: float = 2.0
    weight_logits: float = 0.3
    weight_emotion: float = 0.3
    mosaic: float = 0.5
    log_every: int = 50
    held_every: int = 500
    checkpoint_minutes: float = 4.0
    keep_minutes: tuple[float, ...] = ()
    shares: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def load(path: Path) -> PictureConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(PictureConfig, path)

    def sizes(self) -> EncoderSizes:
        return EncoderSizes(widths=tuple(self.widths), blocks=tuple(self.blocks))


class PictureTrainer:
    """A student, its optimizer and its data; `state` and `restore` carry it over a restart."""

    columns = LOG_COLUMNS

    def __init__(self, config: PictureConfig, data: PictureData, *, device: str = "cpu") -> None:
        self.config, self.device = config, device
        self.batches = PictureBatches(data, shares=config.shares, mosaic=config.mosaic)
        self.held = {name: self.batches.held_out(name) for name in ("wikiart", "photos")}
        generator = torch.Generator().manual_seed(config.seed)
        self.model = Student(config.sizes(), generator=generator).to(device, memory_format=torch.channels_last)
        self.average = MovingAverage(self.model, decay=config.average)
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=config.rate,
        )
        self.logit_matrix = torch.from_numpy(data.logit_matrix.astype(np.float32)).to(device)
        self.emotion_matrix = torch.from_numpy(emotion_of_teacher(data, seed=config.seed)).to(device)
        self.step, self.minutes = 0, 0.0
        self.before: dict[str, float] = {}  # steps, pictures and minutes of the weights it started from
        self.measured: dict[str, float] = {}

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(), "average": self.average.state_dict(), "minutes": self.minutes,
            "optimizer": self.optimizer.state_dict(), "step": self.step, "sizes": self.config.sizes().as_dict(),
            "pictures": self.step * self.config.batch, "held": self.measured, "before": self.before,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of a network of other sizes."""
        if state["sizes"] != self.config.sizes().as_dict():
            raise UsageError("the checkpoint is of an encoder of other sizes; use its config, or another 'run' folder")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.minutes = state["step"], state["minutes"]
        self.before = state.get("before", {})

    def start_from(self, weights: Path) -> None:
        """Take over what another run has learnt (`picture.safetensors`); the rate warms up again, the average starts anew.

        Raises NotAvailableError: no such file. UsageError: it is of a network of other sizes.
        """
        student, about = load_student(weights), student_history(weights)
        if student.encoder.sizes.as_dict() != self.config.sizes().as_dict():
            raise UsageError(f"{weights}: is an encoder of other sizes; set widths and blocks of your config to them")
        self.model.load_state_dict(student.state_dict())
        self.average = MovingAverage(self.model, decay=self.config.average)
        self.before = about

    def rate(self, fallen: float) -> float:
        """Warm up, stay, and from half of the way on fall to zero along a line."""
        return min(warm(self.step, self.config.warmup), max(0.0, 2.0 - 2.0 * fallen))

    def row(self, now: LogContext) -> tuple:
        held = self.held_out_r2() if now.measuring else {}
        loss = "" if math.isnan(now.loss) else round(now.loss, 4)
        return (
            self.step, self.step * self.config.batch, round(self.minutes, 2), round(self.config.rate * now.factor, 6), loss,
            *(round(held[name], 4) if held else "" for name in ("wikiart", "photos")),
            round(now.s_per_step * 1000 / self.config.batch, 2),
        )  # fmt: skip

    def train_step(self, factor: float) -> Tensor:
        """One step; returns the loss, a scalar, not yet read back from the device."""
        self.model.train()
        batch = self.batches.draw(self.config.batch, seed=self.config.seed, step=self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.rate * factor
        loss = self._loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.average.update(self.model)
        self.step += 1
        return loss.detach()

    def _loss(self, batch: Batch) -> Tensor:
        config = self.config
        rgb = batch.rgb.to(self.device, memory_format=torch.channels_last)
        true_pooled, true_quadrants = batch.pooled.to(self.device), batch.quadrants.to(self.device)
        with autocast(self.device):
            pooled, quadrants = self.model(rgb)
        pooled, quadrants = pooled.float(), quadrants.float()
        teacher = F.log_softmax(self._logits(true_pooled) / _TEMPERATURE, dim=1)
        student = F.log_softmax(self._logits(pooled) / _TEMPERATURE, dim=1)
        emotion = F.mse_loss(pooled @ self.emotion_matrix, true_pooled @ self.emotion_matrix)
        return (
            config.weight_pooled * F.mse_loss(pooled, true_pooled) / true_pooled.var()
            + config.weight_quadrants * F.mse_loss(quadrants, true_quadrants) / true_quadrants.var()
            + config.weight_logits * F.kl_div(student, teacher, log_target=True, reduction="batchmean")
            + config.weight_emotion * emotion
        )

    def _logits(self, pooled: Tensor) -> Tensor:
        return pooled @ self.logit_matrix[:-1] + self.logit_matrix[-1]

    @torch.no_grad()
    def held_out_r2(self) -> dict[str, float]:
        """R squared of the averaged weights on the teacher's summary of pictures that are never trained on."""
        model = self.averaged()
        found = {}
        for name, batch in self.held.items():
            guess = torch.cat([model(part.to(self.device))[0] for part in batch.rgb.split(64)]).float().cpu()
            rest = ((guess - batch.pooled) ** 2).sum()
            found[name] = float(1 - rest / ((batch.pooled - batch.pooled.mean(dim=0)) ** 2).sum())
        self.measured = found
        return found

    def averaged(self) -> Student:
        """A copy with the averaged weights, ready to be looked with; normalization statistics are the present ones."""
        model = Student(self.config.sizes()).to(self.device)
        model.load_state_dict(self.model.state_dict())
        model.load_state_dict(self.average.weights, strict=False)
        return model.eval()


def emotion_of_teacher(data: PictureData, *, seed: int) -> np.ndarray:
    """Ridge heads on the teacher's summary of rated pictures, as directions of the summary -> float32 (256, 4).

    Each direction is scaled so that unrated pictures spread by 1 along it.
    """
    z = data.rated_pooled.astype(np.float64) / TARGET_SCALE
    rng = np.random.default_rng(seed)
    heads = fit_ridge_heads(z, data.rated.astype(np.float64), data.rated_painting.astype(int), data.rated_group, rng)
    directions = heads.coef.reshape(4, -1).T
    spread = (data.pooled[:4000].astype(np.float64) / TARGET_SCALE @ directions).std(axis=0)
    return (directions / np.maximum(spread, 1e-9)).astype(np.float32)


def train(
    config: PictureConfig, *, minutes: float | None = None, steps: int | None = None, device: str = "cpu",
    threads: int = 1,
    resume: bool = True, weights: Path | None = None,
) -> PictureTrainer:  # fmt: skip
    """Train until the config's steps are done, or `minutes` of clock or `steps` more have passed; always resumable.

    weights: a `picture.safetensors` to start from, where there is no checkpoint to go on from. At each of the config's
    `keep_minutes` a copy of the checkpoint stays as `minutes-M.pt`, so that quality can be held against time.
    """
    torch.set_num_threads(threads)
    checkpoint = Path(config.run, CHECKPOINT)
    trainer = PictureTrainer(config, load_picture_data(config.data), device=device)
    if resume and checkpoint.is_file():
        trainer.restore(load_checkpoint(checkpoint, device=device))
    elif weights is not None:
        trainer.start_from(weights)
    of_call = share_of_call(trainer, minutes=minutes, steps=steps or None)
    spent = trainer.minutes

    def keep_copies(_: bool) -> None:
        nonlocal spent
        for kept in config.keep_minutes:
            if spent < kept <= trainer.minutes:
                save_checkpoint(checkpoint.with_name(f"minutes-{kept:g}.pt"), trainer.state())
        spent = trainer.minutes

    train_until_over(
        trainer,
        checkpoint,
        Schedule(config.log_every, config.held_every, config.checkpoint_minutes),
        over=lambda: max(trainer.step / config.steps, of_call()),
        fallen=lambda: trainer.step / config.steps,
        new_log=not resume,
        after_step=keep_copies,
    )
    return trainer
