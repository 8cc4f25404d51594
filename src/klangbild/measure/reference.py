"""`klangbild measure reference`: real held-out band music as numbers, to measure generated notes against.

The first 8 sections (64 bars) of each held-out piece at most: no long piece counts for many, and what is generated begins
at the beginning too; the axes of the
note embedding come from training pieces, cut alike.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from klangbild.measure.real_music import pieces_of
from klangbild.metrics.note_embedding import fit_note_axes
from klangbild.metrics.note_sets import NoteSet, save_reference
from klangbild.models.bars.data.prepared import NoteData
from klangbild.whole_files import atomic_write

SECTIONS, AXES_PIECES = 8, 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For `klangbild measure reference`."""
    parser.add_argument("--data", type=Path, default=Path("data/prepared/notes.npz"), help="prepared notes data")
    parser.add_argument("--pool", default="band", help="which set (default: band)")
    parser.add_argument(
        "-o", "--out", type=Path, default=Path("src/klangbild/weights/judge-reference.npz"), metavar="FILE"
    )


def run(args: argparse.Namespace) -> int:
    """Measure the held-out pieces, fit the axes on others, write both and a card."""
    data = NoteData.load(args.data)
    real = NoteSet.of(piece for _, piece in pieces_of(data, args.pool, sections=SECTIONS, from_start=True))
    train = pieces_of(data, args.pool, heldout=False, most=AXES_PIECES, sections=SECTIONS, from_start=True)
    axes = fit_note_axes(NoteSet.of(piece for _, piece in train).sections)
    save_reference(args.out, real, axes)
    card = {
        "name": "judge-reference",
        "kind": "scores, distributions and 8-bar sections of real held-out music as numbers; axes of the note embedding",
        "licence": "CC BY-NC-SA 4.0",
        "data": {"set": args.pool, "held_out_pieces": len(real), "sections": len(real.sections.piece),
                 "licences": data.about["licences"].get(args.pool)},
        "command": "klangbild measure reference",
    }  # fmt: skip
    atomic_write(args.out.with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    print(args.out)
    return 0
