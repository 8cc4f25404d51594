"""How surprised a notes model is by held-out music: bits per note, per second of music and per id, with intervals.

What is coded: bars with meter and mode, tempo, positions on a grid of twelfths of a beat, notes of eleven families,
durations (25 steps; none for drums), velocity by family and bar. What is not: the key (pieces stand in C or A minor),
timing finer than the grid, programs within a family. The emotion is shown to the model.

Each held-out piece gives one window: whole 8-bar sections from a quarter into the piece on, until 40 s are full. Every id
but those of the window's first half context is predicted from at least half a context of ids.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.metrics.intervals import bootstrap
from klangbild.models.bars import language as bars
from klangbild.models.bars.data.chunks import IGNORE, Chunk, NoteChunks
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.runtime import NotesRuntime

KINDS = (
    ("bar", 0, bars.POSITION_0),  # with tempo and the end
    ("position", bars.POSITION_0, bars.NOTE_0),
    ("note", bars.NOTE_0, bars.DURATION_0),
    ("duration", bars.DURATION_0, bars.VELOCITY_0),
    ("velocity", bars.VELOCITY_0, bars.SIZE),
)


@dataclass(frozen=True)
class Scores:
    """One window: the ids predicted (n,), the nats each cost (n,), its rank among all ids (n,), the music's seconds."""

    piece: str
    ids: np.ndarray
    nats: np.ndarray
    rank: np.ndarray
    seconds: float


INT8_PIECES = 24
Scorer = Callable[[Chunk], np.ndarray]
"""A chunk of one row (T,) -> log-odds (T, V) of the id after each of its ids."""


def torch_scorer(network) -> Scorer:
    """Score with a `NotesNetwork`, in float32 on its own device."""
    import torch

    device = next(network.parameters()).device

    @torch.no_grad()
    def score(chunk: Chunk) -> np.ndarray:
        ids, condition = (torch.from_numpy(a)[None].to(device) for a in (chunk.ids, chunk.condition))
        return torch.log_softmax(network(ids, condition)[0].float(), dim=-1).cpu().numpy()

    return score


def runtime_scorer(runtime: NotesRuntime) -> Scorer:
    """Score with the runtime, id by id, as music is written with it."""

    def score(chunk: Chunk) -> np.ndarray:
        runtime.start(1)
        logits = np.concatenate(
            [runtime.step(chunk.ids[None, t : t + 1], chunk.condition[t][None]) for t in range(len(chunk.ids))]
        )
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    return score


def score_heldout(
    scorer: Scorer,
    data: NoteData,
    *,
    mode: str,
    context: int,
    pool: str | None = "band",
    seconds: float = 40.0,
    most_pieces: int | None = None,
    first_context_only: bool = False,
) -> list[Scores]:
    """Score the windows of the held-out pieces of one pool (None: all). first_context_only: just each window's start."""
    source = NoteChunks(data, mode=mode, context=context, heldout=True)
    pieces = [p for p in source.pieces.tolist() if pool is None or data.pool_of(p) == pool]
    if most_pieces:
        pieces = [pieces[i] for i in np.unique(np.linspace(0, len(pieces) - 1, most_pieces).astype(int))]
    out = []
    for piece in pieces:
        first, end = int(source.first_section[piece]), int(source.end_section[piece])
        section = last = first + (end - first) // 4
        total = 0.0
        while last < end and total < seconds:
            total += float(data.section_seconds[last])
            last += 1
        start, stop = int(data.section_start[section]), int(data.section_start[last])
        # the first Bar is given, not predicted, unless it follows BOS; prefix ids make a chunk longer than its music
        whole = source.chunk(piece, start, length=2 * (stop - start) + 8)
        keep = _until(whole, stop - start + (1 if start == source.piece_ids(piece).start else 0), source.vocabulary)
        out.append(_score_window(scorer, keep, context, str(data.piece_name[piece]), total, first_context_only))
    return out


def _until(chunk: Chunk, n_language_ids: int, vocabulary: int) -> Chunk:
    """The chunk up to its n-th language id (prefix ids do not count), whose own target is left out."""
    position = np.flatnonzero(chunk.ids < vocabulary)[:n_language_ids][-1]
    targets = chunk.targets[: position + 1].copy()
    targets[position] = IGNORE
    # a section's Bar is predicted before its prefix; what the prefix says of it again is not counted
    targets[chunk.ids[: position + 1] >= vocabulary] = IGNORE
    return Chunk(chunk.ids[: position + 1], chunk.condition[: position + 1], targets)


