"""From noise to a plan with the plan model: Euler steps along a rectified flow, guided, over windows of any length.

    x(0) = noise;  x(t + 1/n) = x(t) + v / n,   v = v_negative + guidance (v_positive - v_negative)

Windows of the length that the network knows overlap by a quarter, and their velocities are blended at every step, so that a
longer piece has no seam. numpy only.

Sources: Liu et al. (2022), "Flow Straight and Fast"; Ho and Salimans, arXiv 2207.12598, equation 6; MultiDiffusion, arXiv
2302.08113.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from klangbild.errors import KlangbildError, Stopped
from klangbild.models.plan.condition import Condition, stacked
from klangbild.models.window_plan import window_ramp, window_starts

MAX_ROWS = 8  # of one call: bounds memory for long pieces

Held = dict[int, "float | np.ndarray"]
"""Channels that shall come out at given numbers: one for all rows, or (rows,)."""
OnStep = Callable[[int], bool | None]  # (steps done) -> False to stop


class Velocity(Protocol):
    """The network: rows (B, T, channels), times (B,), inputs by name -> velocity like the rows.

    window: rows that it knows at once; fewest: the shortest that it was trained on; grid: a window starts at a multiple of it.
    """

    window: int
    fewest: int
    grid: int

    def velocity(self, x: np.ndarray, t: np.ndarray, conditions: dict[str, np.ndarray]) -> np.ndarray:
        """x (B, T, channels), t (B,) in 0..1, conditions by name (B, ...) -> velocity (B, T, channels)."""


def sample(
    model: Velocity,
    positive: Condition,
    negative: Condition,
    rng: np.random.Generator,
    *,
    n_rows: int,
    channels: int,
    steps: int,
    guidance: float,
    on_step: OnStep | None = None,
    held: Held | None = None,
) -> np.ndarray:
    """Rows (n_rows, channels), float32.

    Args:
        positive, negative: what to come near and what to keep away from; with guidance 1 the latter is not computed.
        rng: draws the noise.
        held: see `Held`; on their way they stand where the flow would have them.

    Raises:
        Stopped: `on_step` said so.
        KlangbildError: the network's numbers are not finite.
    """
    total = max(n_rows, model.fewest)
    if total > model.window:
        total = -(-total // model.grid) * model.grid
    x = rng.standard_normal((total, channels)).astype(np.float32)
    noise = {channel: x[:, channel].copy() for channel in held or {}}
    sides = [positive] if guidance == 1 else [positive, negative]
    for step in range(steps):
        both = _over_windows(model, x, step / steps, sides)
        velocity = both[0] if guidance == 1 else both[1] + np.float32(guidance) * (both[0] - both[1])
        x = x + velocity / np.float32(steps)
        done = np.float32((step + 1) / steps)
        for channel, value in (held or {}).items():
            x[:, channel] = (1 - done) * noise[channel] + done * np.asarray(value, np.float32)
        if not np.isfinite(x).all():
            raise KlangbildError(
                f"the plan model produced numbers that are not finite at step {step + 1}; give less guidance"
            )
        if on_step is not None and on_step(step + 1) is False:
            raise Stopped(f"stopped at step {step + 1} of {steps}; nothing was written")
    return x[:n_rows]


def _over_windows(model: Velocity, x: np.ndarray, t: float, sides: list[Condition]) -> np.ndarray:
    """Velocity (sides, T, channels) of one state under each condition."""
    starts = window_starts(len(x), model.window, grid=model.grid)
    size = min(model.window, len(x))
    rows = [(side, start) for side in range(len(sides)) for start in starts]
    found = []
    for first in range(0, len(rows), MAX_ROWS):
        part = rows[first : first + MAX_ROWS]
        windows = np.stack([x[start : start + size] for _, start in part])
        conditions = stacked([sides[side] for side, _ in part])
        found.append(model.velocity(windows, np.full(len(part), t, np.float32), conditions))
    velocity = np.concatenate(found).reshape(len(sides), len(starts), size, x.shape[1])
    if len(starts) == 1:
        return velocity[:, 0]
    ramp = window_ramp(size)[:, None]
    total = np.zeros((len(sides), *x.shape), np.float32)
    weight = np.zeros((len(x), 1), np.float32)
    for number, start in enumerate(starts):
        total[:, start : start + size] += ramp * velocity[:, number]
        weight[start : start + size] += ramp
    return total / weight
