"""`klangbild measure ears DIR...`: a composer's measures of folders of MIDI, beside real music and two controls.

The real values are of the held-out band files; the controls are the same files with their bars in random order, and with the
pitches of each pitched part in random order. They ship as numbers (`weights/ears-real.json`); `--real RAW_DIR --keep` makes
them anew, RAW_DIR being the folder of raw sets that `klangbild data prepare notes` takes. Scores are listed with their
definitions in `metrics/chords.py`, `tonality.py`, `lines.py`, `beat.py`, `form.py` and `writing.py`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.measure.control_music import shuffled_bars, shuffled_pitches
from klangbild.measure.notes import midi_files
from klangbild.measure.results import Results, add_output, give, passed_over, progress, set_names
from klangbild.metrics import ears
from klangbild.metrics.intervals import Estimate, bootstrap
from klangbild.music.midi import read_music
from klangbild.music.piece import Piece
from klangbild.shipped import weights_folder
from klangbild.whole_files import atomic_write

POOL = "band"
Change = Callable[[Piece, np.random.Generator], Piece]


def scores_of(pieces: Iterable[Piece], change: Change | None = None, *, seed: int = 0) -> dict[str, Estimate]:
    """Mean of each score over pieces with its interval; change: what is done to each before (its middle, and the whole of it)."""
    rows = []
    for number, piece in enumerate(pieces):
        if change is None:
            rows.append(ears.evaluate(piece))
        else:
            passage = change(ears.middle(piece), np.random.default_rng([seed, number]))
            rows.append(ears.evaluate(change(piece, np.random.default_rng([seed, number])), passage=passage))
    return {name: bootstrap(np.array([row[name] for row in rows]), seed=seed) for name in (rows[0] if rows else ())}


def folder_pieces(folder: Path) -> Iterator[Piece]:
    """The pieces of a folder; what cannot be read is told and passed over."""
    for file in progress(midi_files(folder), text=folder.name):
        try:
            yield read_music(file)
        except InputError as error:
            passed_over(error)


def heldout_files(raw_dir: Path) -> Iterator[Piece]:
    """The listed held-out band files as they were written, not on the grid of our language. Raises InputError: none is there."""
    from klangbild.models.bars.data.raw_sets import read_sets
    from klangbild.models.bars.data.split import fixed_heldout
    from klangbild.music.midi import read_midi

    listed = {name for name in fixed_heldout() if name.startswith(f"{POOL}/")}
    found = False
    for file in read_sets(raw_dir):
        if file.name not in listed:
            continue
        try:
            piece = read_midi(file.data)
        except InputError as error:
            passed_over(f"{file.name}: {error}")
            continue
        if piece.n_notes:
            found = True
            yield piece
    if not found:
        raise InputError(
            f"{raw_dir}: holds none of the held-out files of the set '{POOL}'; give the folder of raw sets"
        )


def measure_real(raw_dir: Path, *, seed: int) -> dict[str, dict[str, Estimate]]:
    """Real music and its two controls."""
    pieces = list(progress(heldout_files(raw_dir), text="real"))
    controls: dict[str, Change | None] = {
        "real": None,
        "shuffled bars": shuffled_bars,
        "shuffled pitches": shuffled_pitches,
    }
    return {name: scores_of(progress(pieces, text=name), change, seed=seed) for name, change in controls.items()}


def facts_file() -> Path:
    return weights_folder() / "ears-real.json"


def save_facts(path: Path, sets: dict[str, dict[str, Estimate]], *, command: str) -> None:
    """Numbers only, three digits: {"command", "sets", "scores": {score: [[value, low, high, n] of each set]}}."""
    scores = {
        name: [[*(_short(v) for v in (s[name].value, s[name].low, s[name].high)), s[name].n] for s in sets.values()]
        for name in next(iter(sets.values()))
    }
    head = {"command": command, "licence": "CC BY-NC-SA 4.0", "sets": list(sets)}
    lines = ",\n".join(f'"{name}":{json.dumps(row, separators=(",", ":"))}' for name, row in scores.items())
    atomic_write(path, (json.dumps(head)[:-1] + ', "scores": {\n' + lines + "\n}}\n").encode())


def _short(value: float) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None


def load_facts(path: Path | None = None) -> dict[str, dict[str, Estimate]]:
    """What `save_facts` kept. Raises NotAvailableError: it is not there. InputError: it is damaged."""
    path = path or facts_file()
    if not path.is_file():
        raise NotAvailableError(f"{path}: is not here; make it with 'klangbild measure ears --real RAW_DIR --keep'")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: {
                score: Estimate(*(np.nan if v is None else float(v) for v in row[at][:3]), int(row[at][3]))
                for score, row in raw["scores"].items()
            }
            for at, name in enumerate(raw["sets"])
        }
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"{path}: is damaged ({error}); make it with 'klangbild measure ears --real RAW_DIR --keep'"
        ) from None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure ears`."""
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="folders of MIDI files, one a set")
    parser.add_argument(
        "--real", type=Path, metavar="RAW_DIR", help="measure the real files anew (default: numbers that ship)"
    )
    parser.add_argument("--keep", action="store_true", help="with --real: keep its numbers as those that ship")
    parser.add_argument("--seed", type=int, default=0)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Measure each folder; real music and the controls beside it."""
    if not args.folders and not args.real:
        raise UsageError("give a folder of MIDI files, or --real RAW_DIR")
    if args.keep and not args.real:
        raise UsageError("--keep keeps the numbers of --real RAW_DIR; give that too")
    results = Results("ears", seed=args.seed)
    for name, folder in zip(set_names(args.folders), args.folders, strict=True):
        results.sets[name] = scores_of(folder_pieces(folder), seed=args.seed)
        if not results.sets[name]:
            raise InputError(f"{folder}: none of its MIDI files has notes that can be read; give others")
    real = measure_real(args.real, seed=args.seed) if args.real else load_facts()
    if args.keep:
        save_facts(facts_file(), real, command="klangbild measure ears --real RAW_DIR --keep")
    for name, scores in real.items():
        results.sets[name if name not in results.sets else f"{name} (reference)"] = scores
    results.notes.append(
        f"real: {max(s.n for s in real['real'].values())} held-out band files; the controls are these with bars, with pitches "
        "in random order. Means over pieces; shares are 0..1. Moments from the middle 60 s, form and ends from the whole"
    )
    return give(results, args)
