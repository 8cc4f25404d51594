"""`klangbild train export notes`: a training checkpoint to the runtime model, its card, and weights to train on from.

The averaged weights become an ONNX graph; the matrices of its blocks and its output layer are stored as int8 (by column)
and multiplied with inputs quantised as they come. What that costs in held-out bits stands in the card.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from klangbild.errors import UsageError
from klangbild.models.bars.data.choose_labels import labels_on_card
from klangbild.models.bars.data.licence_names import is_open
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.data.section_table import gather_sections
from klangbild.models.bars.network_torch import NetworkSizes, NotesNetwork
from klangbild.models.bars.runtime import PATCH
from klangbild.models.bars.section_plan import FILE as SECTIONS_FILE
from klangbild.models.bars.section_plan import sections_file
from klangbild.models.bars.training.graph import build_graph
from klangbild.models.bars.training.train_config import NotesConfig
from klangbild.models.bars.training.weights_torch import in_other_mode
from klangbild.models.bars.weight_patch import make_patch
from klangbild.training.checkpoint import load_checkpoint
from klangbild.training.loop import CHECKPOINT, DECAYED
from klangbild.training.weights_torch import save_weights
from klangbild.whole_files import atomic_write

LICENCE, OPEN_LICENCE = "CC BY-NC-SA 4.0", "CC BY 4.0"
"""Of weights that learnt from anything, and of those that learnt from openly licensed music only and from nobody's ratings."""
_INT8, _SCALE = "_quantized", "_scale"
_STEPS = 63


def averaged_network(checkpoint: Path) -> tuple[NotesNetwork, dict[str, Any]]:
    """The network of a training checkpoint with its averaged weights, and the checkpoint itself."""
    state = load_checkpoint(checkpoint)
    network = NotesNetwork(NetworkSizes(**state["sizes"]))
    network.load_state_dict(state["average"]["weights"])
    return network.eval(), state


def quantised(model: onnx.ModelProto, *, keep_float: tuple[str, ...] = ()) -> onnx.ModelProto:
    """The model with int8 matrices (dynamic quantisation, one scale a column); `keep_float` names matrices left alone."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    small = {"condition_weight", "attributes_in", "attributes_out", *keep_float}
    kept = [n.name for n in model.graph.node if n.op_type == "MatMul" and set(n.input) & small]
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises a pre-processing step that this graph does not need
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
            onnx.save(model, source)
            quantize_dynamic(
                source,
                target,
                weight_type=QuantType.QInt8,
                per_channel=True,
                # 7 bits: sums of pairs of products fit 16, so that processors with and without VNNI compute the same
                reduce_range=True,
                op_types_to_quantize=["MatMul"],
                nodes_to_exclude=kept,
            )
            return onnx.load(target)
    finally:
        logging.disable(before)


def on_scales_of(model: onnx.ModelProto, weights: onnx.ModelProto, base: onnx.ModelProto) -> list[tuple[bytes, bytes]]:
    """Put the int8 matrices of `model` on the scales of `base`, so that equal weights are equal bytes; `weights` is the model in
    float32. Returns the matrices' bytes in both, base first. Raises UsageError: the base is of a network of other sizes."""
    floats = {t.name: numpy_helper.to_array(t) for t in weights.graph.initializer}
    theirs = {t.name: t for t in base.graph.initializer}
    pairs = []
    for tensor in list(model.graph.initializer):
        if not tensor.name.endswith(_INT8):
            continue
        name = tensor.name.removesuffix(_INT8)
        if tensor.name not in theirs or theirs[tensor.name].dims != tensor.dims:
            raise UsageError(
                "--onto: that model is of a network of other sizes; give the one that this was fine-tuned from"
            )
        scale = numpy_helper.to_array(theirs[name + _SCALE])
        whole = np.clip(np.rint(floats[name] / scale), -_STEPS, _STEPS).astype(np.int8)
        tensor.CopyFrom(numpy_helper.from_array(whole, tensor.name))
        next(t for t in model.graph.initializer if t.name == name + _SCALE).CopyFrom(theirs[name + _SCALE])
        pairs.append((numpy_helper.to_array(theirs[tensor.name]).tobytes(), whole.tobytes()))
    return pairs


def network_graph(network: NotesNetwork, *, half_embedding: bool) -> onnx.ModelProto:
    """A network -> its float32 graph."""
    weights = {name: w.detach().cpu().numpy() for name, w in network.state_dict().items()}
    return build_graph(network.sizes, weights, half_embedding=half_embedding)


def mixed_in(network: NotesNetwork, weights: dict[str, torch.Tensor], share: float = 0.5) -> None:
    """Replace the network's weights by a mean: `share` (0 .. 1) of other weights, the rest its own. What the others lack counts as zero.

    Two ends of one run, or a run and what it started from, lie in one basin, and their mean is better than either. Source:
    Wortsman et al. (2022), "Model soups", arXiv 2203.05482, section 3; Wortsman et al. (2022), arXiv 2109.01903.

    Raises:
        UsageError: the weights are of a network of other sizes.
    """
    own = network.state_dict()
    if "embedding.weight" in weights:
        weights = in_other_mode(weights, network.sizes)
    if any(name not in own or own[name].shape != weight.shape for name, weight in weights.items()):
        raise UsageError("--mix: those weights are of a network of other sizes; give weights that the run started from")
    zero = torch.zeros(())
    network.load_state_dict({n: (1.0 - share) * weight + share * weights.get(n, zero) for n, weight in own.items()})


