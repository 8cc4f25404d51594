"""Which number format a training step multiplies in: bfloat16 where the machine has it, else float32.

A processor without bfloat16 instructions still takes bfloat16 and emulates it: 1.2 GFLOP/s against 72 in float32 on one AVX2
core, so that a run there would all but stand still.
"""

from __future__ import annotations

import torch


def has_bfloat16(device: str) -> bool:
    """True on CUDA, and on a CPU with bfloat16 instructions (AVX512-BF16 or AMX)."""
    if not device.startswith("cpu"):
        return True
    # torch has no public question for this; a build without the private one is taken as a CPU without
    asked = [getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile")]
    return any(ask() for ask in asked if ask is not None)


def autocast(device: str) -> torch.autocast:
    """The context of a training step's forward pass on this device ("cpu", "cuda", "cuda:1")."""
    return torch.autocast(device.split(":")[0], dtype=torch.bfloat16, enabled=has_bfloat16(device))
