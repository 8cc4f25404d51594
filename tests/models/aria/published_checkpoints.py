"""Tiny checkpoints in the published layout, written the way midi-emotion writes them."""

import torch

from klangbild.models.aria.network_torch import MidiEmotionNetwork
from klangbild.models.aria.sizes import MidiEmotionSizes
from klangbild.models.aria.vocabulary import base_symbols, with_emotion_tokens

CONDITIONINGS = ("continuous_concat", "continuous_token", "discrete_token", "none")


def mappings_of(symbols):
    events = [f"{s}_{i}" for i in ("DRUMS", "GUITAR", "BASS", "PIANO", "STRINGS") for s in ("OFF", "ON")] + [
        "TIMESHIFT"
    ]

    def symbol(name):
        event, _, value = name.rpartition("_")
        return name if name.startswith("<") else (events.index(event), int(value))

    tuples = [symbol(name) for name in symbols]
    return {
        "event2idx": {name: i for i, name in enumerate(events)},
        "idx2event": dict(enumerate(events)),
        "tuple2idx": {t: i for i, t in enumerate(tuples)},
        "idx2tuple": dict(enumerate(tuples)),
        "transposable_event_inds": list(range(2, 10)),
    }


def write_checkpoint(folder, conditioning, *, seed=0, **sizes):
    symbols = with_emotion_tokens().symbols if conditioning == "discrete_token" else base_symbols()
    shape = {"n_layer": 2, "n_head": 3, "d_model": 36, "d_inner": 56} | sizes
    d_condition = 12 if conditioning == "continuous_concat" else -1
    config = MidiEmotionSizes(conditioning, len(symbols), d_condition=d_condition, **shape)
    network = MidiEmotionNetwork(config, generator=torch.Generator().manual_seed(seed))
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / "model.pt")
    torch.save(mappings_of(symbols), folder / "mappings.pt")
    told = config.as_dict()
    del told["regression"], told["max_positions"]
    torch.save({**told, "lr": 2e-5, "debug": False, "restart_dir": None}, folder / "model_config.pt")
    return network.eval()
