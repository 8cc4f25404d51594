"""`klangbild measure steering`: does the music follow the asked emotion? A grid of valence and arousal, read back by a judge.

Conventions
    A 5 x 5 grid (-0.8 .. 0.8), N seeds each. A piece is an item. The judge was fitted on one rated corpus alone; where the
    measured model's labels used that corpus too, the score is partly circular, and the output says so. Raw features (no
    judge, nothing fitted) stand beside it.

Metrics
    valence_spearman, arousal_spearman    asked against read back, rank correlation, -1..1 (goals .7 and .9).
    valence_cross, arousal_cross          asked *arousal* against valence read, and the reverse: near 0 (goal |.2|).
    valence_error, arousal_error          mean |asked - read|, 0..2. Blind answers of 0 would give .48.
    FEATURE~valence, FEATURE~arousal      Spearman of raw features: notes per second, tempo, velocity, major by ear.
"""

from __future__ import annotations

import argparse
from collections import OrderedDict
from pathlib import Path

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError
from klangbild.measure.composed import compose_into
from klangbild.measure.results import Results, add_output, give, passed_over
from klangbild.metrics.emotion_judge import JUDGES, load_judge, read_piece
from klangbild.metrics.intervals import Estimate, bootstrap, bootstrap_spearman
from klangbild.settings import Settings

GRID = (-0.8, -0.4, 0.0, 0.4, 0.8)
RAW = ("notes_per_second", "bpm", "velocity", "major", "pitched_length_s")


def validate(asked: np.ndarray, read: np.ndarray) -> None:
    """Both (pieces, 2), as many of each.

    Raises:
        InputError: otherwise, or fewer than 3 pieces.
    """
    if asked.shape != read.shape or asked.ndim != 2 or asked.shape[1] != 2 or len(asked) < 3:
        raise InputError(f"asked {asked.shape} and read {read.shape}: need (pieces, 2) of each, 3 pieces or more")


def evaluate(asked: np.ndarray, read: np.ndarray, *, seed: int = 0) -> OrderedDict[str, Estimate]:
    """All scores of asked (pieces, 2) against read (pieces, 2); pieces that could not be read (NaN) are left out."""
    asked, read = np.asarray(asked, np.float64), np.asarray(read, np.float64)
    validate(asked, read)
    known = np.isfinite(read).all(axis=1)
    rows = np.concatenate([asked, read], axis=1)[known]
    missing = int((~known).sum())
    out: OrderedDict[str, Estimate] = OrderedDict()
    for name, a, b in (
        ("valence_spearman", 0, 2),
        ("arousal_spearman", 1, 3),
        ("valence_cross", 1, 2),
        ("arousal_cross", 0, 3),
    ):
        found = bootstrap_spearman(rows[:, a], rows[:, b], seed=seed)
        out[name] = Estimate(found.value, found.low, found.high, found.n, missing)
    for axis, name in enumerate(("valence", "arousal")):
        error = bootstrap(np.abs(rows[:, axis] - rows[:, axis + 2]), seed=seed)
        out[f"{name}_error"] = Estimate(error.value, error.low, error.high, error.n, missing)
    return out


def raw_features(piece) -> list[float]:
    """Plain numbers of a piece in the order of `RAW`."""
    from klangbild.music.describe import main_tempo
    from klangbild.music.key import estimate_key

    if not piece.n_notes:  # a foreign model may stay silent
        return [float("nan")] * len(RAW)
    notes = np.concatenate([t.notes for t in piece.tracks])
    pitched = [t.notes["duration"] for t in piece.tracks if not t.is_drum]
    length = float(np.concatenate(pitched).mean()) * 60 / main_tempo(piece) if pitched else float("nan")
    return [len(notes) / max(piece.seconds, 1e-3), main_tempo(piece), float(notes["velocity"].mean()),
            float(estimate_key(piece).mode == "major"), length]  # fmt: skip


