"""The piano-roll model learns on a tiny real run: autoencoder, flow, projection; and what is exported plays through the door."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_rolls import pattern, tiny_rolls

from klangbild.contract import Request
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, UsageError
from klangbild.models.roll.data.pairs import match
from klangbild.models.roll.data.picture_views import views_of
from klangbild.models.roll.engine import RollEngine
from klangbild.models.roll.grid import roll_notes
from klangbild.models.roll.latent import CHANNELS, CODE, TEMPO, RollLatent, from_int8, tempo_of
from klangbild.models.roll.latent_torch import RollAutoencoder, RollSizes
from klangbild.models.roll.model import open_roll
from klangbild.models.roll.training.clips import open_clips
from klangbild.models.roll.training.export import export_sound, load_model
from klangbild.models.roll.training.export_latent import export_roll_latent, load_autoencoder
from klangbild.models.roll.training.export_projection import export_projection
from klangbild.models.roll.training.train import SoundConfig, train_sound
from klangbild.models.roll.training.train_latent import RollLatentConfig, train_roll_latent
from klangbild.models.roll.training.train_projection import ProjectionConfig, train_projection
from klangbild.picture.load import load_picture
from klangbild.settings import Settings
from klangbild.shipped import weights_folder
from klangbild.sound.fonts import find_soundfont
from klangbild.sound.master import master
from klangbild.sound.synth import synthesize_stems
from klangbild.training.int8_weights import load_int8, save_int8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Rolls, and an autoencoder trained on them."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("roll")
    tiny_rolls(path / "roll.npz")
    config = latent_config(path)
    train_roll_latent(config, steps=150)
    export_roll_latent(config, out_dir=path / "model", weights_dir=path)
    return path


def latent_config(path: Path, **changes) -> RollLatentConfig:
    return RollLatentConfig(
        data=str(path / "roll.npz"),
        run=str(path / "latent"),
        encoder=32,
        decoder=32,
        beats=64,
        lr=0.01,
        warmup=5,
        **changes,
    )


def sound_config(path: Path, **changes) -> SoundConfig:
    return SoundConfig(
        data=str(path / "roll.npz"), latent=str(path / "roll-latent.safetensors"), run=str(path / "flow"),
        **{"width": 32, "layers": 2, "heads": 4, "hidden": 64, "words_hidden": 32, "period": 16, "rows": 4, "heldout_clips": 4,
           "warmup": 2, "average": 0.9, "adamw_lr": 0.005, **changes},
    )  # fmt: skip


def test_the_autoencoder_gives_back_held_out_beats(folder):
    card = json.loads((folder / "model" / "roll-latent.json").read_text())
    assert card["held_out"]["as they are"]["onset_f1"] > 0.95 and card["held_out"]["beats"] == 4 * 64
    assert (folder / "latent" / "log.png").stat().st_size > 0
    model = load_autoencoder(folder / "roll-latent.safetensors")
    data = tiny_rolls(folder / "roll.npz")
    clips = open_clips(folder / "roll.npz", str(folder / "roll-latent.safetensors"))
    assert clips.latents.shape == (12, 64, CHANNELS) and clips.latents.dtype == np.int8 and clips.tonic is None
    latents = from_int8(clips.latents[9])
    assert tempo_of(latents) == pytest.approx(float(data.tempo[9]), rel=0.02)
    assert latents[:, :CODE].std() == pytest.approx(1, abs=0.4)
    found, wanted = RollLatent(model.arrays()).notes(latents), roll_notes(pattern(1))
    assert len(set(zip(found.step, found.lane, strict=True)) ^ set(zip(wanted.step, wanted.lane, strict=True))) < 10
    piece = RollLatent.load(folder / "model" / "roll-latent.npz").piece(latents)
    assert piece.families == ("drums", "piano", "bass") and str(piece.key) == "C major"


def test_numpy_decodes_as_torch_does():
    model = RollAutoencoder(RollSizes(16, 16), seed=3).eval()
    code = np.random.default_rng(0).standard_normal((5, CODE)).astype(np.float32)
    with torch.no_grad():
        logits, loud = model.decode(torch.from_numpy(code))
    decoded = RollLatent(model.arrays()).decode(np.pad(code, ((0, 0), (0, CHANNELS - CODE))))
    np.testing.assert_allclose(decoded.onset, torch.sigmoid(logits[:, 0]), atol=1e-5)
    np.testing.assert_allclose(decoded.sounding, torch.sigmoid(logits[:, 1]), atol=1e-5)
    np.testing.assert_allclose(decoded.loud, loud.clamp(0, 1), atol=1e-5)


def test_a_resumed_autoencoder_ends_at_the_same_bytes(folder, tmp_path):
    config = replace(latent_config(folder), run=str(tmp_path / "whole"))
    train_roll_latent(replace(config, steps=8))
    part = replace(config, run=str(tmp_path / "part"), steps=8)
    # the rate is planned for all eight steps, so the first part must be cut short by something else than the plan
    from klangbild.models.roll.data.prepared import RollData
    from klangbild.models.roll.training.train_latent import RollLatentTrainer
    from klangbild.training.checkpoint import load_checkpoint, save_checkpoint

    trainer = RollLatentTrainer(part, RollData.load(Path(part.data)))
    for step in range(3):
        trainer.train_step(min(1.0, (step + 1) / 5) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / 8))))
    save_checkpoint(Path(part.run) / "last.pt", trainer.state())
    train_roll_latent(part, resume=True)
    whole, resumed = (load_checkpoint(Path(run) / "last.pt")["model"] for run in (config.run, part.run))
    assert all(torch.allclose(whole[name], resumed[name], atol=1e-6) for name in whole)
    with pytest.raises(UsageError, match="already there"):
        train_roll_latent(part)


def test_rolls_without_an_autoencoder_are_refused_in_one_line(folder, tmp_path):
    with pytest.raises(UsageError, match="'latent' in the config"):
        open_clips(folder / "roll.npz", "")
    save_int8({"a": torch.zeros(2)}, tmp_path / "a.safetensors", {"sizes": {}})
    with pytest.raises(InputError, match="autoencoder"):
        load_autoencoder(tmp_path / "a.safetensors")


def test_int8_weights_come_back_within_half_a_step(tmp_path):
    weights = {"big": torch.randn(80, 80), "small": torch.randn(3)}
    save_int8(weights, tmp_path / "w.safetensors", {"what": "test"})
    again, header = load_int8(tmp_path / "w.safetensors")
    assert header == {"what": "test"}
    assert (again["big"] - weights["big"]).abs().max() <= weights["big"].abs().max() / 254 + 1e-6


def test_flow_and_projection_learn_and_play_through_the_door(folder):
    config = sound_config(folder)
    first = train_sound(config, steps=2).heldout_loss()[0]
    trainer = train_sound(config, steps=60, resume=True)
    assert trainer.heldout_loss()[0] < 0.95 * first
    assert trainer.model.base.places.abs().max() > 0  # it has learnt where in four bars it is
    export_sound(config, out_dir=folder / "model")
    card = json.loads((folder / "model" / "sound-base.json").read_text())
    assert card["latent"] == "roll" and card["name"] == "klangbild-roll" and card["sizes"]["period"] == 16
    model, _, _ = load_model(folder / "model" / "sound-base.onnx")
    small = open_roll(folder / "model")
    x = np.random.default_rng(0).standard_normal((2, 32, CHANNELS)).astype(np.float32)
    conditions = {"context": [], "context_mask": [], "image_k": [], "image_v": [], "image_mix": [], "image_gate": []}
    heard = small.words([1, *[0] * 11])
    for name, part in zip(
        conditions, (heard.context, heard.mask, heard.keys, heard.values, heard.mix, heard.gate), strict=True
    ):
        conditions[name] = np.stack([part, part])
    with torch.no_grad():
        context, mask = (torch.from_numpy(conditions[n]) for n in ("context", "context_mask"))
        wanted = model.base(torch.from_numpy(x), torch.full((2,), 0.5), context, mask)
    found = small.velocity(x, np.full(2, 0.5, np.float32), conditions)
    np.testing.assert_allclose(found, wanted, atol=1e-4)

    pictures = [(f"wikiart/{i}.jpg", _picture(i)) for i in range(60)]
    pairs = match(views_of(pictures), tiny_rolls(folder / "roll.npz"))
    pairs.save(folder / "pairs.npz")
    learn = ProjectionConfig(
        pairs=str(folder / "pairs.npz"), data=config.data, latent=config.latent, base=str(folder / "model" / "sound-base.onnx"),
        run=str(folder / "art2mus"), rows=4, crop=32, hidden=8, aim_rows=8, aim_steps=10, heldout_pairs=4, warmup=1, steps=3,
    )  # fmt: skip
    train_projection(learn)
    export_projection(learn, out_dir=folder / "model", encoder=weights_folder() / "roll" / "picture-encoder.onnx")
    settings = Settings(engine="art2mus", model=str(folder / "model"), seconds=7, steps=2, candidates=2)
    request = Request(settings, 3, Emotion(0, 0), Emotion(0.6, -0.5), "picture", (), None, _picture(3))
    music = RollEngine(settings, small).play(request, on_progress=None, on_bar=None)
    stems = synthesize_stems(music.piece, soundfont=find_soundfont())
    sound = master(stems, length_s=music.length_s).audio
    assert sound.samples.shape == (2, 7 * 44100) and music.facts["image_tokens"] == "4"
    assert music.model["name"] == "klangbild-roll" and music.facts["meter"] == "4/4"
    assert TEMPO == CODE


def _picture(i: int):
    grain = np.random.default_rng(i).integers(0, 1 + 4 * i, (48, 48, 3))
    return load_picture(np.clip(grain + i, 0, 255).astype(np.uint8))
