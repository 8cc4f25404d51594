"""The image network that MeLFusion listens to, walking beside the music: same timesteps, one run each, features kept.

    walk = branch.begin(picture.rgb, text, timesteps, ...)
    for timestep in timesteps:
        features = walk.features(timestep)        # for the synapses; the walk has then moved on

It starts from the picture's DDIM inversion (the paper), or from noise (the release, where the picture is not seen).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from diffusers import AutoencoderKL, SchedulerMixin, UNet2DConditionModel
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from klangbild.errors import UsageError
from klangbild.models.published.denoise import Solver, make_solver
from klangbild.models.published.first_minute import OnPace
from klangbild.models.published.melfusion.inversion import invert, picture_to_latents
from klangbild.models.published.melfusion.synapse import Form
from klangbild.models.published.melfusion.synapse_unet import Features, listening

ImageStart = Literal["inversion", "noise"]


@dataclass(frozen=True)
class ImageBranch:
    """Stable Diffusion's frozen parts. Without a text encoder of its own it reads the music's text states (as released)."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    scheduler: SchedulerMixin
    text_encoder: nn.Module | None = None
    tokenizer: PreTrainedTokenizerBase | None = None

    @property
    def size_px(self) -> int:
        """Side of the pictures that the network was trained on."""
        size = self.unet.config.sample_size
        return int(size[0] if isinstance(size, list | tuple) else size) * self.factor

    @property
    def factor(self) -> int:
        """Pixels a latent."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    def text(self, words: str, music_states: Tensor) -> Tensor:
        """What the image network reads: its own encoder's states of the words, else the music's, (1, tokens, width)."""
        width = self.unet.config.cross_attention_dim
        if self.text_encoder is not None and self.tokenizer is not None:
            ids = self.tokenizer(
                [words],
                padding="max_length",
                max_length=self.tokenizer.model_max_length,
                truncation=True,
                return_tensors="pt",
            ).input_ids
            return self.text_encoder(ids.to(self.text_encoder.device))[0]
        if music_states.shape[-1] != width:
            raise UsageError(
                f"the image network reads text of width {width}, the music's has {music_states.shape[-1]}; "
                "give a Stable Diffusion folder with its text_encoder and tokenizer"
            )
        return music_states

    def begin(
        self,
        rgb: np.ndarray,
        text: Tensor,
        *,
        form: Form,
        n_steps: int,
        solver: Solver,
        like: SchedulerMixin,
        start: ImageStart = "inversion",
        generator: torch.Generator | None = None,
        on_pace: OnPace | None = None,
    ) -> ImageWalk:
        """Invert the picture and stand ready at the noisiest timestep.

        Args:
            rgb: uint8 (height, width, 3).
            text: from `text`.
            form: of the synapses, which decides what is kept.
            n_steps, solver: as for the music.
            like: the music's scheduler; the image's visits the same timesteps.
            start: "inversion", or "noise" as released.
            generator: for the noise.
            on_pace: told how long the first pass of the inversion took.
        """
        spacing = {key: like.config[key] for key in ("timestep_spacing", "steps_offset") if key in like.config}
        own = make_solver(type(self.scheduler).from_config(self.scheduler.config, **spacing), solver)
        device = next(self.unet.parameters()).device
        own.set_timesteps(n_steps, device=device)
        if start == "noise":
            side = self.size_px // self.factor
            shape = (1, self.unet.config.in_channels, side, side)
            latents = torch.randn(shape, generator=generator).to(device) * own.init_noise_sigma
        else:
            latents = picture_to_latents(rgb, self.vae, size_px=self.size_px).to(device)
            latents = invert(latents, lambda z, t: self.predict(z, t, text), own, on_pace=on_pace)
        return ImageWalk(self, own, latents, text, form)

    def predict(self, latents: Tensor, timestep: Tensor, text: Tensor) -> Tensor:
        """Latents (batch, 4, h, w) at a timestep, a scalar, beside text (batch, tokens, width) -> what the network
        says of the noise, (batch, 4, h, w)."""
        dtype = next(self.unet.parameters()).dtype
        out = self.unet(latents.to(dtype), timestep, encoder_hidden_states=text.to(dtype), return_dict=False)
        return out[0].to(latents.dtype)


@dataclass
class ImageWalk:
    """One walk from noise to the picture. `latents` are where it stands."""

    branch: ImageBranch
    solver: SchedulerMixin
    latents: Tensor
    text: Tensor
    form: Form

    def features(self, timestep: Tensor) -> Features:
        """Run the network at this timestep, a scalar, keep what the synapses need, move on."""
        with listening(self.branch.unet, self.form) as features:
            inputs = self.solver.scale_model_input(self.latents, timestep)
            prediction = self.branch.predict(inputs, timestep, self.text)
        self.latents = self.solver.step(prediction, timestep, self.latents, return_dict=False)[0]
        return dict(features)