def make(folder: Path, *, model: str | None, conditioning: str, seeds: int, seconds: float, guidance: float | None,
         candidates: int) -> list[dict]:  # fmt: skip
    """Compose what of the grid is not in `folder` yet, one .mid a point and seed; gives a row for each.

    Raises:
        InputError: the folder holds the grid of other settings.
    """
    points = [(s, r, c) for s in range(seeds) for r in range(len(GRID)) for c in range(len(GRID))]
    wanted = [(f"v{r}a{c}-{s}", Emotion(GRID[r], GRID[c]), 10_000 * s + 100 * r + c) for s, r, c in points]
    # default settings of an engine are its own; only what is asked here is fixed
    settings = Settings(seconds=seconds, guidance=guidance, conditioning=conditioning, candidates=candidates)
    files = compose_into(folder, wanted, settings, model=model, mark="steering.json")
    return [
        {"file": file, "asked": (GRID[r], GRID[c]), "seed": s} for file, (s, r, c) in zip(files, points, strict=True)
    ]


def score_rows(rows: list[dict], judge_name: str, *, seed: int = 0) -> tuple[OrderedDict[str, Estimate], np.ndarray]:
    """Scores of composed files, and what was read (pieces, 2)."""
    from klangbild.music.midi import read_music

    judge = load_judge(judge_name)
    asked = np.array([row["asked"] for row in rows])
    read, raw = np.full((len(rows), 2), np.nan), np.full((len(rows), len(RAW)), np.nan)
    for number, row in enumerate(rows):
        try:
            piece = read_music(row["file"])
        except InputError as error:
            passed_over(error)
            continue
        read[number], raw[number] = read_piece(judge, piece), raw_features(piece)
    scores = evaluate(asked, read, seed=seed)
    known = np.isfinite(read).all(axis=1)
    for column, name in enumerate(RAW):
        for axis, word in enumerate(("valence", "arousal")):
            scores[f"{name}~{word}"] = bootstrap_spearman(asked[known, axis], raw[known, column], seed=seed)
    return scores, read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure steering`."""
    parser.add_argument("--model", help="notes model by name or folder (default: the shipped one)")
    parser.add_argument("--conditioning", default="continuous_concat")
    parser.add_argument("--seeds", type=int, default=4, help="pieces for each of the 25 points (default 4)")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--candidates", type=int, default=1)
    parser.add_argument("--judge", choices=(*JUDGES, "both"), default="both")
    parser.add_argument("--labelled-by", nargs="*", default=list(JUDGES), metavar="SET",
                        help="rated sets that the model's labels used (default: both)")  # fmt: skip
    parser.add_argument("--work", type=Path, default=Path("runs/steering"), metavar="DIR", help="where pieces are kept")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Compose the grid, read it back, print the scores of each judge."""
    rows = make(args.work, model=args.model, conditioning=args.conditioning, seeds=args.seeds, seconds=args.seconds,
                guidance=args.guidance, candidates=args.candidates)  # fmt: skip
    results = Results("steering")
    for name in JUDGES if args.judge == "both" else (args.judge,):
        judge = load_judge(name)
        results.sets[f"judge {name}"], read = score_rows(rows, name)
        results.details[f"judge {name}"] = {
            "asked": [row["asked"] for row in rows], "read": [[None if np.isnan(v) else round(v, 4) for v in r] for r in read.tolist()],
        }  # fmt: skip
        results.notes.append(judge.accuracy)
        if name in args.labelled_by:
            leak = judge.card["labels_with_and_without_it"]
            results.notes.append(
                f"judge {name}: the model's labels used this corpus too; without it the band labels would correlate "
                f"{leak['valence']:.2f} (valence) and {leak['arousal']:.2f} (arousal) with those it learnt"
            )
    results.details["settings"] = {"seeds": args.seeds, "seconds": args.seconds, "guidance": args.guidance}
    return give(results, args)
