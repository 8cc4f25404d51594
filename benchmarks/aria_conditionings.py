"""The paper's comparison at small scale: none, discrete_token, continuous_token, continuous_concat; same size, data and steps.

    python benchmarks/aria_conditionings.py --data data/prepared/events.npz --steps 600 --seeds 1 2 3

Each conditioning is trained from scratch on the labelled songs and measured on the held-out ones: NLL (nats an id), top-1 and
top-5 accuracy on the first window of each song. Then each composes for a grid of asked emotions, and a judge (the regression
network of the paper, trained on the same songs but never on generated music) reads valence and arousal back: L1 to what was
asked, and the correlation over pieces. Note density per instrument, which is what the arousal labels are made of, is also
measured directly. Intervals are 95 %, by bootstrap over seeds and, inside them, held-out songs (the first three) or pieces
(the others); differences are paired. Valence labels are pseudo-labels: nothing here says anything about human listeners.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from klangbild.models.aria.data.chunks import Batch
from klangbild.models.aria.data.prepare import EventsData
from klangbild.models.aria.decode_clean import decode_clean
from klangbild.models.aria.published_sampler import MidiEmotionSampling, generate
from klangbild.models.aria.runtime_torch import TorchEventsModel
from klangbild.models.aria.training.train import EventsConfig, EventsTrainer
from klangbild.models.aria.vocabulary import BASE_SIZE, PAD, START

CONDITIONINGS = ("none", "discrete_token", "continuous_token", "continuous_concat")
GRID = [(v, a) for v in (-0.8, 0.0, 0.8) for a in (-0.8, 0.0, 0.8)]


@torch.no_grad()
def per_song(trainer: EventsTrainer, rows: int) -> np.ndarray:
    """(songs, 4): NLL sum, top-1 hits, top-5 hits, ids, of each held-out song's first window."""
    trainer.network.eval()
    whole, found = trainer.heldout.fixed(rows), []
    for i in range(0, len(whole.inputs), 8):
        batch = Batch(*(getattr(whole, f.name)[i : i + 8] for f in dataclasses.fields(Batch)))
        targets = torch.from_numpy(batch.targets)
        logits = trainer.answer(batch).float()[:, -targets.shape[1] :]
        # the emotion tokens and the certain <START> after them are no music: they would flatter discrete_token
        real = (targets != PAD) & (targets != START) & (targets < BASE_SIZE)
        nll = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
        best = logits.topk(5, dim=-1).indices == targets[..., None]
        columns = (nll, best[..., 0].float(), best.any(dim=-1).float(), torch.ones_like(nll))
        found.append(torch.stack([(c * real).sum(dim=1) for c in columns], dim=1).numpy())
    return np.concatenate(found)


def read_back(judge: EventsTrainer, songs: np.ndarray) -> np.ndarray:
    """Generated ids (n, length) with `<START>` -> the judge's [valence, arousal] (n, 2)."""
    batch = Batch(songs[:, : judge.config.length], songs, np.zeros((len(songs), 2), np.float32))
    with torch.no_grad():
        judge.network.eval()
        return judge.answer(batch).numpy()


def densities(songs: np.ndarray) -> np.ndarray:
    """Notes per second and instrument of each piece; NaN where nothing sounds."""
    out = []
    for ids in songs:
        notes, seconds = decode_clean(ids)
        players = len({note.instrument for note in notes})
        out.append(len(notes) / max(seconds, 0.1) / players if players else np.nan)
    return np.array(out)


