"""Our notes model's part of the command line: `data prepare notes`, `data labels|bar-profiles|attribution`, `train notes`, `train export notes`."""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

from klangbild.errors import InputError, UsageError
from klangbild.training.options import add_run_options, need_torch, run_config

_CONFIG = Path("configs/notes.toml")


def add_data_commands(actions: argparse._SubParsersAction, prepare: argparse._SubParsersAction) -> None:
    """`data prepare notes`, `data labels`, `data bar-profiles`, `data attribution`."""
    notes = prepare.add_parser("notes", help="MIDI files for the notes model", description=_PREPARE)
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
    notes.set_defaults(run=_run_prepare)
    labels = actions.add_parser("labels", help="the fitted labelling out of a prepared file", description=_LABELS)
    labels.add_argument("notes", type=Path, metavar="NOTES.npz", help="what 'data prepare notes' wrote")
    labels.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.npz")
    labels.set_defaults(run=_run_labels)
    profiles = actions.add_parser("bar-profiles", help="where in the bar things happen, counted", description=_PROFILES)
    profiles.add_argument(
        "raw", type=Path, nargs="+", metavar="RAW_DIR", help="folders of MIDI sets, as for 'data prepare notes'"
    )
    profiles.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.json")
    profiles.set_defaults(run=_run_profiles)
    credits = actions.add_parser("attribution", help="ATTRIBUTION.md from a manifest", description=_ATTRIBUTION)
    credits.add_argument("manifest", type=Path, metavar="MANIFEST.csv", help="what 'data prepare notes' wrote")
    credits.add_argument("-o", "--out", type=Path, default=Path("ATTRIBUTION.md"), metavar="FILE.md[.gz]")
    credits.add_argument("--model", default="", metavar="NAME", help="what learnt from it, for the heading")
    credits.set_defaults(run=_run_attribution)


def add_train_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """`train notes`, `train export notes`."""
    notes = parts.add_parser("notes", help="the notes model", description="Train the notes model on prepared data.")
    add_run_options(notes, _CONFIG)
    notes.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    notes.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes (default: go on)")
    notes.add_argument("--steps", type=int, metavar="N", help="stop after N steps (default: go on)")
    notes.add_argument("--resume", action="store_true", help="go on from the run's newest checkpoint")
    notes.add_argument("--device", default="cpu", metavar="D", help="cpu, cuda, cuda:1 (default: cpu)")
    notes.add_argument("--weights", type=Path, metavar="FILE", help="start from these .safetensors weights")
    notes.add_argument(
        "--decay-steps",
        type=int,
        metavar="N",
        help="then the learning rate to zero in N steps; without --minutes or --steps: from the checkpoint",
    )
    notes.add_argument("--decay-minutes", type=float, metavar="M", help="the same in M minutes")
    notes.set_defaults(run=_run_train)
    notes = exports.add_parser("notes", help="the notes model")
    add_run_options(notes, _CONFIG)
    notes.add_argument("--checkpoint", type=Path, metavar="FILE", help="which (default: decayed branch, else newest)")
    notes.add_argument(
        "--out", type=Path, default=Path("src/klangbild/weights"), metavar="DIR", help="for .onnx and .json"
    )
    notes.add_argument(
        "--weights-out", type=Path, metavar="DIR", help="also the float16 .safetensors, e.g. checkpoints"
    )
    notes.add_argument(
        "--weights-only", action="store_true", help="write nothing but --weights-out's file: no runtime model, no card"
    )
    notes.add_argument(
        "--mix", type=Path, metavar="FILE", help="ship the mean with these weights (.safetensors the run started from)"
    )
    notes.add_argument(
        "--mix-share", type=float, default=0.5, metavar="S", help="their share of the mean (default: 0.5)"
    )
    notes.add_argument(
        "--onto",
        type=Path,
        metavar="FILE.onnx",
        help="write a .patch: the difference from this continuous_concat model, beside which it will stand",
    )
    notes.set_defaults(run=_run_export)


