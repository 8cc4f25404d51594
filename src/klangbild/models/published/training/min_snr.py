"""Min-SNR weights: how much each noise level counts in a diffusion loss.

    snr(t) = ac(t) / (1 - ac(t))        ac: cumulative product of the schedule's alphas
    weight = min(snr, gamma) / snr      for a network that predicts the noise (epsilon)

Steps with little noise (snr above gamma) count less, all others 1. Art2Mus and MeLFusion both use gamma = 5; MeLFusion
keeps this formula although its networks predict the velocity.

Source: Hang et al., "Efficient Diffusion Training via Min-SNR Weighting Strategy", arXiv 2303.09556, equation 4.
"""

from __future__ import annotations

import torch
from torch import Tensor


def signal_to_noise(alphas_cumprod: Tensor, timesteps: Tensor) -> Tensor:
    """Signal to noise of each timestep, (batch,), of timesteps (batch,) int64; alphas_cumprod: the scheduler's,
    (steps,)."""
    kept = alphas_cumprod.to(timesteps.device)[timesteps].double()
    return (kept / (1 - kept)).to(alphas_cumprod.dtype)


def min_snr_weights(snr: Tensor, *, gamma: float = 5.0) -> Tensor:
    """min(snr, gamma) / snr, (batch,) -> (batch,), each above 0 and at most 1."""
    return torch.clamp(snr, max=gamma) / snr


def min_snr_loss(prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of per-item mean squared errors; weights: (batch,). A scalar."""
    per_item = (prediction.float() - target.float()).pow(2).flatten(1).mean(dim=1)  # (batch,)
    return (per_item * weights).mean()


def batch_mean_loss(prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """MeLFusion's loss, a scalar, as released: prediction and target (batch, ...) are averaged over the batch *before*
    the squared error, and that one number is weighted by each item's weight (batch,). Right for a batch of one only; kept for
    comparison."""
    error = (prediction.float().mean(dim=0) - target.float().mean(dim=0)).pow(2).mean()
    return (error * weights).mean()
