"""Recorded data of midi-emotion against ours: language, network, gradients, greedy music, sampler. See `measure/parity.py`.

The folder holds `codec.json` and `vocab_discrete.json`, and a subfolder per model (any names, any sizes) with `model.pt`,
`mappings.pt`, `model_config.pt`, `io.npz`, `meta.json`, `greedy.json` and perhaps `sampler_trace.npz`. What a subfolder lacks is
not compared; nothing recorded is read for anything but comparing, except weights, inputs and conditions.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from klangbild.errors import InputError
from klangbild.hub_aria_torch import read_checkpoint
from klangbild.measure.parity import Comparison, largest_difference, n_different
from klangbild.notes import events_vocabulary as v
from klangbild.notes.aria_torch import TorchEventsModel
from klangbild.notes.events_emotion import EMOTION_LABELS, bin_of_strict, label
from klangbild.notes.events_file import notes_from_file, to_strict_midi_bytes
from klangbild.notes.events_strict import TimedNote, count_instruments, decode_strict, encode_strict, transpose
from klangbild.notes.midi_emotion_sampler import MidiEmotionSampling, RepeatCounter, choices, generate
from klangbild.notes.midi_emotion_torch import Cache, MidiEmotionNetwork, next_token_loss

_LABEL_CENTERS = dict(zip(EMOTION_LABELS, (-0.8, -0.4, 0.0, 0.4, 0.8), strict=True))
_GRADIENT_FLOOR = 1e-5
"""Gradients below this share of the largest are rounding noise (a key bias has none in exact arithmetic)."""


def compare(folder: Path, spec: dict) -> Iterator[Comparison]:
    """Every recorded array of a midi-emotion folder."""
    tolerance = spec["tolerance"]
    if (folder / "codec.json").is_file():
        yield from _codec(json.loads((folder / "codec.json").read_text()), tolerance)
    variants = sorted(path.parent for path in folder.glob("*/model.pt"))
    if not variants:
        raise InputError(f"{folder}: has no model.pt in any subfolder; record the folder again")
    if (folder / "vocab_discrete.json").is_file():
        names = json.loads((folder / "vocab_discrete.json").read_text())
        yield Comparison("vocab_discrete", _n_unequal(v.with_emotion_tokens().symbols, names), tolerance["ids"])
    for variant in variants:
        for comparison in _variant(variant, tolerance):
            yield Comparison(f"{variant.name}/{comparison.name}", comparison.error, comparison.tolerance)


def _codec(codec: dict, tolerance: dict) -> Iterator[Comparison]:
    for case in codec.get("decode", ()):
        name, notes = f"codec/decode/{case['name']}", decode_strict(case["ids"])
        yield Comparison(f"{name}/symbols", _n_unequal([v.base_symbols()[i] for i in case["ids"]], case["symbols"]), 0)
        yield Comparison(f"{name}/instruments", abs(count_instruments(case["ids"]) - case["n_instruments"]), 0)
        yield Comparison(f"{name}/notes", _note_error(notes, case["notes"]), tolerance["notes_s"])
        error = _note_error(notes_from_file(notes), case["notes_from_file"])
        yield Comparison(f"{name}/notes_from_file", error, tolerance["notes_s"])
    for case in codec.get("encode", ()):
        name = f"codec/encode/{case['name']}"
        notes = [TimedNote(row[0].lower(), *row[1:4]) for row in case["notes"]]
        bars = encode_strict(notes, case["downbeats"])
        ids = np.concatenate(bars) if bars else np.empty(0, np.int64)
        rows = [[_event_value(int(i)) for i in bar] for bar in bars]
        yield Comparison(f"{name}/bars", _n_unequal(rows, case["bars_event_value"]), tolerance["ids"])
        yield Comparison(f"{name}/ids", n_different(ids, case["ids"]), tolerance["ids"])
        for semitones, moved in case["transposed"].items():
            error = n_different(transpose(ids, int(semitones)), moved)
            yield Comparison(f"{name}/transposed{int(semitones):+d}", error, tolerance["ids"])
    if "discretise" in codec:
        found = {value: _strict_label(float(value)) for value in codec["discretise"]}
        wrong = sum(found[value] != name for value, name in codec["discretise"].items())
        yield Comparison("codec/discretise", wrong, tolerance["ids"])


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
        yield Comparison(f"{case}/argmax", n_different(exact.argmax(-1), io[f"{case}__argmax"]), tolerance["ids"])
        if not (ids == v.PAD).any():  # PADs are never generated, so the cache does not know them
            step_by_step = _through_cache(network, ids, condition)
            positions = io[f"{case}__pos"] - (logits.shape[1] - ids.shape[1])
            kept = positions >= 0
            error = largest_difference(step_by_step[:, positions[kept]], io[f"{case}__logits"][:, kept])
            yield Comparison(f"{case}/logits through the cache", error, tolerance["logits_abs"])
    hidden_case = next((case for case in cases if case.startswith("pad")), None)
    if "hidden__posenc" in io and hidden_case:
        ids, condition = (torch.from_numpy(io[f"{hidden_case}__{name}"]) for name in ("ids", "cond"))
        names = ["posenc"] + [f"layer{i}" for i in range(network.sizes.n_layer)]
        for name, state in zip(names, network.hidden(ids, condition), strict=True):
            recorded = io[f"hidden__{name}"]
            error = largest_difference(state[:, : recorded.shape[1]].numpy(), recorded)
            yield Comparison(f"hidden/{name}", error, tolerance["logits_abs"])


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
        slid = run(TorchEventsModel(network, vocabulary, **window), gen_len)
        yield Comparison("greedy/ids, window slides", n_different(slid, greedy["sliding"]["ids"]), tolerance["ids"])
    files = dict(enumerate(greedy.get("notes_from_file") or ()))
    for row, song in enumerate(ids):
        notes = decode_strict(song)
        error = _note_error(notes, greedy["notes_in_memory"][row])
        yield Comparison(f"greedy/notes {row}", error, tolerance["notes_s"])
        if row in files:
            name, recorded = files[row]
            yield Comparison(
                f"greedy/notes {row} in the file", _note_error(notes_from_file(notes), recorded), tolerance["notes_s"]
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

    from klangbild.notes.midi_emotion_graph import write_graph
    from klangbild.notes.midi_emotion_runtime import OnnxEventsModel

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
            rows = table[table[:, 0] == step]
            row, rank = rows[:, 1].astype(int), rows[:, 2].astype(int)
            worst["nucleus ids"] += n_different(ids[row, rank], rows[:, 3].astype(int))
            worst["probabilities"] = max(
                worst["probabilities"], largest_difference(probabilities[row, rank], rows[:, 4])
            )
            # the published loop draws with torch's generator; ours in use draws with numpy's
            drawn = torch.multinomial(torch.from_numpy(probabilities.astype(np.float32)), 1, generator=dice).numpy()
            worst["chosen ids"] += n_different(np.take_along_axis(ids, drawn, axis=1), chosen[step])
        allowed = {"logits": tolerance["logits_abs"], "probabilities": tolerance["sampler_prob_abs"]}
        for part, error in worst.items():
            yield Comparison(f"sampler {name}/{part}", error, allowed.get(part, tolerance["ids"]))


# -- small things --------------------------------------------------------------------------------------------------


def _event_value(token: int) -> list[int]:
    """[event index, value] as the recorded bars write an id."""
    if v.is_shift(token):
        return [2 * len(v.INSTRUMENTS), v.shift_ms(token)]
    instrument, on, pitch = v.parse_note(token)
    return [2 * instrument + on, pitch]


def _strict_label(value: float) -> str:
    try:
        return label("V", bin_of_strict(value))
    except IndexError:
        return "IndexError"


def _n_unequal(ours: Any, recorded: Any) -> int:
    ours, recorded = list(ours), list(recorded)
    return sum(a != b for a, b in zip(ours, recorded, strict=False)) + abs(len(ours) - len(recorded))


def _note_error(notes: list[TimedNote], recorded: list) -> float:
    """The largest difference of a start or end in seconds; infinity if anything else of any note differs."""
    if len(notes) != len(recorded):
        return float("inf")
    error = 0.0
    for note, row in zip(notes, recorded, strict=True):
        if [note.instrument, note.program, note.instrument == "drums", note.velocity, note.pitch] != row[:5]:
            return float("inf")
        error = max(error, abs(note.start_s - row[5]), abs(note.end_s - row[6]))
    return error
