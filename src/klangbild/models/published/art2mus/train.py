"""`klangbild train art2mus`: the image projection of Art2Mus, with AudioLDM 2 and ImageBind frozen.

The paper's recipe by default: AdamW 2e-5, constant after 500 warm-up steps, 10,000 steps, effective batch 16 (4 x 4),
Min-SNR with gamma 5, one uniform timestep an item, guidance 3.5 *inside* the loss (two network passes an item). Without
guidance in the loss (`guided = false`) the plain prediction is compared, in half the time.

Data: a pair manifest (`klangbild data pair`); vectors come from ImageBind once, the sound of seconds 10 to 20 of a track.

Source: Art2Mus, arXiv 2410.04906, section 4; its released training script.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from klangbild.errors import InputError, UsageError
from klangbild.models.published.art2mus.conditioning import NEGATIVE_WORDS, SUPPORT_SENTENCE, Conditioning
from klangbild.models.published.art2mus.data.pair_manifest import Pair, read_pairs
from klangbild.models.published.art2mus.parts import Art2MusParts, predict_noise
from klangbild.models.published.art2mus.pipeline import Art2MusPipeline
from klangbild.models.published.art2mus.projection import ImageProjection
from klangbild.models.published.denoise import combine
from klangbild.models.published.placement import Placement
from klangbild.models.published.training.batches import Batch, collate, to_device
from klangbild.models.published.training.config import LoopConfig, settings_of
from klangbild.models.published.training.min_snr import min_snr_loss, min_snr_weights, signal_to_noise
from klangbild.models.published.training.part_trainer import Recipe, train_part
from klangbild.models.published.training.target import N_FRAMES, prepare_waveform, target_mel
from klangbild.models.published.where import PROJECTION_FILES
from klangbild.sound.files import read_audio, write_audio
from klangbild.training.curves import draw_losses

VALIDATION_TIMESTEPS = (100, 300, 500, 700, 900)


@dataclass(frozen=True)
class Art2MusConfig:
    """What is trained and on what loss; `LoopConfig` says how long."""

    image_tokens: int = 1
    hidden_dim: int = 1536
    guided: bool = True
    guidance: float = 3.5
    min_snr: bool = True
    gamma: float = 5.0
    negative: str = NEGATIVE_WORDS
    support: str = SUPPORT_SENTENCE
    n_frames: int = N_FRAMES
    start_s: float = 10.0
    clip_seconds: float = 10.0
    clip_steps: int = 200
    n_clips: int = 100
    n_validation: int = 100


class PairItems:
    """Training items from a pair manifest: an image vector and a target mel."""

    def __init__(
        self,
        pairs: Sequence[Pair],
        vectors: Mapping[str, np.ndarray],
        music: Path,
        *,
        n_frames: int = N_FRAMES,
        start_s: float = 10.0,
    ) -> None:
        """`vectors`: by picture, as in the manifest; `music`: the folder that its tracks are relative to."""
        missing = [pair.picture for pair in pairs if pair.picture not in vectors]
        if missing:
            raise InputError(f"{missing[0]}: has no image vector ({len(missing)} such); embed the pictures again")
        self.pairs, self.vectors, self.music = list(pairs), vectors, music
        self.n_frames, self.start_s = n_frames, start_s

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Batch:
        """vector (image_dim,), mel (n_frames, 64), name."""
        pair = self.pairs[index]
        audio = read_audio(self.music / pair.music)
        wave = prepare_waveform(
            audio.samples, audio.rate, start_s=self.start_s, n_frames=self.n_frames, name=pair.music
        )
        vector = torch.from_numpy(np.array(self.vectors[pair.picture], dtype=np.float32))
        return {"vector": vector, "mel": target_mel(wave, n_frames=self.n_frames)[0], "name": pair.picture}


def train_art2mus(
    parts: Art2MusParts,
    items: PairItems,
    config: Art2MusConfig,
    loop: LoopConfig,
    *,
    validation: PairItems | None = None,
    resume: bool = False,
    start: ImageProjection | None = None,
) -> Path:
    """Train the projection; the run's folder gets checkpoints, the log, curves, clips, and the projection itself.

    Args:
        parts: AudioLDM 2, frozen (any projection in it is replaced).
        items: training pairs.
        config, loop: the recipe.
        validation: pairs for the validation loss and the clips.
        resume: go on from the run's checkpoint.
        start: a projection to start from; a fresh one (from the loop's seed) by default.

    Returns:
        The trained projection's file.
    """
    if config.image_tokens not in PROJECTION_FILES and config.image_tokens < 1:
        raise UsageError(f"image tokens {config.image_tokens} out of range; 1 and 4 are published")
    for module in (parts.encoder.clap, parts.encoder.t5, parts.encoder.language_model, parts.encoder.projection_model):
        module.requires_grad_(False).eval()
    parts.unet.requires_grad_(False).eval()
    projection = start or fresh_projection(parts, items, config, seed=loop.seed)
    placed: list[torch.device] = []

    def on_device(device: torch.device) -> None:
        if placed != [device]:
            language = replace(parts.encoder, projection=None)
            for module in (language.clap, language.t5, language.language_model, language.projection_model):
                module.to(device)
            parts.unet.to(device)
            parts.sound.vae.to(device)
            placed[:] = [device]

    def loss_of(model: nn.Module, batch: Batch, generator: torch.Generator) -> Tensor:
        on_device(batch["mel"].device)
        n_trained = parts.scheduler.config.num_train_timesteps
        timesteps = torch.randint(0, n_trained, (len(batch["mel"]),), generator=generator).to(batch["mel"].device)
        return projection_loss(parts, model, batch, timesteps, generator, config)

    @torch.no_grad()
    def validate(model: nn.Module) -> dict[str, float]:
        n_measured = 0 if validation is None else min(len(validation), config.n_validation)
        if not n_measured:
            return {}
        generator = torch.Generator().manual_seed(loop.seed)
        device = next(model.parameters()).device
        on_device(device)
        losses = []
        for first in range(0, n_measured, loop.batch):
            chosen = range(first, min(first + loop.batch, n_measured))
            batch = to_device(collate([validation[i] for i in chosen]), device)
            for timestep in VALIDATION_TIMESTEPS:
                timesteps = torch.full((len(batch["mel"]),), timestep, device=device)
                losses.append(float(projection_loss(parts, model, batch, timesteps, generator, config)))
        return {"validation_loss": float(np.mean(losses))}

    def make_clips(model: nn.Module, step: int) -> None:
        if validation is not None and config.n_clips:
            write_clips(parts, model, validation, config, Path(loop.run) / "clips" / f"{step:06d}", seed=loop.seed)

    out = Path(loop.run) / projection_file(config.image_tokens)
    recipe = Recipe(
        loss_of=loss_of,
        save=lambda model, folder: model.save(folder / out.name),
        validate=validate,
        measures=("validation_loss",) if validation is not None and config.n_validation and len(validation) else (),
        make_clips=make_clips,
    )
    log = train_part(loop, projection, items, recipe, settings_of(loop, config), resume=resume)
    draw_losses(log, log.with_suffix(".png"))
    return out


def projection_file(image_tokens: int) -> str:
    """The published name, so that a pipeline finds the file in a model's folder."""
    return PROJECTION_FILES.get(image_tokens, f"art2mus_{image_tokens}_img_proj_layer.pt")


def fresh_projection(parts: Art2MusParts, items: PairItems, config: Art2MusConfig, *, seed: int) -> ImageProjection:
    """Weights drawn from the seed, sizes from the data and the language model."""
    image_dim = items[0]["vector"].numel() if len(items) else 0
    if not image_dim:
        raise InputError("there are no training pairs; make a manifest with 'klangbild data pair'")
    with torch.random.fork_rng(devices=[]):  # nn.Linear draws from the global generator; leave that as it was
        torch.manual_seed(seed)
        return ImageProjection(
            n_tokens=config.image_tokens,
            image_dim=image_dim,
            hidden_dim=config.hidden_dim,
            token_dim=parts.encoder.language_model.config.n_embd,
        )


def projection_loss(
    parts: Art2MusParts,
    model: nn.Module,
    batch: Batch,
    timesteps: Tensor,
    generator: torch.Generator,
    config: Art2MusConfig,
) -> Tensor:
    """The loss of one batch, a scalar, with timesteps (batch,) int64: noise its latents, predict, compare with the
    noise."""
    mel = batch["mel"]  # (batch, frames, 64)
    with torch.no_grad():
        latents = _sample_latents(parts, mel, generator)
        noise = torch.randn(latents.shape, generator=generator).to(latents)
        noisy = parts.scheduler.add_noise(latents, noise, timesteps)
    encoder = replace(parts.encoder, projection=model)
    sides = encoder.encode(image_vectors=batch["vector"], negative=config.negative, support=config.support)
    if config.guided:
        prediction = combine(predict_noise(parts.unet, sides, noisy, timesteps), config.guidance)
    else:
        positive = Conditioning(*(side.chunk(2)[1] for side in (sides.loa, sides.text, sides.text_mask)))
        prediction = predict_noise(parts.unet, positive, noisy, timesteps)
    if not config.min_snr:
        return min_snr_loss(prediction, noise, torch.ones(len(noise), device=noise.device))
    snr = signal_to_noise(parts.scheduler.alphas_cumprod, timesteps)
    return min_snr_loss(prediction, noise, min_snr_weights(snr, gamma=config.gamma).to(noise.device))


def write_clips(
    parts: Art2MusParts, model: nn.Module, items: PairItems, config: Art2MusConfig, folder: Path, *, seed: int
) -> list[Path]:
    """Compose from the first `n_clips` validation pictures, one WAV each."""
    encoder = dataclasses.replace(parts.encoder, projection=model)
    device = next(model.parameters()).device
    pipeline = Art2MusPipeline(replace(parts, encoder=encoder), placement=Placement(device, parts.unet.dtype))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for index in range(min(config.n_clips, len(items))):
        made = pipeline(
            image_vector=items.vectors[items.pairs[index].picture],
            negative=config.negative,
            support=config.support,
            seconds=config.clip_seconds,
            steps=config.clip_steps,
            guidance=config.guidance,
            seed=seed + index,
        )[0]
        path = folder / f"{index:03d}-{Path(items.pairs[index].picture).stem}.wav"
        write_audio(path, made.audio)
        written.append(path)
    return written


def load_items(
    manifest: Path, split: str, vectors: Mapping[str, np.ndarray], music: Path, config: Art2MusConfig
) -> PairItems:
    """The items of one side of a manifest's split."""
    return PairItems(
        read_pairs(manifest, split=split), vectors, music, n_frames=config.n_frames, start_s=config.start_s
    )


def _sample_latents(parts: Art2MusParts, mel: Tensor, generator: torch.Generator) -> Tensor:
    """Latents drawn from the VAE's distribution, noise drawn on the CPU so that devices agree."""
    posterior = parts.sound.vae.encode(mel[:, None].to(parts.sound.vae.dtype)).latent_dist
    drawn = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=generator).to(posterior.mean)
    return (drawn * parts.sound.vae.config.scaling_factor).float()
