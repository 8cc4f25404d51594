"""MeLFusion's part of the command line: `data triplets`, `train melfusion`.

Where no music model is named, our plan model is trained in its way, by `models/plan/commands.py`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from klangbild.errors import EXIT_FAILED, EXIT_OK, UsageError
from klangbild.models.plan import commands as plan
from klangbild.models.published.training.options import add_folders, add_loop_options, need_extra


def add_data_commands(actions: argparse._SubParsersAction, prepare: argparse._SubParsersAction) -> None:
    """`data triplets`."""
    triplets = actions.add_parser("triplets", help="pairs and captions to a set like MeLBench, or check one")
    triplets.add_argument("--check", type=Path, metavar="FILE.jsonl", help="only check a set; every file is opened")
    triplets.add_argument("--pairs", type=Path, metavar="FILE.csv", help="made by 'klangbild data pair'")
    add_folders(triplets, needed=False)
    triplets.add_argument("--music-captions", type=Path, metavar="FILE", help=".json, .jsonl, .csv, or folder of .txt")
    triplets.add_argument("--picture-captions", type=Path, metavar="FILE", help="the same, of the pictures")
    triplets.add_argument("-o", "--out", type=Path, default=Path("triplets"), metavar="DIR")
    triplets.set_defaults(run=_run_triplets)


def add_train_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """`train melfusion`."""
    melfusion = parts.add_parser(
        "melfusion", help="MeLFusion's synapses, alone or with the music network", description=_MELFUSION
    )
    melfusion.add_argument(
        "--music-model", metavar="NAME|DIR", help="Tango: an added model or a folder (default: our plan model)"
    )
    melfusion.add_argument(
        "--image-model", metavar="NAME|DIR", help="Stable Diffusion 2.1: an added MeLFusion, a hub name or a folder"
    )
    melfusion.add_argument(
        "--triplets", type=Path, metavar="DIR", help="train.jsonl, validation.jsonl (with --music-model)"
    )
    melfusion.add_argument("--form", choices=("gated", "paper", "released"), default="gated", help="default: gated")
    melfusion.add_argument("--gates-only", action="store_true", help="leave the music network as it is")
    plan.add_synapse_options(melfusion)
    add_loop_options(melfusion, "runs/melfusion")
    melfusion.set_defaults(run=_run_train)


def _run_triplets(args: argparse.Namespace) -> int:
    from klangbild.models.published.art2mus.data.pair_manifest import read_pairs
    from klangbild.models.published.art2mus.data.sources import read_descriptions
    from klangbild.models.published.melfusion.data.melbench import check_triplets
    from klangbild.models.published.melfusion.data.triplets import build_triplets

    if args.check is not None:
        good, problems = check_triplets(args.check)
        for problem in problems:
            print(f"line {problem.line}: {problem.message}", file=sys.stderr)
        print(f"{len(good)} of {len(good) + len(problems)} items can be used")
        return EXIT_FAILED if problems else EXIT_OK
    if args.pairs is None or args.pictures is None or args.music is None:
        raise UsageError("give --pairs, --pictures and --music to build a set, or --check FILE to check one")
    made = build_triplets(
        read_pairs(args.pairs),
        pictures=args.pictures,
        music=args.music,
        out=args.out,
        music_captions=args.music_captions and read_descriptions(args.music_captions),
        picture_captions=args.picture_captions and read_descriptions(args.picture_captions),
    )
    counts = ", ".join(f"{count} {split}" for split, count in made.counts.items())
    print(f"{counts}; {len(made.left_out)} pairs left out for want of words", file=sys.stderr)
    print(args.out)
    return EXIT_OK


def _run_train(args: argparse.Namespace) -> int:
    if args.music_model is None:
        return plan.train_melfusion(args)
    if args.image_model is None or args.triplets is None:
        raise UsageError("with --music-model give --image-model and --triplets")
    need_extra()
    from klangbild.models.published.licences import licence_of, show_licences
    from klangbild.models.published.melfusion.data.melbench import read_triplets
    from klangbild.models.published.melfusion.parts import load_melfusion
    from klangbild.models.published.melfusion.train import MelfusionConfig, TripletItems, train_melfusion
    from klangbild.models.published.training.config import read_config
    from klangbild.models.published.where import find_folder, part_of

    config, loop = read_config(MelfusionConfig, args.config, run=args.run_dir, steps=args.steps, cpu=args.cpu)
    if args.gates_only:
        config = MelfusionConfig(**{**vars(config), "train_music": False})
    folders = [part_of(find_folder(args.music_model), "music"), part_of(find_folder(args.image_model), "image")]
    names = (args.music_model, args.image_model)
    show_licences([licence_of(name, folder) for name, folder in zip(names, folders, strict=True)])
    parts = load_melfusion(folders[0], image=folders[1], form=args.form, seed=loop.seed)
    items = TripletItems(read_triplets(args.triplets / "train.jsonl"), parts.image, n_frames=config.n_frames)
    validation = None
    if (args.triplets / "validation.jsonl").is_file():
        held = read_triplets(args.triplets / "validation.jsonl")
        validation = TripletItems(held, parts.image, n_frames=config.n_frames)
    print(train_melfusion(parts, items, config, loop, validation=validation, resume=args.resume))
    return EXIT_OK


_MELFUSION = (
    "With --music-model: a published music network. Without: gates and maps of our plan model, on what 'klangbild data "
    "pair --music data/prepared/sound.npz' wrote."
)
