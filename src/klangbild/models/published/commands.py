"""`klangbild data pair|triplets|describe` and `klangbild train art2mus|melfusion`: the sound engines' data and training.

`cli/data.py` and `cli/train.py` hang these in: `sound.add_data_commands(actions)`, `sound.add_train_commands(parts)`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from klangbild.errors import EXIT_FAILED, EXIT_OK, NotAvailableError, UsageError
from klangbild.models.roll import commands_art2mus as small_art2mus
from klangbild.models.roll import commands_melfusion as small_melfusion

SPACE = "imagebind_huge"


def add_data_commands(actions: argparse._SubParsersAction) -> None:
    """pair, triplets, describe."""
    pair = actions.add_parser("pair", help="pictures paired with music, one to one, by similarity", description=_PAIR)
    _folders(pair)
    pair.add_argument("-o", "--out", type=Path, default=Path("pairs.csv"), metavar="FILE.csv")
    pair.add_argument("--imagebind", type=Path, metavar="FILE", help="imagebind_huge.pth: the space that both share")
    pair.add_argument("--styles", type=Path, metavar="FILE.csv", help="style of each picture (columns image, style)")
    pair.add_argument("--fma-tracks", type=Path, metavar="FILE.csv", help="fma_metadata/tracks.csv: licence and genre")
    pair.add_argument("--picture-licence", metavar="WORDS", help="of all the pictures (default: not stated)")
    pair.add_argument(
        "--music-licence", metavar="WORDS", help="of the tracks that --fma-tracks does not name (default: not stated)"
    )
    pair.add_argument("--seed", type=int, default=0, metavar="N", help="of the split (default: 0)")
    pair.add_argument(
        "--test-share", type=float, default=0.2, metavar="S", help="of test and validation (default: 0.2)"
    )
    pair.add_argument("--validation", type=int, default=100, metavar="N", help="items of the test side (default: 100)")
    pair.add_argument("--memory", type=float, default=256, metavar="MB", help="bound of a block (default: 256)")
    pair.set_defaults(run=run_pair)

    triplets = actions.add_parser("triplets", help="pairs and captions to a set like MeLBench, or check one")
    triplets.add_argument("--check", type=Path, metavar="FILE.jsonl", help="only check a set; every file is opened")
    triplets.add_argument("--pairs", type=Path, metavar="FILE.csv", help="made by 'klangbild data pair'")
    _folders(triplets, needed=False)
    triplets.add_argument("--music-captions", type=Path, metavar="FILE", help=".json, .jsonl, .csv, or folder of .txt")
    triplets.add_argument("--picture-captions", type=Path, metavar="FILE", help="the same, of the pictures")
    triplets.add_argument("-o", "--out", type=Path, default=Path("triplets"), metavar="DIR")
    triplets.set_defaults(run=run_triplets)

    describe = actions.add_parser("describe", help="artworks in words, by LLaVA ('Describe this artwork')")
    describe.add_argument("pictures", type=Path, metavar="DIR")
    describe.add_argument("--model", default="llava-hf/llava-1.5-7b-hf", metavar="NAME|DIR")
    describe.add_argument("-o", "--out", type=Path, default=Path("descriptions.jsonl"), metavar="FILE.jsonl")
    describe.set_defaults(run=run_describe)


def add_train_commands(parts: argparse._SubParsersAction) -> None:
    """art2mus, melfusion."""
    art2mus = parts.add_parser(
        "art2mus", help="Art2Mus's image projection, the sound model frozen", description=_ART2MUS
    )
    art2mus.add_argument(
        "--model", metavar="NAME|DIR", help="AudioLDM 2 in diffusers' layout (default: our small model)"
    )
    art2mus.add_argument("--pairs", type=Path, metavar="FILE", help="made by 'klangbild data pair'")
    art2mus.add_argument("--music", type=Path, metavar="DIR", help="the folder its tracks are in (with --model)")
    art2mus.add_argument(
        "--image-tokens",
        type=int,
        choices=(0, 1, 4),
        metavar="N",
        help="1 or 4; 0 = into every block (small model only)",
    )
    small_art2mus.add_options(art2mus)
    _run_options(art2mus, "runs/art2mus")
    art2mus.set_defaults(run=run_art2mus)

    melfusion = parts.add_parser(
        "melfusion", help="MeLFusion's synapses, alone or with the music network", description=_MELFUSION
    )
    melfusion.add_argument(
        "--music-model", metavar="NAME|DIR", help="Tango or AudioLDM, diffusers' layout (default: our small model)"
    )
    melfusion.add_argument("--image-model", metavar="NAME|DIR", help="Stable Diffusion (with --music-model)")
    melfusion.add_argument(
        "--triplets", type=Path, metavar="DIR", help="train.jsonl, validation.jsonl (with --music-model)"
    )
    melfusion.add_argument("--form", choices=("gated", "paper", "released"), default="gated", help="default: gated")
    melfusion.add_argument("--gates-only", action="store_true", help="leave the music network as it is")
    small_melfusion.add_options(melfusion)
    _run_options(melfusion, "runs/melfusion")
    melfusion.set_defaults(run=run_melfusion)


def run_pair(args: argparse.Namespace) -> int:
    if args.imagebind is None and args.music.suffix == ".npz":
        return small_art2mus.run_pair(args)
    from klangbild.models.published.art2mus.data.pair_manifest import licences, pair_folders
    from klangbild.models.published.art2mus.data.sources import fma_facts, picture_facts, read_fma_tracks
    from klangbild.models.published.art2mus.data.vectors import MUSIC_SUFFIXES, list_files, list_pictures

    if args.imagebind is None:
        raise NotAvailableError(
            "pairing needs a space that pictures and music share; give --imagebind imagebind_huge.pth, or the prepared "
            "rolls of our small model as --music data/prepared/roll.npz, which are matched by what both ask for"
        )
    names = {
        folder: [path.relative_to(folder).as_posix() for path in files]
        for folder, files in (
            (args.pictures, list_pictures(args.pictures)),
            (args.music, list_files(args.music, MUSIC_SUFFIXES)),
        )
    }
    music_facts = dict.fromkeys(names[args.music], (args.music_licence, "all")) if args.music_licence else {}
    if args.fma_tracks is not None:
        music_facts |= fma_facts(read_fma_tracks(args.fma_tracks), names[args.music])
    report = pair_folders(
        args.pictures,
        args.music,
        _imagebind(args.imagebind),
        out=args.out,
        picture_facts=picture_facts(
            names[args.pictures], table=args.styles, licence=args.picture_licence, root=args.pictures.resolve().name
        ),
        music_facts=music_facts or None,
        seed=args.seed,
        test_share=args.test_share,
        n_validation=args.validation,
        memory_mb=args.memory,
        on_progress=_tell,
    )
    found = report.statistics
    print(
        f"{found.n} pairs, cosine {found.smallest:.4f} to {found.largest:.4f}, mean {found.mean:.4f} "
        f"({found.n_above_mean} above, {found.n_below_mean} below); {len(report.corrupt)} files left out",
        file=sys.stderr,
    )
    for licence, count in licences(report.pairs).items():
        print(f"{count} files: {licence}", file=sys.stderr)
    print(args.out)
    return EXIT_OK


def run_triplets(args: argparse.Namespace) -> int:
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


def run_describe(args: argparse.Namespace) -> int:
    from klangbild.models.published.art2mus.data.vectors import list_pictures

    _need_extra()
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    from klangbild.models.published.art2mus.describe_artwork import describe
    from klangbild.models.published.folders import find_folder, load_component

    folder = find_folder(args.model)
    model = load_component(LlavaForConditionalGeneration, folder, ".")
    processor = load_component(AutoProcessor, folder, ".")
    pictures = list_pictures(args.pictures)
    corrupt = describe(pictures, model, processor, out=args.out, on_progress=lambda done, n: _tell("pictures", done, n))
    for file, why in corrupt:
        print(f"left out: {file}: {why}", file=sys.stderr)
    print(args.out)
    return EXIT_OK


def run_art2mus(args: argparse.Namespace) -> int:
    if args.model is None:
        return small_art2mus.run_train(args)
    if args.pairs is None or args.music is None or args.image_tokens == 0:
        raise UsageError("with --model give --pairs and --music, and 1 or 4 as --image-tokens")
    _need_extra()
    from klangbild.models.published.art2mus.data.pair_manifest import read_pairs
    from klangbild.models.published.art2mus.data.vectors import cached_vectors
    from klangbild.models.published.art2mus.parts import load_art2mus
    from klangbild.models.published.art2mus.train import Art2MusConfig, load_items, train_art2mus
    from klangbild.models.published.folders import find_folder
    from klangbild.models.published.licences import licence_of, show_licences
    from klangbild.models.published.training.config import read_config

    config, loop = read_config(Art2MusConfig, args.config, run=args.run_dir, steps=args.steps, cpu=args.cpu)
    if args.image_tokens is not None:
        config = Art2MusConfig(**{**vars(config), "image_tokens": args.image_tokens})
    folder = find_folder(args.model)
    show_licences([licence_of(str(args.model), folder)])
    digests = {pair.picture: pair.picture_sha256 for pair in read_pairs(args.pairs)}
    vectors = cached_vectors(args.pairs.with_name("vectors.sqlite"), f"{SPACE}/picture", digests)
    train, validation = (load_items(args.pairs, side, vectors, args.music, config) for side in ("train", "validation"))
    print(train_art2mus(load_art2mus(folder), train, config, loop, validation=validation, resume=args.resume))
    return EXIT_OK


def run_melfusion(args: argparse.Namespace) -> int:
    if args.music_model is None:
        return small_melfusion.run_train(args)
    if args.image_model is None or args.triplets is None:
        raise UsageError("with --music-model give --image-model and --triplets")
    _need_extra()
    from klangbild.models.published.folders import find_folder
    from klangbild.models.published.licences import licence_of, show_licences
    from klangbild.models.published.melfusion.data.melbench import read_triplets
    from klangbild.models.published.melfusion.parts import load_melfusion
    from klangbild.models.published.melfusion.train import MelfusionConfig, TripletItems, train_melfusion
    from klangbild.models.published.training.config import read_config

    config, loop = read_config(MelfusionConfig, args.config, run=args.run_dir, steps=args.steps, cpu=args.cpu)
    if args.gates_only:
        config = MelfusionConfig(**{**vars(config), "train_music": False})
    folders = [find_folder(name) for name in (args.music_model, args.image_model)]
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


def _folders(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    parser.add_argument("--pictures", type=Path, required=needed, metavar="DIR", help="folder of pictures")
    parser.add_argument("--music", type=Path, required=needed, metavar="DIR", help="folder of sound files")


def _run_options(parser: argparse.ArgumentParser, default_run: str) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE.toml", help="tables [loop] and [model]; default: the paper's"
    )
    parser.add_argument("--run", dest="run_dir", default=default_run, metavar="DIR", help=f"default: {default_run}")
    parser.add_argument("--steps", type=int, metavar="N", help="instead of the config's")
    parser.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    parser.add_argument("--cpu", action="store_true", help="even where there is a GPU")


def _imagebind(path: Path) -> Any:
    _need_extra()
    from klangbild.models.published.imagebind.model import ImageBind, ImageBindEmbedder
    from klangbild.models.published.licences import licence_of, show_licences

    show_licences([licence_of(SPACE)])
    return ImageBindEmbedder(ImageBind.from_file(path), name=SPACE)


def _need_extra() -> None:
    try:
        import diffusers  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise NotAvailableError(
            f"this needs {error.name}, which is not installed; run: pip install 'klangbild[diffusion]'"
        ) from None


def _tell(stage: str, done: int, n: int) -> None:
    if done == n or done % 100 == 0:
        print(f"{stage}: {done} of {n}", file=sys.stderr)


_ART2MUS = (
    "With --model: the published recipe on AudioLDM 2. Without: our small model, on what 'klangbild data pair --music "
    "data/prepared/sound.npz' wrote."
)
_MELFUSION = (
    "With --music-model: a published music network. Without: gates and maps of our small model, on what 'klangbild data "
    "pair --music data/prepared/sound.npz' wrote."
)
_PAIR = (
    "Embeds every file once (cached beside the manifest, so it can be stopped), pairs each picture with the most similar "
    "track that is still free, splits by style, and writes a manifest with hash and licence of every file. Without "
    "--imagebind, --music may be the sound model's prepared file (.npz) and --pictures the folder of picture sets: "
    "pairs are then matched by emotion, light and detail."
)
