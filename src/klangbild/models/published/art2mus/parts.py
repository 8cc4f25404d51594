"""The parts of Art2Mus, loaded: AudioLDM 2's components from its folder, ImageBind, and the image projection.

A folder is `cvssp/audioldm2` (or `-music`) as published. Its `model_index.json` names the language model `GPT2Model`,
with which diffusers' own pipeline stops (its generation needs the LM-head class); here GPT-2's loop is our own, so the
weights load as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import (
    AudioLDM2ProjectionModel,
    AudioLDM2UNet2DConditionModel,
    AutoencoderKL,
    DDIMScheduler,
    SchedulerMixin,
)
from torch import Tensor, nn
from transformers import ClapModel, GPT2Model, SpeechT5HifiGan, T5EncoderModel

from klangbild.models.published.art2mus.conditioning import Art2MusEncoder, Conditioning
from klangbild.models.published.art2mus.projection import ImageProjection
from klangbild.models.published.codec import LatentAudio
from klangbild.models.published.folders import load_component, load_tokenizer
from klangbild.models.published.imagebind.model import ImageBind


@dataclass(frozen=True)
class Art2MusParts:
    """Everything a pipeline or a training run needs. `imagebind` may be None: picture vectors are then given."""

    encoder: Art2MusEncoder
    unet: AudioLDM2UNet2DConditionModel
    sound: LatentAudio
    scheduler: SchedulerMixin
    imagebind: ImageBind | None = None

    @property
    def language(self) -> tuple[nn.Module, ...]:
        """The parts that read words and write the language of audio."""
        parts = (self.encoder.clap, self.encoder.t5, self.encoder.language_model, self.encoder.projection_model)
        return parts if self.encoder.projection is None else (*parts, self.encoder.projection)


def load_art2mus(
    folder: Path,
    *,
    projection: Path | None = None,
    imagebind: Path | None = None,
    dtype: torch.dtype = torch.float32,
) -> Art2MusParts:
    """All parts of a folder, frozen, on the CPU. The vocoder, the projection and ImageBind stay float32.

    Args:
        folder: AudioLDM 2 in diffusers' layout.
        projection: the image projection's file, or None: words only.
        imagebind: the checkpoint, or None.
        dtype: of the large networks.

    Raises:
        NotAvailableError, InputError: a part is missing, damaged or of another kind.
    """
    language_model = load_component(GPT2Model, folder, "language_model", dtype=dtype)
    clap = load_component(ClapModel, folder, "text_encoder", dtype=dtype)
    t5 = load_component(T5EncoderModel, folder, "text_encoder_2", dtype=dtype)
    encoder = Art2MusEncoder(
        clap=clap,
        t5=t5,
        language_model=language_model,
        projection_model=load_component(AudioLDM2ProjectionModel, folder, "projection_model", dtype=dtype),
        clap_tokenizer=load_tokenizer(folder, "tokenizer", ids=clap.config.text_config.vocab_size),
        t5_tokenizer=load_tokenizer(folder, "tokenizer_2", ids=t5.config.vocab_size),
        projection=None
        if projection is None
        else ImageProjection.from_file(projection, token_dim=language_model.config.n_embd).requires_grad_(False),
    )
    return Art2MusParts(
        encoder=encoder,
        unet=load_component(AudioLDM2UNet2DConditionModel, folder, "unet", dtype=dtype),
        sound=LatentAudio(
            load_component(AutoencoderKL, folder, "vae", dtype=dtype),
            load_component(SpeechT5HifiGan, folder, "vocoder", dtype=torch.float32),
        ),
        scheduler=load_component(DDIMScheduler, folder, "scheduler"),
        imagebind=None if imagebind is None else ImageBind.from_file(imagebind),
    )


def predict_noise(unet: nn.Module, conditioning: Conditioning, latents: Tensor, timestep: Tensor) -> Tensor:
    """The noise that the network sees in `latents`, for each row of `conditioning`.

    Args:
        unet: diffusers' `AudioLDM2UNet2DConditionModel`.
        conditioning: as many rows as latents, or twice as many (negatives first): latents are then used for both sides.
        latents: (batch, channels, frames, bands); any precision, the result has the same.
        timestep: a scalar, or one a latent.

    Returns:
        (rows of conditioning, channels, frames, bands)
    """
    sides = conditioning.loa.shape[0] // latents.shape[0]
    timestep = torch.as_tensor(timestep, device=latents.device)
    dtype = next(unet.parameters()).dtype
    return unet(
        torch.cat([latents] * sides).to(dtype),
        timestep if timestep.ndim == 0 else torch.cat([timestep] * sides),
        encoder_hidden_states=conditioning.loa.to(dtype),
        encoder_hidden_states_1=conditioning.text.to(dtype),
        encoder_attention_mask_1=conditioning.text_mask,
        return_dict=False,
    )[0].to(latents.dtype)
