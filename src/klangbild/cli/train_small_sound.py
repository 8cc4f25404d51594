"""`klangbild train sound-magnitudes`, `roll-latent` and `klangbild train export ...` of these: parts of the small sound models.

Hung into the `train` command by its own file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from klangbild.cli import roll, small_art2mus
from klangbild.cli.train_options import add_run_options, need_torch, run_config
from klangbild.errors import EXIT_OK

_CONFIG = Path("configs/sound-magnitudes.toml")


def add_small_sound_commands(parts: Any, exports: Any) -> None:
    """`sound-magnitudes` into the parts of `train` and into what `train export` knows."""
    vocoder = parts.add_parser("sound-magnitudes", help="the small sound model's vocoder: mel bands to magnitudes")
    add_run_options(vocoder, _CONFIG)
    vocoder.add_argument("--minutes", type=float, metavar="M", help="be done after M minutes in all")
    vocoder.add_argument("--steps", type=int, metavar="N", help="be done after N steps in all (default: the config's)")
    vocoder.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    vocoder.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    vocoder.set_defaults(run=_run_magnitudes)
    export = exports.add_parser("sound-magnitudes", help="the vocoder, to ONNX, with its card")
    add_run_options(export, _CONFIG)
    export.add_argument("--out", type=Path, default=Path("src/klangbild/weights"), metavar="DIR", help="for the .onnx")
    export.add_argument("--weights-out", type=Path, metavar="DIR", help="also float16 weights, e.g. checkpoints")
    export.set_defaults(run=_run_export)
    small_art2mus.add_export(exports)
    roll.add_roll_commands(parts, exports)


def _config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.train.sound_magnitudes import MagnitudesConfig

    return run_config(MagnitudesConfig, args)


def _run_magnitudes(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.train.sound_magnitudes import train_magnitudes

    done = train_magnitudes(config, minutes=args.minutes, steps=args.steps, threads=args.threads, resume=args.resume)
    print(done)
    return EXIT_OK


def _run_export(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.train.export_magnitudes import export_magnitudes

    print(export_magnitudes(config, out_dir=args.out, weights_dir=args.weights_out))
    return EXIT_OK
