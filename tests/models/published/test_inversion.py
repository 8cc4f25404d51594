"""DDIM inversion: the same steps as diffusers' inverse scheduler, and a walk back that arrives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler

from klangbild.models.published.denoise import make_solver
from klangbild.models.published.melfusion.inversion import invert, picture_to_latents

SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "clip_sample": False,
}


def network(latents, timestep):
    """A smooth function of latents and time stands for the image network: the mathematics is what is tested."""
    return torch.tanh(latents.roll(1, dims=-1) * 0.7 + float(timestep) / 1000)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_the_steps_are_those_of_the_inverse_scheduler(prediction_type):
    solver = DDIMScheduler(**SCHEDULE, prediction_type=prediction_type)
    solver.set_timesteps(20)
    start = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    ours = invert(start, network, solver)
    inverse = DDIMInverseScheduler.from_config(solver.config)
    inverse.set_timesteps(20)
    theirs = start
    for timestep in inverse.timesteps:
        theirs = inverse.step(network(theirs, timestep), int(timestep), theirs).prev_sample
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["ddim", "dpm++"])
def test_there_and_back_again(kind):
    start = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    errors = []
    for n_steps in (10, 100):
        solver = make_solver(DDIMScheduler(**SCHEDULE), kind)
        solver.set_timesteps(n_steps)
        latents = invert(start, network, solver)
        for timestep in solver.timesteps:
            latents = solver.step(network(latents, timestep), timestep, latents, return_dict=False)[0]
        errors.append((latents - start).abs().mean().item())
    assert errors[1] < 0.1 and errors[1] < errors[0], errors


def test_pixels_are_scaled(melfusion_folders):
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(melfusion_folders[1] / "vae").eval()
    rgb = np.full((10, 30, 3), 255, dtype=np.uint8)
    with torch.inference_mode():
        ours = picture_to_latents(rgb, vae, size_px=16)
        expected = vae.encode(torch.ones(1, 3, 16, 16)).latent_dist.mean * vae.config.scaling_factor
    torch.testing.assert_close(ours, expected)
