"""`klangbild measure ways`: how much of a picture arrives in the music, by which way in? The three systems side by side over one decoder.

Conventions
    For held-out pictures (`played`) the same flow and the same notes model make a piece each way: `numbers`, valence and arousal as our emotion model
    reads them (ARIA's way in); `1`, `4`, `direct`, Art2Mus's projections; `paper`, `gated`, `released`, MeLFusion's synapses; `words`, the picture
    described in words; `own numbers`, feeling and traits as numbers, what the parts are taught; `none`, nothing said: chance.
    Scores: see `readings`. Intervals are 95 %, bootstrap over pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from klangbild.emotion.space import Emotion
from klangbild.errors import UsageError
from klangbild.measure.plan.played import Band, HeldOut, choose
from klangbild.measure.plan.readings import read, scores
from klangbild.measure.results import Results, add_output, give
from klangbild.metrics.emotion_judge import JUDGES, load_judge
from klangbild.models.plan.caption_words import MAX_WORDS
from klangbild.models.plan.condition import Condition
from klangbild.models.plan.data.pairs import PicturePairs
from klangbild.models.plan.data.prepared import PlanClips
from klangbild.models.plan.describe_emotion import description
from klangbild.models.plan.model import PlanFlow, open_plan
from klangbild.models.plan.projection import VARIANTS, open_projection
from klangbild.models.plan.synapse import FORMS, open_synapse

WAYS = ("numbers", "own numbers", *VARIANTS, *FORMS, "words", "none")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure ways`."""
    parser.add_argument("--ways", nargs="+", default=list(WAYS), metavar="WAY", help=", ".join(WAYS))
    add_common(parser)


def add_common(parser: argparse.ArgumentParser) -> None:
    """What `measure ways` and `measure synapse` share."""
    parser.add_argument("--pairs", type=Path, default=Path("data/prepared/plan-pairs.npz"), metavar="FILE.npz")
    parser.add_argument("--plans", type=Path, default=Path("data/prepared/plan.npz"), metavar="FILE.npz")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="the model's files (default: those that ship)")
    parser.add_argument("--pictures", type=int, default=50, metavar="N", help="held-out pictures (default: 50)")
    parser.add_argument("--bars", type=int, default=8, metavar="N", help="length of each piece (default: 8)")
    parser.add_argument("--steps", type=int, default=25, metavar="N", help="of the flow (default: 25)")
    parser.add_argument("--guidance", type=float, metavar="G", help="default: the model's own")
    parser.add_argument("--work", type=Path, default=Path("runs/ways"), metavar="DIR", help="where the music is kept")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    add_output(parser)


def opened(args: argparse.Namespace) -> tuple[HeldOut, Band]:
    """The pairs that the arguments name, and who plays them."""
    model = open_plan(args.weights)
    chosen = choose(PicturePairs.load(args.pairs), PlanClips.load(args.plans), args.pictures, seed=args.seed)
    guidance = model.guidance if args.guidance is None else args.guidance
    return chosen, Band(model, args.work, bars=args.bars, steps=args.steps, guidance=guidance, seed=args.seed)


def run(args: argparse.Namespace) -> int:
    """Make what is missing, read it, print one table."""
    if unknown := [way for way in args.ways if way not in WAYS]:
        raise UsageError(f"--ways {unknown[0]}: there is no such way; choose from {', '.join(WAYS)}")
    chosen, band = opened(args)
    results = Results("ways", seed=args.seed, notes=[f"judge {name}: {load_judge(name).accuracy}" for name in JUDGES])
    for way in args.ways:
        heard = [condition_of(band.model, way, chosen, row) for row in chosen.rows.tolist()]
        pieces = band.play(
            way.replace(" ", "-"), chosen.rows, heard, [None] * len(heard), part=part_of(band.model, way)
        )
        readings = read(pieces, band.engine.notes.model.sections.knots)
        results.sets[way] = dict(scores(chosen.axes, readings, seed=args.seed))
    results.details |= {
        "model": band.model.name, "n": len(chosen.rows), "bars": args.bars, "steps": band.steps, "guidance": band.guidance,
        "correlation_of_pairs": chosen.pairs.about.get("correlation"),
    }  # fmt: skip
    return give(results, args)


def condition_of(
    model: PlanFlow, way: str, chosen: HeldOut, row: int, *, ids: tuple[int, ...] | None = None
) -> Condition:
    """What the flow listens to for a pair, one way; ids: numbers of words beside."""
    words = ids or (0,) * MAX_WORDS
    picture = int(chosen.pairs.picture[row])
    axes = chosen.pairs.axes[picture]
    if way in ("numbers", "own numbers"):
        return model.numbers(words, axes, (True, way == "own numbers"))
    if way == "none":
        return model.words(words)
    if way == "words":
        return model.words(model.read(description(Emotion(*(float(v) for v in axes[:2])))).ids)
    tokens, mask = model.tokens(words)
    if way in FORMS:
        levels = [level[0] for level in chosen.pairs.levels(chosen.pairs.picture[row : row + 1])]
        return open_synapse(way, model.folder).heard(levels, tokens, mask, layers=model.layers)
    views = chosen.pairs.views.take(chosen.pairs.picture[row : row + 1])
    return open_projection(way, model.folder).heard(seen_of(views), tokens, mask, layers=model.layers)


def seen_of(views):
    """All that is seen of one picture, (3296,) float32."""
    import numpy as np

    return np.concatenate([views.embedding[0], views.surface[0]]).astype(np.float32)


def part_of(model: PlanFlow, way: str) -> str:
    """Hash of the picture part that a way plays, "" for none."""
    if way in FORMS:
        return open_synapse(way, model.folder).sha256
    return open_projection(way, model.folder).sha256 if way in VARIANTS else ""
