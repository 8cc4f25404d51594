"""AudioLDM 2's network under Art2Mus's conditioning: one call with both sides of the guidance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from klangbild.diffusion.art2mus_conditioning import Conditioning


def predict_noise(unet: nn.Module, conditioning: Conditioning, latents: Tensor, timestep: Tensor) -> Tensor:
    """The noise that the network sees in `latents`, for each row of `conditioning`.

    Args:
        unet: diffusers' `AudioLDM2UNet2DConditionModel`.
        conditioning: as many rows as latents, or twice as many (negatives first): latents are then used for both sides.
        latents: (batch, channels, frames, bands).
        timestep: a scalar, or one a latent.

    Returns:
        (rows of conditioning, channels, frames, bands)
    """
    sides = conditioning.loa.shape[0] // latents.shape[0]
    timestep = torch.as_tensor(timestep, device=latents.device)
    return unet(
        torch.cat([latents] * sides),
        timestep if timestep.ndim == 0 else torch.cat([timestep] * sides),
        encoder_hidden_states=conditioning.loa,
        encoder_hidden_states_1=conditioning.text,
        encoder_attention_mask_1=conditioning.text_mask,
        return_dict=False,
    )[0]
