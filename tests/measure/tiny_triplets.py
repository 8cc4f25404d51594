"""Prepared notes, sound, pairs and the sound model at tiny size, to run the measures of the sound model on."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import torch

from klangbild.models.bars.data.prepare import prepare_notes
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.roll.caption_words import Vocabulary
from klangbild.models.roll.data.clip_table import FACT_TYPES, SoundData
from klangbild.models.roll.data.pairs import SoundPairs
from klangbild.models.roll.data.picture_views import PictureViews
from klangbild.models.roll.latent import CHANNELS
from klangbild.models.roll.latent_torch import RollAutoencoder, RollSizes
from klangbild.models.roll.network_torch import SoundModel, SoundSizes
from klangbild.models.roll.projection import packed, projection_file
from klangbild.models.roll.projection_torch import ProjectionNet
from klangbild.models.roll.synapse import FORMS, synapse_file
from klangbild.models.roll.synapse_torch import SynapseNet
from klangbild.models.roll.training.graph import base_graph, words_graph
from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.shipped import weights_folder
from klangbild.training.manifest import sha256_of

LEVEL_WIDTHS = (32, 64, 128, 192)
PIECES, OTHERS = 12, 2


def song(seed: int, *, bars: int = 24) -> Piece:
    """Chords and bass; even ones major and slow, odd ones minor and fast."""
    rng = np.random.default_rng(seed)
    third = 3 if seed % 2 else 4
    rows: dict[str, list] = {"piano": [], "bass": []}
    for bar in range(bars):
        root = int(rng.choice((0, 5, 7)))
        rows["bass"] += [(4 * bar + b, 1.0, 36 + root, 90) for b in range(0, 4, 1 + seed % 2)]
        rows["piano"] += [(4 * bar + b, 1.0, 60 + root + c, 70) for b in range(4) for c in (0, third, 7)]
    tracks = tuple(Track(f, 32 * (f == "bass"), make_notes(*zip(*n, strict=True))) for f, n in rows.items())
    return Piece(tracks, tempos=((0.0, 150.0 if seed % 2 else 75.0),))


def write_notes(folder: Path) -> NoteData:
    """Sets "band" (the first eight pieces for training) and "nottingham", all held out, as `notes.npz`."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    for name, seeds in (("band", range(PIECES)), ("nottingham", range(PIECES, PIECES + OTHERS))):
        with zipfile.ZipFile(raw / f"{name}.zip", "w") as archive:
            for seed in seeds:
                archive.writestr(f"{seed:02d}.mid", to_midi_bytes(song(seed)))
        lines = "".join(f"{seed:02d}.mid,0.1,0.2,MIT\n" for seed in seeds)
        (raw / f"{name}.csv").write_text(f"file,valence,arousal,licence\n{lines}")
    prepare_notes(raw, folder / "notes.npz", progress=False)
    notes = NoteData.load(folder / "notes.npz")
    held = np.array([int(Path(str(name)).stem) >= 8 for name in notes.piece_name])
    notes = dataclasses.replace(notes, piece_heldout=held)
    notes.save(folder / "notes.npz")
    return notes


def write_sound(folder: Path, notes: NoteData) -> SoundData:
    """Every section of "band" as a clip, `sound.npz`."""
    band = notes.piece_pool[notes.section_piece] == notes.about["pools"].index("band")
    section = np.flatnonzero(band & (np.diff(notes.section_start) > 20)).astype(np.int32)
    piece = notes.section_piece[section].astype(np.int32)
    fast = np.array([int(Path(str(notes.piece_name[p])).stem) % 2 for p in piece])
    n = len(section)
    rng = np.random.default_rng(1)
    players = sum(1 << FAMILY_INDEX[name] for name in ("piano", "bass"))
    facts = {
        "valence": rng.uniform(-1, 1, n), "arousal": np.where(fast, 0.7, -0.7), "tempo": np.where(fast, 150, 75),
        "mode": 1 - fast, "tonic": np.zeros(n), "meter": np.full(n, 44), "families": np.full(n, players),
        "rate": np.where(fast, 9, 3), "loudness": np.full(n, -20), "pool": notes.piece_pool[piece], "transpose": np.zeros(n),
        "centroid": np.where(fast, 30, 20),
    }  # fmt: skip
    data = SoundData(
        clip_piece=piece, clip_heldout=notes.piece_heldout[piece], clip_section=section, clip_bar=np.zeros(n, np.uint8),
        about={"pools": notes.about["pools"], "licences": {}, "families": list(FAMILY_NAMES)},
        **{name: np.asarray(facts[name]).astype(kind) for name, kind in FACT_TYPES.items()},
    )  # fmt: skip
    data.save(folder / "sound.npz")
    return data