def export_notes(
    config: NotesConfig,
    *,
    checkpoint: Path | None = None,
    mix: dict[str, torch.Tensor] | None = None,
    mix_share: float = 0.5,
    onto: Path | None = None,
    out_dir: Path,
    weights_dir: Path | None = None,
) -> tuple[NotesNetwork, Path]:
    """Write `out_dir/NAME.onnx`, its card and the table of sections (and `weights_dir/NAME.safetensors`); NAME is
    `config.model_name`, and its table is `notes-sections.npz`, or `NAME-sections.npz` where the config gives a name.

    Without `checkpoint`: the run's decayed branch if there is one, else its newest checkpoint. mix: earlier weights, of which the
    model that is written gets `mix_share` (0 .. 1). onto: the `continuous_concat` model beside which this one will stand; it is
    then written as its difference from it, `NAME.patch`. Returns the float32 network and the path of the card, for measuring both.
    """
    network, state = averaged_network(checkpoint or newest_checkpoint(config))
    if mix is not None:
        mixed_in(network, mix, mix_share)
    graph = network_graph(network, half_embedding=True)
    model = quantised(graph)
    pairs = on_scales_of(model, graph, onnx.load(onto)) if onto else []
    blob = model.SerializeToString()
    data = NoteData.load(Path(config.data))
    card = _card(config.model_name, state, data) | {"sha256": hashlib.sha256(blob).hexdigest()}
    if mix is not None:
        card["training"]["mixed"] = f"{1 - mix_share:g} of the run's weights, {mix_share:g} of others of its line"
    out_dir.mkdir(parents=True, exist_ok=True)
    if onto:
        atomic_write(out_dir / f"{card['name']}{PATCH}", make_patch(onto.read_bytes(), blob, pairs))
    else:
        atomic_write(out_dir / f"{card['name']}.onnx", blob)
    if network.sizes.attributes:
        table = sections_file(config.name) if config.name else SECTIONS_FILE
        gather_sections(data, pool_shares=config.pool_shares).save(out_dir / table)
    write_card(out_dir / f"{card['name']}.json", card)
    if weights_dir:
        _save_half(network, card, weights_dir)
    return network, out_dir / f"{card['name']}.json"


def export_weights(config: NotesConfig, *, checkpoint: Path | None = None, weights_dir: Path) -> Path:
    """Write `weights_dir/NAME.safetensors` alone: float16 weights to train on from, and no runtime model. Returns its path.

    Without `checkpoint`: the run's decayed branch if there is one, else its newest checkpoint.
    """
    network, state = averaged_network(checkpoint or newest_checkpoint(config))
    return _save_half(network, _card(config.model_name, state, NoteData.load(Path(config.data))), weights_dir)


def newest_checkpoint(config: NotesConfig) -> Path:
    """The run's decayed branch if there is one, else its newest checkpoint."""
    run = Path(config.run)
    return run / DECAYED if (run / DECAYED).exists() else run / CHECKPOINT


def _save_half(network: NotesNetwork, card: dict[str, Any], folder: Path) -> Path:
    keys = ("name", "mode", "sizes", "context", "language", "language_version", "licence", "training")
    path = folder / f"{card['name']}.safetensors"
    save_weights(path, network.state_dict(), half=True, notes={key: card[key] for key in keys})
    return path


def write_card(path: Path, card: dict[str, Any]) -> None:
    """A model card as JSON, one key a line."""
    atomic_write(path, (json.dumps(card, indent=1) + "\n").encode())


def _card(name: str, state: dict[str, Any], data: NoteData) -> dict[str, Any]:
    config, about, before = state["config"], data.about, state.get("before", {})
    heldout = data.piece_heldout[np.unique(data.section_piece[np.diff(data.section_start) > 0])]
    return {
        "name": name,
        "kind": "notes",
        "language": about["language"],
        "language_version": about["language_version"],
        "mode": config["mode"],
        "sizes": state["sizes"],
        "context": config["context"],
        "weights": "int8 matrices by column, float16 embedding, float32 rest",
        "licence": OPEN_LICENCE if _all_open(data) else LICENCE,
        "data": {
            "sets": {pool: about["licences"][pool] for pool in about["pools"] if about["licences"][pool]},
            "pool_shares": config["pool_shares"],
            "pieces_trained_on": int((~heldout).sum()),
            "pieces_held_out": int(heldout.sum()),
            "ids": len(data.ids),
            "labels": labels_on_card(data),
        },
        "training": {
            # with those of the weights that the run started from
            "steps": state["step"] + before.get("steps", 0),
            "ids_seen": state["ids_seen"] + before.get("ids_seen", 0),
            "minutes": round(state["minutes"] + before.get("minutes", 0.0), 1),
            "seed": config["seed"],
            "command": f"klangbild train notes --config configs/{config.get('name') or 'notes'}.toml, then klangbild train export notes",
        },
        "limits": "emotion is pseudo-labelled; no lyrics, no audio; timing on a grid of 1/12 beat; form beyond the context "
        "is the caller's work",
    }


def _all_open(data: NoteData) -> bool:
    """Whether all music is openly licensed, and the labels rest on no ratings."""
    licences = [licence for found in data.about["licences"].values() for licence in found]
    return bool(licences) and all(map(is_open, licences)) and data.about.get("labels", {}).get("from") == "mode"
