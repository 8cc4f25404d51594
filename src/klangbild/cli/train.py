"""`klangbild train ...`: train a model, or export what was trained. Needs the `train` extra (torch)."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from klangbild.emotion.training.commands import add_picture_commands
from klangbild.errors import UsageError
from klangbild.models.aria import commands as events
from klangbild.models.published import commands as sound
from klangbild.models.roll import commands as roll
from klangbild.models.roll import commands_art2mus as small_art2mus
from klangbild.models.roll import commands_melfusion as small_melfusion
from klangbild.models.roll.commands_base import add_sound_commands
from klangbild.training.options import need_torch


def register(subparsers: argparse._SubParsersAction) -> None:
    """Add `train` and its parts to the command line."""
    parser = subparsers.add_parser("train", help="train a model, or export one to the runtime format")
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    notes = parts.add_parser("notes", help="the notes model", description="Train the notes model on prepared data.")
    _common(notes)
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
    notes.set_defaults(run=_run_notes)
    aria = parts.add_parser("events", help=events.TRAIN_HELP, description=events.TRAIN_HELP)
    events.add_train_arguments(aria)
    export = parts.add_parser("export", help="a trained model to the runtime format and its card")
    exports = export.add_subparsers(dest="model", metavar="MODEL", required=True)
    notes = exports.add_parser("notes", help="the notes model")
    _common(notes)
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
    notes.set_defaults(run=_run_export_notes)
    add_picture_commands(parts, exports)
    roll.add_roll_commands(parts, exports)
    small_art2mus.add_export(exports)
    add_sound_commands(parts, exports)
    small_melfusion.add_export(exports)
    sound.add_train_commands(parts)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("configs/notes.toml"), metavar="FILE", help="settings (TOML)"
    )
    parser.add_argument(
        "--run", type=str, metavar="DIR", dest="run_dir", help="the run's folder, instead of the config's"
    )


def _config(args: argparse.Namespace):
    need_torch()
    from klangbild.models.bars.training.train_config import NotesConfig

    config = NotesConfig.load(args.config)
    return dataclasses.replace(config, run=args.run_dir) if args.run_dir else config


def _run_notes(args: argparse.Namespace) -> int:
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


def _run_export_notes(args: argparse.Namespace) -> int:
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
