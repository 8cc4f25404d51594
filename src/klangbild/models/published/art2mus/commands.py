"""Art2Mus's part of the command line: `data pair`, `data describe`, `train art2mus`.

Where Art2Mus itself is not named, our plan model is trained in its way, by `models/plan/commands.py`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from klangbild.errors import EXIT_OK, NotAvailableError, UsageError
from klangbild.models.plan import commands as plan
from klangbild.models.published.training.options import add_folders, add_loop_options, need_extra, tell

SPACE = "imagebind_huge"


def add_data_commands(actions: argparse._SubParsersAction, prepare: argparse._SubParsersAction) -> None:
    """`data pair`, `data describe`."""
    pair = actions.add_parser("pair", help="pictures paired with music, one to one, by similarity", description=_PAIR)
    add_folders(pair)
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
    pair.set_defaults(run=_run_pair)

    describe = actions.add_parser("describe", help="artworks in words, by LLaVA ('Describe this artwork')")
    describe.add_argument("pictures", type=Path, metavar="DIR")
    describe.add_argument("--model", default="llava-hf/llava-1.5-7b-hf", metavar="NAME|DIR")
    describe.add_argument("-o", "--out", type=Path, default=Path("descriptions.jsonl"), metavar="FILE.jsonl")
    describe.set_defaults(run=_run_describe)


def add_train_commands(parts: argparse._SubParsersAction, exports: argparse._SubParsersAction) -> None:
    """`train art2mus`."""
    art2mus = parts.add_parser(
        "art2mus", help="Art2Mus's image projection, the sound model frozen", description=_ART2MUS
    )
    art2mus.add_argument(
        "--model", metavar="NAME|DIR", help="AudioLDM 2 in diffusers' layout (default: our plan model)"
    )
    art2mus.add_argument("--pairs", type=Path, metavar="FILE", help="made by 'klangbild data pair'")
    art2mus.add_argument("--music", type=Path, metavar="DIR", help="the folder its tracks are in (with --model)")
    art2mus.add_argument(
        "--image-tokens",
        type=int,
        choices=(0, 1, 4),
        metavar="N",
        help="1 or 4; 0 = into every block (our plan model only)",
    )
    plan.add_projection_options(art2mus)
    add_loop_options(art2mus, "runs/art2mus")
    art2mus.set_defaults(run=_run_train)


def _run_pair(args: argparse.Namespace) -> int:
    if args.imagebind is None and args.music.suffix == ".npz":
        return plan.run_pair(args)
    from klangbild.models.published.art2mus.data.pair_manifest import licences, pair_folders
    from klangbild.models.published.art2mus.data.sources import fma_facts, picture_facts, read_fma_tracks
    from klangbild.models.published.art2mus.data.vectors import MUSIC_SUFFIXES, list_files, list_pictures

    if args.imagebind is None:
        raise NotAvailableError(
            "pairing needs a space that pictures and music share; give --imagebind imagebind_huge.pth, or the prepared "
            "rolls of our plan model as --music data/prepared/plan.npz, which are matched by what both ask for"
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
        on_progress=tell,
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


def _run_describe(args: argparse.Namespace) -> int:
    from klangbild.models.published.art2mus.data.vectors import list_pictures

    need_extra()
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    from klangbild.models.published.art2mus.describe_artwork import describe
    from klangbild.models.published.folders import load_component
    from klangbild.models.published.where import find_folder

    folder = find_folder(args.model)
    model = load_component(LlavaForConditionalGeneration, folder, ".")
    processor = load_component(AutoProcessor, folder, ".")
    pictures = list_pictures(args.pictures)
    corrupt = describe(pictures, model, processor, out=args.out, on_progress=lambda done, n: tell("pictures", done, n))
    for file, why in corrupt:
        print(f"left out: {file}: {why}", file=sys.stderr)
    print(args.out)
    return EXIT_OK


def _run_train(args: argparse.Namespace) -> int:
    if args.model is None:
        return plan.train_art2mus(args)
    if args.pairs is None or args.music is None or args.image_tokens == 0:
        raise UsageError("with --model give --pairs and --music, and 1 or 4 as --image-tokens")
    need_extra()
    from klangbild.models.published.art2mus.data.pair_manifest import read_pairs
    from klangbild.models.published.art2mus.data.vectors import cached_vectors
    from klangbild.models.published.art2mus.parts import load_art2mus
    from klangbild.models.published.art2mus.train import Art2MusConfig, load_items, train_art2mus
    from klangbild.models.published.licences import licence_of, show_licences
    from klangbild.models.published.training.config import read_config
    from klangbild.models.published.where import find_folder

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


def _imagebind(path: Path) -> Any:
    need_extra()
    from klangbild.models.published.imagebind.model import ImageBind, ImageBindEmbedder
    from klangbild.models.published.licences import licence_of, show_licences

    show_licences([licence_of(SPACE)])
    return ImageBindEmbedder(ImageBind.from_file(path), name=SPACE)


_ART2MUS = (
    "With --model: the published recipe on AudioLDM 2. Without: our plan model, on what 'klangbild data pair --music "
    "data/prepared/sound.npz' wrote."
)
_PAIR = (
    "Embeds every file once (cached beside the manifest, so it can be stopped), pairs each picture with the most similar "
    "track that is still free, splits by style, and writes a manifest with hash and licence of every file. Without "
    "--imagebind, --music may be the sound model's prepared file (.npz) and --pictures the folder of picture sets: "
    "pairs are then matched by emotion, light and detail."
)
