"""Training the piano-roll latent: `klangbild train roll-latent`. Beats in, the same beats out, through 80 numbers.

Beats are drawn from training clips, a run of eight at a time, and moved by nothing: they stand in C major / A minor already. The rate
falls along half a cosine to nothing at the end of the steps (or minutes) that were asked for.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import UsageError
from klangbild.models.roll.data.prepared import CLIP_BEATS, Beats, RollData
from klangbild.models.roll.grid import FIRST_LANE, GROUPS, N_LANES, STEPS
from klangbild.models.roll.latent import CHANNELS, CODE, RollLatent, notes_of
from klangbild.models.roll.latent_torch import NOISE, RollAutoencoder, RollSizes, beat_loss
from klangbild.training.checkpoint import load_checkpoint
from klangbild.training.config_file import load_config
from klangbild.training.curves import draw_losses
from klangbild.training.loop import LogContext, Schedule, checkpoint_of, half_cosine, share_of, train_until_over, warm

LOG_COLUMNS = ("step", "minutes", "rate", "loss", "heldout", "onset_f1")
_STRIDE = 8


@dataclass(frozen=True)
class RollLatentConfig:
    """Everything a run is made of; one TOML file."""

    data: str = "data/prepared/roll.npz"
    run: str = "runs/roll-latent"
    seed: int = 1
    encoder: int = 320
    decoder: int = 288
    steps: int = 12_000
    beats: int = 256
    lr: float = 3e-3
    warmup: int = 100
    weight_decay: float = 0.01
    clip: float = 5.0
    heldout_clips: int = 64
    heldout_every: int = 1000
    checkpoint_minutes: float = 4.0

    @staticmethod
    def load(path: Path) -> RollLatentConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(RollLatentConfig, path)


class RollLatentTrainer:
    """Autoencoder, optimiser and beats; `state` and `restore` carry a run over."""

    columns = LOG_COLUMNS

    def __init__(self, config: RollLatentConfig, data: RollData) -> None:
        self.config = config
        self.beats = data.beats()
        starts = self.beats.first[data.clip_run] + data.clip_beat
        self.starts = starts[~data.clip_heldout]
        held = starts[data.clip_heldout]
        picked = np.unique(np.linspace(0, len(held) - 1, config.heldout_clips).astype(int))
        self.held = (held[picked][:, None] + np.arange(CLIP_BEATS)).ravel()
        self.model = RollAutoencoder(RollSizes(config.encoder, config.decoder), seed=config.seed)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.lr, betas=(0.9, 0.98), weight_decay=config.weight_decay
        )
        self.step, self.minutes = 0, 0.0

    def rate(self, fallen: float) -> float:
        return warm(self.step, self.config.warmup) * half_cosine(fallen, lowest=0.01)

    def row(self, now: LogContext) -> tuple:
        checked = self.heldout() if now.measuring else {}
        held = [f"{checked[n]:.4f}" if checked else "" for n in ("loss", "onset_f1")]
        return (self.step, f"{self.minutes:.2f}", f"{1 - now.progress:.3f}", f"{now.loss:.4f}", *held)

    def train_step(self, factor: float) -> float:
        """One step; its loss, nats a beat."""
        config = self.config
        rng = np.random.default_rng([config.seed, self.step])
        first = rng.choice(self.starts, config.beats // _STRIDE) + rng.integers(0, CLIP_BEATS - _STRIDE + 1)
        index, offset, loud = beats_at(self.beats, (first[:, None] + np.arange(_STRIDE)).ravel())
        noise = torch.from_numpy(rng.standard_normal((len(loud), CODE), dtype=np.float32) * np.float32(NOISE))
        self.model.train()
        loss = beat_loss(*self.model.decode(self.model.encode(index, offset, loud) + noise), index, offset, loud).mean()
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * factor
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def heldout(self, noise: float = NOISE) -> dict[str, float]:
        """On held-out beats, disturbed: nats a beat, and F1 of onsets over all lanes and for each group."""
        self.model.eval()
        index, offset, loud = beats_at(self.beats, self.held)
        code = self.model.encode(index, offset, loud)
        disturbed = code + noise * torch.randn(code.shape, generator=torch.Generator().manual_seed(7))
        loss = float(beat_loss(*self.model.decode(disturbed), index, offset, loud).mean())
        latents = np.zeros((len(code), CHANNELS), np.float32)
        latents[:, :CODE] = disturbed.numpy()
        return {"loss": loss, **onset_scores(RollLatent(self.model.arrays()), latents, self.beats, self.held)}

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "minutes": self.minutes,
            "sizes": self.model.sizes.as_dict(),
            "config": dataclasses.asdict(self.config),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint. Raises UsageError: it is of another size."""
        if state["sizes"] != self.model.sizes.as_dict():
            raise UsageError("the checkpoint is of another network; use its config, or another 'run' folder")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.minutes = state["step"], state["minutes"]


def beats_at(beats: Beats, rows: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Some beats: numbers (E,) int64, offset (B + 1,) int64, loudness (B, 6)."""
    sizes = beats.offset[rows + 1] - beats.offset[rows]
    offset = np.concatenate([[0], np.cumsum(sizes)])
    places = np.repeat(beats.offset[rows] - offset[:-1], sizes) + np.arange(offset[-1])
    return (
        torch.from_numpy(beats.index[places].astype(np.int64)),
        torch.from_numpy(offset),
        torch.from_numpy(beats.loud[rows]),
    )


def onset_scores(latent: RollLatent, latents: np.ndarray, beats: Beats, rows: np.ndarray) -> dict[str, float]:
    """F1 of onsets that are decoded from latents (n, 92) of the beats `rows`: all, and each group that plays."""
    decoded = notes_of(latent.decode(latents))
    found = np.zeros((len(rows), STEPS * N_LANES), bool)
    found[decoded.step // STEPS, decoded.step % STEPS * N_LANES + decoded.lane] = True
    true = np.zeros_like(found)
    for row, beat in enumerate(rows):
        numbers = beats.index[beats.offset[beat] : beats.offset[beat + 1]]
        true[row, numbers[numbers < STEPS * N_LANES]] = True
    by_lane = [side.reshape(-1, N_LANES) for side in (found, true, found & true)]
    scores = {}
    for name, lanes in [("onset_f1", slice(None)), *_group_lanes()]:
        n_found, n_true, both = (int(side[:, lanes].sum()) for side in by_lane)
        if n_true:
            scores[name] = 2 * both / max(n_found + n_true, 1)
    return scores


def _group_lanes() -> list[tuple[str, slice]]:
    return [(f"onset_f1_{g.name}", slice(FIRST_LANE[i], FIRST_LANE[i + 1])) for i, g in enumerate(GROUPS)]


def train_roll_latent(
    config: RollLatentConfig,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    threads: int = 1,
    resume: bool = False,
) -> Path:
    """Train until the steps (or minutes in all) are over; returns the run's last.pt.

    Raises:
        InputError: the data cannot be used. UsageError: a run is there already, or is of another size.
    """
    torch.set_num_threads(threads)
    run = Path(config.run)
    target = checkpoint_of(run, resume=resume)
    trainer = RollLatentTrainer(config, RollData.load(Path(config.data)))
    if resume:
        trainer.restore(load_checkpoint(target))
    often = Schedule(100, config.heldout_every, config.checkpoint_minutes)
    train_until_over(trainer, target, often, over=share_of(trainer, steps=steps or config.steps, minutes=minutes))
    draw_losses(run / "log.csv", run / "log.png")
    print("  ".join(f"{n} {v:.3f}" for n, v in trainer.heldout().items()), file=sys.stderr)
    return target
