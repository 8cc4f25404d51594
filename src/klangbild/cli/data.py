"""`klangbild data ...`: raw sets to the compact files that models are trained from."""

from __future__ import annotations

import argparse
from pathlib import Path

from klangbild.cli import events, sound
from klangbild.cli.train_picture import add_prepare_command


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add `data` and its parts to the command line."""
    parser = subparsers.add_parser("data", help="prepare data sets for training")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    sound.add_data_commands(actions)
    prepare = actions.add_parser("prepare", help="raw sets to one compact file")
    kinds = prepare.add_subparsers(dest="kind", metavar="KIND", required=True)
    notes = kinds.add_parser("notes", help="MIDI files for the notes model", description=_NOTES)
    notes.add_argument(
        "raw", type=Path, metavar="RAW_DIR", help="folder of MIDI sets: zips with CSVs, folders, or .mid"
    )
    notes.add_argument("-o", "--out", type=Path, default=Path("data/prepared/notes.npz"), metavar="FILE.npz")
    notes.add_argument(
        "--licence", choices=("all", "open"), default="all", help="open: CC0, MIT, BSD, Artistic ... only"
    )
    notes.add_argument(
        "--exclude-labels", nargs="*", default=(), metavar="SET", help="use no human ratings of these sets"
    )
    notes.set_defaults(run=_run_notes)
    add_prepare_command(kinds)
    aria = kinds.add_parser("events", help=events.PREPARE_HELP, description=events.PREPARE_HELP)
    events.add_prepare_arguments(aria)


_NOTES = (
    "Reads every MIDI file, mends tempo maps, puts performances back on the beat, drops what cannot be used (the manifest "
    "says why), keeps near copies on one side of the split, and labels every 8-bar section with valence and arousal."
)


def _run_notes(args: argparse.Namespace) -> int:
    from klangbild.data.prepare_notes import prepare_notes

    prepare_notes(args.raw, args.out, licence=args.licence, exclude_labels=args.exclude_labels)
    print(args.out)
    print(args.out.with_name(args.out.stem + "-manifest.csv"))
    return 0
