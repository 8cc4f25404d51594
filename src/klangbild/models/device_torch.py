"""Whether there is a device of the name that was asked for."""

from __future__ import annotations

import torch

from klangbild.errors import NotAvailableError, UsageError


def check_device(device: str) -> None:
    """Raises UsageError: no device is called so. NotAvailableError: there is none of it here."""
    try:
        asked = torch.device(device)
    except RuntimeError:
        raise UsageError(f"--device {device}: is no device; give cpu, cuda or cuda:N") from None
    if asked.type == "cuda" and not torch.cuda.is_available():
        raise NotAvailableError(f"--device {device}: there is no CUDA device here; use --device cpu")
    if asked.type == "cuda" and (asked.index or 0) >= torch.cuda.device_count():
        raise NotAvailableError(f"--device {device}: the last CUDA device here is cuda:{torch.cuda.device_count() - 1}")
    if asked.type == "mps" and not torch.backends.mps.is_available():
        raise NotAvailableError(f"--device {device}: there is no MPS device here; use --device cpu")
