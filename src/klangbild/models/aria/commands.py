"""ARIA's part of the command line: `data prepare events`, `train events`."""

from __future__ import annotations

import argparse
from pathlib import Path

from klangbild.settings import CONDITIONINGS

_PREPARE = "MIDI or Lakh Pianoroll 5 folders for ARIA's kind of model"
_TRAIN = "ARIA's kind of model (midi-emotion), or its judge"


def add_data_commands(actions: argparse._SubParsersAction, prepare: argparse._SubParsersAction) -> None:
    """`data prepare events`."""
    events = prepare.add_parser("events", help=_PREPARE, description=_PREPARE)
    events.add_argument("raw", type=Path, metavar="RAW_DIR", help="MIDI sets, Lakh MIDI, or Lakh Pianoroll 5 (.npz)")
    events.add_argument("-o", "--out", type=Path, default=Path("data/prepared/events.npz"), metavar="FILE.npz")
    events.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="CSV (file, valence[, arousal]) or a prepared notes .npz (pseudo-labels)",
    )
    events.add_argument(
        "--heldout-of", type=Path, metavar="FILE.npz", help="hold out the songs that this notes file holds out"
    )
    events.add_argument(
        "--codec", choices=("strict", "clean"), default="strict", help="strict: bars as midi-emotion cuts them"
    )
    events.add_argument("--limit", type=int, metavar="N", help="stop after N songs")
    events.set_defaults(run=_run_prepare)


def _run_prepare(args: argparse.Namespace) -> int:
    from klangbild.models.aria.data.prepare import heldout_of, prepare_events, read_labels

    labels = read_labels(args.labels) if args.labels else None
    told = "none" if not args.labels else "pseudo-labels" if args.labels.suffix == ".npz" else args.labels.name
    heldout = heldout_of(args.heldout_of) if args.heldout_of else None
    prepare_events(
        args.raw, args.out, labels=labels, labels_from=told, codec=args.codec, heldout=heldout, limit=args.limit
    )
    print(args.out)
    return 0


def add_train_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """`train events`."""
    events = parts.add_parser("events", help=_TRAIN, description=_TRAIN)
    events.add_argument(
        "--config", type=Path, default=Path("configs/events.toml"), metavar="FILE", help="settings (TOML)"
    )
    events.add_argument("--run", dest="run_dir", metavar="DIR", help="the run's folder, instead of the config's")
    events.add_argument("--conditioning", choices=CONDITIONINGS, help="instead of the config's")
    events.add_argument("--seed", type=int, metavar="N", help="instead of the config's")
    events.add_argument(
        "--start", type=Path, metavar="FILE", help="weights to start from: model.pt of a run without condition"
    )
    events.add_argument("--steps", type=int, metavar="N", help="stop after N steps (default: go on)")
    events.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes (default: go on)")
    events.add_argument("--resume", action="store_true", help="go on from the run's newest checkpoint")
    events.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    events.add_argument("--device", default="cpu", metavar="D", help="cpu, cuda, cuda:1 (default: cpu)")
    events.add_argument(
        "--evaluate", action="store_true", help="only measure the newest checkpoint, on every held-out window"
    )
    events.set_defaults(run=_run_train)


def _run_train(args: argparse.Namespace) -> int:
    import dataclasses

    from klangbild.errors import NotAvailableError

    try:
        from klangbild.models.aria.training import train as events
    except ModuleNotFoundError as error:
        raise NotAvailableError(
            f"training needs {error.name}, which is not installed; pip install 'klangbild[train]'"
        ) from None
    config = events.EventsConfig.load(args.config)
    changed = {"run": args.run_dir, "conditioning": args.conditioning, "seed": args.seed}
    config = dataclasses.replace(config, **{name: value for name, value in changed.items() if value is not None})
    if args.evaluate:
        score = events.evaluate_run(config, device=args.device, threads=args.threads)
        print("  ".join(f"{name} {value:.4f}" for name, value in score.items()))
        return 0
    weights = None
    if args.start:
        from klangbild.hub_weights_torch import read_tensors

        weights = read_tensors(args.start)
    events.train(
        config, steps=args.steps, minutes=args.minutes, device=args.device, threads=args.threads, resume=args.resume,
        start_weights=weights,
    )  # fmt: skip
    print(config.run)
    return 0