def write_pairs(folder: Path, data: SoundData) -> SoundPairs:
    """A picture for each clip, which asks for what the clip is, `pairs.npz`."""
    n = len(data)
    rng = np.random.default_rng(2)
    levels = [rng.integers(-60, 60, (n, 16, c), dtype=np.int8) for c in LEVEL_WIDTHS]
    asked = np.column_stack([data.valence, data.arousal]) * rng.uniform(0.5, 1, (n, 1))
    views = PictureViews(
        np.array([f"wikiart/{i}.jpg" for i in range(n)]), np.array(["0" * 64] * n), asked.astype(np.float32),
        np.zeros(n, np.float32), np.zeros(n, np.float32), rng.standard_normal((n, 384)).astype(np.float16), *levels,
    )  # fmt: skip
    clip = np.arange(n, dtype=np.int32)
    pairs = SoundPairs(views, clip, data.clip_heldout, np.zeros(n, np.float32), np.full(4, 0.02, np.float32), about={})
    pairs.save(folder / "pairs.npz")
    return pairs


def write_model(folder: Path) -> Path:
    """A sound model of random weights, with a projection and the synapse in all three forms."""
    folder.mkdir(parents=True)
    sizes = SoundSizes(len(Vocabulary()), CHANNELS, width=32, layers=2, heads=2, hidden=48, words_hidden=32, period=16)
    model, generator = SoundModel(sizes, Vocabulary()), torch.Generator().manual_seed(0)
    _randomise(model, generator, 0.15)
    for name, graph, part in (("base", base_graph, model.base), ("words", words_graph, model.words)):
        weights = {n: w.detach().numpy() for n, w in part.state_dict().items()}
        (folder / f"sound-{name}.onnx").write_bytes(graph(sizes, weights).SerializeToString())
    card = {"name": "tiny", "latent": "roll", "licence": "CC0", "vocabulary": list(Vocabulary().words)}
    (folder / "sound-base.json").write_text(json.dumps(card))
    _write_roll_latent(folder)
    projection = ProjectionNet("4", sizes, torch.zeros(384), torch.ones(384), hidden=8, generator=generator)
    _randomise(projection, generator, 0.3)
    arrays = {n: v.detach().numpy() for n, v in projection.state_dict().items()}
    _write_part(projection_file("4", folder), arrays, tokens=4)
    for form in FORMS:
        synapse = SynapseNet(form, sizes, [torch.zeros(w) for w in LEVEL_WIDTHS], [torch.ones(w) for w in LEVEL_WIDTHS])
        _randomise(synapse, generator, 0.5)
        _write_part(synapse_file(form, folder), synapse.arrays(), form=form)
    return folder


def _write_roll_latent(folder: Path) -> None:
    """Lanes that are struck often enough to be heard, and seldom enough to be played quickly."""
    latent = RollAutoencoder(RollSizes(8, 8), seed=1)
    with torch.no_grad():
        for lanes in latent.lanes:
            lanes.weight.mul_(1.3)
    with (folder / "roll-latent.npz").open("wb") as file:
        np.savez(file, **packed(latent.arrays()))


def _write_part(path: Path, arrays: dict[str, np.ndarray], **facts: object) -> None:
    with path.open("wb") as file:
        np.savez(file, **packed(arrays))
    encoder = sha256_of((weights_folder() / "roll" / "picture-encoder.onnx").read_bytes())
    path.with_suffix(".json").write_text(json.dumps({**facts, "encoder_sha256": encoder}))


def _randomise(module: torch.nn.Module, generator: torch.Generator, spread: float) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
