"""A midi-emotion or ARIA model in torch, as a `NoteModel`: any device, float32, bfloat16 or float16."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from klangbild.notes.events_vocabulary import EventsVocabulary
from klangbild.notes.midi_emotion_torch import Cache, MidiEmotionNetwork
from klangbild.notes.midi_emotion_window import WindowedModel


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
