"""Classifier-free guidance and the solvers that walk from noise to music, shared by both published systems.

    guided = negative + guidance * (positive - negative)

guidance 1 is no guidance (the negative side then costs nothing: it is not computed). Art2Mus uses 3.5, MeLFusion 3.

Source: Ho and Salimans, "Classifier-Free Diffusion Guidance", arXiv 2207.12598, equation 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, SchedulerMixin
from torch import Tensor

from klangbild.errors import KlangbildError, Stopped, UsageError
from klangbild.models.published.first_minute import OnPace

Solver = Literal["ddim", "dpm++"]
SOLVERS: tuple[Solver, ...] = ("ddim", "dpm++")
DEFAULT_STEPS: dict[Solver, int] = {"ddim": 200, "dpm++": 25}

Predict = Callable[[Tensor, Tensor], Tensor]  # (latents, timestep) -> the network's output, guidance already applied
OnProgress = Callable[[int, int], bool | None]  # (steps done, steps) -> False to stop


def combine(prediction: Tensor, guidance: float) -> Tensor:
    """A stacked prediction (2 * batch, ...), negatives first -> the guided one (batch, ...)."""
    negative, positive = prediction.chunk(2)
    return negative + guidance * (positive - negative)


def make_solver(scheduler: SchedulerMixin, solver: Solver) -> SchedulerMixin:
    """The solver asked for, on the noise schedule the model was trained with (taken from its own scheduler).

    `ddim` is what the papers used (200 steps); `dpm++` (second order, multistep) needs about 25.
    """
    if solver == "ddim":
        return DDIMScheduler.from_config(scheduler.config)
    if solver == "dpm++":
        return DPMSolverMultistepScheduler.from_config(scheduler.config, algorithm_type="dpmsolver++", solver_order=2)
    raise UsageError(f"unknown solver {solver!r}; choose from {', '.join(SOLVERS)}")


def denoise(
    noise: Tensor,
    predict: Predict,
    solver: SchedulerMixin,
    *,
    n_steps: int,
    on_progress: OnProgress | None = None,
    generator: torch.Generator | None = None,
    on_pace: OnPace | None = None,
) -> Tensor:
    """Walk from noise to latents.

    Args:
        noise: (batch, channels, frames, bands), standard normal.
        predict: the network with its conditioning and guidance.
        solver: from `make_solver`.
        n_steps: steps, 1 to the schedule's length.
        on_progress: called after each step; returning False stops.
        generator: only for solvers that add noise; those of this file do not.
        on_pace: told how long the first step took.

    Raises:
        Stopped: `on_progress` asked for it.
        KlangbildError: the network produced numbers that are not finite.
    """
    n_trained = solver.config.num_train_timesteps
    if not 1 <= n_steps <= n_trained:
        raise UsageError(f"steps {n_steps} out of range; give 1 to {n_trained}")
    solver.set_timesteps(n_steps, device=noise.device)
    latents = noise * solver.init_noise_sigma
    extra = {"generator": generator} if generator is not None else {}
    started = time.perf_counter()
    for done, timestep in enumerate(solver.timesteps, start=1):
        prediction = predict(solver.scale_model_input(latents, timestep), timestep)
        latents = solver.step(prediction, timestep, latents, return_dict=False, **extra)[0]
        if not torch.isfinite(latents).all():
            raise KlangbildError(
                f"the sound model produced numbers that are not finite at step {done} of {n_steps}; "
                "use float32 or bfloat16 instead of float16, or fewer guidance"
            )
        if done == 1 and on_pace is not None:
            on_pace("step", time.perf_counter() - started, len(solver.timesteps))
        if on_progress is not None and on_progress(done, len(solver.timesteps)) is False:
            raise Stopped(f"stopped at step {done} of {n_steps}; nothing was written")
    return latents
