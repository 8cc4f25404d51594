"""`klangbild measure ...`: numbers for those who build models. Each kind of measure is one entry of `MEASURES`.

A module of a measure offers `add_arguments(parser)` and `run(args) -> int`, and imports nothing heavy at its top, so
that `klangbild --help` stays quick and free of torch.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import NamedTuple

_NOTES = "prepared notes: klangbild data prepare notes RAW_DIR"
_PAIRS = (
    "prepared plans and their pairs: klangbild data prepare plan NOTES.npz, then klangbild data pair --pictures DIR "
    "--music data/prepared/plan.npz -o data/prepared/plan-pairs.csv"
)


class Measure(NamedTuple):
    """What it measures, its module (None: this file does it), and which prepared data it needs (empty: none)."""

    text: str
    module: str | None
    prepared: str = ""


MEASURES: dict[str, Measure] = {
    "parity": Measure("recorded data of a published system against our code", None),
    "nll": Measure(
        "how surprised a notes model is by held-out music, in bits", "klangbild.models.bars.training.nll", _NOTES
    ),
    "notes": Measure("folders of MIDI files against real music: every score of notes", "klangbild.measure.notes"),
    "ears": Measure("a composer's measures of folders of MIDI: harmony, tune, beat, form", "klangbild.measure.ears"),
    "steering": Measure("does the music follow the asked emotion? a grid, read back", "klangbild.measure.steering"),
    "nearness": Measure(
        "is it near real music, asked for what real music feels like?", "klangbild.measure.nearness", _NOTES
    ),
    "fit": Measure("does the picture matter? right against shuffled pictures", "klangbild.measure.fit"),
    "sound": Measure("folders of sound files: levels, distance to real sound", "klangbild.measure.sound"),
    "synapse": Measure(
        "words, picture, both: does the plan model hear the picture?", "klangbild.measure.plan.ablation", _PAIRS
    ),
    "ways": Measure("how much of a picture arrives, by which way in", "klangbild.measure.plan.ways", _PAIRS),
    "vectors": Measure("published scores on stored vectors of other tools", "klangbild.measure.vectors"),
    "controls": Measure("can every metric see what it claims to see?", "klangbild.measure.controls", _NOTES),
    "listen": Measure(
        "a listening test on a local page, and what came out of it", "klangbild.measure.listening.command"
    ),
    "table": Measure("results in the layout of Art2Mus or MeLFusion", "klangbild.measure.tables"),
    "report": Measure("results as one page that opens offline, and as PDF", "klangbild.measure.report"),
    "card": Measure("put results into a model's card", "klangbild.measure.card"),
    "judge": Measure(
        "fit the judges of emotion in notes, with their own accuracy", "klangbild.measure.judges.judge_train", _NOTES
    ),
    "sound-judge": Measure(
        "fit the judges of emotion in sound, and the embedding", "klangbild.measure.judges.sound_judge", _NOTES
    ),
    "reference": Measure("real held-out music as numbers, to measure against", "klangbild.measure.reference", _NOTES),
}


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add `measure` and its kinds to the command line."""
    parser = subparsers.add_parser("measure", help="measure models and generated music")
    kinds = parser.add_subparsers(dest="measure", metavar="KIND", required=True)
    for name, (text, module, prepared) in MEASURES.items():
        needs = f" Needs {prepared}." if prepared else ""
        kind = kinds.add_parser(name, help=text, description=f"{text[:1].upper()}{text[1:].rstrip('.?')}.{needs}")
        if module is None:
            kind.add_argument("folder", metavar="DIR", type=Path, help="a recorded folder (it has a parity.json)")
            kind.set_defaults(run=_run_parity)
        else:
            loaded = importlib.import_module(module)
            loaded.add_arguments(kind)
            kind.set_defaults(run=loaded.run)


def _run_parity(args: argparse.Namespace) -> int:
    from klangbild.measure.parity import run_parity

    return run_parity(args.folder)
