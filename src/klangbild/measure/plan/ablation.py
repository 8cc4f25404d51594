"""`klangbild measure synapse`: does the picture help the plan model beside the words? MeLFusion's ablation.

Held-out triplets of picture, words without feelings, and plan (`played`). For each form of the synapse music is made from the words, from the picture,
from both, and from the words with another triplet's picture; the noise of a triplet is the same each time.

Conventions
    Cases: `words`; FORM: `picture`, `both`, `wrong picture`; and, paired over triplets, `both - words` and `both - wrong picture`: below 0 means that
    the picture helps. Intervals are 95 %, bootstrap over triplets.

Metrics
    emotion_error_JUDGE   distance of ranks, 0 .. 2.8, of what the picture asks for and what a judge reads from the notes.
    traits_error          the same of the six traits, 0 .. 2.4.
    right_words           rank of the triplet's words among all n, read from the notes (see `readings`).

Source: MeLFusion, arXiv 2406.04673, tables 2 and 3, for the cases; the metrics are ours.
"""

from __future__ import annotations

import argparse
from collections import OrderedDict

import numpy as np

from klangbild.errors import UsageError
from klangbild.measure.plan.played import HeldOut
from klangbild.measure.plan.readings import Readings, emotion_errors, read, right_words, trait_distances
from klangbild.measure.plan.ways import add_common, condition_of, opened, part_of
from klangbild.measure.results import Results, give
from klangbild.metrics.emotion_judge import JUDGES, load_judge
from klangbild.metrics.intervals import Estimate, bootstrap
from klangbild.models.plan.synapse import FORMS, open_synapse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure synapse`."""
    parser.add_argument(
        "--form", nargs="+", default=["paper", "gated", "released"], metavar="FORM", help=", ".join(FORMS)
    )
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Make what is missing, measure every case, print one table."""
    if unknown := [form for form in args.form if form not in FORMS]:
        raise UsageError(f"--form {unknown[0]}: there is no such form; choose from {', '.join(FORMS)}")
    chosen, band = opened(args)
    rows = chosen.rows
    captions = [chosen.caption(row, seed=args.seed) for row in rows.tolist()]
    ids = {row: band.model.read(text).ids for row, text in zip(rows.tolist(), captions, strict=True)}
    results = Results(
        "synapse", seed=args.seed, notes=[f"judge {name}: {load_judge(name).accuracy}" for name in JUDGES]
    )

    def heard(way: str, form: str, *, said: bool, looked_at: np.ndarray) -> OrderedDict[str, np.ndarray]:
        conditions = [
            condition_of(band.model, form, chosen, other, ids=ids[row] if said else None)
            for row, other in zip(rows.tolist(), looked_at.tolist(), strict=True)
        ]
        texts = captions if said else [None] * len(rows)
        pieces = band.play(way, rows, conditions, texts, part=part_of(band.model, form))
        return errors(chosen, captions, read(pieces, band.engine.notes.model.sections.knots))

    words = heard("triplet-words", "none", said=True, looked_at=rows)
    results.sets["words"] = means(words)
    wrong_rows = chosen.wrong_rows(seed=args.seed)
    for form in args.form:
        found = {
            "picture": heard(f"triplet-{form}-picture", form, said=False, looked_at=rows),
            "both": heard(f"triplet-{form}-both", form, said=True, looked_at=rows),
            "wrong picture": heard(f"triplet-{form}-wrong", form, said=True, looked_at=wrong_rows),
        }
        for case, own in found.items():
            results.sets[f"{form}: {case}"] = means(own)
        for name, other in (("words", words), ("wrong picture", found["wrong picture"])):
            paired = OrderedDict((score, values - other[score]) for score, values in found["both"].items())
            results.sets[f"{form}: both - {name}"] = means(paired)
        gates = open_synapse(form, band.model.folder).gates()
        results.notes.append(f"gates, {form}: {', '.join(f'{share:g}' for share in gates)}")
    results.details |= {"model": band.model.name, "n": len(rows), "bars": args.bars, "guidance": band.guidance}
    return give(results, args)


def errors(chosen: HeldOut, captions: list[str], readings: Readings) -> OrderedDict[str, np.ndarray]:
    """Of each triplet, (n,) each: lower is better."""
    asked = chosen.axes
    found = OrderedDict(
        (f"emotion_error_{name}", error) for name, error in emotion_errors(asked[:, :2], readings).items()
    )
    found["traits_error"] = np.diagonal(trait_distances(asked[:, 2:], readings)).copy()
    found["right_words"] = right_words(captions, readings)
    return found


def means(values: OrderedDict[str, np.ndarray]) -> dict[str, Estimate]:
    """Mean and interval of each (n,)."""
    return {name: bootstrap(own) for name, own in values.items()}
