"""Sentence encoders that numpy does not read here (other networks than BERT, other vocabularies), by transformers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from klangbild.errors import NotAvailableError
from klangbild.hub_quiet import quiet_libraries


class TransformersEncoder:
    """Texts -> unit vectors, the mean over their tokens. Weights must be safetensors.

    Raises:
        NotAvailableError: the folder does not hold such an encoder.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoTokenizer

        quiet_libraries()
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model, told = AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            # a pooler plays no part in the mean over the tokens, and many encoders come without one
            missing = [key for key in told["missing_keys"] if "pooler" not in key] + list(told["mismatched_keys"])
            if missing:
                raise ValueError(f"it lacks {len(missing)} weights, {missing[0]} first")
            self._model.eval()
        except Exception as error:  # the loaders raise many kinds, all meaning that the files are not right
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise NotAvailableError(f"{folder}: is not a sentence encoder ({first}); put it there again") from error

    @torch.no_grad()
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 of length 1."""
        found = []
        for start in range(0, len(texts), 64):
            tokens = self._tokenizer(
                list(texts[start : start + 64]), padding=True, truncation=True, return_tensors="pt"
            )
            hidden = self._model(**tokens).last_hidden_state  # (batch, time, width)
            mask = tokens["attention_mask"][..., None].float()
            mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
            found.append(torch.nn.functional.normalize(mean, dim=1).numpy())
        return np.concatenate(found)
