"""`klangbild measure nearness`: is the composed music near real music, when it is asked for what real music feels like?

A grid of emotions (`measure steering`) asks for much that is rare in any collection, so that part of what tells it from real music
is the question. Here each piece is asked for the emotion of one section of another held-out band piece, at default settings.

Conventions
    One section a held-out piece, drawn by the seed; its label is a pseudo-label (`models/bars/data/emotion_labels.py`). The reference and all
    scores are those of `measure notes`; the control is real against real.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError
from klangbild.measure.composed import compose_into
from klangbild.measure.notes import real_half, score_folder
from klangbild.measure.results import Results, add_output, give
from klangbild.metrics.emotion_judge import load_judge
from klangbild.models.bars.data.emotion_labels import NO_LABEL
from klangbild.models.bars.data.prepared import NoteData
from klangbild.settings import DEFAULT_SECONDS, Settings


def heldout_emotions(data: NoteData, n: int, *, pool: str = "band", seed: int = 0) -> list[Emotion]:
    """Labels of one section from each of n held-out pieces of a pool. Raises InputError: there are fewer."""
    rng = np.random.default_rng(seed)
    sections = []
    for piece in np.flatnonzero(data.piece_heldout):
        labelled = np.flatnonzero((data.section_piece == piece) & (data.label_source != NO_LABEL))
        if data.pool_of(piece) == pool and len(labelled):
            sections.append(int(rng.choice(labelled)))
    if len(sections) < n:
        raise InputError(f"{n} pieces asked for, {len(sections)} of pool {pool} are held out; give fewer with --pieces")
    return [Emotion(float(data.valence[s]), float(data.arousal[s])) for s in rng.permutation(sections)[:n]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure nearness`."""
    parser.add_argument("--notes", type=Path, default=Path("data/prepared/notes.npz"), metavar="FILE.npz")
    parser.add_argument("--model", help="notes model by name or folder (default: the shipped one)")
    parser.add_argument("--conditioning", default="continuous_concat")
    parser.add_argument("--pieces", type=int, default=100, metavar="N")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--candidates", type=int, default=1)
    parser.add_argument("--judge", default="vgmidi", help="emotion judge: emopia or vgmidi (default: vgmidi)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("runs/nearness"), metavar="DIR", help="where pieces are kept")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Compose what is missing, measure it, print."""
    asked = heldout_emotions(NoteData.load(args.notes), args.pieces, seed=args.seed)
    settings = Settings(
        seconds=args.seconds, guidance=args.guidance, conditioning=args.conditioning, candidates=args.candidates
    )
    wanted = [(f"{number:03d}", emotion, 10_000 * args.seed + number) for number, emotion in enumerate(asked)]
    drawn = {"pieces": args.pieces, "seed": args.seed}
    compose_into(args.work, wanted, settings, model=args.model, mark="nearness.json", drawn=drawn)
    results = Results("nearness", seed=args.seed, notes=[load_judge(args.judge).accuracy])
    results.sets["composed"] = score_folder(args.work, judge_name=args.judge, seed=args.seed)
    results.sets["real half"] = real_half(seed=args.seed)
    results.notes.append(f"{len(wanted)} pieces asked for emotions as held-out band music has them")
    return give(results, args)
