"""The picture's part of the command line: `data prepare pictures`, `train picture|emotion`, `train export picture`."""

from __future__ import annotations

import argparse
from pathlib import Path

from klangbild.errors import EXIT_OK
from klangbild.training.options import need_torch

_IMAGES = Path("data/images")
_TEACHER = Path("data/teacher/mobilenet_v2_1.0_224.tflite")


def add_data_commands(actions: argparse._SubParsersAction, prepare: argparse._SubParsersAction) -> None:
    """`data prepare pictures`."""
    pictures = prepare.add_parser("pictures", help="picture sets and the teacher's view of them, for the encoder")
    pictures.add_argument(
        "raw", type=Path, nargs="?", default=_IMAGES, metavar="RAW_DIR", help="folder of picture sets"
    )
    pictures.add_argument("--teacher", type=Path, default=_TEACHER, metavar="FILE.tflite", help="ImageNet MobileNetV2")
    pictures.add_argument("-o", "--out", type=Path, default=Path("data/prepared/pictures.npz"), metavar="FILE.npz")
    pictures.set_defaults(run=_run_prepare)


def add_train_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """`train picture`, `train emotion`, `train export picture`."""
    picture = parts.add_parser("picture", help="the picture encoder, from prepared pictures")
    picture.add_argument(
        "--config", type=Path, default=Path("configs/picture.toml"), metavar="FILE", help="settings (TOML)"
    )
    picture.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes (default: go on)")
    picture.add_argument("--steps", type=int, metavar="N", help="stop after N more steps (default: go on)")
    picture.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    picture.add_argument("--device", default="cpu", metavar="D", help="cpu, cuda, cuda:1 (default: cpu)")
    picture.add_argument(
        "--fresh", action="store_true", help="start anew instead of going on from the newest checkpoint"
    )
    picture.add_argument(
        "--weights", type=Path, metavar="FILE", help="start from a picture.safetensors where there is no checkpoint yet"
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
    export = exports.add_parser("picture", help="the picture encoder, to ONNX and float16 weights")
    export.add_argument("--config", type=Path, default=Path("configs/picture.toml"), metavar="FILE")
    export.add_argument("--checkpoint", type=Path, metavar="FILE", help="which (default: the run's newest)")
    export.add_argument("--out", type=Path, default=Path("src/klangbild/weights"), metavar="DIR", help="for the .onnx")
    export.add_argument("--weights-out", type=Path, metavar="DIR", help="also picture.safetensors, e.g. checkpoints")
    export.set_defaults(run=_run_export)


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
    parser.add_argument(
        "--prepared",
        type=Path,
        default=Path("data/prepared/pictures.npz"),
        metavar="FILE.npz",
        help="prepared pictures: the teacher's view",
    )
    parser.add_argument(
        "--student",
        type=Path,
        default=Path("checkpoints/picture.safetensors"),
        metavar="FILE",
        help="the encoder's training weights, for its readers",
    )


def _run_prepare(arguments: argparse.Namespace) -> int:
    import sys

    from klangbild.emotion.training.data.pictures_prepare import prepare_pictures

    def tell(name: str, count: int) -> None:
        print(f"{name}: {count}", file=sys.stderr, flush=True)

    print(prepare_pictures(arguments.raw, arguments.teacher, arguments.out, on_progress=tell))
    return EXIT_OK


def _run_picture(arguments: argparse.Namespace) -> int:
    need_torch()
    from klangbild.emotion.training.train_encoder import PictureConfig, train

    config = PictureConfig.load(arguments.config)
    train(
        config,
        minutes=arguments.minutes,
        steps=arguments.steps,
        device=arguments.device,
        threads=arguments.threads,
        resume=not arguments.fresh,
        weights=arguments.weights,
    )
    print(Path(config.run) / "last.pt")
    return EXIT_OK


def _run_emotion(arguments: argparse.Namespace) -> int:
    from klangbild.emotion.training.train_heads import run

    if arguments.recipe == "aria":
        need_torch()
    return run(arguments)


def _run_traits(arguments: argparse.Namespace) -> int:
    from klangbild.emotion.training.fit_traits import fit_traits

    print(fit_traits(arguments.data, arguments.out, seed=arguments.seed))
    return EXIT_OK


def _run_export(arguments: argparse.Namespace) -> int:
    need_torch()
    from klangbild.emotion.training.export_encoder import export_checkpoint
    from klangbild.emotion.training.train_encoder import PictureConfig

    config = PictureConfig.load(arguments.config)
    checkpoint = arguments.checkpoint or Path(config.run) / "last.pt"
    for path in export_checkpoint(checkpoint, arguments.out, weights_out=arguments.weights_out):
        print(path)
    return EXIT_OK
