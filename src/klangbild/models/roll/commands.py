"""The piano-roll latent's side of `klangbild data prepare`, `train` and `train export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from klangbild.errors import EXIT_OK
from klangbild.training.options import add_run_options, need_torch, run_config

_CONFIG = Path("configs/roll-latent.toml")
_PREPARE = (
    "Takes the sections of the prepared notes that are 4/4 in sixteenths, as notes on that grid, with clips of 64 beats and what "
    "each of them is: emotion, tempo, mode, instruments, density, pool."
)


def add_prepare(kinds: Any) -> None:
    """`roll` into what `data prepare` knows."""
    parser = kinds.add_parser("roll", help="piano rolls for the sound model", description=_PREPARE)
    parser.add_argument("notes", type=Path, metavar="NOTES.npz", help="what 'data prepare notes' wrote")
    parser.add_argument("-o", "--out", type=Path, default=Path("data/prepared/roll.npz"), metavar="FILE.npz")
    parser.add_argument(
        "--seed", type=int, default=1, help="which clips of large pools are taken (default %(default)s)"
    )
    parser.set_defaults(run=_run_prepare)


def add_roll_commands(parts: Any, exports: Any) -> None:
    """`roll-latent` into the parts of `train` and into what `train export` knows."""
    train = parts.add_parser("roll-latent", help="the sound model's piano-roll latent: an autoencoder of beats")
    add_run_options(train, _CONFIG)
    train.add_argument("--minutes", type=float, metavar="M", help="be done after M minutes in all")
    train.add_argument("--steps", type=int, metavar="N", help="be done after N steps in all (default: the config's)")
    train.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    train.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    train.set_defaults(run=_run_train)
    export = exports.add_parser("roll-latent", help="the piano roll's decoder, with its card")
    add_run_options(export, _CONFIG)
    export.add_argument(
        "--out", type=Path, default=Path("src/klangbild/weights/roll"), metavar="DIR", help="for .npz and .json"
    )
    export.add_argument(
        "--weights-out", type=Path, metavar="DIR", help="also weights to train on from, e.g. checkpoints"
    )
    export.set_defaults(run=_run_export)


def _config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.roll.training.train_latent import RollLatentConfig

    return run_config(RollLatentConfig, args)


def _run_prepare(args: argparse.Namespace) -> int:
    from klangbild.models.roll.data.prepare import prepare_roll

    prepare_roll(args.notes, args.out, seed=args.seed)
    print(args.out)
    return EXIT_OK


def _run_train(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.models.roll.training.train_latent import train_roll_latent

    print(train_roll_latent(config, minutes=args.minutes, steps=args.steps, threads=args.threads, resume=args.resume))
    return EXIT_OK


def _run_export(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.models.roll.training.export_latent import export_roll_latent

    print(export_roll_latent(config, out_dir=args.out, weights_dir=args.weights_out))
    return EXIT_OK
