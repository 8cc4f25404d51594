"""`klangbild train melfusion`: synapses, alone or with the whole music network; image network, words and VAE frozen.

The recipe: AdamW, Min-SNR with gamma 5, one uniform timestep an item, the music network's own target (velocity for Tango),
10 % of items without words and 10 % without picture, drawn apart, and a moving average of the weights. The released
script's choices are there for comparison: `loss = "batch_mean"` (prediction and target averaged over the batch before the
squared error) and `first_layer_features` (all layers of a level hear its first layer).

What the image network sees at a training timestep: the picture's latents with plain noise of that level (`image_noise =
"plain"`, as released, one pass), or its DDIM inversion up to that level (`"inversion"`, as the paper draws it, as many
passes as steps).

Data: JSON lines of words, music, picture (`models/published/melfusion/data/melbench.py`); the first ten seconds of the music.

Source: MeLFusion, arXiv 2406.04673; its released training script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn

from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.published.melfusion.data.melbench import Triplet
from klangbild.models.published.melfusion.image_branch import ImageBranch
from klangbild.models.published.melfusion.inversion import invert, picture_to_latents
from klangbild.models.published.melfusion.parts import MelfusionParts, save_synapses
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline
from klangbild.models.published.melfusion.synapse_unet import Features, SynapseUNet, features_of_first_layers, listening
from klangbild.models.published.placement import Placement
from klangbild.models.published.training.batches import Batch, collate, to_device
from klangbild.models.published.training.config import LoopConfig, settings_of
from klangbild.models.published.training.min_snr import batch_mean_loss, min_snr_loss, min_snr_weights, signal_to_noise
from klangbild.models.published.training.part_trainer import Recipe, train_part
from klangbild.models.published.training.target import N_FRAMES, prepare_waveform, target_mel
from klangbild.picture.load import load_picture
from klangbild.sound.files import read_audio, write_audio
from klangbild.training.curves import draw_gates, draw_losses

VALIDATION_TIMESTEP = 500  # the release's fixed middle step
MEASURES = ("validation_loss", "other_picture_loss", "no_picture_loss")


@dataclass(frozen=True)
class MelfusionConfig:
    """What is trained and on what loss; `LoopConfig` says how long."""

    train_music: bool = True  # the whole music network; false: gates (and the synapses' maps) only
    min_snr: bool = True
    gamma: float = 5.0
    drop_words: float = 0.1
    drop_picture: float = 0.1
    loss: Literal["per_item", "batch_mean"] = "per_item"
    first_layer_features: bool = False
    image_noise: Literal["plain", "inversion"] = "plain"
    inversion_steps: int = 50
    n_frames: int = N_FRAMES
    clip_seconds: float = 10.0
    clip_steps: int = 200
    clip_guidance: float = 3.0
    n_clips: int = 10


class TripletItems:
    """Training items from triplets: words, target mel, picture."""

    def __init__(self, triplets: Sequence[Triplet], branch: ImageBranch, *, n_frames: int = N_FRAMES) -> None:
        self.triplets, self.branch, self.n_frames = list(triplets), branch, n_frames

    def __len__(self) -> int:
        return len(self.triplets)

    def __getitem__(self, index: int) -> Batch:
        """words, mel (n_frames, 64), image (4, side, side): the picture's clean latents."""
        item = self.triplets[index]
        audio = read_audio(item.music_file)
        wave = prepare_waveform(audio.samples, audio.rate, start_s=0.0, n_frames=self.n_frames, name=item.location)
        with torch.no_grad():
            image = picture_to_latents(
                load_picture(item.picture_file).rgb, self.branch.vae, size_px=self.branch.size_px
            )
        return {"words": item.captions, "mel": target_mel(wave, n_frames=self.n_frames)[0], "image": image[0].cpu()}


