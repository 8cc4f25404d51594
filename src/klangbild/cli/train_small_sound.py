"""`klangbild train sound-magnitudes`, `roll-latent` and `klangbild train export ...` of these: parts of the small sound models.

Hung into the `train` command by its own file.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

from klangbild.cli import roll, small_art2mus
from klangbild.errors import EXIT_OK, NotAvailableError

_CONFIG = Path("configs/sound-magnitudes.toml")


def add_small_sound_commands(parts: Any, exports: Any) -> None:
    """`sound-magnitudes` into the parts of `train` and into what `train export` knows."""
    vocoder = parts.add_parser("sound-magnitudes", help="the small sound model's vocoder: mel bands to magnitudes")
    _common(vocoder)
    vocoder.add_argument("--minutes", type=float, metavar="M", help="be done after M minutes in all")
    vocoder.add_argument("--steps", type=int, metavar="N", help="be done after N steps in all (default: the config's)")
    vocoder.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    vocoder.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    vocoder.set_defaults(run=_run_magnitudes)
    export = exports.add_parser("sound-magnitudes", help="the vocoder, to ONNX, with its card")
    _common(export)
    export.add_argument("--out", type=Path, default=Path("src/klangbild/weights"), metavar="DIR", help="for the .onnx")
    export.add_argument("--weights-out", type=Path, metavar="DIR", help="also float16 weights, e.g. checkpoints")
    export.set_defaults(run=_run_export)
    small_art2mus.add_export(exports)
    roll.add_roll_commands(parts, exports)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, default=_CONFIG, metavar="FILE", help="settings (TOML)")
    parser.add_argument("--run", dest="run_dir", metavar="DIR", help="the run's folder, instead of the config's")


def _config(args: argparse.Namespace) -> Any:
    if importlib.util.find_spec("torch") is None:
        raise NotAvailableError("training needs torch, which is not installed; pip install 'klangbild[train]'")
    from klangbild.train.sound_magnitudes import MagnitudesConfig

    config = MagnitudesConfig.load(args.config)
    return dataclasses.replace(config, run=args.run_dir) if args.run_dir else config


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
