"""`Audio`: the one type that holds sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Audio:
    """Sound: float32 `samples` (channels, n), full scale -1..1, at `rate` samples per second (Hz)."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        return self.samples.shape[1] / self.rate
