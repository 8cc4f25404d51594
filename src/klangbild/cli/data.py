"""`klangbild data ...`: raw sets to the compact files that models are trained from."""

from __future__ import annotations

import argparse
from pathlib import Path

from klangbild.emotion.training.commands import add_prepare_command
from klangbild.errors import UsageError
from klangbild.models.aria import commands as events
from klangbild.models.published import commands as sound
from klangbild.models.roll import commands as roll


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add `data` and its parts to the command line."""
    parser = subparsers.add_parser("data", help="prepare data sets for training")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    sound.add_data_commands(actions)
    prepare = actions.add_parser("prepare", help="raw sets to one compact file")
    kinds = prepare.add_subparsers(dest="kind", metavar="KIND", required=True)
    notes = kinds.add_parser("notes", help="MIDI files for the notes model", description=_NOTES)
    notes.add_argument(
        "raw", type=Path, nargs="+", metavar="RAW_DIR", help="folders of MIDI sets: zips with CSVs, folders, or .mid"
    )
    notes.add_argument("-o", "--out", type=Path, default=Path("data/prepared/notes.npz"), metavar="FILE.npz")
    notes.add_argument(
        "--licence",
        choices=("all", "open", "share-alike"),
        default="all",
        help="open: CC0, public domain, CC BY, MIT, BSD ... only; share-alike: CC BY-SA too (default: all)",
    )
    notes.add_argument("--without", nargs="*", default=(), metavar="SET", help="leave these sets out")
    notes.add_argument(
        "--dynamics", action="store_true", help="give loudness by rule to music that is all of one velocity"
    )
    notes.add_argument(
        "--exclude-labels", nargs="*", default=(), metavar="SET", help="use no human ratings of these sets"
    )
    notes.add_argument(
        "--labels",
        type=Path,
        metavar="FILE.npz",
        help="fitted labelling for unrated music, instead of the one that ships",
    )
    notes.set_defaults(run=_run_notes)
    labels = actions.add_parser("labels", help="the fitted labelling out of a prepared file", description=_LABELS)
    labels.add_argument("notes", type=Path, metavar="NOTES.npz", help="what 'data prepare notes' wrote")
    labels.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.npz")
    labels.set_defaults(run=_run_labels)
    credits = actions.add_parser("attribution", help="ATTRIBUTION.md from a manifest", description=_ATTRIBUTION)
    credits.add_argument("manifest", type=Path, metavar="MANIFEST.csv", help="what 'data prepare notes' wrote")
    credits.add_argument("-o", "--out", type=Path, default=Path("ATTRIBUTION.md"), metavar="FILE.md")
    credits.add_argument("--model", default="", metavar="NAME", help="what learnt from it, for the heading")
    credits.set_defaults(run=_run_attribution)
    add_prepare_command(kinds)
    _add_sound_command(kinds)
    roll.add_prepare(kinds)
    aria = kinds.add_parser("events", help=events.PREPARE_HELP, description=events.PREPARE_HELP)
    events.add_prepare_arguments(aria)


def _add_sound_command(kinds: argparse._SubParsersAction) -> None:
    parser = kinds.add_parser("sound", help="played clips for the measures of the sound model", description=_SOUND)
    parser.add_argument("notes", type=Path, metavar="NOTES.npz", help="what 'data prepare notes' wrote")
    parser.add_argument("-o", "--out", type=Path, default=Path("data/prepared/sound.npz"), metavar="FILE.npz")
    parser.add_argument("--clips", type=int, default=2700, metavar="N", help="clips of 10.24 s (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which stretches of which pieces (default %(default)s)")
    parser.add_argument("--soundfont", type=Path, metavar="FILE.sf2", help="instead of the one that ships or is found")
    parser.set_defaults(run=_run_sound)


_NOTES = (
    "Reads every MIDI file, mends tempo maps, puts performances back on the beat, drops what cannot be used (the manifest "
    "says why), keeps near copies on one side of the split, and labels every 8-bar section with valence and arousal: fitted on "
    "what people rated where there are at least eight such pieces, else by the labelling that ships."
)


def _run_notes(args: argparse.Namespace) -> int:
    from klangbild.models.bars.data.prepare import prepare_notes

    prepare_notes(
        args.raw,
        args.out,
        licence=args.licence,
        without=args.without,
        dynamics=args.dynamics,
        exclude_labels=args.exclude_labels,
        labels=args.labels,
    )
    print(args.out)
    print(args.out.with_name(args.out.stem + "-manifest.csv"))
    return 0


_LABELS = (
    "Writes how the sections of a prepared file were pseudo-labelled (the ridge on its rated pieces, quantile maps of each set) "
    "as one small file with its card, so that music which nobody rated can be labelled alike."
)


def _run_labels(args: argparse.Namespace) -> int:
    from klangbild.errors import InputError
    from klangbild.models.bars.data.labelling import Labelling, write_card
    from klangbild.models.bars.data.prepared import NoteData

    data = NoteData.load(args.notes)
    try:
        Labelling.fit(data).save(args.out)
    except ValueError as error:
        raise InputError(f"{args.notes}: {error}") from None
    # a card travels; where somebody's folders lie does not concern its readers
    notes, out = (path.name if path.is_absolute() else path.as_posix() for path in (args.notes, args.out))
    write_card(data, args.out, f"klangbild data labels {notes} -o {out}")
    print(args.out)
    print(args.out.with_suffix(".json"))
    return 0


_ATTRIBUTION = (
    "Writes who made the music that was prepared, where it is from and under which licence, as the manifest says: the text that "
    "CC BY and the like ask to be passed on with what was made from it."
)


def _run_attribution(args: argparse.Namespace) -> int:
    from klangbild.models.bars.data.attribution import attribution_text
    from klangbild.training.manifest import read_manifest
    from klangbild.whole_files import atomic_write

    text = attribution_text(read_manifest(args.manifest), model=args.model)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(args.out, text.encode())
    print(args.out)
    return 0


_SOUND = (
    "Plays stretches of 10.24 s of the prepared notes with our own synthesizer and writes which they are, so that the measures can "
    "play them again, and what each is: emotion, tempo, key, instruments, density, height, pool. Every held-out piece gives a "
    "held-out clip."
)


def _run_sound(args: argparse.Namespace) -> int:
    from klangbild.models.roll.data.prepare_clips import prepare_sound

    if args.clips < 1:
        raise UsageError(f"--clips {args.clips}: name at least one clip")
    prepare_sound(args.notes, args.out, n_clips=args.clips, soundfont=args.soundfont, seed=args.seed)
    print(args.out)
    return 0
