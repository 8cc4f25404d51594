"""Where the networks of a pipeline live and how precisely they compute.

| device | precisions |
|---|---|
| cpu | float32 (reference), bfloat16 |
| cuda | float16 (default), bfloat16, float32 |
| mps | float32, float16 |

`offload` keeps every part on the CPU and brings it to the device only while it works; `slicing` computes attention in
slices. Both trade time for memory. On the command line: `--precision`, and `--offload` for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from klangbild.errors import UsageError
from klangbild.models.device_torch import check_device

Precision = Literal["float32", "float16", "bfloat16"]
_ALLOWED: dict[str, tuple[Precision, ...]] = {
    "cpu": ("float32", "bfloat16"),
    "cuda": ("float16", "bfloat16", "float32"),
    "mps": ("float32", "float16"),
}


@dataclass(frozen=True)
class Placement:
    """A device, a precision, and the two ways to save memory."""

    device: torch.device
    dtype: torch.dtype
    offload: bool = False
    slicing: bool = False

    @contextmanager
    def at_work(self, *modules: nn.Module) -> Iterator[None]:
        """Inside, the modules are on the device."""
        for module in modules:
            module.to(self.device)
        try:
            yield
        finally:
            if self.offload and self.device.type != "cpu":
                for module in modules:
                    module.to("cpu")
                if self.device.type == "cuda":
                    torch.cuda.empty_cache()


def choose_placement(
    device: str = "auto", precision: Precision | None = None, *, offload: bool = False, slicing: bool = False
) -> Placement:
    """A placement that this machine can fulfil.

    Args:
        device: "auto" (cuda, mps, cpu, the first there is), or "cpu", "cuda", "cuda:1", "mps".
        precision: None takes the first of the table above.

    Raises:
        UsageError: nothing is called so, or a precision that it cannot do. NotAvailableError: there is no such device here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind = device.split(":")[0]
    if kind not in _ALLOWED:
        raise UsageError(f"unknown device {device!r}; choose auto, cpu, cuda or mps")
    check_device(device)
    chosen = precision or _ALLOWED[kind][0]
    if chosen not in _ALLOWED[kind]:
        raise UsageError(f"--precision {chosen} does not work on {kind}; choose {', '.join(_ALLOWED[kind])}")
    return Placement(torch.device(device), getattr(torch, chosen), offload=offload, slicing=slicing)
