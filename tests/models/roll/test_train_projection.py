"""Pictures matched with clips, and a projection trained on them, at tiny size: it must learn, go on, and ship."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_clips import tiny_clip_table
from tiny_rolls import tiny_roll_clips

from klangbild.errors import InputError, UsageError
from klangbild.models.roll.caption_words import Vocabulary
from klangbild.models.roll.data.pairs import (
    SoundPairs,
    clip_numbers,
    held_out,
    load_clips,
    manifest_text,
    match,
    picture_numbers,
)
from klangbild.models.roll.data.picture_views import views_of
from klangbild.models.roll.latent import CHANNELS
from klangbild.models.roll.network_torch import SoundModel, SoundSizes
from klangbild.models.roll.projection import open_projection
from klangbild.models.roll.training.export_projection import export_projection
from klangbild.models.roll.training.train_projection import ProjectionConfig, ProjectionTrainer, train_projection
from klangbild.picture.load import load_picture
from klangbild.shipped import weights_folder
from klangbild.training.weights_torch import save_weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Rolls, played clips, views, pairs and a base with random weights."""
    path = tmp_path_factory.mktemp("small-art2mus")
    tiny_roll_clips(path)
    tiny_clip_table(path / "sound.npz")
    rng = np.random.default_rng(0)
    pictures = []
    for i in range(60):
        grain = rng.integers(0, 1 + 4 * i, (48, 48, 3))
        pictures.append((f"wikiart/{i}.jpg", load_picture(np.clip(grain + i, 0, 255).astype(np.uint8))))
    views = views_of(pictures)
    for kind in ("roll", "sound"):
        match(views, load_clips(path / f"{kind}.npz")).save(path / f"{kind}-pairs.npz")
    vocabulary = Vocabulary()
    sizes = SoundSizes(len(vocabulary), CHANNELS, width=32, layers=2, heads=2, hidden=48, words_hidden=32, period=16)
    model = SoundModel(sizes, vocabulary)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    notes = {"sizes": sizes.as_dict(), "vocabulary": list(vocabulary.words)}
    save_weights(path / "base.safetensors", model.state_dict(), half=True, notes=notes)
    return path


def config_of(folder: Path, **changes) -> ProjectionConfig:
    return ProjectionConfig(
        pairs=str(folder / "roll-pairs.npz"), data=str(folder / "roll.npz"), latent=str(folder / "roll-latent.safetensors"),
        base=str(folder / "base.safetensors"),
        **{"rows": 4, "crop": 32, "hidden": 8, "aim_rows": 8, "aim_steps": 40, "heldout_pairs": 4, "dropout": 0.0, "warmup": 1,
           "lr": 0.01, **changes},
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["roll", "sound"])
def test_pairs_keep_their_sides_and_lie_near(folder, kind):
    pairs, sound = SoundPairs.load(folder / f"{kind}-pairs.npz"), load_clips(folder / f"{kind}.npz")
    assert (sound.clip_heldout[pairs.clip] == pairs.heldout).all()
    assert (held_out(pairs.views) == pairs.heldout).all()
    assert len(set(pairs.views.sha256.tolist())) == len(pairs)
    assert np.bincount(pairs.clip[~pairs.heldout]).max() <= 2
    rng = np.random.default_rng(0)
    seen, heard = picture_numbers(pairs.views)[~pairs.heldout], clip_numbers(sound)[pairs.clip[~pairs.heldout]]
    weights = np.array([1, 1, 0.25, 0.25])
    own = ((seen - heard) ** 2 @ weights).sum()
    assert all(own <= ((seen - heard[rng.permutation(len(heard))]) ** 2 @ weights).sum() for _ in range(20))
    rows = list(csv.DictReader(manifest_text(pairs, sound).splitlines()))
    assert len(rows) == len(pairs) and {r["split"] for r in rows} == {"train", "heldout"}
    assert all(len(r["picture_sha256"]) == 64 and r["picture_licence"] and r["music_licence"] == "MIT" for r in rows)
    assert pairs.levels(np.array([0, 1]))[3].shape == (2, 16, 192)


def test_unreadable_pairs_are_said(tmp_path):
    with pytest.raises(InputError, match="data pair"):
        SoundPairs.load(tmp_path / "no.npz")
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    with pytest.raises(InputError, match="pair again"):
        SoundPairs.load(tmp_path / "bad.npz")


@pytest.mark.parametrize("variant", ["1", "4", "direct"])
def test_it_learns_with_the_base_frozen(folder, tmp_path, variant):
    trainer = ProjectionTrainer(config_of(folder, variant=variant, run=str(tmp_path), lr=0.003, said_share=0.0))
    before = {n: p.clone() for n, p in trainer.model.state_dict().items()}
    trainer.aim()
    fixed = [trainer.train.batch(i, 8, 32) for i in range(3)]

    def loss() -> float:
        from klangbild.models.roll.training.train_projection import losses

        with torch.no_grad():
            trainer.net.eval()
            return float(
                sum(losses(trainer.model, trainer.net, b, trainer.weights, teacher_share=1.0).mean() for b in fixed)
            )

    first = loss()
    for _ in range(40):
        trainer.train_step(1.0)
    assert loss() < 0.97 * first
    assert all((p == before[n]).all() for n, p in trainer.model.state_dict().items())
    assert set(trainer.heldout()) == {"right", "shuffled", "none"}


def test_a_stopped_run_goes_on_and_ships(folder, tmp_path):
    config = config_of(folder, variant="direct", run=str(tmp_path / "run"), heldout_every=1000)
    last = train_projection(config, steps=2)
    with pytest.raises(UsageError, match="--resume"):
        train_projection(config, steps=2)
    train_projection(config, steps=4, resume=True)
    state = torch.load(last, weights_only=True)
    assert state["step"] == 4 and (tmp_path / "run" / "log.csv").read_text().startswith("step,")
    encoder = weights_folder() / "roll" / "picture-encoder.onnx"
    path = export_projection(config, out_dir=tmp_path / "out", encoder=encoder)
    projection = open_projection("direct", path.parent, encoder)
    assert projection.card["tokens"] == 4 and projection.card["data"]["pairs"] > 0
    heard = projection.heard(
        np.zeros(384, np.float32), np.zeros((12, 32), np.float32), np.zeros(12, np.float32), layers=2
    )
    assert heard.keys.shape == (2, 16, 32) and np.abs(heard.gate).min() > 0
    with pytest.raises(UsageError, match="another projection"):
        train_projection(dataclasses.replace(config, hidden=9), steps=5, resume=True)