def compose_grid(trainer: EventsTrainer, *, each: int, gen_len: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    asked = np.array([pair for pair in GRID for _ in range(each)], np.float32)
    edges = trainer.bin_edges
    model = TorchEventsModel(trainer.network, trainer.vocabulary, bin_edges=edges)
    sampling = MidiEmotionSampling(1.0, 1.0, top_p=0.95, repeat_penalty=0.0, gen_len=gen_len)
    songs = generate(model, trainer.vocabulary, asked, sampling=sampling, rng=np.random.default_rng(seed))
    return asked, songs


NAMES = ("nll", "top1", "top5", "l1_valence", "l1_arousal", "r_valence", "r_arousal", "r_density")


def interval(values: np.ndarray) -> list[float]:
    return [round(float(x), 4) for x in np.nanquantile(values, [0.025, 0.975])]


def bootstrap(results: dict[str, list[dict]], *, draws: int = 1000) -> dict[str, np.ndarray]:
    """conditioning -> (1 + draws, 8) of `NAMES`: row 0 as measured, then over seeds and, inside them, songs and pieces.

    All conditionings see the same seeds, songs and asked emotions in a draw, so that their difference is a paired one.
    """
    rng = np.random.default_rng(0)
    first = next(iter(results.values()))
    found: dict[str, list] = {name: [] for name in results}
    for draw in range(1 + draws):
        seeds = np.arange(len(first)) if draw == 0 else rng.integers(0, len(first), len(first))
        at = [(np.arange(n) if draw == 0 else rng.integers(0, n, n)) for _ in seeds for n in sizes_of(first[0])]
        for name, rows in results.items():
            found[name].append(values_of([rows[i] for i in seeds], at))
    return {name: np.array(values) for name, values in found.items()}


def sizes_of(row: dict) -> tuple[int, int]:
    """Held-out songs, composed pieces."""
    return len(row["songs"]), len(row["asked"])


def values_of(rows: list[dict], at: list[np.ndarray]) -> list[float]:
    """The numbers of `NAMES` from some runs; at: for each run the songs, then the pieces that count."""
    columns = {"songs": at[::2], "asked": at[1::2], "read": at[1::2], "density": at[1::2]}
    songs, asked, read, dense = (
        np.concatenate([np.array(row[key], dtype=float)[i] for row, i in zip(rows, indices, strict=True)])
        for key, indices in columns.items()
    )
    nll, top1, top5, count = songs.sum(axis=0)
    error, known = np.abs(asked - read).mean(axis=0), ~np.isnan(dense)
    pairs = ((asked[:, 0], read[:, 0]), (asked[:, 1], read[:, 1]), (asked[known, 1], dense[known]))
    return [nll / count, top1 / count, top5 / count, *error, *(np.corrcoef(x, y)[0, 1] for x, y in pairs)]


def print_table(results: dict[str, list[dict]]) -> None:
    drawn = bootstrap(results)
    print("| conditioning | " + " | ".join(NAMES) + " |")
    print("|---" * (1 + len(NAMES)) + "|")

    def cells(values: np.ndarray) -> str:
        return " | ".join(f"{v[0]:.3f} [{low:.3f}, {high:.3f}]" for v in values.T for low, high in [interval(v[1:])])

    for name, values in drawn.items():
        print(f"| {name} | {cells(values)} |")
    for first, second in itertools.combinations(CONDITIONINGS, 2):
        print(f"| {second} less {first} | {cells(drawn[second] - drawn[first])} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/prepared/events.npz"))
    parser.add_argument("--config", type=Path, default=Path("configs/events-small.toml"))
    parser.add_argument("--out", type=Path, default=Path("runs/aria-conditionings"))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--judge-steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--each", type=int, default=8, help="pieces for each of the 9 asked emotions")
    parser.add_argument("--gen-len", type=int, default=256)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    data = EventsData.load(args.data)
    config = EventsConfig.load(args.config)

    judge = EventsTrainer(dataclasses.replace(config, regression=True, seed=99), data, device=args.device)
    file = args.out / f"judge-{args.judge_steps}.pt"
    if file.is_file():
        judge.network.load_state_dict(torch.load(file, weights_only=True))
    else:
        for _ in range(args.judge_steps):
            judge.train_step(judge.rate(0.0))
        torch.save(judge.network.state_dict(), file)
    score = judge.evaluate()
    held = judge.heldout.fixed(config.heldout_rows).condition
    middle = np.abs(held - np.median(np.stack([data.valence, data.arousal], 1)[judge.chunks.songs], axis=0)).mean(
        axis=0
    )
    facts = {"l1": [score.l1_valence, score.l1_arousal], "l1_of_always_the_median": middle.tolist()}
    print("judge on held-out songs:", json.dumps(facts), flush=True)

    results: dict[str, list[dict]] = {name: [] for name in CONDITIONINGS}
    for seed in args.seeds:
        for conditioning in CONDITIONINGS:
            file = args.out / f"{conditioning}-{seed}-{args.steps}.json"
            if not file.is_file():
                started = time.process_time()
                run = dataclasses.replace(config, conditioning=conditioning, seed=seed)
                trainer = EventsTrainer(run, data, device=args.device)
                for _ in range(args.steps):
                    trainer.train_step(trainer.rate(0.0))
                asked, songs = compose_grid(trainer, each=args.each, gen_len=args.gen_len, seed=seed)
                row = {
                    "songs": per_song(trainer, config.heldout_rows).tolist(),
                    "asked": asked.tolist(),
                    "read": read_back(judge, songs).tolist(),
                    "density": densities(songs).tolist(),
                    "cpu_s": time.process_time() - started,
                }
                file.write_text(json.dumps(row))
            results[conditioning].append(json.loads(file.read_text()))
            print(conditioning, seed, f"{results[conditioning][-1]['cpu_s']:.0f} CPU s", flush=True)
    print_table(results)


if __name__ == "__main__":
    main()
