"""The settings of a training run of midi-emotion's networks, as `configs/events*.toml` name them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from klangbild.errors import UsageError
from klangbild.models.aria.sizes import MidiEmotionSizes
from klangbild.models.aria.vocabulary import EventsVocabulary, with_emotion_tokens
from klangbild.models.bars.conditioning import MODES
from klangbild.training.config_file import load_config

CLS = "<CLS>"


@dataclass(frozen=True)
class EventsConfig:
    """Everything a run is made of; one TOML file. The defaults are the published ones.

    Raises:
        UsageError: an unknown conditioning or kind of bins.
    """

    data: str = "data/prepared/events.npz"
    run: str = "runs/events"
    seed: int = 1
    conditioning: str = "continuous_concat"
    regression: bool = False
    n_layer: int = 20
    n_head: int = 16
    d_model: int = 768
    d_inner: int = 3072
    d_condition: int = 192
    dropout: float = 0.1
    length: int = 1216
    rows: int = 4
    lr: float = 2e-5
    warmup: int = 0
    clip: float = 1.0
    bins: str = "quantile"
    labelled_only: bool = False
    heldout_rows: int = 32
    eval_every: int = 8000
    log_every: int = 50
    checkpoint_minutes: float = 4.0

    def __post_init__(self) -> None:
        if self.conditioning not in MODES:
            raise UsageError(f"conditioning '{self.conditioning}' is not known; choose one of {', '.join(MODES)}")
        if self.bins not in ("quantile", "equal"):
            raise UsageError(f"bins '{self.bins}' are not known; choose quantile (as published) or equal")

    @staticmethod
    def load(path: Path) -> EventsConfig:
        """Raises InputError: missing, no TOML, or a name that is not ours."""
        return load_config(EventsConfig, path)

    def vocabulary(self) -> EventsVocabulary:
        if self.regression:
            return EventsVocabulary((CLS,))
        return with_emotion_tokens() if self.conditioning == "discrete_token" else EventsVocabulary()

    def sizes(self) -> MidiEmotionSizes:
        conditioning = "none" if self.regression else self.conditioning
        return MidiEmotionSizes(
            conditioning, self.vocabulary().size, self.n_layer, self.n_head, self.d_model, self.d_inner,
            self.d_condition if conditioning == "continuous_concat" else -1, self.dropout, self.regression,
        )  # fmt: skip
