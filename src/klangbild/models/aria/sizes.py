"""The sizes of a midi-emotion network, as its `model_config.pt` and our `config.json` tell them. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.conditioning import MODES

MAX_POSITIONS = 2048
"""Rows of the positional table and of each layer's table of distances: fixed in the published code."""

MAX_SIZES = {
    "vocab_size": 65_536, "n_layer": 256, "n_head": 256, "d_model": 16_384, "d_inner": 131_072, "max_positions": 65_536,
}  # fmt: skip
"""What no such network exceeds: a damaged config must not ask for terabytes."""


@dataclass(frozen=True)
class MidiEmotionSizes:
    """All that fixes the shapes of the weights. The defaults are those of the published 145 M models.

    Raises:
        InputError: an unknown conditioning, a size below 1, or a width that does not split into the heads.
    """

    conditioning: str
    vocab_size: int
    n_layer: int = 20
    n_head: int = 16
    d_model: int = 768
    d_inner: int = 3072
    d_condition: int = -1
    dropout: float = 0.1
    regression: bool = False
    max_positions: int = MAX_POSITIONS

    def __post_init__(self) -> None:
        if not isinstance(self.conditioning, str) or self.conditioning not in MODES:
            raise InputError(
                f"the model's conditioning is '{str(self.conditioning)[:80]}', not one of {', '.join(MODES)}"
            )
        for name, largest in MAX_SIZES.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
                raise InputError(f"the model's {name} is not a whole number from 1 to {largest}; its config is damaged")
        if not isinstance(self.d_condition, int) or not isinstance(self.dropout, (int, float)):
            raise InputError("the model's d_condition or dropout is no number; its config is damaged")
        if self.d_model % self.n_head:
            raise InputError(
                f"the model's d_model {self.d_model} does not split into {self.n_head} heads; damaged config"
            )
        if self.conditioning == "continuous_concat" and not 0 < self.d_condition < self.d_model:
            raise InputError(
                f"continuous_concat needs a d_condition between 1 and {self.d_model - 1}, not {self.d_condition}"
            )

    @property
    def d_head(self) -> int:
        return self.d_model // self.n_head

    @property
    def d_embedding(self) -> int:
        """Width of a token's embedding: d_model, less what the condition takes in `continuous_concat`."""
        return self.d_model - (self.d_condition if self.conditioning == "continuous_concat" else 0)

    @property
    def n_prefix(self) -> int:
        """Positions that the emotion takes before the first token: 2 in the token modes."""
        return 2 if self.conditioning in ("continuous_token", "discrete_token") else 0

    def as_dict(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping, *, where: str = "config.json") -> MidiEmotionSizes:
        """From our `config.json` or the namespace of a `model_config.pt`; other keys are ignored, `regression` may lack.

        Raises:
            InputError: a needed key is missing or wrong.
        """
        known = {field.name for field in fields(MidiEmotionSizes)}
        given = {key: values[key] for key in values if key in known}
        missing = {"conditioning", "vocab_size", "n_layer", "n_head", "d_model", "d_inner"} - given.keys()
        if missing:
            raise InputError(
                f"{where}: lacks {', '.join(sorted(missing))}; this is not the config of a midi-emotion model"
            )
        if given["conditioning"] is None:
            given["conditioning"] = "none"
        if given["conditioning"] != "continuous_concat":
            given["d_condition"] = -1
        try:
            return MidiEmotionSizes(**given)
        except (InputError, TypeError) as error:
            raise InputError(f"{where}: {error}") from None


def position_table(sizes: MidiEmotionSizes) -> np.ndarray:
    """(max_positions, D) float32: channel i holds sin(p / 10000^(i/D)) if even, cos(p / 10000^((i-1)/D)) if odd."""
    position = np.arange(sizes.max_positions, dtype=np.float64)[:, None]
    channel = np.arange(sizes.d_model)
    angle = position / 10000.0 ** ((channel - channel % 2) / sizes.d_model)
    return np.sin(angle + (channel % 2) * (np.pi / 2)).astype(np.float32)