def _run_prepare(args: argparse.Namespace) -> int:
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


def _run_labels(args: argparse.Namespace) -> int:
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


def _run_profiles(args: argparse.Namespace) -> int:
    from klangbild.models.bars.data.count_positions import write_positions

    n_pieces = write_positions(args.raw, args.out)
    print(f"{args.out}: counted in {n_pieces} {'piece' if n_pieces == 1 else 'pieces'}")
    return 0


def _run_attribution(args: argparse.Namespace) -> int:
    from klangbild.models.bars.data.attribution import attribution_text
    from klangbild.training.manifest import read_manifest
    from klangbild.whole_files import atomic_write

    text = attribution_text(read_manifest(args.manifest), model=args.model).encode()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(args.out, gzip.compress(text, mtime=0) if args.out.suffix == ".gz" else text)
    print(args.out)
    return 0


def _config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.bars.training.train_config import NotesConfig

    return run_config(NotesConfig, args)


def _run_train(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.models.bars.training.train import train
    from klangbild.training.curves import draw_curves
    from klangbild.training.weights_torch import load_weights

    weights, header = load_weights(args.weights) if args.weights else (None, {})
    train(
        config,
        minutes=args.minutes,
        steps=args.steps,
        device=args.device,
        threads=args.threads,
        resume=args.resume,
        start_weights=weights,
        start_training=header.get("training"),
        decay_steps=args.decay_steps,
        decay_minutes=args.decay_minutes,
    )
    log = Path(config.run, "log-decay.csv" if args.decay_steps or args.decay_minutes else "log.csv")
    if log.exists() and len(log.read_text(encoding="utf-8").splitlines()) > 1:
        draw_curves({config.mode: log}, log.with_suffix(".png"))
        print(log.with_suffix(".png"))
    return 0


def _run_export(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.models.bars.data.prepared import NoteData
    from klangbild.models.bars.runtime import PATCH, load
    from klangbild.models.bars.training.export import export_notes, export_weights, write_card
    from klangbild.models.bars.training.nll import card_metrics
    from klangbild.training.weights_torch import load_weights

    if args.weights_only:
        if args.weights_out is None or args.mix or args.onto:
            raise UsageError("--weights-only: name the folder with --weights-out, and take --mix and --onto out")
        print(export_weights(config, checkpoint=args.checkpoint, weights_dir=args.weights_out))
        return 0
    network, card_path = export_notes(
        config,
        checkpoint=args.checkpoint,
        mix=load_weights(args.mix)[0] if args.mix else None,
        mix_share=args.mix_share,
        onto=args.onto,
        out_dir=args.out,
        weights_dir=args.weights_out,
    )
    card = json.loads(card_path.read_text(encoding="utf-8"))
    model = card_path.with_suffix(PATCH if args.onto else ".onnx")
    card["metrics"] = card_metrics(network, load(model), NoteData.load(Path(config.data)))
    write_card(card_path, card)
    print(model)
    return 0


_PREPARE = (
    "Reads every MIDI file, mends tempo maps, puts performances back on the beat, drops what cannot be used (the manifest "
    "says why), keeps near copies on one side of the split, and labels every 8-bar section with valence and arousal: fitted on "
    "what people rated where there are at least eight such pieces, else by the labelling that ships."
)
_LABELS = (
    "Writes how the sections of a prepared file were pseudo-labelled (the ridge on its rated pieces, quantile maps of each set) "
    "as one small file with its card, so that music which nobody rated can be labelled alike."
)
_PROFILES = (
    "Counts where kicks, snares, other drums, low and high notes fall in bars of four and of three beats, in files whose own tempo "
    "map is right: the table by which performances without a beat are put back on one (models/bars/data/bar-profiles.json)."
)
_ATTRIBUTION = (
    "Writes who made the music that was prepared, where it is from and under which licence, as the manifest says: the text that "
    "CC BY and the like ask to be passed on with what was made from it."
)
