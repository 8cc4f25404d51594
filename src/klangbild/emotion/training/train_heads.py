"""Train the emotion heads: from rated pictures to a head file and its card.

    klangbild train emotion --model klangbild              # the shipped heads, from the rated picture sets
    klangbild train emotion --csv mine.csv --out my-heads  # heads of your own, for --emotion-model my-heads

Grouped folds everywhere (photographs by theme, paintings by artist): scores, interval widths and the music plane all rest
on predictions for pictures whose group was not trained on.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from klangbild.emotion.heads import EmotionHeads, load_heads, save_heads
from klangbild.emotion.predict import ENCODER_NAMES, WEIGHTS, encoder_files
from klangbild.emotion.training.fit_gate import fit_kind_gate
from klangbild.emotion.training.fit_heads import (
    CELLS,
    borrowed_gate,
    cross_validate,
    evaluate,
    fit_heads,
    gate_of,
)
from klangbild.emotion.training.score import Score
from klangbild.emotion.training.table import Table, Unrated, measure_inputs, own_table
from klangbild.errors import UsageError
from klangbild.picture.features import FEATURE_NAMES
from klangbild.whole_files import atomic_write

MODEL_NAMES = {"features": "emotion-features", "klangbild": "emotion-klangbild"}


def card_of(
    name: str, scores: dict[str, Score], gated: dict[str, Score], recognized: dict[str, tuple[float, float, float]],
    heads: EmotionHeads, *, data: str, split: str, recipe: str, command: str,
) -> dict:  # fmt: skip
    """What the head file is, in numbers measured now."""
    d = len(heads.names)
    return {
        "name": name,
        "task": "picture to (valence, arousal) on the raters' scale, (x - 4) / 3 of ratings from 1 to 7",
        "inputs": f"{d} ({len(FEATURE_NAMES)} interpretable features"
        + (f" and a {d - len(FEATURE_NAMES)}-d embedding)" if d > len(FEATURE_NAMES) else ")"),
        "recipe": recipe,
        "data": data,
        "licence": "CC BY-NC-SA 4.0",
        "split": split,
        "metrics": {cell: s.as_dict() for cell, s in scores.items()},
        "metrics_kind_not_told": {cell: s.as_dict() for cell, s in gated.items()},
        "kind_recognized_with_95": {name: np.round(found, 3).tolist() for name, found in recognized.items()},
        "half_width_80": np.round(heads.half_width, 3).tolist(),
        "reasons_explain_r2": dict(zip(CELLS, np.round(heads.reason_share, 2).ravel().tolist(), strict=True)),
        "limits": "a mean of many raters' answers, mostly from Western countries; one picture's interval is wide; "
        "drawings, screenshots and text are outside what was rated",
        "command": command,
    }


def run(given: argparse.Namespace) -> int:
    """The options as `cli.train_picture` declares them; cross-validates, prints, writes the heads unless `--evaluate`."""
    if given.csv is not None and given.out is None and not given.evaluate:
        raise UsageError("--csv needs --out DIR: a folder for your heads, to be given as --emotion-model DIR")
    if given.folds < 2:
        raise UsageError(f"--folds {given.folds} is out of range; give 2 or more")
    if given.csv is None:
        measured = measure_inputs(given.data, given.model, cache=given.cache)
        table, unrated, titled = measured.table, measured.unrated, measured.titled
        gate, final_gate = gate_of(measured.kinds), fit_kind_gate(measured.kinds, np.zeros(0, np.int64))
    else:
        table, looks = own_table(given.csv, given.model, scale=_scale(given.scale))
        unrated, titled = Unrated(table.inputs[:0], table.kind[:0]), None
        base = "klangbild" if given.model == "klangbild" else "features"
        final_gate = load_heads(WEIGHTS / f"emotion-{base}.npz").gate
        gate = borrowed_gate(final_gate, looks.surface_for(final_gate))
    folds = min(given.folds, len(np.unique(table.group)))
    if folds < 2:
        raise UsageError(f"{given.csv}: all pictures are of one group; give at least two groups, or no group column")
    held = cross_validate(table, gate, folds=folds, seed=given.seed, recipe=given.recipe, titled=titled)
    scores, gated_scores = (evaluate(table, values, seed=given.seed) for values in (held.told, held.gated))
    for cell, cell_score in scores.items():
        print(f"{_cell(cell, table)} {cell_score}")
    if len(scores) == len(CELLS):
        for cell, cell_score in gated_scores.items():
            print(f"{cell:17s} {cell_score}   kind not told")
        for name, (share, low, high) in held.recognized(table, seed=given.seed).items():
            print(f"{name} taken for what it is: {share:.0%} [{low:.0%}, {high:.0%}]")
    if given.evaluate:
        return 0
    heads = fit_heads(table, unrated, final_gate, held, seed=given.seed, recipe=given.recipe, titled=titled)
    out = given.out or WEIGHTS
    stem = out / (MODEL_NAMES.get(given.model, "emotion") if given.csv is None else "emotion")
    recognized = held.recognized(table, seed=given.seed) if len(scores) == len(CELLS) else {}
    _write(heads, scores, gated_scores, recognized, table, given, stem, folds)
    print(stem.with_suffix(".npz"))
    return 0


def _write(heads, scores, gated, recognized, table: Table, given: argparse.Namespace, stem: Path, folds: int) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    if given.csv is None:
        data = (
            "OASIS (704 photographs, research use, cite Kurdi, Lozano and Banaji 2017); Vienna Art Picture System ratings of "
            "145 paintings (research use); the moods that titles of some 1,900 WikiArt paintings say, by our own table of words; gate: also some 3,000 WikiArt paintings and 2,500 ImageNet photographs, unrated, and 1,050 drawings, renders and engravings that are made here"
        )
        split = f"{folds} grouped folds (photographs by theme, paintings by artist), seed {given.seed}; inner 5 folds choose"
        command = f"klangbild train emotion --model {given.model} --folds {folds} --seed {given.seed}"
    else:
        data = f"{len(table.y)} pictures rated by the person who trained this"
        split = f"{folds} folds by the table's groups, seed {given.seed}"
        command = (
            f"klangbild train emotion --csv {given.csv.name} --recipe {given.recipe} --model {given.model} --out DIR"
        )
        # a folder of its own must hold what it looks with
        for name, encoder in zip(
            ENCODER_NAMES, () if given.model == "features" else encoder_files(given.model), strict=False
        ):
            if encoder.resolve() != (stem.parent / name).resolve():
                shutil.copyfile(encoder, stem.parent / name)
    card = card_of(
        stem.name, scores, gated, recognized, heads, data=data, split=split, recipe=given.recipe, command=command
    )
    save_heads(heads, stem.with_suffix(".npz"))
    atomic_write(stem.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())


def _scale(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--scale {text} does not read as LOW,HIGH; give for example 1,7") from None
    return low, high


def _cell(cell: str, table: Table) -> str:
    """The name of a cell, without the kind where only one was told."""
    return f"{cell if len(np.unique(table.kind)) == 2 else cell.split()[1]:17s}"
