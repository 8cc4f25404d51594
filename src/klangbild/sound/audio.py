"""`Audio`: the one type that holds sound; `LongAudio`: the same for sound too long to hold, worked out where it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

HELD_S = 120.0
"""Sound up to this length is held in memory; longer sound is read block by block, from notes or from a tape."""


class Sound(Protocol):
    """What `Audio` and `LongAudio` have in common: `frames` samples of each channel, at `rate` Hz."""

    rate: int

    @property
    def frames(self) -> int: ...

    def read(self, first: int, last: int) -> np.ndarray:
        """float32 (channels, last - first), not to be written to; 0 <= first <= last <= frames."""


@dataclass(frozen=True)
class Audio:
    """Sound: float32 `samples` (channels, n), full scale -1..1, at `rate` samples per second (Hz)."""

    samples: np.ndarray
    rate: int

    @property
    def channels(self) -> int:
        return self.samples.shape[0]

    @property
    def frames(self) -> int:
        return self.samples.shape[1]

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    def read(self, first: int, last: int) -> np.ndarray:
        """float32 (channels, last - first), not to be written to; 0 <= first <= last <= frames."""
        return self.samples[:, first:last]


class LongAudio:
    """Stereo sound of which only what is asked for is in memory. read: as `Sound.read`."""

    channels = 2

    def __init__(self, read: Callable[[int, int], np.ndarray], frames: int, rate: int) -> None:
        self.read, self.frames, self.rate = read, frames, rate

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @property
    def samples(self) -> np.ndarray:
        """All of it at once, read anew each time: float32 (2, frames), 21 MB a minute."""
        out = np.empty((2, self.frames), np.float32)
        for first, last in spans(self.frames, 1 << 20):
            out[:, first:last] = self.read(first, last)
        return out


def held(sound: Audio | LongAudio | Sound) -> Audio | LongAudio:
    """The sound (channels, n) in memory if it is short, else to be read block by block."""
    if sound.frames <= HELD_S * sound.rate:
        return Audio(np.ascontiguousarray(sound.read(0, sound.frames)), sound.rate)
    return LongAudio(sound.read, sound.frames, sound.rate)


def spans(frames: int, size: int) -> Iterator[tuple[int, int]]:
    """(first, last) of each block of `size`, the last one shorter."""
    for first in range(0, frames, size):
        yield first, min(first + size, frames)
