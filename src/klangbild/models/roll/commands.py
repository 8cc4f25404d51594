"""Our sound model's part of the command line, and what trains it in the ways of Art2Mus and MeLFusion.

`data prepare sound|roll`, `train sound|roll-latent`, `train export sound|roll-latent|art2mus|melfusion`. The parsers of `data pair`,
`train art2mus` and `train melfusion` are the published systems' own (`models/published/`), which come here where they are not named.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from klangbild.errors import EXIT_OK, UsageError
from klangbild.training.options import add_run_options, need_torch, run_config

VARIANTS = {None: None, 0: "direct", 1: "1", 4: "4"}
_SOUND, _LATENT = Path("configs/roll.toml"), Path("configs/roll-latent.toml")
_PROJECTION, _SYNAPSE = Path("configs/roll-art2mus.toml"), Path("configs/roll-melfusion.toml")
_WEIGHTS = Path("src/klangbild/weights/roll")


def add_data_commands(actions: argparse._SubParsersAction, prepare: argparse._SubParsersAction) -> None:
    """`data prepare sound`, `data prepare roll`."""
    sound = prepare.add_parser(
        "sound", help="played clips for the measures of the sound model", description=_PREPARE_SOUND
    )
    sound.add_argument("notes", type=Path, metavar="NOTES.npz", help="what 'data prepare notes' wrote")
    sound.add_argument("-o", "--out", type=Path, default=Path("data/prepared/sound.npz"), metavar="FILE.npz")
    sound.add_argument("--clips", type=int, default=2700, metavar="N", help="clips of 10.24 s (default %(default)s)")
    sound.add_argument("--seed", type=int, default=1, help="which stretches of which pieces (default %(default)s)")
    sound.add_argument("--soundfont", type=Path, metavar="FILE.sf2", help="instead of the one that ships or is found")
    sound.set_defaults(run=_run_prepare_sound)
    roll = prepare.add_parser("roll", help="piano rolls for the sound model", description=_PREPARE_ROLL)
    roll.add_argument("notes", type=Path, metavar="NOTES.npz", help="what 'data prepare notes' wrote")
    roll.add_argument("-o", "--out", type=Path, default=Path("data/prepared/roll.npz"), metavar="FILE.npz")
    roll.add_argument("--seed", type=int, default=1, help="which clips of large pools are taken (default %(default)s)")
    roll.set_defaults(run=_run_prepare_roll)


def add_train_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """`train sound`, `train roll-latent`, and the exports of all four parts."""
    _add_sound(parts, exports)
    _add_latent(parts, exports)
    _add_projection_export(exports)
    _add_synapse_export(exports)


def _add_sound(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    sound = parts.add_parser("sound", help="the sound model", description=_TRAIN_SOUND)
    add_run_options(sound, _SOUND)
    sound.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    sound.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes (default: go on)")
    sound.add_argument("--steps", type=int, metavar="N", help="stop after N steps (default: go on)")
    sound.add_argument("--resume", action="store_true", help="go on from the run's newest checkpoint")
    sound.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="start from this model, e.g. src/klangbild/weights/roll/sound-base.onnx",
    )
    sound.add_argument(
        "--decay-minutes", type=float, metavar="M", help="branch off: learning rate to zero in M minutes"
    )
    sound.add_argument("--decay-steps", type=int, metavar="N", help="branch off: learning rate to zero in N steps")
    sound.set_defaults(run=_run_train_sound)
    export = exports.add_parser("sound", help="the sound model", description=_EXPORT_SOUND)
    add_run_options(export, _SOUND)
    export.add_argument("--checkpoint", type=Path, metavar="FILE", help="which (default: decayed branch, else newest)")
    export.add_argument("--out", type=Path, default=_WEIGHTS, metavar="DIR", help="for .onnx and .json")
    export.set_defaults(run=_run_export_sound)


def _add_latent(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    train = parts.add_parser("roll-latent", help="the sound model's piano-roll latent: an autoencoder of beats")
    add_run_options(train, _LATENT)
    train.add_argument("--minutes", type=float, metavar="M", help="be done after M minutes in all")
    train.add_argument("--steps", type=int, metavar="N", help="be done after N steps in all (default: the config's)")
    train.add_argument("--threads", type=int, default=1, metavar="N", help="CPU threads (default: 1)")
    train.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    train.set_defaults(run=_run_train_latent)
    export = exports.add_parser("roll-latent", help="the piano roll's decoder, with its card")
    add_run_options(export, _LATENT)
    export.add_argument("--out", type=Path, default=_WEIGHTS, metavar="DIR", help="for .npz and .json")
    export.add_argument(
        "--weights-out", type=Path, metavar="DIR", help="also weights to train on from, e.g. checkpoints"
    )
    export.set_defaults(run=_run_export_latent)


def _add_projection_export(exports: argparse._SubParsersAction) -> None:
    export = exports.add_parser("art2mus", help="a picture projection of the sound model")
    export.add_argument("--config", type=Path, metavar="FILE.toml", help=f"default: {_PROJECTION}")
    export.add_argument("--run", dest="run_dir", metavar="DIR", help="the run's folder")
    export.add_argument(
        "--image-tokens", type=int, choices=(0, 1, 4), metavar="N", help="1, 4, or 0 = into every block"
    )
    export.add_argument("--base", type=Path, metavar="FILE", help="the frozen sound model, instead of the config's")
    export.add_argument("--pairs", type=Path, metavar="FILE.npz", help="instead of the config's")
    export.add_argument("--out", type=Path, metavar="DIR", help="for .npz and .json (default: beside the sound model)")
    export.set_defaults(run=_run_export_projection)


def _add_synapse_export(exports: argparse._SubParsersAction) -> None:
    export = exports.add_parser("melfusion", help="our sound model's synapse, to .npz, with its card")
    export.add_argument("--config", type=Path, default=_SYNAPSE, metavar="FILE", help="settings (TOML)")
    export.add_argument("--form", choices=("gated", "paper", "released"), default="gated", help="default: gated")
    export.add_argument("--run", dest="run_dir", metavar="DIR", help="default: runs/roll-melfusion-FORM")
    export.add_argument("--base", type=Path, metavar="FILE", help="instead of the config's")
    export.add_argument("--out", type=Path, metavar="DIR", help="for the .npz (default: beside the sound model)")
    export.set_defaults(run=_run_export_synapse)


def add_projection_options(parser: argparse.ArgumentParser) -> None:
    """Options of `train art2mus` that only our model has."""
    parser.add_argument("--minutes", type=float, metavar="M", help="be done after M minutes in all (our sound model)")
    parser.add_argument("--base", type=Path, metavar="FILE", help="the frozen sound model, instead of the config's")


def add_synapse_options(parser: argparse.ArgumentParser) -> None:
    """Options of `train melfusion` that only our model has."""
    parser.add_argument("--base", type=Path, metavar="FILE", help="our sound model: its frozen weights or checkpoint")
    parser.add_argument("--minutes", type=float, metavar="M", help="our sound model: be done after M minutes in all")


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


def train_art2mus(args: argparse.Namespace) -> int:
    """`train art2mus` without a published model."""
    config = _projection_config(args)
    from klangbild.models.roll.training.train_projection import train_projection

    print(train_projection(config, minutes=args.minutes, steps=args.steps, resume=args.resume))
    return EXIT_OK


def train_melfusion(args: argparse.Namespace) -> int:
    """Train gates and maps of a form, the sound model frozen."""
    if args.image_model or args.triplets or args.gates_only:
        raise UsageError(
            "--image-model, --triplets and --gates-only go with --music-model; our sound model reads its config"
        )
    config = _synapse_config(args)
    from klangbild.models.roll.training.train_synapse import train_synapse
    from klangbild.training.curves import draw_gates, draw_losses

    train_synapse(config, steps=args.steps, minutes=args.minutes, resume=args.resume)
    log = Path(config.run, "log.csv")
    draw_losses(log, log.with_suffix(".png"))
    draw_gates(log, log.with_name("gates.png"))
    print(Path(config.run, "last.pt"))
    return EXIT_OK


def _run_prepare_sound(args: argparse.Namespace) -> int:
    from klangbild.models.roll.data.prepare_clips import prepare_sound

    if args.clips < 1:
        raise UsageError(f"--clips {args.clips}: name at least one clip")
    prepare_sound(args.notes, args.out, n_clips=args.clips, soundfont=args.soundfont, seed=args.seed)
    print(args.out)
    return 0


def _run_prepare_roll(args: argparse.Namespace) -> int:
    from klangbild.models.roll.data.prepare import prepare_roll

    prepare_roll(args.notes, args.out, seed=args.seed)
    print(args.out)
    return EXIT_OK


def _run_train_sound(args: argparse.Namespace) -> int:
    config = _sound_config(args)
    from klangbild.models.roll.training.export import load_model
    from klangbild.models.roll.training.train import train_sound
    from klangbild.training.curves import draw_losses

    if args.decay_minutes is not None and args.decay_steps is not None:
        raise UsageError("--decay-minutes and --decay-steps say the same; give one of them")
    start = load_model(args.weights)[0].state_dict() if args.weights else None
    train_sound(
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


def _run_export_sound(args: argparse.Namespace) -> int:
    config = _sound_config(args)
    from klangbild.models.roll.training.export import export_sound

    print(export_sound(config, checkpoint=args.checkpoint, out_dir=args.out))
    return EXIT_OK


def _run_train_latent(args: argparse.Namespace) -> int:
    config = _latent_config(args)
    from klangbild.models.roll.training.train_latent import train_roll_latent

    print(train_roll_latent(config, minutes=args.minutes, steps=args.steps, threads=args.threads, resume=args.resume))
    return EXIT_OK


def _run_export_latent(args: argparse.Namespace) -> int:
    config = _latent_config(args)
    from klangbild.models.roll.training.export_latent import export_roll_latent

    print(export_roll_latent(config, out_dir=args.out, weights_dir=args.weights_out))
    return EXIT_OK


def _run_export_projection(args: argparse.Namespace) -> int:
    """`train export art2mus`."""
    config = _projection_config(args)
    from klangbild.models.roll.training.export import folder_of
    from klangbild.models.roll.training.export_projection import export_projection

    print(export_projection(config, out_dir=args.out or folder_of(config.base)))
    return EXIT_OK


def _run_export_synapse(args: argparse.Namespace) -> int:
    config = _synapse_config(args)
    from klangbild.models.roll.training.export import folder_of
    from klangbild.models.roll.training.export_synapse import export_synapse
    from klangbild.models.roll.training.train_synapse import SynapseTrainer
    from klangbild.training.checkpoint import load_checkpoint

    trainer = SynapseTrainer(dataclasses.replace(config, fitted_start=False))
    trainer.restore(load_checkpoint(Path(config.run, "last.pt")))
    print(export_synapse(trainer, args.out or folder_of(config.base)))
    return EXIT_OK


def _sound_config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.roll.training.train import SoundConfig

    return run_config(SoundConfig, args)


def _latent_config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.roll.training.train_latent import RollLatentConfig

    return run_config(RollLatentConfig, args)


def _projection_config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.roll.training.train_projection import ProjectionConfig

    config = ProjectionConfig.load(args.config or _PROJECTION)
    variant = VARIANTS[args.image_tokens] or config.variant
    changes = {"pairs": args.pairs, "base": args.base}
    return dataclasses.replace(
        config,
        variant=variant,
        run=args.run_dir if args.run_dir not in (None, "runs/art2mus") else f"{config.run}-{variant}",
        **{name: str(value) for name, value in changes.items() if value is not None},
    )


def _synapse_config(args: argparse.Namespace) -> Any:
    need_torch()
    from klangbild.models.roll.training.train_synapse import SynapseConfig

    config = SynapseConfig.load(args.config or _SYNAPSE)
    run = args.run_dir if args.run_dir not in (None, "runs/melfusion") else f"{config.run}-{args.form}"
    config = dataclasses.replace(config, form=args.form, run=run)
    return dataclasses.replace(config, base=str(args.base)) if args.base else config


def _tell(stage: str, done: int, n: int) -> None:
    if done == n or done % 640 == 0:
        print(f"{stage}: {done} of {n}", file=sys.stderr, flush=True)


_PREPARE_SOUND = (
    "Plays stretches of 10.24 s of the prepared notes with our own synthesizer and writes which they are, so that the measures can "
    "play them again, and what each is: emotion, tempo, key, instruments, density, height, pool. Every held-out piece gives a "
    "held-out clip."
)
_PREPARE_ROLL = (
    "Takes the sections of the prepared notes that are 4/4 in sixteenths, as notes on that grid, with clips of 64 beats and what "
    "each of them is: emotion, tempo, mode, instruments, density, pool."
)
_TRAIN_SOUND = "Train the words encoder and the diffusion transformer on what 'klangbild data prepare roll' wrote."
_EXPORT_SOUND = "Write sound-base.onnx, sound-words.onnx and their card, with what held-out clips say of the model."