def train_melfusion(
    parts: MelfusionParts,
    items: TripletItems,
    config: MelfusionConfig,
    loop: LoopConfig,
    *,
    validation: TripletItems | None = None,
    resume: bool = False,
) -> Path:
    """Train; the run's folder gets checkpoints, the log with every gate, curves, clips, and the synapse folder.

    Args:
        parts: with an image branch. The music network is changed in place.
        items: training triplets.
        config, loop: the recipe.
        validation: triplets for the validation loss and the clips.
        resume: go on from the run's checkpoint.

    Returns:
        The synapse folder, for `MelfusionPipeline.from_pretrained(synapses=...)`.
    """
    if parts.image is None:
        raise NotAvailableError("training synapses needs an image model; give a Stable Diffusion folder")
    if not (0 <= config.drop_words < 1 and 0 <= config.drop_picture < 1):
        raise UsageError("drop shares must be 0 or more and less than 1")
    for module in (parts.t5, parts.sound.vae, parts.image.unet, parts.image.vae):
        module.requires_grad_(False).eval()
    parts.music.requires_grad_(False)
    parts.music.synapses.requires_grad_(True)
    parts.music.unet.requires_grad_(config.train_music)
    if not config.train_music:
        parts.music.unet.eval()
    placed: list[torch.device] = []

    def on_device(device: torch.device) -> None:
        if placed != [device]:
            # the image VAE stays: items use it on the CPU, perhaps in worker processes
            frozen = [parts.t5, parts.sound.vae, parts.image.unet]
            for module in frozen + ([parts.image.text_encoder] if parts.image.text_encoder is not None else []):
                module.to(device)
            placed[:] = [device]

    def loss_of(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        device = batch["mel"].device
        on_device(device)
        n_trained = parts.scheduler.config.num_train_timesteps
        timesteps = torch.randint(0, n_trained, (len(batch["mel"]),), generator=generator).to(device)
        return synapse_loss(parts, model, batch, timesteps, generator, config)

    @torch.no_grad()
    def validate(model: SynapseUNet) -> dict[str, float]:
        """The loss at the middle step, with each item's own picture, with another item's, and without."""
        if validation is None or not len(validation):
            return {}
        model.eval()
        device = next(model.parameters()).device
        on_device(device)
        all_present = replace(config, drop_words=0.0, drop_picture=0.0)
        losses: dict[str, list[float]] = {name: [] for name in MEASURES}
        for first in range(0, len(validation), max(loop.batch, 2)):
            batch = to_device(
                collate([validation[i] for i in range(first, min(first + max(loop.batch, 2), len(validation)))]), device
            )
            timesteps = torch.full((len(batch["mel"]),), VALIDATION_TIMESTEP, device=device)
            cases = {"validation_loss": batch, "other_picture_loss": batch | {"image": batch["image"].roll(1, dims=0)}}
            for name, case in cases.items():
                generator = torch.Generator().manual_seed(loop.seed)
                losses[name].append(float(synapse_loss(parts, model, case, timesteps, generator, all_present)))
            generator = torch.Generator().manual_seed(loop.seed)
            losses["no_picture_loss"].append(
                float(synapse_loss(parts, model, batch, timesteps, generator, all_present, without_picture=True))
            )
        return {name: float(np.mean(values)) for name, values in losses.items()}

    def make_clips(model: SynapseUNet, step: int) -> None:
        if validation is not None and config.n_clips:
            model.eval()
            write_clips(parts, validation, config, Path(loop.run) / "clips" / f"{step:06d}", seed=loop.seed)

    out = Path(loop.run) / "synapses"
    recipe = Recipe(
        loss_of=loss_of,
        save=lambda model, folder: save_synapses(model, folder / "synapses", with_unet=config.train_music),
        validate=validate,
        measures=MEASURES if validation is not None and len(validation) else (),
        make_clips=make_clips,
        watched=lambda model: {f"gate {name}": value for name, value in model.gates().items()},
    )
    log = train_part(
        loop, parts.music, items, recipe, settings_of(loop, config) | {"form": parts.music.form}, resume=resume
    )
    draw_losses(log, log.with_suffix(".png"))
    draw_gates(log, log.with_name("gates.png"))
    return out


def synapse_loss(
    parts: MelfusionParts,
    model: nn.Module,
    batch: Batch,
    timesteps: Tensor,
    generator: torch.Generator,
    config: MelfusionConfig,
    *,
    without_picture: bool = False,
) -> Tensor:
    """The loss of one batch, a scalar, with timesteps (batch,) int64; every random number comes from `generator`, in
    the same order whatever is dropped."""
    device, n = batch["mel"].device, len(batch["mel"])
    with torch.no_grad():
        posterior = parts.sound.vae.encode(batch["mel"][:, None].to(parts.sound.vae.dtype)).latent_dist
        drawn = torch.randn(posterior.mean.shape, generator=generator).to(posterior.mean)
        latents = ((posterior.mean + posterior.std * drawn) * parts.sound.vae.config.scaling_factor).float()
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        noisy = parts.scheduler.add_noise(latents, noise, timesteps)
        target = noise
        if parts.scheduler.config.prediction_type == "v_prediction":
            target = parts.scheduler.get_velocity(latents, noise, timesteps)
        keep_words, keep_picture = (
            torch.rand(n, generator=generator) >= share for share in (config.drop_words, config.drop_picture)
        )
        words = [text if keep else "" for text, keep in zip(batch["words"], keep_words.tolist(), strict=True)]
        context, mask = parts.text_states(words)
        features = None
        if not without_picture:
            features = image_features(parts, batch["image"], timesteps, context, words, generator, config)
            present = keep_picture.to(device)
            features = {name: replace(feature, present=present) for name, feature in features.items()}
    prediction = model(noisy, timesteps, context.float(), mask=mask, features=features)
    weights = torch.ones(n, device=device)
    if config.min_snr:
        snr = signal_to_noise(parts.scheduler.alphas_cumprod, timesteps)
        weights = min_snr_weights(snr, gamma=config.gamma).to(device)
    loss = batch_mean_loss if config.loss == "batch_mean" else min_snr_loss
    return loss(prediction, target, weights)


@torch.no_grad()
def image_features(
    parts: MelfusionParts,
    clean: Tensor,
    timesteps: Tensor,
    music_states: Tensor,
    words: list[str],
    generator: torch.Generator,
    config: MelfusionConfig,
) -> Features:
    """What the image network offers at these timesteps for these pictures (clean latents (batch, 4, side, side))."""
    branch, form = parts.image, parts.music.form
    states = music_states
    if branch.text_encoder is not None:
        states = torch.cat([branch.text(sentence, music_states[:1]) for sentence in words])
    noise = torch.randn(clean.shape, generator=generator).to(clean)
    if config.image_noise == "plain":
        noisy = branch.scheduler.add_noise(clean, noise, timesteps)
    else:
        noisy = torch.cat(
            [
                _inverted_to(branch, clean[i : i + 1], int(timesteps[i]), states[i : i + 1], config.inversion_steps)
                for i in range(len(clean))
            ]
        )
    with listening(branch.unet, form) as features:
        branch.predict(noisy, timesteps, states)
    heard = dict(features)
    return features_of_first_layers(heard) if config.first_layer_features else heard


def write_clips(
    parts: MelfusionParts, items: TripletItems, config: MelfusionConfig, folder: Path, *, seed: int
) -> list[Path]:
    """Compose from the first `n_clips` validation items, one WAV each, with words and picture."""
    device = next(parts.music.parameters()).device
    pipeline = MelfusionPipeline(parts, placement=Placement(device, torch.float32))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for index, item in enumerate(items.triplets[: config.n_clips]):
        made = pipeline(
            load_picture(item.picture_file),
            words=item.captions,
            seconds=config.clip_seconds,
            steps=config.clip_steps,
            guidance=config.clip_guidance,
            seed=seed + index,
        )[0]
        written.append(write_audio(folder / f"{index:03d}.wav", made.audio))
    parts.image.vae.to("cpu")  # where the items use it
    return written


def _inverted_to(branch: ImageBranch, clean: Tensor, timestep: int, states: Tensor, n_steps: int) -> Tensor:
    """The DDIM inversion of one picture up to a timestep, in steps of equal length, at most `n_steps` for the whole walk."""
    solver = DDIMScheduler.from_config(branch.scheduler.config)
    n_trained = solver.config.num_train_timesteps
    n = max(1, round(n_steps * (timestep + 1) / n_trained))
    solver.timesteps = torch.linspace(timestep, 0, n + 1, device=clean.device).round().long()[:n]
    return invert(clean, lambda z, t: branch.predict(z, t, states), solver)
