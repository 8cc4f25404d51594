"""Our sound model's synapse: the same numbers in numpy and torch, silent at zero, trained, resumed and exported."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_rolls import tiny_roll_clips

from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.models.roll.caption_words import Vocabulary
from klangbild.models.roll.data.pairs import SoundPairs
from klangbild.models.roll.data.picture_views import PictureViews
from klangbild.models.roll.data.prepared import RollData
from klangbild.models.roll.latent import CHANNELS as LATENT
from klangbild.models.roll.network_torch import SoundModel, SoundSizes, words_context
from klangbild.models.roll.synapse import (
    FORMS,
    averaging,
    block_levels,
    open_synapse,
    places_of,
    shares,
)
from klangbild.models.roll.synapse_torch import SynapseNet
from klangbild.models.roll.training.export_synapse import export_synapse
from klangbild.models.roll.training.train_synapse import SynapseConfig, train_synapse
from klangbild.training.weights_torch import save_weights

CHANNELS = (32, 64, 128, 192)


@pytest.fixture
def config(tmp_path) -> SynapseConfig:
    """Twelve clips, two pictures each, the first of their channels telling the clip's valence."""
    torch.set_num_threads(1)
    data_file, latent = tiny_roll_clips(tmp_path)
    data = RollData.load(Path(data_file))
    rng = np.random.default_rng(2)
    clip = np.repeat(np.arange(len(data), dtype=np.int32), 2)
    n = len(clip)
    levels = [rng.integers(-60, 60, (n, 16, c), dtype=np.int8) for c in CHANNELS]
    for level in levels:
        level[:, :, :8] = (100 * data.valence[clip]).astype(np.int8)[:, None, None]
    views = PictureViews(
        np.array([f"wikiart/{i}.jpg" for i in range(n)]), np.array(["0" * 64] * n), np.zeros((n, 2), np.float32),
        np.zeros(n, np.float32), np.zeros(n, np.float32), np.zeros((n, 384), np.float16), *levels,
    )  # fmt: skip
    pairs = SoundPairs(
        views, clip, data.clip_heldout[clip], np.zeros(n, np.float32), np.full(4, 0.02, np.float32), about={}
    )
    pairs.save(tmp_path / "pairs.npz")
    vocabulary = Vocabulary()
    sizes = SoundSizes(len(vocabulary), LATENT, width=32, layers=3, heads=4, hidden=64, words_hidden=64, period=16)
    model = SoundModel(sizes, vocabulary, seed=1)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(2)
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    save_weights(
        tmp_path / "base.safetensors", model.state_dict(), half=False,
        notes={"vocabulary": list(vocabulary.words), "sizes": sizes.as_dict()},
    )  # fmt: skip
    return SynapseConfig(
        pairs=str(tmp_path / "pairs.npz"), data=data_file, latent=latent, base=str(tmp_path / "base.safetensors"),
        run=str(tmp_path / "run"), steps=4, rows=4, heldout_pairs=4,
    )  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_training_moves_only_the_synapse_and_the_file_says_the_same_as_the_network(config, form, tmp_path):
    config = replace(config, form=form)
    trainer = train_synapse(config)
    fresh = SynapseNet(form, trainer.model.sizes, *_spreads(trainer.net))
    assert not torch.equal(trainer.net.alpha, fresh.alpha)
    assert all(p.grad is None for p in trainer.model.parameters())
    path = export_synapse(trainer, tmp_path / "out")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in path.with_suffix(".json").read_text()
    synapse = open_synapse(form, tmp_path / "out")
    assert len(synapse.gates()) == {"gated": 3, "paper": 4, "released": 1}[form]
    # numpy and torch on one pair
    trainer.net.load_state_dict({**trainer.net.state_dict(), **trainer.average.weights})
    batch = trainer.held.of(trainer.held.rows[:2], np.random.default_rng(0), 64)
    with torch.no_grad():
        tokens = trainer.model.words(batch.words)
        context, mask, image = trainer.net(batch.levels, tokens, batch.mask, torch.ones(2))
    for row in range(2):
        heard = synapse.heard(
            [level[row].numpy() for level in batch.levels], tokens[row].numpy(), batch.mask[row].numpy(), layers=3
        )
        assert np.allclose(heard.context, context[row], atol=1e-5) and np.array_equal(heard.mask, mask[row])
        if image is None:
            assert not heard.keys.any()
            continue
        size = float(image.keys.abs().max())
        assert np.abs(heard.keys - image.keys[row].numpy()).max() < 0.02 * size  # int8
        assert np.allclose(heard.mix, image.mix[row], atol=1e-6) and np.allclose(heard.gate, image.gate[row], atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_dropped_picture_and_strength_zero_are_words_only(config, form, tmp_path):
    trainer = train_synapse(replace(config, form=form), steps=1)
    batch = trainer.held.of(trainer.held.rows[:2], np.random.default_rng(0), 64)
    with torch.no_grad():
        tokens = trainer.model.words(batch.words)
        words = trainer.model.base(batch.noisy, batch.time, *words_context(tokens, batch.mask))
        dropped = trainer.model.base(
            batch.noisy, batch.time, *trainer.net(batch.levels, tokens, batch.mask, torch.zeros(2))
        )
        trainer.net.alpha.fill_(0.5)
        heard = trainer.model.base(
            batch.noisy, batch.time, *trainer.net(batch.levels, tokens, batch.mask, torch.ones(2))
        )
    assert torch.equal(words, dropped) and not torch.allclose(words, heard, atol=1e-4)
    synapse = open_synapse(form, export_synapse(trainer, tmp_path / "out").parent)
    levels = [level[0].numpy() for level in batch.levels]
    silent = synapse.heard(levels, tokens[0].numpy(), batch.mask[0].numpy(), layers=3, strength=0.0)
    assert not silent.mix.any() and not silent.gate.any() and not silent.keys.any()


def test_a_run_is_not_overwritten_and_goes_on_as_itself(config):
    trainer = train_synapse(replace(config, steps=2))
    with pytest.raises(UsageError, match="already there"):
        train_synapse(config)
    with pytest.raises(UsageError, match="another form"):
        train_synapse(replace(config, form="paper"), resume=True)
    resumed = train_synapse(replace(config, steps=2), resume=True)
    assert resumed.step == 2 and torch.equal(resumed.net.alpha, trainer.net.alpha)
    assert train_synapse(config, resume=True).step == 4


def test_the_fitted_start_says_what_the_pictures_tell(config):
    trainer = train_synapse(replace(config, steps=1))
    assert max(trainer.explained) > 0.2 and min(trainer.explained) >= -0.05
    assert train_synapse(replace(config, run=config.run + "-zero", fitted_start=False), steps=1).explained == []


def test_the_picture_of_one_file_and_its_places(picture_file):
    from klangbild.picture.encoder import open_encoder
    from klangbild.picture.load import load_picture
    from klangbild.shipped import weights_folder

    maps = open_encoder(weights_folder() / "roll" / "picture-encoder.onnx").maps([load_picture(picture_file)])
    levels = places_of(maps)
    assert [level.shape for level in levels] == [(16, c) for c in CHANNELS]
    assert levels[3][5] == pytest.approx(maps["level4"][0, :, 1, 1])
    assert levels[0][0] == pytest.approx(maps["level1"][0, :, :8, :8].mean(axis=(1, 2)), rel=1e-4, abs=1e-5)


def test_pooling_matrix_and_gates_are_those_of_the_published_form():
    values = torch.randn(1, 1, 16)
    for m in (1, 3, 5, 12, 16, 20):
        expected = torch.nn.functional.adaptive_avg_pool1d(values, m)[0, 0].numpy()
        assert np.allclose(averaging(16, m) @ values[0, 0].numpy(), expected, atol=1e-6)
    assert block_levels(6) == [0, 1, 1, 2, 2, 3] and block_levels(1) == [0]
    assert shares("released", np.array([0.0, 50.0])) == pytest.approx([0.0, 0.2])


def test_bad_files_and_values_are_one_line(tmp_path):
    with pytest.raises(NotAvailableError, match="is not in this installation"):
        open_synapse("gated", tmp_path)
    (tmp_path / "sound-melfusion-paper.npz").write_bytes(b"no zip")
    (tmp_path / "sound-melfusion-paper.json").write_text("{}")
    with pytest.raises(InputError, match="is not a synapse of ours"):
        open_synapse("paper", tmp_path)
    (tmp_path / "c.toml").write_text("forms = 3\n")
    with pytest.raises(InputError, match="'forms' is not a setting"):
        SynapseConfig.load(Path(tmp_path / "c.toml"))


def _spreads(net: SynapseNet) -> tuple[list, list]:
    return tuple([getattr(net, f"{kind}{level}") for level in range(1, 5)] for kind in ("center", "scale"))


def test_the_command_line_trains_draws_and_exports(config, tmp_path, klangbild):
    given = {name: value for name, value in vars(config).items() if name not in ("run", "form")}
    lines = [f"{name} = {json.dumps(value)}" for name, value in given.items()]
    (tmp_path / "small.toml").write_text("\n".join(lines) + "\n")
    same = ("--config", tmp_path / "small.toml", "--run", tmp_path / "cli", "--form", "paper")
    code, out, error = klangbild("train", "melfusion", *same, "--steps", 2)
    assert code == 0, error
    assert Path(out.strip()).name == "last.pt" and (tmp_path / "cli" / "log.png").is_file()
    assert (tmp_path / "cli" / "gates.png").is_file()
    code, out, error = klangbild("train", "export", "melfusion", *same, "--out", tmp_path / "out")
    assert code == 0 and Path(out.strip()).name == "sound-melfusion-paper.npz"
    code, _, error = klangbild("train", "melfusion", *same, "--gates-only")
    assert code == 2 and "--music-model" in error