def _score_window(scorer: Scorer, chunk: Chunk, context: int, name: str, seconds: float, first_only: bool) -> Scores:
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    n, begin, scored = len(chunk.ids), 0, 0
    while scored < n:
        stop = min(begin + context, n)
        part = Chunk(*(getattr(chunk, f)[begin:stop] for f in ("ids", "condition", "targets")))
        log_odds = scorer(part)[scored - begin :]
        targets = part.targets[scored - begin :]
        real = targets != IGNORE
        rows = log_odds[real]
        own = rows[np.arange(len(rows)), targets[real]]
        found.append((targets[real], -own, (rows > own[:, None]).sum(axis=1)))
        if first_only:
            seconds *= stop / n
            break
        scored, begin = stop, max(stop - context // 2, begin + 1)
    ids, nats, rank = (np.concatenate([part[i] for part in found]) for i in range(3))
    return Scores(name, ids, nats, rank, seconds)


def summarise(scores: list[Scores], *, resamples: int = 1000, seed: int = 0) -> dict[str, object]:
    """The numbers, each with a 95 % interval by bootstrap over pieces: {"bits_per_note": [value, low, high], ...};
    None for both ends where there is one piece only."""
    is_note = [(s.ids >= bars.NOTE_0) & (s.ids < bars.DURATION_0) for s in scores]
    table = np.array(
        [
            (s.nats.sum() / np.log(2), m.sum(), s.seconds, len(s.ids), (s.rank < 1).sum(), (s.rank < 5).sum())
            for s, m in zip(scores, is_note, strict=True)
        ]
    )
    ratios = {"bits_per_note": (0, 1), "bits_per_second": (0, 2), "bits_per_id": (0, 3), "top1": (4, 3), "top5": (5, 3)}
    out: dict[str, object] = {}
    for name, columns in ratios.items():
        found = bootstrap(table[:, columns], _ratio, resamples=resamples, seed=seed)
        out[name] = [round(v, 4) if np.isfinite(v) else None for v in (found.value, found.low, found.high)]
    ids, nats = np.concatenate([s.ids for s in scores]), np.concatenate([s.nats for s in scores])
    notes = max(float(table[:, 1].sum()), 1.0)
    out["bits_per_note_by_kind"] = {
        kind: round(float(nats[(ids >= low) & (ids < high)].sum() / np.log(2) / notes), 4) for kind, low, high in KINDS
    }
    out.update(pieces=len(scores), notes=int(notes), ids=len(ids), seconds=round(float(table[:, 2].sum()), 1))
    return out


def _ratio(rows: np.ndarray) -> float:
    """Of the sums of two columns (pieces, 2)."""
    above, below = rows.sum(axis=0)
    return float(above / below)


def card_metrics(network, runtime: NotesRuntime, data: NoteData) -> dict[str, object]:
    """What a model's card says of it: float32 on all held-out pieces (of bands where the music is mostly theirs), and int8
    against float32 on some.

    The comparison reads the first context of `INT8_PIECES` windows, the runtime id by id.
    """
    windows = {"mode": runtime.conditioning, "context": runtime.context}
    windows["pool"] = None if data.bands() is None else "band"
    some = {**windows, "most_pieces": INT8_PIECES, "first_context_only": True}
    full, int8 = (
        summarise(score_heldout(scorer, data, **some))["bits_per_note"][0]
        for scorer in (torch_scorer(network), runtime_scorer(runtime))
    )
    return {
        "heldout_float32": summarise(score_heldout(torch_scorer(network), data, **windows)),
        "int8": {
            "pieces": INT8_PIECES,
            "bits_per_note_float32": full,
            "bits_per_note_int8": int8,
            "percent_worse": round(100.0 * (int8 / full - 1.0), 2),
        },
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure nll`."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .onnx model, or weights (.safetensors)")
    parser.add_argument("--data", type=Path, default=Path("data/prepared/notes.npz"), help="prepared notes data")
    parser.add_argument(
        "--pool", default="band", help="which set's held-out pieces (default: band; 'all' for every set)"
    )
    parser.add_argument("--pieces", type=int, default=None, metavar="N", help="only N of them, evenly spread")


def run(args: argparse.Namespace) -> int:
    """Print the numbers as JSON."""
    data = NoteData.load(args.data)
    if args.model.suffix == ".onnx":
        from klangbild.models.bars.runtime import load

        runtime = load(args.model)
        scorer, mode, context = runtime_scorer(runtime), runtime.conditioning, runtime.context
    else:
        from klangbild.models.bars.training.weights_torch import load_network

        network, header = load_network(args.model)
        scorer, mode, context = torch_scorer(network), header["mode"], header["context"]
    pool = None if args.pool == "all" else args.pool
    scores = score_heldout(scorer, data, mode=mode, context=context, pool=pool, most_pieces=args.pieces)
    print(json.dumps(summarise(scores), indent=1))
    return 0
