"""A midi-emotion or ARIA model in torch, as a `NoteModel`: any device, float32, bfloat16 or float16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from klangbild.errors import InputError, UsageError
from klangbild.models.aria.network_torch import Cache, MidiEmotionNetwork
from klangbild.models.aria.sizes import MidiEmotionSizes
from klangbild.models.aria.vocabulary import EventsVocabulary
from klangbild.models.aria.window import WindowedModel
from klangbild.models.device_torch import check_device


class TorchEventsModel(WindowedModel):
    """`network` with a key/value cache. `cached=False` recomputes the window at each step, as midi-emotion does.

    device, dtype: where and how the network computes (it is moved there); logits come back as float32. float16 is for CUDA.
    """

    def __init__(
        self,
        network: MidiEmotionNetwork,
        vocabulary: EventsVocabulary,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
        cached: bool = True,
        **window: Any,
    ) -> None:
        self.network = network.eval().to(device=device, dtype=dtype)
        self.device, self.cached = torch.device(device), cached
        self._cache: Cache | None = None
        super().__init__(network.sizes, vocabulary, **window)

    @torch.inference_mode()
    def _read(self, ids: np.ndarray, condition: np.ndarray, *, fresh: bool) -> np.ndarray:
        if self.cached and (fresh or self._cache is None):
            self._cache = Cache(self.network, len(ids))
        if not self.cached:
            self._all = ids if fresh else np.concatenate([self._all, ids], axis=1)
            ids = self._all
        logits = self.network(
            torch.from_numpy(ids).to(self.device),
            torch.from_numpy(condition).to(self.device),
            cache=self._cache if self.cached else None,
            last_only=True,
        )
        return logits[:, -1].float().cpu().numpy()


def open_in_torch(
    weights: Path, sizes: MidiEmotionSizes, vocabulary: EventsVocabulary, *, precision: str, device: str, **window: Any
) -> TorchEventsModel:
    """A converted model's `model.safetensors` on a device. precision: float32, bfloat16, or (CUDA only) float16.

    Raises:
        UsageError: the device does not compute in that precision. NotAvailableError: there is no such device here.
        InputError: the weights are damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    on_cpu = device.startswith("cpu")
    if on_cpu and precision == "float16":
        raise UsageError("float16 needs --device cuda; on the CPU choose bfloat16, float32 or int8")
    if not on_cpu and precision == "int8":
        raise UsageError(f"int8 is for the CPU; on {device} choose float16, bfloat16 or float32")
    check_device(device)
    network = MidiEmotionNetwork(sizes)
    try:
        network.load_state_dict(load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{weights}: is damaged ({type(error).__name__}); add the model again") from None
    return TorchEventsModel(network, vocabulary, device=device, dtype=getattr(torch, precision), **window)
