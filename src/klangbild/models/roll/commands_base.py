"""`klangbild train sound` and `klangbild train export sound`: our sound model."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from klangbild.errors import EXIT_OK, UsageError
from klangbild.training.options import need_torch


def add_sound_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """sound, export sound."""
    sound = parts.add_parser("sound", help="the sound model", description=_TRAIN)
    _common(sound)
    sound.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    sound.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes (default: go on)")
    sound.add_argument("--steps", type=int, metavar="N", help="stop after N steps (default: go on)")
    sound.add_argument("--resume", action="store_true", help="go on from the run's newest checkpoint")
    sound.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="start from this model, e.g. src/klangbild/weights/roll/sound-base.onnx",
    )
    sound.add_argument(
        "--decay-minutes", type=float, metavar="M", help="branch off: learning rate to zero in M minutes"
    )
    sound.add_argument("--decay-steps", type=int, metavar="N", help="branch off: learning rate to zero in N steps")
    sound.set_defaults(run=run_train_sound)
    export = exports.add_parser("sound", help="the sound model", description=_EXPORT)
    _common(export)
    export.add_argument("--checkpoint", type=Path, metavar="FILE", help="which (default: decayed branch, else newest)")
    export.add_argument(
        "--out", type=Path, default=Path("src/klangbild/weights/roll"), metavar="DIR", help="for .onnx and .json"
    )
    export.set_defaults(run=run_export_sound)


_TRAIN = "Train the words encoder and the diffusion transformer on what 'klangbild data prepare roll' wrote."
_EXPORT = "Write sound-base.onnx, sound-words.onnx and their card, with what held-out clips say of the model."


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, default=Path("configs/roll.toml"), metavar="FILE", help="settings (TOML)"
    )
    parser.add_argument(
        "--run", type=str, metavar="DIR", dest="run_dir", help="the run's folder, instead of the config's"
    )


def _config(args: argparse.Namespace):
    need_torch()
    from klangbild.models.roll.training.train import SoundConfig

    config = SoundConfig.load(args.config)
    return dataclasses.replace(config, run=args.run_dir) if args.run_dir else config


def run_train_sound(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.models.roll.training.export import load_model
    from klangbild.models.roll.training.train import train_sound
    from klangbild.training.sound_curves import draw_losses

    if args.decay_minutes is not None and args.decay_steps is not None:
        raise UsageError("--decay-minutes and --decay-steps say the same; give one of them")
    start = load_model(args.weights)[0].state_dict() if args.weights else None
    train_sound(
        config,
        minutes=args.minutes,
        steps=args.steps,
        threads=args.threads,
        resume=args.resume,
        start_weights=start,
        decay_minutes=args.decay_minutes,
        decay_steps=args.decay_steps,
    )
    decayed = args.decay_minutes is not None or args.decay_steps is not None
    log = Path(config.run, "log-decay.csv" if decayed else "log.csv")
    draw_losses(log, log.with_suffix(".png"))
    print(log.with_suffix(".png"))
    return EXIT_OK


def run_export_sound(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.models.roll.training.export import export_sound

    print(export_sound(config, checkpoint=args.checkpoint, out_dir=args.out))
    return EXIT_OK
