"""The sound model's side of `klangbild data pair`, `klangbild train art2mus` and `klangbild train export art2mus`."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from klangbild.errors import EXIT_OK
from klangbild.training.options import need_torch

VARIANTS = {None: None, 0: "direct", 1: "1", 4: "4"}
_CONFIG = Path("configs/roll-art2mus.toml")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `train art2mus` that only the small model has."""
    parser.add_argument("--minutes", type=float, metavar="M", help="be done after M minutes in all (small model)")
    parser.add_argument("--base", type=Path, metavar="FILE", help="the frozen sound model, instead of the config's")


def add_export(exports: Any) -> None:
    """`art2mus` into what `train export` knows."""
    export = exports.add_parser("art2mus", help="a picture projection of the sound model")
    export.add_argument("--config", type=Path, metavar="FILE.toml", help=f"default: {_CONFIG}")
    export.add_argument("--run", dest="run_dir", metavar="DIR", help="the run's folder")
    export.add_argument(
        "--image-tokens", type=int, choices=(0, 1, 4), metavar="N", help="1, 4, or 0 = into every block"
    )
    export.add_argument("--base", type=Path, metavar="FILE", help="the frozen sound model, instead of the config's")
    export.add_argument("--pairs", type=Path, metavar="FILE.npz", help="instead of the config's")
    export.add_argument("--out", type=Path, metavar="DIR", help="for .npz and .json (default: beside the sound model)")
    export.set_defaults(run=run_export)


def run_pair(args: argparse.Namespace) -> int:
    """`data pair` without ImageBind: matched on what picture and clip ask for."""
    from klangbild.models.roll.data.pairs import pair_sound

    out = args.out.with_suffix(".npz")
    pairs = pair_sound(
        args.pictures, args.music, manifest=args.out, out=out, cache=args.out.with_suffix(".views.npz"), seed=args.seed,
        on_progress=_tell,
    )  # fmt: skip
    about = pairs.about
    print(f"{about['pairs']} pairs of {about['clips']} clips, {about['pairs_held_out']} held out", file=sys.stderr)
    for side, found in about["correlation"].items():
        print(f"{side}: " + ", ".join(f"{axis} r {value:.2f}" for axis, value in found.items()), file=sys.stderr)
    print(args.out)
    print(out)
    return EXIT_OK


def run_train(args: argparse.Namespace) -> int:
    """`train art2mus` without a published model."""
    config = _config(args)
    from klangbild.models.roll.training.train_projection import train_projection

    print(train_projection(config, minutes=args.minutes, steps=args.steps, resume=args.resume))
    return EXIT_OK


def run_export(args: argparse.Namespace) -> int:
    """`train export art2mus`."""
    config = _config(args)
    from klangbild.models.roll.training.export import folder_of
    from klangbild.models.roll.training.export_projection import export_projection

    print(export_projection(config, out_dir=args.out or folder_of(config.base)))
    return EXIT_OK


def _config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.roll.training.train_projection import ProjectionConfig

    config = ProjectionConfig.load(args.config or _CONFIG)
    variant = VARIANTS[args.image_tokens] or config.variant
    changes = {"pairs": args.pairs, "base": args.base}
    return dataclasses.replace(
        config,
        variant=variant,
        run=args.run_dir if args.run_dir not in (None, "runs/art2mus") else f"{config.run}-{variant}",
        **{name: str(value) for name, value in changes.items() if value is not None},
    )


def _tell(stage: str, done: int, n: int) -> None:
    if done == n or done % 640 == 0:
        print(f"{stage}: {done} of {n}", file=sys.stderr, flush=True)
