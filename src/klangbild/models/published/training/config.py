"""Settings of a sound training run: how long, how fast, how often; read from TOML, compared when a run goes on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from klangbild.errors import InputError
from klangbild.training.config_file import checked_values, read_toml


@dataclass(frozen=True)
class LoopConfig:
    """How long, how fast, how often. One batch a device and micro-step; the effective batch is batch x accumulation x devices."""

    run: str
    seed: int = 0
    steps: int = 10_000
    batch: int = 4
    accumulation: int = 4
    lr: float = 2e-5
    warmup: int = 500
    schedule: Literal["constant", "linear"] = "constant"
    weight_decay: float = 1e-2
    clip: float = 1.0
    average: float = 0.0  # decay of the moving average of the weights; 0 is none
    log_every: int = 50
    checkpoint_every: int = 500
    validate_every: int = 500
    clips_every: int = 0  # 0: at the end only
    workers: int = 0
    precision: Literal["no", "fp16", "bf16"] = "no"
    cpu: bool = False

    @property
    def is_trial(self) -> bool:
        """Too short for a first validation: such a run is not ended with hours of validation clips."""
        return self.steps < self.validate_every

    def rate(self, step: int) -> float:
        """Learning rate of a step, counted from 0."""
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if self.schedule == "linear":
            return self.lr * warm * max(0.0, 1 - step / self.steps)
        return self.lr * warm


def read_config(
    kind: type, path: Path | None, *, run: str, steps: int | None = None, cpu: bool = False
) -> tuple[Any, LoopConfig]:
    """(settings of `kind`, loop settings) from a TOML file with tables [model] and [loop]; the defaults without one.

    Raises:
        InputError: it cannot be read, or a name or the type of a value in it is not one of ours.
    """
    tables = {} if path is None else read_toml(path)
    for name, table in tables.items():
        if name not in ("loop", "model"):
            raise InputError(f"{path}: '{name}' is not known here; there are the tables [model] and [loop]")
        if not isinstance(table, dict):
            raise InputError(f"{path}: {name} is no table; write [{name}] on a line of its own")
    told = checked_values(LoopConfig, tables.get("loop", {}), where=f"{path} [loop]")
    model = checked_values(kind, tables.get("model", {}), where=f"{path} [model]")
    asked = {"run": run} | ({"steps": steps} if steps else {}) | ({"cpu": True} if cpu else {})
    return kind(**model), LoopConfig(**told | asked)


def settings_of(*configs: Any) -> dict[str, Any]:
    """Fields of configurations that a resumed run must share (where it runs and how often it reports may change)."""
    free = {
        "run",
        "steps",
        "log_every",
        "checkpoint_every",
        "validate_every",
        "clips_every",
        "workers",
        "precision",
        "cpu",
    }
    merged: dict[str, Any] = {}
    for config in configs:
        merged |= {name: value for name, value in dataclasses.asdict(config).items() if name not in free}
    return merged
