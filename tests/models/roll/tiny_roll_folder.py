"""The whole sound model at tiny size, written by the very code that writes the real one, with random weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import torch

from klangbild.models.roll.caption_words import Vocabulary
from klangbild.models.roll.latent import CHANNELS
from klangbild.models.roll.latent_torch import RollAutoencoder, RollSizes
from klangbild.models.roll.network_torch import SoundModel, SoundSizes
from klangbild.models.roll.projection import packed, projection_file
from klangbild.models.roll.projection_torch import ProjectionNet
from klangbild.models.roll.synapse import synapse_file
from klangbild.models.roll.synapse_torch import SynapseNet
from klangbild.models.roll.training.graph import base_graph, words_graph
from klangbild.shipped import weights_folder
from klangbild.training.manifest import sha256_of

SIZES = SoundSizes(len(Vocabulary()), CHANNELS, width=32, layers=2, heads=2, hidden=48, words_hidden=32, period=16)


def tiny_model(seed: int = 0) -> SoundModel:
    """Random weights everywhere: a network fresh from its constructor says 0 whatever it hears."""
    model = SoundModel(SIZES, Vocabulary(), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.15)
    return model.eval()


def tiny_projection(variant: str, seed: int = 0) -> ProjectionNet:
    generator = torch.Generator().manual_seed(seed)
    net = ProjectionNet(variant, SIZES, torch.zeros(384), torch.ones(384), hidden=8, generator=generator)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return net.eval()


def tiny_synapse() -> SynapseNet:
    widths = (32, 64, 128, 192)
    net = SynapseNet("gated", SIZES, [torch.zeros(w) for w in widths], [torch.ones(w) for w in widths])
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    return net.eval()


def tiny_latent() -> RollAutoencoder:
    """Lanes that are struck often enough to be heard."""
    latent = RollAutoencoder(RollSizes(8, 8), seed=1)
    with torch.no_grad():
        for lanes in latent.lanes:
            lanes.weight.mul_(2.0)
    return latent


def write_tiny_roll(folder: Path) -> Path:
    """All files of the model, three projections, and the picture encoder that ships."""
    folder.mkdir(parents=True, exist_ok=True)
    model = tiny_model()
    for name, graph, part in (("base", base_graph, model.base), ("words", words_graph, model.words)):
        weights = {n: w.detach().numpy() for n, w in part.state_dict().items()}
        (folder / f"sound-{name}.onnx").write_bytes(graph(SIZES, weights).SerializeToString())
    with (folder / "roll-latent.npz").open("wb") as file:
        np.savez(file, **packed(tiny_latent().arrays()))
    card = {
        "name": "klangbild-roll",
        "latent": "roll",
        "licence": "CC BY-NC-SA 4.0",
        "vocabulary": list(Vocabulary().words),
    }
    (folder / "sound-base.json").write_text(json.dumps(card))
    encoder = shutil.copy(weights_folder() / "roll" / "picture-encoder.onnx", folder)
    for variant in ("1", "4", "direct"):
        projection = tiny_projection(variant)
        path = projection_file(variant, folder)
        with path.open("wb") as file:
            np.savez(file, **packed({n: v.detach().numpy() for n, v in projection.state_dict().items()}))
        facts = {"tokens": projection.n_tokens, "encoder_sha256": sha256_of(Path(encoder).read_bytes())}
        path.with_suffix(".json").write_text(json.dumps(facts))
    synapse = tiny_synapse()
    path = synapse_file("gated", folder)
    with path.open("wb") as file:
        np.savez(file, **packed(synapse.arrays()))
    facts = {"form": "gated", "encoder_sha256": sha256_of(Path(encoder).read_bytes())}
    path.with_suffix(".json").write_text(json.dumps(facts))
    return folder
