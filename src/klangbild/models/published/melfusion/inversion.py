"""DDIM inversion: the noise from which an image network would draw this very picture.

The deterministic solver is run backwards: at each timestep t, from the quietest to the noisiest, the network's noise
estimate takes the latents from the noise level below to the level of t,

    z_next = sqrt(a_next) x0 + sqrt(1 - a_next) eps,      x0, eps from the network's output at (z, t).

MeLFusion's paper starts its image branch from this; its released code does not (there, training adds plain noise, and
inference starts from noise and never sees the picture).

Sources: Song et al., "Denoising Diffusion Implicit Models", arXiv 2010.02502, section 4.3; MeLFusion, arXiv 2406.04673.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from diffusers import AutoencoderKL, SchedulerMixin
from torch import Tensor

from klangbild.errors import UsageError
from klangbild.models.published.first_minute import OnPace

Prediction = Callable[[Tensor, Tensor], Tensor]  # (latents, timestep) -> the image network's output


def picture_to_latents(
    rgb: np.ndarray, vae: AutoencoderKL, *, size_px: int, generator: torch.Generator | None = None
) -> Tensor:
    """uint8 (height, width, 3) -> scaled latents (1, 4, size / 8, size / 8).

    Pixels go to [-1, 1] (the release forgot the division by 255) and latents are multiplied by the VAE's scaling factor
    (which it forgot too). The picture is squeezed to a square, so that all of it is seen.

    Args:
        rgb: the picture.
        vae: of the image model.
        size_px: the side that the image network was trained on.
        generator: draw from the VAE's distribution; without it, its mean.
    """
    from PIL import Image

    resized = Image.fromarray(rgb).resize((size_px, size_px), Image.Resampling.BICUBIC)
    pixels = torch.from_numpy(np.asarray(resized, dtype=np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
    weight = next(vae.parameters())
    posterior = vae.encode(pixels.to(weight)).latent_dist
    latents = posterior.mean if generator is None else posterior.sample(generator=generator)
    return latents.float() * vae.config.scaling_factor


def invert(latents: Tensor, predict: Prediction, solver: SchedulerMixin, *, on_pace: OnPace | None = None) -> Tensor:
    """Clean latents (batch, 4, h, w) -> the noisy latents (batch, 4, h, w) at the solver's first timestep.

    Args:
        latents: scaled, clean.
        predict: the image network, without guidance (guidance makes the walk miss its own start).
        solver: with its timesteps set; the inversion visits the same ones in reverse order.
        on_pace: told how long the first pass took.
    """
    kept = solver.alphas_cumprod.to(latents.device, torch.float32)
    # the level below the quietest timestep, as the solver itself ends
    below = torch.as_tensor(getattr(solver, "final_alpha_cumprod", 1.0), device=latents.device, dtype=torch.float32)
    started = time.perf_counter()
    for done, timestep in enumerate(solver.timesteps.flip(0), start=1):
        clean, noise = clean_and_noise(
            latents, predict(latents, timestep), below, prediction_type=solver.config.prediction_type
        )
        below = kept[timestep.long()]
        latents = below.sqrt() * clean + (1 - below).sqrt() * noise
        if done == 1 and on_pace is not None:
            on_pace("pass to invert the picture", time.perf_counter() - started, len(solver.timesteps))
    return latents


def clean_and_noise(
    latents: Tensor, prediction: Tensor, kept: Tensor, *, prediction_type: str
) -> tuple[Tensor, Tensor]:
    """What a network's output (batch, 4, h, w) says about latents (batch, 4, h, w) at noise level `kept`, a scalar (a
    cumulative alpha): x0 and eps."""
    signal, spread = kept.sqrt(), (1 - kept).sqrt()
    if prediction_type == "epsilon":
        return (latents - spread * prediction) / signal, prediction
    if prediction_type == "v_prediction":
        return signal * latents - spread * prediction, signal * prediction + spread * latents
    raise UsageError(f"image networks that predict {prediction_type!r} are not supported; use epsilon or v_prediction")
