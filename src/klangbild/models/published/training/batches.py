"""Batches of the published systems' training: drawn by step from a permutation that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import InputError

Batch = dict[str, Any]


class Items(Protocol):
    """A data set: `items[i]` is a dictionary of tensors (stacked into a batch) and strings (listed)."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Batch: ...


def batch_indices(
    n_items: int, batch: int, *, seed: int, start: int, rank: int = 0, world: int = 1
) -> Iterator[list[int]]:
    """Micro-batches from number `start` on, forever; each epoch is a new permutation, shared by all devices in turn.

    Raises InputError: there are too few items for one batch.
    """
    per_epoch = max(1, n_items // (batch * world))
    if n_items < batch * world:
        raise InputError(
            f"{n_items} training items are fewer than one batch ({batch} on {world} devices); use a smaller batch"
        )

    def drawn() -> Iterator[list[int]]:
        for number in count(start):
            epoch, position = divmod(number, per_epoch)
            order = np.random.default_rng([seed, epoch]).permutation(n_items)
            first = (position * world + rank) * batch
            yield order[first : first + batch].tolist()

    return drawn()


def collate(items: list[Batch]) -> Batch:
    """Tensors are stacked, everything else is listed."""
    return {
        name: torch.stack([item[name] for item in items])
        if isinstance(value, Tensor)
        else [item[name] for item in items]
        for name, value in items[0].items()
    }


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on the device."""
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in batch.items()}


class Following:
    """An iterator as the batch sampler that a DataLoader takes."""

    def __init__(self, batches: Iterator[list[int]]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[int]]:
        return self.batches
