"""The plan model's part of the command line, and what trains it in the ways of Art2Mus and MeLFusion.

`data prepare plan`, `train plan`, `train export plan|art2mus|melfusion`. The parsers of `data pair`, `train art2mus` and `train melfusion` are the
published systems' own (`models/published/`), which come here where they are not named.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from klangbild.errors import EXIT_OK, UsageError
from klangbild.training.options import add_run_options, need_torch, run_config

VARIANTS = {None: "4", 0: "direct", 1: "1", 4: "4"}
_PLAN, _PART = Path("configs/plan.toml"), Path("configs/plan-part.toml")
_WEIGHTS = Path("src/klangbild/weights/plan")


def add_data_commands(actions: argparse._SubParsersAction, prepare: argparse._SubParsersAction) -> None:
    """`data prepare plan`."""
    plan = prepare.add_parser("plan", help="plans of pieces for the plan model", description=_PREPARE)
    plan.add_argument("notes", type=Path, metavar="NOTES.npz", help="what 'data prepare notes' wrote")
    plan.add_argument("-o", "--out", type=Path, default=Path("data/prepared/plan.npz"), metavar="FILE.npz")
    plan.add_argument("--seed", type=int, default=1, help="which clips of large pools are taken (default %(default)s)")
    plan.set_defaults(run=_run_prepare)


def add_train_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """`train plan`, and the exports of it and of its picture parts."""
    plan = parts.add_parser("plan", help="the plan model", description=_TRAIN)
    add_run_options(plan, _PLAN)
    plan.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    plan.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes (default: go on)")
    plan.add_argument("--steps", type=int, metavar="N", help="stop after N steps (default: go on)")
    plan.add_argument("--resume", action="store_true", help="go on from the run's newest checkpoint")
    plan.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="start from this model, e.g. src/klangbild/weights/plan/plan-base.onnx",
    )
    plan.add_argument("--decay-minutes", type=float, metavar="M", help="branch off: learning rate to zero in M minutes")
    plan.add_argument("--decay-steps", type=int, metavar="N", help="branch off: learning rate to zero in N steps")
    plan.set_defaults(run=_run_train)
    export = exports.add_parser("plan", help="the plan model, to .onnx", description=_EXPORT)
    add_run_options(export, _PLAN)
    export.add_argument("--checkpoint", type=Path, metavar="FILE", help="which (default: decayed branch, else newest)")
    export.add_argument("--out", type=Path, default=_WEIGHTS, metavar="DIR", help="for .onnx, .npz and .json")
    export.set_defaults(run=_run_export)
    art = exports.add_parser("art2mus", help="a picture projection of the plan model")
    art.add_argument("--image-tokens", type=int, choices=(0, 1, 4), metavar="N", help="1, 4, or 0 = into every block")
    mel = exports.add_parser("melfusion", help="a synapse of the plan model")
    mel.add_argument("--form", choices=("gated", "paper", "released"), default="gated", help="default: gated")
    for parser in (art, mel):
        parser.add_argument("--config", type=Path, metavar="FILE.toml", help=f"default: {_PART}")
        parser.add_argument("--run", dest="run_dir", metavar="DIR", help="the run's folder")
        parser.add_argument("--base", type=Path, metavar="FILE", help="the frozen plan model, instead of the config's")
        parser.add_argument("--pairs", type=Path, metavar="FILE.npz", help="instead of the config's")
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="for .npz and .json (default: beside the plan model)"
        )
        parser.set_defaults(run=_run_export_part)


def add_projection_options(parser: argparse.ArgumentParser) -> None:
    """Options of `train art2mus` that only our model has."""
    parser.add_argument("--minutes", type=float, metavar="M", help="be done after M minutes in all (our plan model)")
    parser.add_argument("--base", type=Path, metavar="FILE", help="the frozen plan model, instead of the config's")


def add_synapse_options(parser: argparse.ArgumentParser) -> None:
    """Options of `train melfusion` that only our model has."""
    parser.add_argument("--base", type=Path, metavar="FILE", help="our plan model: its frozen weights or checkpoint")
    parser.add_argument("--minutes", type=float, metavar="M", help="our plan model: be done after M minutes in all")


def run_pair(args: argparse.Namespace) -> int:
    """`data pair` without ImageBind: matched on what picture and music ask for."""
    from klangbild.models.plan.data.pairs import pair_plans

    out = args.out.with_suffix(".npz")
    pairs = pair_plans(
        args.pictures, args.music, manifest=args.out, out=out, cache=args.out.with_suffix(".views.npz"), seed=args.seed,
        on_progress=_tell,
    )  # fmt: skip
    about = pairs.about
    print(
        f"{about['pairs']} pairs of {about['pictures']} pictures and {about['clips']} clips, {about['pairs_held_out']} held out",
        file=sys.stderr,
    )
    for side, found in about["correlation"].items():
        print(f"{side}: " + ", ".join(f"{axis} r {value:.2f}" for axis, value in found.items()), file=sys.stderr)
    print(args.out)
    print(out)
    return EXIT_OK


def train_art2mus(args: argparse.Namespace) -> int:
    """`train art2mus` without a published model: a projection learns, the plan model is frozen."""
    return _train_part(args)


def train_melfusion(args: argparse.Namespace) -> int:
    """`train melfusion` without a published model: gates and maps of a form learn, the plan model is frozen."""
    if args.image_model or args.triplets or args.gates_only:
        raise UsageError(
            "--image-model, --triplets and --gates-only go with --music-model; our plan model reads its config"
        )
    return _train_part(args)


def _train_part(args: argparse.Namespace) -> int:
    config = _part_config(args)
    from klangbild.models.plan.training.train_part import train_part
    from klangbild.training.curves import draw_gates, draw_losses

    trainer = train_part(config, steps=args.steps, minutes=args.minutes, resume=args.resume)
    log = Path(config.run, "log.csv")
    draw_losses(log, log.with_suffix(".png"))
    if trainer.gates():
        draw_gates(log, log.with_name("gates.png"))
    print(Path(config.run, "last.pt"))
    return EXIT_OK


def _run_prepare(args: argparse.Namespace) -> int:
    from klangbild.models.plan.data.prepare import prepare_plan

    prepare_plan(args.notes, args.out, seed=args.seed)
    print(args.out)
    return EXIT_OK


def _run_train(args: argparse.Namespace) -> int:
    config = _plan_config(args)
    from klangbild.models.plan.training.export import load_model
    from klangbild.models.plan.training.train import train_plan
    from klangbild.training.curves import draw_losses

    if args.decay_minutes is not None and args.decay_steps is not None:
        raise UsageError("--decay-minutes and --decay-steps say the same; give one of them")
    start = load_model(args.weights)[0].state_dict() if args.weights else None
    train_plan(
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


def _run_export(args: argparse.Namespace) -> int:
    config = _plan_config(args)
    from klangbild.models.plan.training.export import export_plan

    print(export_plan(config, checkpoint=args.checkpoint, out_dir=args.out))
    return EXIT_OK


def _run_export_part(args: argparse.Namespace) -> int:
    """`train export art2mus`, `train export melfusion`."""
    config = _part_config(args)
    from klangbild.models.plan.training.export import folder_of
    from klangbild.models.plan.training.export_part import export_part

    print(export_part(config, out_dir=args.out or folder_of(config.base)))
    return EXIT_OK


def _plan_config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.plan.training.train import PlanConfig

    return run_config(PlanConfig, args)


def _part_config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.plan.training.train_part import PartConfig

    config = PartConfig.load(args.config or _PART)
    part = args.form if hasattr(args, "form") else VARIANTS[args.image_tokens]
    run = args.run_dir if args.run_dir not in (None, "runs/art2mus", "runs/melfusion") else f"{config.run}-{part}"
    changes = {name: getattr(args, name, None) for name in ("pairs", "base")}
    return dataclasses.replace(
        config, part=part, run=run, **{name: str(value) for name, value in changes.items() if value is not None}
    )


def _tell(stage: str, done: int, n: int) -> None:
    if done == n or done % 640 == 0:
        print(f"{stage}: {done} of {n}", file=sys.stderr, flush=True)


_PREPARE = (
    "Cuts the sections of the prepared notes to clips of six, and writes what each section is like: its forty attributes, tempo, mode, meter "
    "and emotion."
)
_TRAIN = (
    "Trains the flow that plans pieces. Told words in some of the draws and feeling and traits as numbers in some, so that a picture can be "
    "translated to these."
)
_EXPORT = "Writes the newest checkpoint's averaged weights as plan-base.onnx, plan-words.onnx and plan-axes.npz, with their card."
