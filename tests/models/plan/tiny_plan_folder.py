"""The whole plan model at tiny size, written by the very code that writes the real one, with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from klangbild.models.plan.caption_words import Vocabulary
from klangbild.models.plan.network_torch import PlanModel, PlanSizes
from klangbild.models.plan.packed_weights import packed
from klangbild.models.plan.picture_levels import WIDTHS
from klangbild.models.plan.projection import projection_file
from klangbild.models.plan.projection_torch import ProjectionNet
from klangbild.models.plan.synapse import synapse_file
from klangbild.models.plan.synapse_torch import SynapseNet
from klangbild.models.plan.training.graph import base_graph, words_graph
from klangbild.picture.encoder import shipped_encoder
from klangbild.training.manifest import sha256_of

SIZES = PlanSizes(len(Vocabulary()), width=32, layers=3, heads=2, hidden=48, words_hidden=32, axes_hidden=8)
SEEN = 2 * sum(WIDTHS)


def random_weights(net, spread: float, seed: int = 0):
    """Random weights everywhere: a network fresh from its constructor says 0 whatever it hears."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return net.eval()


def tiny_model(seed: int = 0) -> PlanModel:
    return random_weights(PlanModel(SIZES, Vocabulary(), seed=seed), 0.15, seed)


def tiny_projection(variant: str) -> ProjectionNet:
    return random_weights(ProjectionNet(variant, SIZES, torch.zeros(SEEN), torch.ones(SEEN), hidden=8), 0.1)


def tiny_synapse(form: str) -> SynapseNet:
    return random_weights(
        SynapseNet(form, SIZES, [torch.zeros(w) for w in WIDTHS], [torch.ones(w) for w in WIDTHS]), 0.3
    )


def write_tiny_plan(folder: Path) -> Path:
    """All files of the model, its projections and synapses, for the picture encoder that ships."""
    folder.mkdir(parents=True, exist_ok=True)
    model = tiny_model()
    for name, graph, part in (("base", base_graph, model.base), ("words", words_graph, model.words)):
        weights = {n: w.detach().numpy() for n, w in part.state_dict().items()}
        (folder / f"plan-{name}.onnx").write_bytes(graph(SIZES, weights).SerializeToString())
    axes = {n.replace(".", "_"): w.detach().numpy().T for n, w in model.axes.state_dict().items()}
    np.savez(folder / "plan-axes.npz", **packed(axes))
    card = {
        "name": "klangbild-plan",
        "licence": "CC BY-NC-SA 4.0",
        "vocabulary": list(Vocabulary().words),
        "sizes": SIZES.as_dict(),
    }
    (folder / "plan-base.json").write_text(json.dumps(card))
    encoder = sha256_of(shipped_encoder().read_bytes())
    for variant in ("1", "4", "direct"):
        net = tiny_projection(variant)
        _write(projection_file(variant, folder), {n: v.detach().numpy() for n, v in net.state_dict().items()},
               {"tokens": net.n_tokens, "encoder_sha256": encoder})  # fmt: skip
    for form in ("gated", "paper", "released"):
        _write(synapse_file(form, folder), tiny_synapse(form).arrays(), {"form": form, "encoder_sha256": encoder})
    return folder


def _write(path: Path, arrays: dict[str, np.ndarray], card: dict) -> None:
    np.savez(path, **packed(arrays))
    path.with_suffix(".json").write_text(json.dumps(card))
