"""The sound model learns on a tiny real run, resumes to the same bytes, decays, and exports what it learnt."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_clips import tiny_clip_table
from tiny_rolls import tiny_roll_clips

from klangbild.errors import InputError, UsageError
from klangbild.models.roll.caption_words import MAX_WORDS, Vocabulary
from klangbild.models.roll.data.batches import SoundBatches, heldout_batches
from klangbild.models.roll.data.captions import caption
from klangbild.models.roll.data.clip_table import SoundData
from klangbild.models.roll.latent import CHANNELS
from klangbild.models.roll.network_torch import ImageInputs, SoundModel, SoundSizes
from klangbild.models.roll.training.clips import open_clips
from klangbild.models.roll.training.export import averaged_model, export_sound, load_model, other_words
from klangbild.models.roll.training.graph import base_graph, words_graph
from klangbild.models.roll.training.train import SoundConfig, flow_loss, train_sound
from klangbild.training.checkpoint import load_checkpoint

SMALL = {"width": 32, "layers": 2, "heads": 4, "hidden": 64, "period": 16, "rows": 4, "heldout_clips": 4, "warmup": 2}


@pytest.fixture
def config(tmp_path) -> SoundConfig:
    torch.set_num_threads(1)
    data, latent = tiny_roll_clips(tmp_path)
    return SoundConfig(data=data, latent=latent, run=str(tmp_path / "run"), **SMALL)


def test_it_learns_and_hears_its_words(config):
    trainer = train_sound(replace(config, average=0.9, adamw_lr=0.005), steps=120)
    own, _ = trainer.heldout_loss()
    fresh = train_sound(replace(config, run=config.run + "-fresh"), steps=1).heldout_loss()[0]
    assert own < 0.85 * fresh
    with Path(config.run, "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["step"] == "120" and float(rows[-1]["heldout"]) == pytest.approx(own, abs=1e-4)
    # out of plain noise only the words can tell the mode, which decides the sound; neighbours are of the other mode
    batch = replace(trainer.heldout[0], time=np.full(4, 0.03, np.float32))
    order = np.argsort(batch.clips)
    batch = replace(batch, **{n: getattr(batch, n)[order] for n in ("latents", "words", "mask", "noise", "clips")})
    with torch.no_grad():
        right, wrong = (float(flow_loss(trainer.model, b, trainer.weights).mean()) for b in (batch, other_words(batch)))
    assert right < wrong


@pytest.mark.parametrize("muon_lr", [0.02, 0.0])
def test_a_resumed_run_ends_at_the_same_bytes(config, muon_lr):
    config = replace(config, muon_lr=muon_lr)
    whole = train_sound(replace(config, run=config.run + "-whole"), steps=6)
    train_sound(config, steps=3)
    parts = train_sound(config, steps=3, resume=True)
    for one, other in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(UsageError, match="already there"):
        train_sound(config, steps=1)
    with pytest.raises(UsageError, match="another network"):
        train_sound(replace(config, layers=1), steps=1, resume=True)


def test_decay_branches_off_and_leaves_the_run_alone(config):
    train_sound(config, steps=4)
    before = Path(config.run, "last.pt").read_bytes()
    train_sound(config, decay_steps=4)
    assert Path(config.run, "last.pt").read_bytes() == before
    assert load_checkpoint(Path(config.run, "decayed.pt"))["step"] == 8


def test_export_is_the_trained_model_in_numbers_of_its_own_card(config, tmp_path):
    import onnxruntime

    train_sound(config, steps=12)
    card_path = export_sound(config, out_dir=tmp_path / "out")
    card = json.loads(card_path.read_text())
    model, state = averaged_model(Path(config.run, "last.pt"))
    loaded, vocabulary, _ = load_model(tmp_path / "out" / "sound-base.onnx")
    assert vocabulary.words == tuple(card["vocabulary"]) and card["training"]["steps"] == 12 == state["step"]
    for name, weight in model.state_dict().items():
        if name in ("words.table.weight", "words.place.weight"):  # one, in the graph
            continue
        step = float(weight.abs().max()) / 127  # int8
        assert torch.allclose(weight, loaded.state_dict()[name], atol=step, rtol=1e-3), name
    low, mean, high = (card["metrics"]["own_words"][i] for i in (1, 0, 2))
    assert low <= mean <= high < card["metrics"]["untrained"][0]
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "sound-words.onnx"))
    words = np.array([vocabulary.read("slow, sad piano in C minor").ids, (0,) * MAX_WORDS])
    made = session.run(None, {"words": words})[0]
    with torch.no_grad():
        expected, again = (part.words(torch.from_numpy(words)).numpy() for part in (model, loaded))
    assert np.abs(made - expected).max() < 0.02 * np.abs(expected).max()
    np.testing.assert_allclose(made, again, atol=1e-5)
    # and training goes on from there
    on = train_sound(replace(config, run=config.run + "-on"), steps=1, start_weights=loaded.state_dict())
    assert on.heldout_loss()[0] == pytest.approx(card["metrics"]["own_words"][0], rel=0.2)


def test_graph_equals_network_and_zero_gates_are_words_only_to_the_bit():
    import onnxruntime

    vocabulary = Vocabulary()
    sizes = SoundSizes(len(vocabulary), 64, width=32, layers=2, heads=4, hidden=64, words_hidden=64)
    model = SoundModel(sizes, vocabulary, seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.add_(0.05 * torch.randn(weight.shape, generator=generator))
            if weight.ndim == 2 and not name.endswith(("blocks.0.shifts", "blocks.1.shifts")):
                scale = weight.abs().amax(1, keepdim=True) / 127  # what int8 columns can hold
                weight.copy_(torch.round(weight / scale) * scale)
    parts = {name: w.detach().numpy() for name, w in model.base.state_dict().items()}
    session = onnxruntime.InferenceSession(base_graph(sizes, parts).SerializeToString())
    assert words_graph(sizes, {name: w.detach().numpy() for name, w in model.words.state_dict().items()})
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 21, 64), dtype=np.float32)
    t = np.array([0.2, 0.9], np.float32)
    context = rng.standard_normal((2, 16, 32), dtype=np.float32)
    mask = np.ones((2, 16), np.float32)
    mask[0, 3:] = 0
    keys, values = rng.standard_normal((2, 2, 2, 16, 32), dtype=np.float32)

    def run(mix: float, gate: float, scale: float = 1.0) -> np.ndarray:
        feed = {
            "x": x,
            "t": t,
            "context": context,
            "context_mask": mask,
            "image_k": scale * keys,
            "image_v": scale * values,
        }
        feed |= {"image_mix": np.full((2, 2), mix, np.float32), "image_gate": np.full((2, 2), gate, np.float32)}
        return session.run(None, feed)[0]

    for mix, gate in ((0.0, 0.0), (0.3, 0.0), (0.0, 0.5), (0.2, -0.4)):
        image = ImageInputs(
            torch.from_numpy(keys), torch.from_numpy(values), torch.full((2, 2), mix), torch.full((2, 2), gate)
        )
        with torch.no_grad():
            expected = model.base(*(torch.from_numpy(a) for a in (x, t, context, mask)), image).numpy()
        assert np.abs(run(mix, gate) - expected).max() < 1e-4
    assert np.array_equal(run(0.0, 0.0), run(0.0, 0.0, scale=0.0))
    assert np.abs(run(0.3, 0.0) - run(0.0, 0.0)).max() > 1e-3 < np.abs(run(0.0, 0.5) - run(0.0, 0.0)).max()


def test_batches_follow_from_seed_and_step_alone(config):
    data = open_clips(Path(config.data), config.latent)
    vocabulary = Vocabulary()
    one, other = (SoundBatches(data, vocabulary, rows=5, seed=3) for _ in range(2))
    for step in (4, 0, 9):
        a, b = one.batch(step), other.batch(step)
        assert all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("latents", "words", "mask", "noise", "time"))
        assert not data.clip_heldout[a.clips].any()
        assert a.latents.shape[1] in (32, 64) and (a.mask[:, 0] == 1).all()
    held = heldout_batches(data, vocabulary, clips=4)
    assert data.clip_heldout[held[0].clips].all() and held[0].latents.shape == (4, 64, CHANNELS)


def test_bad_settings_and_files_are_one_line(tmp_path):
    (tmp_path / "a.toml").write_text("rowz = 3\n")
    with pytest.raises(InputError, match="'rowz' is not a setting"):
        SoundConfig.load(tmp_path / "a.toml")
    with pytest.raises(InputError, match="there are no prepared rolls"):
        train_sound(SoundConfig(data=str(tmp_path / "none.npz"), run=str(tmp_path)))
    (tmp_path / "x.npz").write_bytes(b"no zip")
    with pytest.raises(InputError, match="is not prepared sound data"):
        SoundData.load(tmp_path / "x.npz")


def test_captions_say_what_the_clip_is_in_known_words(tmp_path):
    data, vocabulary = tiny_clip_table(tmp_path / "sound.npz"), Vocabulary()
    rng = np.random.default_rng(0)
    said = [vocabulary.read(caption(data, clip % len(data), rng)) for clip in range(200)]
    assert not any(read.unknown or read.denied for read in said)
    full = vocabulary.read(caption(data, 1, rng, full=True)).known
    assert {"triple", "sparse", "pop", "major", "key-c", "piano", "strings", "slow"} <= set(full)
    lengths = [sum(n > 0 for n in read.ids) for read in said]
    assert min(lengths) <= 2 and max(lengths) >= 8  # facts are left out at random
