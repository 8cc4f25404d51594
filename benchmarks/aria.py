"""Speed of an ARIA-size model (145 M parameters): our loop against plain full recompute, same weights, one thread.

    python benchmarks/aria.py                         # full size, batch 1 and 4, 128/256/512 ids, reference at sampled lengths
    python benchmarks/aria.py --exhaustive            # runs the reference loop in whole (about ten minutes at 512, batch 1)
    python benchmarks/aria.py --model DIR             # a converted model's continuous_concat folder instead of random weights

The reference is what midi-emotion does at each step: the network over all ids so far, all logits, the last row used. Its cost
at a length is measured at `--lengths` lengths and summed over all steps by linear interpolation, unless `--exhaustive`. Both
sides are timed in turns in CPU seconds of one process each, so that a busy machine slows both. The ids are greedy; with the
reference sampled, that they are the same is checked by one full forward over them (the network is causal).

Also printed: what int8 costs in loss, and tokens/s against the limit that memory bandwidth sets (each weight read once a
token, bandwidth measured here by a dot product over 1 GB).
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZES = {
    "full": {"n_layer": 20, "n_head": 16, "d_model": 768, "d_inner": 3072, "d_condition": 192},
    "small": {"n_layer": 4, "n_head": 4, "d_model": 128, "d_inner": 512, "d_condition": 32},
}
CONDITION = [0.6, 0.3]


def load(folder: Path):
    from klangbild.models.aria.sizes import MidiEmotionSizes
    from klangbild.models.aria.vocabulary import EventsVocabulary

    sizes = MidiEmotionSizes.from_dict(json.loads((folder / "config.json").read_text()))
    return sizes, EventsVocabulary(tuple(EventsVocabulary.load(folder / "vocabulary.json").extra))


def network_of(folder: Path):
    import torch
    from safetensors.torch import load_file

    from klangbild.models.aria.network_torch import MidiEmotionNetwork

    torch.set_num_threads(1)
    network = MidiEmotionNetwork(load(folder)[0])
    network.load_state_dict(load_file(folder / "model.safetensors"))
    return network.eval()


def make_random(folder: Path, size: str) -> None:
    import torch

    from klangbild.models.aria.convert_torch import Checkpoint, write_part
    from klangbild.models.aria.network_torch import MidiEmotionNetwork
    from klangbild.models.aria.sizes import MidiEmotionSizes
    from klangbild.models.aria.vocabulary import EventsVocabulary

    sizes = MidiEmotionSizes("continuous_concat", 1007, **SIZES[size])
    network = MidiEmotionNetwork(sizes, generator=torch.Generator().manual_seed(1))
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    write_part(Checkpoint(state, sizes, EventsVocabulary()), folder)


def ours(folder: Path, precision: str, batch: int, gen_lens: list[int]) -> dict:
    """CPU seconds until each of gen_lens ids stand, and the ids of the longest. Loading is not counted."""
    from klangbild.models.aria.runtime import OnnxEventsModel

    sizes, vocabulary = load(folder)
    model = OnnxEventsModel(folder / f"model.{precision}.onnx", sizes, vocabulary)
    condition = np.array([CONDITION] * batch)
    model.start(batch)
    ids = np.ones((batch, 1), np.int64)
    seconds, started = {}, time.process_time()
    while ids.shape[1] < max(gen_lens):
        logits = model.step(ids[:, -1:], condition)
        logits[:, vocabulary.special] = -np.inf
        ids = np.concatenate([ids, logits.argmax(axis=1)[:, None]], axis=1)
        if ids.shape[1] in gen_lens:
            seconds[ids.shape[1]] = time.process_time() - started
    return {"seconds": seconds, "ids": ids.tolist(), "peak_mb": peak_mb()}


def reference(folder: Path, batch: int, gen_lens: list[int], lengths: int, exhaustive: bool) -> dict:
    import torch

    network, (_, vocabulary) = network_of(folder), load(folder)
    condition = torch.tensor([CONDITION] * batch)

    @torch.inference_mode()
    def step(ids: torch.Tensor) -> torch.Tensor:
        logits = network(ids, condition)[:, -1]
        logits[:, vocabulary.special] = -torch.inf
        return logits.argmax(dim=-1, keepdim=True)

    if exhaustive:
        ids, seconds, started = torch.ones(batch, 1, dtype=torch.int64), {}, time.process_time()
        while ids.shape[1] < max(gen_lens):
            ids = torch.cat([ids, step(ids)], dim=1)
            if ids.shape[1] in gen_lens:
                seconds[ids.shape[1]] = time.process_time() - started
        return {"seconds": seconds, "ids": ids.tolist(), "peak_mb": peak_mb()}
    at = np.unique(np.rint(np.linspace(1, max(gen_lens) - 1, lengths)).astype(int))
    step(torch.full((batch, int(at[-1])), 5))
    cost = []
    for length in at:
        started = time.process_time()
        step(torch.full((batch, int(length)), 5))
        cost.append(time.process_time() - started)
    every = np.interp(np.arange(1, max(gen_lens)), at, cost)
    return {"seconds": {n: float(every[: n - 1].sum()) for n in gen_lens}, "ids": None, "peak_mb": peak_mb()}


def check(folder: Path, float_ids: list, int8_ids: list) -> dict:
    """Are the float32 ids greedy under one full forward, and what does int8 change?"""
    import torch
    import torch.nn.functional as F

    from klangbild.models.aria.runtime import OnnxEventsModel

    network, (sizes, vocabulary) = network_of(folder), load(folder)
    ids = torch.tensor(float_ids)[:1]
    with torch.inference_mode():
        logits = network(ids, torch.tensor([CONDITION]))[0]
    masked = logits.clone()
    masked[:, vocabulary.special] = -torch.inf
    differ = int((masked[:-1].argmax(dim=-1) != ids[0, 1:]).sum())
    # loss of both on ids drawn from the float32 network (temperature 1), in nats per id
    dice = torch.Generator().manual_seed(3)
    drawn = torch.multinomial(masked.softmax(dim=-1), 1, generator=dice)[:, 0]
    model = OnnxEventsModel(folder / "model.int8.onnx", sizes, vocabulary)
    model.start(1)
    rows = [model.step(ids[:, t : t + 1].numpy(), np.array([CONDITION]))[0] for t in range(ids.shape[1])]
    rounded = torch.from_numpy(np.stack(rows))
    same = float((rounded.argmax(dim=-1) == logits.argmax(dim=-1)).float().mean())
    return {
        "ids_that_differ_from_full_forward": differ,
        "float32_loss_nats": F.cross_entropy(logits, drawn).item(),
        "int8_loss_nats": F.cross_entropy(rounded, drawn).item(),
        "int8_same_argmax": same,
        "int8_greedy_ids_same_until": int(np.argmin(np.array(float_ids[0]) == np.array(int8_ids[0])))
        or len(float_ids[0]),
    }


def bandwidth_gb_per_s() -> float:
    block = np.ones(1 << 28, np.float32)
    best = np.inf
    for _ in range(6):
        started = time.process_time()
        np.dot(block, block)
        best = min(best, time.process_time() - started)
    return block.nbytes / best / 1e9


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_process(job: str, arguments: dict) -> dict:
    command = [sys.executable, __file__, "--job", job, json.dumps(arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


JOBS = {
    "ours": lambda a: ours(Path(a["folder"]), a["precision"], a["batch"], a["gen_lens"]),
    "reference": lambda a: reference(Path(a["folder"]), a["batch"], a["gen_lens"], a["lengths"], a["exhaustive"]),
    "check": lambda a: check(Path(a["folder"]), a["float_ids"], a["int8_ids"]),
    "make": lambda a: make_random(Path(a["folder"]), a["size"]),
    "bandwidth": lambda a: bandwidth_gb_per_s(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--gen-len", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--lengths", type=int, default=9)
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job:
        print(json.dumps(JOBS[args.job[0]](json.loads(args.job[1]))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = args.model or Path(name) / "model"
        if args.model is None:
            in_process("make", {"folder": str(folder), "size": args.size})
        weights = {
            "float32": (folder / "model.safetensors").stat().st_size,
            "int8": (folder / "model.int8.onnx").stat().st_size,
        }
        for batch in args.batch:
            plain = {"folder": str(folder), "batch": batch, "gen_lens": args.gen_len}
            slow = in_process("reference", {**plain, "lengths": args.lengths, "exhaustive": args.exhaustive})
            found = {p: in_process("ours", {**plain, "precision": p}) for p in ("float32", "int8")}
            how = "measured in whole" if args.exhaustive else f"summed from {args.lengths} lengths"
            print(f"batch {batch}; full recompute {how}: peak {slow['peak_mb']:.0f} MB")
            for n in args.gen_len:
                seconds = slow["seconds"][str(n)]
                parts = [f"  {n:4d} ids: full recompute {seconds:8.2f} CPU s"]
                for precision, run in found.items():
                    mine = run["seconds"][str(n)]
                    parts.append(
                        f"{precision} {mine:6.2f} s = {seconds / mine:5.1f}x, {batch * (n - 1) / mine:5.0f} ids/s"
                    )
                print(" | ".join(parts))
            print("  peak " + ", ".join(f"{p} {run['peak_mb']:.0f} MB" for p, run in found.items()))
            if slow["ids"] is not None:
                print(f"  float32 ids are those of the full recompute: {slow['ids'] == found['float32']['ids']}")
            if batch == args.batch[0]:
                speed = in_process("bandwidth", {})
                for precision, size in weights.items():
                    limit = speed * 1e9 / size
                    n = max(args.gen_len)
                    reached = batch * (n - 1) / found[precision]["seconds"][str(n)]
                    print(
                        f"  {precision}: {reached:.0f} ids/s of {limit * batch:.0f} at {speed:.1f} GB/s = {reached / limit / batch:.0%}"
                    )
                facts = {"folder": str(folder)}
                facts |= {f"{p if p == 'int8' else 'float'}_ids": run["ids"] for p, run in found.items()}
                print("  " + json.dumps(in_process("check", facts)))


if __name__ == "__main__":
    main()
