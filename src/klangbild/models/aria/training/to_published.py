"""A trained network of midi-emotion's as the published trio `model.pt`, `mappings.pt`, `model_config.pt`.

Both `klangbild models add` and midi-emotion itself can read it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from klangbild.models.aria.network_torch import MidiEmotionNetwork
from klangbild.models.aria.training.train_config import EventsConfig
from klangbild.models.aria.vocabulary import INSTRUMENTS, EventsVocabulary
from klangbild.whole_files import atomic_path


def write_published(
    folder: Path,
    network: MidiEmotionNetwork,
    vocabulary: EventsVocabulary,
    config: EventsConfig,
    *,
    bin_edges: dict[str, np.ndarray] | None = None,
) -> None:
    """Write the three. bin_edges: of the emotion tokens, (6,) of each axis."""
    folder.mkdir(parents=True, exist_ok=True)
    _save({name: t.detach().cpu() for name, t in network.state_dict().items()}, folder / "model.pt")
    _save(mappings_of(vocabulary), folder / "mappings.pt")
    told = network.sizes.as_dict()
    del told["max_positions"]
    more = {"tgt_len": config.length, "lr": config.lr, "overwrite_dropout": False, "bins": config.bins}
    if bin_edges is not None:
        more["bin_edges"] = {axis: edges.tolist() for axis, edges in bin_edges.items()}
    _save({**told, "d_embed": network.sizes.d_model, **more}, folder / "model_config.pt")


def _save(what: dict[str, Any], path: Path) -> None:
    with atomic_path(path, durable=True) as temporary:
        torch.save(what, temporary)


def mappings_of(vocabulary: EventsVocabulary) -> dict[str, Any]:
    """The five tables of a `mappings.pt`."""
    events = [f"{switch}_{name.upper()}" for name in INSTRUMENTS for switch in ("OFF", "ON")] + ["TIMESHIFT"]
    symbols: list[str | tuple[int, int]] = []
    for name in vocabulary.symbols:
        event, _, value = name.rpartition("_")
        symbols.append(name if name.startswith("<") else (events.index(event), int(value)))
    return {
        "event2idx": {name: index for index, name in enumerate(events)},
        "idx2event": dict(enumerate(events)),
        "tuple2idx": {symbol: index for index, symbol in enumerate(symbols)},
        "idx2tuple": dict(enumerate(symbols)),
        "transposable_event_inds": list(range(2, len(events) - 1)),
    }
