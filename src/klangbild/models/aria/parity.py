"""Recorded data of midi-emotion against ours: language, network, gradients, greedy music, sampler. See `metrics/parity.py`.

The folder holds `codec.json` and `vocab_discrete.json`, and a subfolder per model (any names, any sizes) with `model.pt`,
`mappings.pt`, `model_config.pt`, `io.npz`, `meta.json`, `greedy.json` and perhaps `sampler_trace.npz`. What a subfolder lacks is
not compared; nothing recorded is read for anything but comparing, except weights, inputs and conditions.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from klangbild.errors import InputError
from klangbild.metrics.parity import Comparison, largest_difference, n_different
from klangbild.models.aria import vocabulary as v
from klangbild.models.aria.convert_torch import read_checkpoint
from klangbild.models.aria.decode_strict import decode_strict
from klangbild.models.aria.emotion_tokens import EMOTION_LABELS
from klangbild.models.aria.network_torch import Cache, MidiEmotionNetwork, next_token_loss
from klangbild.models.aria.notes_from_file import notes_from_file, to_strict_midi_bytes
from klangbild.models.aria.parity_codec import compare_codec, n_unequal, note_error
from klangbild.models.aria.published_sampler import MidiEmotionSampling, RepeatCounter, choices, generate
from klangbild.models.aria.runtime_torch import TorchEventsModel

_LABEL_CENTERS = dict(zip(EMOTION_LABELS, (-0.8, -0.4, 0.0, 0.4, 0.8), strict=True))
_GRADIENT_FLOOR = 1e-3
"""Gradients below this share of the largest are measured against that share: a key bias has none in exact arithmetic, so that
its recorded one is rounding noise, which differs from one order of summation to the next."""


def compare(folder: Path, spec: dict) -> Iterator[Comparison]:
    """Every recorded array of a midi-emotion folder."""
    tolerance = spec["tolerance"]
    if (folder / "codec.json").is_file():
        yield from compare_codec(json.loads((folder / "codec.json").read_text()), tolerance)
    variants = sorted(path.parent for path in folder.glob("*/model.pt"))
    if not variants:
        raise InputError(f"{folder}: has no model.pt in any subfolder; record the folder again")
    if (folder / "vocab_discrete.json").is_file():
        names = json.loads((folder / "vocab_discrete.json").read_text())
        yield Comparison("vocab_discrete", n_unequal(v.with_emotion_tokens().symbols, names), tolerance["ids"])
    for variant in variants:
        for comparison in _variant(variant, tolerance):
            yield Comparison(f"{variant.name}/{comparison.name}", comparison.error, comparison.tolerance)


def _variant(folder: Path, tolerance: dict) -> Iterator[Comparison]:
    checkpoint = read_checkpoint(folder)
    network = MidiEmotionNetwork(checkpoint.sizes)
    network.load_state_dict(checkpoint.state)
    network.eval()
    meta = json.loads((folder / "meta.json").read_text()) if (folder / "meta.json").is_file() else {}
    if (folder / "io.npz").is_file():
        with np.load(folder / "io.npz") as io:
            yield from _network(network, dict(io), meta, tolerance)
    if "train_obj" in meta:
        with np.load(folder / "io.npz") as io:
            yield from _training(network, dict(io), meta["train_obj"], tolerance)
    if (folder / "greedy.json").is_file():
        greedy = json.loads((folder / "greedy.json").read_text())
        conditions = _conditions(greedy)
        yield from _greedy(network, checkpoint.vocabulary, folder, greedy, conditions, tolerance)
        if (folder / "sampler_trace.npz").is_file():
            with np.load(folder / "sampler_trace.npz") as trace:
                yield from _sampler(network, checkpoint.vocabulary, dict(trace), conditions, tolerance)


# -- the network ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def _network(
    network: MidiEmotionNetwork, io: dict[str, np.ndarray], meta: dict, tolerance: dict
) -> Iterator[Comparison]:
    cases = sorted(name.removesuffix("__ids") for name in io if name.endswith("__ids"))
    for case in cases:
        ids, condition = torch.from_numpy(io[f"{case}__ids"]), torch.from_numpy(io[f"{case}__cond"])
        logits = network(ids, condition)
        exact = logits.double().numpy()
        stored = exact[:, io[f"{case}__pos"]]
        yield Comparison(f"{case}/logits", largest_difference(stored, io[f"{case}__logits"]), tolerance["logits_abs"])
        sums = torch.logsumexp(logits.double(), dim=-1).numpy()
        yield Comparison(
            f"{case}/logsumexp", largest_difference(sums, io[f"{case}__lse64"]), tolerance["logsumexp_abs"]
        )
        if "proj_seed" in meta:
            direction = np.random.RandomState(meta["proj_seed"]).randn(exact.shape[-1])
            error = largest_difference(exact @ direction, io[f"{case}__proj64"])
            yield Comparison(f"{case}/projection", error, tolerance["projection_abs"])
        different = _n_not_best(exact, io[f"{case}__argmax"], tolerance["logits_abs"])
        yield Comparison(f"{case}/argmax", different, tolerance["ids"])
        if not (ids == v.PAD).any():  # PADs are never generated, so the cache does not know them
            step_by_step = _through_cache(network, ids, condition)
            positions = io[f"{case}__pos"] - (logits.shape[1] - ids.shape[1])
            kept = positions >= 0
            error = largest_difference(step_by_step[:, positions[kept]], io[f"{case}__logits"][:, kept])
            yield Comparison(f"{case}/logits through the cache", error, tolerance["logits_abs"])
    yield from _hidden(network, io, cases, tolerance)


def _hidden(
    network: MidiEmotionNetwork, io: dict[str, np.ndarray], cases: list[str], tolerance: dict
) -> Iterator[Comparison]:
    """What enters the first layer and leaves each. The recording does not name its case: the one with PADs, else the nearest."""
    if "hidden__posenc" not in io:
        return
    names = ["posenc"] + [f"layer{i}" for i in range(network.sizes.n_layer)]
    padded = [case for case in cases if (io[f"{case}__ids"] == v.PAD).any()]
    errors = []
    for case in padded or cases:
        ids, condition = (torch.from_numpy(io[f"{case}__{name}"]) for name in ("ids", "cond"))
        states = dict(zip(names, network.hidden(ids, condition), strict=True))
        rows = {name: io[f"hidden__{name}"] for name in names}
        errors.append([largest_difference(states[n][:, : r.shape[1]].numpy(), r) for n, r in rows.items()])
    for name, error in zip(names, min(errors, key=lambda row: row[0]), strict=True):
        yield Comparison(f"hidden/{name}", error, tolerance["logits_abs"])


def _n_not_best(logits: np.ndarray, recorded: np.ndarray, tolerance: float) -> float:
    """How many recorded likeliest ids (B, T) lie more than a tolerance below ours: nearer ones are a tie."""
    if logits.shape[:-1] != recorded.shape:
        return float("inf")
    theirs = np.take_along_axis(logits, recorded[..., None].astype(np.int64), axis=-1)[..., 0]
    return float((logits.max(axis=-1) - theirs > tolerance).sum())


def _through_cache(network: MidiEmotionNetwork, ids: torch.Tensor, condition: torch.Tensor) -> np.ndarray:
    """Logits (B, T, V) after each id, each read alone."""
    cache = Cache(network, len(ids), capacity=16)
    rows = [network(ids[:, t : t + 1], condition, cache=cache, last_only=True) for t in range(ids.shape[1])]
    return torch.cat(rows, dim=1).double().numpy()


def _training(network: MidiEmotionNetwork, io: dict, recorded: dict, tolerance: dict) -> Iterator[Comparison]:
    case = recorded["case"].partition(":")[0]
    ids, condition = torch.from_numpy(io[f"{case}__ids"]), torch.from_numpy(io[f"{case}__cond"])
    network.zero_grad()
    logits, targets = network(ids[:, :-1], condition), ids[:, 1:]
    loss = next_token_loss(logits, targets)
    yield Comparison("cross_entropy", abs(loss.item() - recorded["loss"]), tolerance["cross_entropy_abs"])
    loss.backward()
    largest = max(recorded["grad_l2"].values())
    errors = [
        abs(parameter.grad.norm().item() - recorded["grad_l2"][name])
        / max(recorded["grad_l2"][name], _GRADIENT_FLOOR * largest)
        for name, parameter in network.named_parameters()
    ]
    error = max(errors) if len(errors) == len(recorded["grad_l2"]) else float("inf")
    yield Comparison(f"gradient norms of {len(errors)} parameters", error, tolerance["grad_norm_rel"])
    logits = logits[:, logits.shape[1] - targets.shape[1] :]
    real = targets != v.PAD
    for k, share in recorded.get("acc", {}).items():
        hit = (logits.topk(int(k), dim=-1).indices == targets[..., None]).any(dim=-1)[real]
        yield Comparison(f"top-{k} accuracy", abs(hit.float().mean().item() - share), tolerance["cross_entropy_abs"])
    network.zero_grad()


# -- generation ----------------------------------------------------------------------------------------------------


def _conditions(greedy: dict) -> np.ndarray:
    """Recorded conditions as rows [valence, arousal]; label pairs become the centers of their bins, none becomes 0, 0."""
    recorded = greedy.get("conditions")
    if recorded is None:
        return np.zeros((len(greedy["ids"]), 2))
    values = [[_LABEL_CENTERS[x[2:-1]] if isinstance(x, str) else x for x in pair] for pair in recorded]
    return np.array(values, dtype=np.float64)


def _greedy(
    network: MidiEmotionNetwork,
    vocabulary: v.EventsVocabulary,
    folder: Path,
    greedy: dict,
    conditions: np.ndarray,
    tolerance: dict,
) -> Iterator[Comparison]:
    def run(model: Any, gen_len: int) -> np.ndarray:
        sampling = MidiEmotionSampling(top_k=1, gen_len=gen_len)
        return generate(model, vocabulary, conditions, sampling=sampling, rng=np.random.default_rng(0))

    gen_len = greedy["gen_len"]
    ids = run(TorchEventsModel(network, vocabulary, window="exact"), gen_len)
    yield Comparison("greedy/ids", n_different(ids, greedy["ids"]), tolerance["ids"])
    graph_ids = _in_onnxruntime(network, vocabulary, folder, run, gen_len)
    yield Comparison("greedy/ids in onnxruntime", n_different(graph_ids, greedy["ids"]), tolerance["ids"])
    if greedy.get("sliding"):
        window = {"window": "exact", "max_input_length": greedy["sliding"]["max_input_len"]}
        slid = run(TorchEventsModel(network, vocabulary, **window), len(greedy["sliding"]["ids"][0]))
        yield Comparison("greedy/ids, window slides", n_different(slid, greedy["sliding"]["ids"]), tolerance["ids"])
    # a file's name starts with its row, for rows with too few instruments have none
    files = {int(re.match(r"\d+", name).group()): (name, notes) for name, notes in greedy.get("notes_from_file") or ()}
    for row, song in enumerate(ids):
        notes = decode_strict(song)
        error = note_error(notes, greedy["notes_in_memory"][row])
        yield Comparison(f"greedy/notes {row}", error, tolerance["notes_s"])
        if row in files:
            name, recorded = files[row]
            yield Comparison(
                f"greedy/notes {row} in the file", note_error(notes_from_file(notes), recorded), tolerance["notes_s"]
            )
            path = folder / f"greedy_{name}"
            if path.is_file():
                ours, theirs = to_strict_midi_bytes(notes), path.read_bytes()
                different = n_different(np.frombuffer(ours, np.uint8), np.frombuffer(theirs, np.uint8))
                yield Comparison(f"greedy/bytes of {path.name}", different, tolerance["ids"])


def _in_onnxruntime(
    network: MidiEmotionNetwork, vocabulary: v.EventsVocabulary, folder: Path, run, gen_len: int
) -> np.ndarray:
    from safetensors.torch import save_file

    from klangbild.models.aria.graph import write_graph
    from klangbild.models.aria.runtime import OnnxEventsModel

    with tempfile.TemporaryDirectory() as name:
        save_file(network.state_dict(), Path(name) / "model.safetensors")
        graph = write_graph(Path(name), network.sizes, precision="float32")
        return run(OnnxEventsModel(graph, network.sizes, vocabulary, window="exact"), gen_len)


def _sampler(
    network: MidiEmotionNetwork, vocabulary: v.EventsVocabulary, trace: dict, conditions: np.ndarray, tolerance: dict
) -> Iterator[Comparison]:
    for name in sorted(key.removesuffix("__params") for key in trace if key.endswith("__params")):
        top_k, top_p, after_shift, otherwise, penalty, seed = trace[f"{name}__params"].tolist()
        sampling = MidiEmotionSampling(after_shift, otherwise, int(top_k), top_p, penalty)
        dice = torch.Generator().manual_seed(int(seed))
        model, counter = TorchEventsModel(network, vocabulary), RepeatCounter(len(conditions))
        model.start(len(conditions))
        table = trace[f"{name}__nucleus_step_row_rank_token_prob"]
        raw, previous, chosen = (trace[f"{name}__{part}"] for part in ("raw_logits", "prev", "chosen"))
        worst = {"logits": 0.0, "nucleus sizes": 0.0, "nucleus ids": 0.0, "probabilities": 0.0, "chosen ids": 0.0}
        for step in range(len(previous)):
            logits = model.step(previous[step][:, None], conditions)
            if step < len(raw):
                worst["logits"] = max(worst["logits"], largest_difference(logits, raw[step]))
            probabilities, ids = choices(logits, previous[step], counter, sampling, vocabulary.special)
            sizes = (probabilities > 0).sum(axis=1)
            worst["nucleus sizes"] += n_different(sizes, trace[f"{name}__nucleus_size"][step])
            counter.update(sizes)
            by_id = np.zeros(logits.shape)
            np.put_along_axis(by_id, ids, probabilities, axis=1)
            rows = table[table[:, 0] == step]
            row, rank, token = (rows[:, column].astype(int) for column in (1, 2, 3))
            worst["nucleus ids"] += _n_exchanged(logits[row], ids[row, rank], token, tolerance["logits_abs"])
            worst["probabilities"] = max(worst["probabilities"], largest_difference(by_id[row, token], rows[:, 4]))
            # the published loop draws with torch's generator; ours in use draws with numpy's
            drawn = torch.multinomial(torch.from_numpy(probabilities.astype(np.float32)), 1, generator=dice).numpy()
            own = np.take_along_axis(ids, drawn, axis=1)[:, 0]
            worst["chosen ids"] += _n_exchanged(logits, own, chosen[step], tolerance["logits_abs"])
        allowed = {"logits": tolerance["logits_abs"], "probabilities": tolerance["sampler_prob_abs"]}
        for part, error in worst.items():
            yield Comparison(f"sampler {name}/{part}", error, allowed.get(part, tolerance["ids"]))


def _n_exchanged(logits: np.ndarray, ours: np.ndarray, recorded: np.ndarray, tolerance: float) -> float:
    """How many ids (n,) differ whose logits (n, V) differ, too: two of the same logit may stand in either order."""
    at = np.arange(len(ours))
    apart = np.abs(logits[at, ours] - logits[at, recorded.astype(int)]) > tolerance
    return float(((ours != recorded) & apart).sum())
