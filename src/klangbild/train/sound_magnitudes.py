"""Training the vocoder's net, `klangbild train sound-magnitudes`: from log-mel back to magnitudes, by mean absolute error.

Rendered clips give both sides. Half of the crops show the net mel that went through the sound model's latent and back, with
a little noise on it, since that is what it will be given; the target is always the true magnitudes. The learning rate
falls along half a cosine over the steps (or, with --minutes, over the minutes).
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

from klangbild.data.vocoder_clips import vocoder_clips
from klangbild.diffusion.small_latent import (
    CHANNELS,
    FLOOR,
    MelLatent,
    PatchMoments,
    from_int8,
    log_mel,
    magnitudes,
    to_int8,
)
from klangbild.diffusion.small_magnitudes_torch import MagnitudeNet, MagnitudeSizes
from klangbild.errors import UsageError
from klangbild.train.checkpoint import MovingAverage, averaged, load_checkpoint, progress_of, take_up
from klangbild.train.config_file import load_config
from klangbild.train.run import Moment, Often, checkpoint_of, half_cosine, share_of, train_until_over, warm

LOG_COLUMNS = ("step", "minutes", "rate", "loss_db", "heldout_db", "heldout_true_mel_db")
DB = 20 / math.log(10)  # decibels of a natural logarithm of a magnitude


@dataclass(frozen=True)
class MagnitudesConfig:
    """Everything a run is made of; one TOML file."""

    notes: str = "data/prepared/notes.npz"
    latent: str = "data/prepared/sound.npz"
    run: str = "runs/sound-magnitudes"
    seed: int = 1
    clips: int = 280
    heldout_clips: int = 40
    crops: int = 16
    crop_frames: int = 96
    steps: int = 3000
    lr: float = 2e-3
    warmup: int = 50
    weight_decay: float = 0.01
    clip: float = 1.0
    average: float = 0.998
    latent_share: float = 0.5
    latent_noise: float = 0.15
    heldout_every: int = 500
    checkpoint_minutes: float = 2.0
    width: int = 192
    blocks: int = 3
    widening: int = 3
    kernel: int = 7

    @staticmethod
    def load(path: Path) -> MagnitudesConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(MagnitudesConfig, path)

    @property
    def sizes(self) -> MagnitudeSizes:
        return MagnitudeSizes(self.width, self.blocks, self.widening, self.kernel)


class Spectra:
    """Clips as what the net reads and what it shall say, all natural logarithms in float16.

    target (n, frames, 513); mel (n, frames, 80), true; latents (n, frames // 4, 64), whitened.
    """

    def __init__(self, sounds: np.ndarray, latent: MelLatent) -> None:
        self.latent = latent
        found = [magnitudes(sound) for sound in sounds]
        self.target = np.stack([np.log(np.maximum(m, FLOOR)).astype(np.float16) for m in found])
        mels = [log_mel(m) for m in found]
        self.mel = np.stack(mels).astype(np.float16)
        self.latents = np.stack([from_int8(to_int8(latent.encode(mel))) for mel in mels])

    def crops(self, config: MagnitudesConfig, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(mel (crops, frames, 80), target (crops, frames, 513)), float32."""
        frames = config.crop_frames // 4
        seen, said = [], []
        for _ in range(config.crops):
            clip = int(rng.integers(len(self.target)))
            start = int(rng.integers(self.latents.shape[1] - frames + 1))
            stretch = slice(4 * start, 4 * (start + frames))
            if rng.random() < config.latent_share:
                noise = rng.standard_normal((frames, CHANNELS)) * config.latent_noise * rng.random()
                seen.append(self.latent.decode(self.latents[clip, start : start + frames] + noise))
            else:
                seen.append(self.mel[clip, stretch].astype(np.float32))
            said.append(self.target[clip, stretch].astype(np.float32))
        return torch.from_numpy(np.stack(seen)), torch.from_numpy(np.stack(said))


def read_latent(config: MagnitudesConfig, sounds: np.ndarray) -> MelLatent:
    """The sound model's latent; where it is not prepared yet, one fitted on these clips."""
    if Path(config.latent).is_file():
        return MelLatent.load(config.latent)
    print(f"{config.latent}: is not there; a latent is fitted on these clips instead", file=sys.stderr)
    moments = PatchMoments()
    for sound in sounds:
        moments.add(log_mel(magnitudes(sound)))
    return moments.fit()[0]


@torch.no_grad()
def heldout_db(net: MagnitudeNet, spectra: Spectra, *, through_latent: bool) -> float:
    """Mean absolute error of log-magnitudes in dB on all of `spectra`."""
    total = 0.0
    for mel, latents, target in zip(spectra.mel, spectra.latents, spectra.target, strict=True):
        seen = spectra.latent.decode(latents) if through_latent else mel.astype(np.float32)
        said = net(torch.from_numpy(seen)[None])[0]
        total += float((said - torch.from_numpy(target.astype(np.float32))).abs().mean())
    return DB * total / len(spectra.target)


class MagnitudesTrainer:
    """The net, its optimiser and both sides of the clips; `state` and `restore` carry a run over."""

    columns = LOG_COLUMNS

    def __init__(self, config: MagnitudesConfig) -> None:
        self.config = config
        clips = vocoder_clips(
            Path(config.run) / "clips.npz", Path(config.notes), n_train=config.clips, n_heldout=config.heldout_clips
        )
        sounds = clips.side(heldout=False)
        self.latent = read_latent(config, sounds)
        self.train, self.held = Spectra(sounds, self.latent), Spectra(clips.side(heldout=True), self.latent)
        self.net = MagnitudeNet(config.sizes, generator=torch.Generator().manual_seed(config.seed))
        self.average = MovingAverage(self.net, decay=config.average)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=config.lr, weight_decay=config.weight_decay)
        self.step, self.minutes = 0, 0.0

    def rate(self, fallen: float) -> float:
        return warm(self.step, self.config.warmup) * half_cosine(fallen, lowest=0.01)

    def train_step(self, factor: float) -> float:
        """One step; its loss, a natural logarithm."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * factor
        mel, target = self.train.crops(self.config, np.random.default_rng([self.config.seed, self.step]))
        loss = (self.net(mel) - target).abs().mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        self.optimizer.step()
        self.average.update(self.net)
        self.step += 1
        return loss.item()

    def row(self, now: Moment) -> tuple:
        errors = ["", ""]
        if now.measuring:
            with averaged(self.net, self.average):
                errors = [f"{heldout_db(self.net, self.held, through_latent=way):.3f}" for way in (True, False)]
        return (self.step, f"{self.minutes:.2f}", f"{now.progress:.3f}", f"{DB * now.loss:.3f}", *errors)

    def state(self) -> dict[str, Any]:
        return {
            **progress_of(self, self.net),
            "sizes": self.config.sizes.as_dict(),
            "latent": {n: torch.from_numpy(getattr(self.latent, n)) for n in ("mean", "axes", "spread")},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of other sizes."""
        if state["sizes"] != self.config.sizes.as_dict():
            raise UsageError("the checkpoint is of a network of other sizes; use its config, or another 'run' folder")
        take_up(self, self.net, state)


def train_magnitudes(
    config: MagnitudesConfig,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    threads: int = 1,
    resume: bool = False,
) -> Path:
    """Train until the steps (or minutes in all) are over; returns the run's last.pt.

    Raises:
        InputError: the prepared data cannot be used. UsageError: a run is there already, or is of another network.
    """
    torch.set_num_threads(threads)
    target = checkpoint_of(Path(config.run), resume=resume)
    trainer = MagnitudesTrainer(config)
    if resume:
        trainer.restore(load_checkpoint(target))
    often = Often(50, config.heldout_every, config.checkpoint_minutes)
    train_until_over(trainer, target, often, over=share_of(trainer, steps=steps or config.steps, minutes=minutes))
    return target
