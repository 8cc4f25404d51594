"""`klangbild train melfusion` without a music model, and `klangbild train export melfusion`: the small model's synapse."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from klangbild.errors import EXIT_OK, UsageError
from klangbild.training.options import need_torch

_CONFIG = Path("configs/roll-melfusion.toml")
DEFAULT_RUN = "runs/roll-melfusion"


def add_options(parser: argparse.ArgumentParser) -> None:
    """What only the small model's training takes."""
    parser.add_argument(
        "--base", type=Path, metavar="FILE", help="small model: the frozen sound model's weights or checkpoint"
    )
    parser.add_argument("--minutes", type=float, metavar="M", help="small model: be done after M minutes in all")


def add_export(exports: Any) -> None:
    """export melfusion."""
    export = exports.add_parser("melfusion", help="the small model's synapse, to .npz, with its card")
    export.add_argument("--config", type=Path, default=_CONFIG, metavar="FILE", help="settings (TOML)")
    export.add_argument("--form", choices=("gated", "paper", "released"), default="gated", help="default: gated")
    export.add_argument("--run", dest="run_dir", metavar="DIR", help=f"default: {DEFAULT_RUN}-FORM")
    export.add_argument("--base", type=Path, metavar="FILE", help="instead of the config's")
    export.add_argument("--out", type=Path, metavar="DIR", help="for the .npz (default: beside the sound model)")
    export.set_defaults(run=run_export)


def run_train(args: argparse.Namespace) -> int:
    """Train gates and maps of a form, the sound model frozen."""
    if args.image_model or args.triplets or args.gates_only:
        raise UsageError(
            "--image-model, --triplets and --gates-only go with --music-model; our small model reads its config"
        )
    config = _config(args)
    from klangbild.models.roll.training.train_synapse import train_synapse
    from klangbild.training.sound_curves import draw_gates, draw_losses

    train_synapse(config, steps=args.steps, minutes=args.minutes, resume=args.resume)
    log = Path(config.run, "log.csv")
    draw_losses(log, log.with_suffix(".png"))
    draw_gates(log, log.with_name("gates.png"))
    print(Path(config.run, "last.pt"))
    return EXIT_OK


def run_export(args: argparse.Namespace) -> int:
    config = _config(args)
    from klangbild.models.roll.training.export import folder_of
    from klangbild.models.roll.training.export_synapse import export_synapse
    from klangbild.models.roll.training.train_synapse import SynapseTrainer
    from klangbild.training.checkpoint import load_checkpoint

    trainer = SynapseTrainer(dataclasses.replace(config, fitted_start=False))
    trainer.restore(load_checkpoint(Path(config.run, "last.pt")))
    print(export_synapse(trainer, args.out or folder_of(config.base)))
    return EXIT_OK


def _config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.roll.training.train_synapse import SynapseConfig

    config = SynapseConfig.load(args.config or _CONFIG)
    run = args.run_dir if args.run_dir not in (None, "runs/melfusion") else f"{config.run}-{args.form}"
    config = dataclasses.replace(config, form=args.form, run=run)
    return dataclasses.replace(config, base=str(args.base)) if args.base else config
