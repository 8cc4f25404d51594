"""The settings of a training run of the notes model, as `configs/notes*.toml` name them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from klangbild.models.bars.network_torch import NetworkSizes
from klangbild.models.bars.section_attributes import N_INPUTS
from klangbild.training.config_file import load_config


@dataclass(frozen=True)
class NotesConfig:
    """Everything a run is made of; one TOML file. Lengths in ids, rates per step."""

    data: str = "data/prepared/notes.npz"
    run: str = "runs/notes"
    name: str = ""
    """Of the model; "notes-MODE" where none is given."""
    seed: int = 1
    mode: str = "continuous_concat"
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 1024
    condition_width: int = 64
    places: bool = True
    attributes: bool = True
    context: int = 512
    rows: int = 8
    muon_lr: float = 0.02
    adamw_lr: float = 0.003
    weight_decay: float = 0.0
    warmup: int = 30
    clip: float = 1.0
    dropout: float = 0.0
    condition_dropout: float = 0.1
    attributes_dropout: float = 0.15
    group_dropout: float = 0.15
    section_start_share: float = 0.5
    opened_share: float = 0.75
    opening_weight: float = 48.0
    average: float = 0.999
    heldout_chunks: int = 48
    heldout_every: int = 500
    checkpoint_minutes: float = 4.0
    compile: bool = False
    pool_shares: dict[str, float] = field(default_factory=dict)

    @staticmethod
    def load(path: Path) -> NotesConfig:
        """Raises InputError: missing, no TOML, or a name or type that is not ours."""
        return load_config(NotesConfig, path)

    @property
    def model_name(self) -> str:
        """What the model's files are called."""
        return self.name or f"notes-{self.mode}"

    def sizes(self, vocabulary: int) -> NetworkSizes:
        return NetworkSizes(
            vocabulary,
            self.mode,
            self.width,
            self.layers,
            self.heads,
            self.hidden,
            self.condition_width,
            places=self.places,
            attributes=N_INPUTS if self.attributes else 0,
        )
