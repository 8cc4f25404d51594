"""Synapses trained at tiny size: the loss falls, gates open, dropping works, a stopped run goes on bit for bit."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

pytest.importorskip("accelerate", reason="needs the extra 'diffusion'")

from klangbild.errors import NotAvailableError
from klangbild.models.published.melfusion.data.melbench import Triplet
from klangbild.models.published.melfusion.parts import load_melfusion, read_synapses
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline
from klangbild.models.published.melfusion.synapse import FORMS
from klangbild.models.published.melfusion.train import MelfusionConfig, TripletItems, synapse_loss, train_melfusion
from klangbild.models.published.training.batches import collate
from klangbild.models.published.training.config import LoopConfig

TINY = {"n_frames": 32, "clip_seconds": 0.3, "clip_steps": 2, "n_clips": 0}


@pytest.fixture(scope="module")
def triplets(tmp_path_factory):
    """Six tones, each with a picture of its own (noise: a normalizing network is blind to shades of plain grey)."""
    folder = tmp_path_factory.mktemp("triplets")
    rng = np.random.default_rng(0)
    made = []
    for i in range(6):
        time = np.arange(8000) / 16000
        soundfile.write(folder / f"t{i}.wav", 0.5 * np.sin(2 * np.pi * 150 * (i + 1) * time), 16000)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"p{i}.png")
        made.append(Triplet(f"tone {i}", f"t{i}.wav", f"p{i}.png", folder))
    return made


class TinyItems(TripletItems):
    """8 of the 64 bands, as the tiny autoencoder has."""

    def __getitem__(self, index):
        item = super().__getitem__(index)
        return item | {"mel": item["mel"][:, ::8]}


def load(folders, form):
    return load_melfusion(folders[0], image=folders[1], form=form)


def loop(run, **options):
    options = {
        "steps": 3,
        "batch": 2,
        "accumulation": 1,
        "warmup": 0,
        "log_every": 1,
        "validate_every": 0,
        "cpu": True,
    } | options
    return LoopConfig(run=str(run), **options)


def rows(run):
    with (run / "log.csv").open() as file:
        return list(csv.DictReader(file))


def measured(parts, items):
    batch = collate([items[i] for i in range(len(items))])
    config = MelfusionConfig(drop_words=0, drop_picture=0, **TINY)
    with torch.no_grad():
        return np.mean(
            [
                float(
                    synapse_loss(
                        parts,
                        parts.music,
                        batch,
                        torch.full((len(items),), t),
                        torch.Generator().manual_seed(t),
                        config,
                    )
                )
                for t in (200, 500, 800)
            ]
        )


@pytest.mark.parametrize("form", FORMS)
def test_the_loss_falls_and_the_gates_move(melfusion_folders, triplets, tmp_path, form):
    parts = load(melfusion_folders, form)
    items = TinyItems(triplets, parts.image, n_frames=32)
    before = measured(parts, items)
    out = train_melfusion(parts, items, MelfusionConfig(**TINY), loop(tmp_path / form, steps=10, lr=5e-3))
    assert measured(parts, items) < before * 0.99
    assert all(value != 0 for value in parts.music.gates().values())
    assert read_synapses(out)[0] == form
    assert (tmp_path / form / "gates.png").is_file()
    last = rows(tmp_path / form)[-1]
    assert [float(last[f"gate {name}"]) for name in parts.music.gates()] == pytest.approx(
        list(parts.music.gates().values())
    )


def test_gates_only_leaves_the_music_network_alone(melfusion_folders, triplets, tmp_path):
    parts = load(melfusion_folders, "released")
    items = TinyItems(triplets, parts.image, n_frames=32)
    before = {name: value.clone() for name, value in parts.music.unet.state_dict().items()}
    config = MelfusionConfig(train_music=False, drop_picture=0.0, **TINY)
    out = train_melfusion(parts, items, config, loop(tmp_path / "run", lr=0.1))
    assert all(torch.equal(before[name], value) for name, value in parts.music.unet.state_dict().items())
    assert any(parts.music.gates().values()) and not (out / "unet").exists()


def test_a_stopped_run_goes_on_bit_for_bit(melfusion_folders, triplets, tmp_path):
    config = MelfusionConfig(drop_words=0.5, drop_picture=0.5, **TINY)
    ends = []
    for stops in ((4,), (2, 4)):
        for number, stop in enumerate(stops):
            parts = load(melfusion_folders, "paper")
            items = TinyItems(triplets, parts.image, n_frames=32)
            run = loop(tmp_path / str(len(stops)), steps=stop, lr=1e-2, average=0.9)
            out = train_melfusion(parts, items, config, run, resume=number > 0)
        ends.append(read_synapses(out)[1])
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_validation_clips_and_use(melfusion_folders, triplets, tmp_path, picture):
    parts = load(melfusion_folders, "released")
    parts.music.set_gates(0.19)
    items = TinyItems(triplets, parts.image, n_frames=32)
    config = MelfusionConfig(image_noise="inversion", inversion_steps=4, **(TINY | {"n_clips": 2}))
    out = train_melfusion(parts, items, config, loop(tmp_path / "run", lr=0.05, validate_every=1), validation=items)
    last = rows(tmp_path / "run")[-1]
    assert float(last["validation_loss"]) != float(last["no_picture_loss"])
    assert float(last["validation_loss"]) != float(last["other_picture_loss"])
    assert len(list((tmp_path / "run" / "clips" / "000003").glob("*.wav"))) == 2
    pipeline = MelfusionPipeline.from_pretrained(
        melfusion_folders[0], image=melfusion_folders[1], synapses=out, device="cpu", announce=lambda line: None
    )
    assert any(pipeline.gates().values())
    assert pipeline(picture, seconds=0.3, steps=2)[0].audio.seconds == 0.3


def test_a_dropped_picture_is_not_heard(melfusion_folders, triplets):
    parts = load(melfusion_folders, "released")
    parts.music.set_gates(0.15)
    items = TinyItems(triplets, parts.image, n_frames=32)
    batch = collate([items[0], items[1]])
    timesteps = torch.tensor([500, 100])

    def loss(**options):
        config = MelfusionConfig(**(TINY | {"drop_words": 0.0} | options))
        with torch.no_grad():
            return float(synapse_loss(parts, parts.music, batch, timesteps, torch.Generator().manual_seed(1), config))

    with torch.no_grad():
        config = MelfusionConfig(drop_words=0.0, drop_picture=0.0, **TINY)
        generator = torch.Generator().manual_seed(1)
        without = float(synapse_loss(parts, parts.music, batch, timesteps, generator, config, without_picture=True))
    assert loss(drop_picture=0.999999) == without
    assert loss(drop_picture=0.0) != without
    assert loss(drop_picture=0.0, first_layer_features=True) != loss(drop_picture=0.0)
    assert loss(drop_picture=0.0, loss="batch_mean") != loss(drop_picture=0.0)


def test_an_image_model_is_needed(melfusion_folders, triplets, tmp_path):
    parts = load_melfusion(melfusion_folders[0])
    with pytest.raises(NotAvailableError, match="image model"):
        train_melfusion(parts, None, MelfusionConfig(), loop(tmp_path))
