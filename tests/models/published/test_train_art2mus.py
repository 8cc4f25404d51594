"""The paper's recipe at tiny size: the loss falls, a stopped run goes on bit for bit, the result loads as published."""

from __future__ import annotations

import csv
import signal
from itertools import chain, islice

import numpy as np
import pytest
import soundfile
import torch

pytest.importorskip("accelerate", reason="needs the extra 'diffusion'")

from klangbild.errors import InputError
from klangbild.models.published.art2mus.data.pair_manifest import Pair
from klangbild.models.published.art2mus.parts import load_art2mus
from klangbild.models.published.art2mus.projection import ImageProjection
from klangbild.models.published.art2mus.train import Art2MusConfig, PairItems, train_art2mus
from klangbild.models.published.training.batches import batch_indices
from klangbild.models.published.training.config import LoopConfig, read_config

TINY = {"hidden_dim": 32, "n_frames": 32, "start_s": 0.0, "clip_seconds": 0.3, "clip_steps": 2, "n_clips": 2}


@pytest.fixture(scope="module")
def parts(audioldm2_folder):
    return load_art2mus(audioldm2_folder)


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    """Eight tracks, each with a picture's vector; 8 mel bands, as the tiny autoencoder has."""
    folder = tmp_path_factory.mktemp("tracks")
    rng = np.random.default_rng(0)
    pairs, vectors = [], {}
    for i in range(8):
        time = np.arange(8000) / 16000
        soundfile.write(folder / f"t{i}.wav", 0.5 * np.sin(2 * np.pi * 110 * (i + 1) * time), 16000)
        vector = rng.standard_normal(24)
        vectors[f"p{i}.png"] = (vector / np.linalg.norm(vector)).astype(np.float32)
        pairs.append(Pair(f"p{i}.png", "0", "CC0", f"t{i}.wav", "0", "CC0", 0.3, "all", "train"))

    class TinyItems(PairItems):
        def __getitem__(self, index):
            item = super().__getitem__(index)
            return item | {"mel": item["mel"][:, ::8]}  # 8 of the 64 bands

    return TinyItems(pairs, vectors, folder, n_frames=32, start_s=0.0)


def loop(run, **options):
    options = {
        "steps": 4,
        "batch": 2,
        "accumulation": 2,
        "warmup": 2,
        "log_every": 1,
        "validate_every": 0,
        "cpu": True,
    } | options
    return LoopConfig(run=str(run), **options)


def log_of(run):
    with (run / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("guided", "tokens"), [(True, 1), (False, 4)])
def test_the_loss_falls(parts, items, tmp_path, guided, tokens):
    config = Art2MusConfig(image_tokens=tokens, guided=guided, **(TINY | {"n_clips": 0}))
    run = tmp_path / "run"
    config_eval = Art2MusConfig(image_tokens=tokens, guided=guided, **(TINY | {"n_clips": 8}))
    train_art2mus(parts, items, config, loop(run, steps=1, lr=0.0, accumulation=1))
    start = ImageProjection.from_file(next(run.glob("*.pt")), token_dim=16)
    before = measured(parts, items, config_eval, start)
    out = train_art2mus(parts, items, config, loop(run, steps=20, lr=0.02, batch=4, accumulation=1), start=start)
    after = measured(parts, items, config_eval, ImageProjection.from_file(out, token_dim=16))
    assert after < before * 0.998, (before, after)
    assert (run / "log.png").stat().st_size > 1000


def measured(parts, items, config, projection):
    from klangbild.models.published.art2mus.train import projection_loss
    from klangbild.models.published.training.batches import collate

    batch = collate([items[i] for i in range(8)])
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        return np.mean(
            [
                float(projection_loss(parts, projection, batch, torch.full((8,), t), generator, config))
                for t in (100, 500, 900)
            ]
        )


def test_only_the_projection_is_trained(parts, items, tmp_path):
    before = {name: value.clone() for name, value in parts.unet.state_dict().items()}
    out = train_art2mus(parts, items, Art2MusConfig(**(TINY | {"n_clips": 0})), loop(tmp_path / "run"))
    assert all(torch.equal(before[name], value) for name, value in parts.unet.state_dict().items())
    state = torch.load(out, weights_only=True)
    assert sorted(state) == ["projection1.bias", "projection1.weight", "projection2.bias", "projection2.weight"]
    assert out.name == "art2mus_img_proj_layer.pt"


def test_a_stopped_run_goes_on_bit_for_bit(parts, items, tmp_path):
    config = Art2MusConfig(**(TINY | {"n_clips": 0}))
    whole = train_art2mus(parts, items, config, loop(tmp_path / "whole", steps=6, average=0.9))
    train_art2mus(parts, items, config, loop(tmp_path / "parts", steps=3, average=0.9))
    again = train_art2mus(parts, items, config, loop(tmp_path / "parts", steps=6, average=0.9), resume=True)
    one, other = (torch.load(path, weights_only=True) for path in (whole, again))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [row["step"] for row in log_of(tmp_path / "parts")] == list("123456")
    assert [row["loss"] for row in log_of(tmp_path / "parts")] == [row["loss"] for row in log_of(tmp_path / "whole")]
    with pytest.raises(InputError, match="lr="):
        train_art2mus(parts, items, config, loop(tmp_path / "parts", steps=6, average=0.9, lr=1.0), resume=True)


def test_ctrl_c_keeps_a_checkpoint_from_which_it_goes_on_bit_for_bit(parts, items, tmp_path, capfd):
    class Interrupted(type(items)):
        left = 6

        def __getitem__(self, index):
            self.left -= 1
            if not self.left:  # in the second step of two batches of two
                signal.raise_signal(signal.SIGINT)
            return super().__getitem__(index)

    config = Art2MusConfig(**TINY)
    whole = train_art2mus(parts, items, config, loop(tmp_path / "whole", steps=4), validation=items)
    pressed = Interrupted(items.pairs, items.vectors, items.music, n_frames=32, start_s=0.0)
    run = loop(tmp_path / "cut", steps=4, log_every=1)
    train_art2mus(parts, pressed, config, run, validation=items)
    assert [row["step"] for row in log_of(tmp_path / "cut")] == ["1", "2"] and not (tmp_path / "cut" / "clips").exists()
    assert "Ctrl-C again ends without it" in capfd.readouterr().err
    again = train_art2mus(parts, items, config, run, validation=items, resume=True)
    one, other = (torch.load(path, weights_only=True) for path in (whole, again))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [row["step"] for row in log_of(tmp_path / "cut")] == list("1234") and (tmp_path / "cut" / "clips").exists()


def test_validation_and_clips(parts, items, tmp_path):
    run = tmp_path / "run"
    config = Art2MusConfig(**TINY)
    train_art2mus(parts, items, config, loop(run, steps=2, validate_every=1), validation=items)
    assert all(float(row["validation_loss"]) > 0 for row in log_of(run))
    clips = sorted((run / "clips" / "000002").glob("*.wav"))
    assert len(clips) == 2 and soundfile.info(clips[0]).duration == pytest.approx(0.3)


def test_batches_depend_on_the_seed_and_the_place_alone():
    whole = list(islice(batch_indices(10, 2, seed=3, start=0), 12))
    assert list(islice(batch_indices(10, 2, seed=3, start=7), 5)) == whole[7:]
    assert sorted(chain(*whole[:5])) == list(range(10)) and whole[:5] != whole[5:10]
    two = [list(islice(batch_indices(10, 2, seed=3, start=0, rank=r, world=2), 2)) for r in (0, 1)]
    assert not set(chain(*two[0])) & set(chain(*two[1]))
    with pytest.raises(InputError, match="fewer"):
        next(batch_indices(1, 2, seed=0, start=0))


def test_a_trial_does_not_end_in_hours_of_validation(parts, items, tmp_path, capsys):
    run = tmp_path / "run"
    train_art2mus(parts, items, Art2MusConfig(**TINY), loop(run, steps=2, validate_every=500), validation=items)
    assert not (run / "clips").exists() and "validation_loss" not in log_of(run)[-1]
    assert "trial" in capsys.readouterr().err
    assert LoopConfig(run="x").is_trial is False and LoopConfig(run="x", steps=500).is_trial is False


def test_the_rate():
    config = LoopConfig(run="x", steps=100, lr=1.0, warmup=10)
    assert [config.rate(step) for step in (0, 9, 50)] == [0.1, 1.0, 1.0]
    falling = LoopConfig(run="x", steps=100, lr=1.0, warmup=0, schedule="linear")
    assert falling.rate(50) == 0.5


def test_settings_from_a_file(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("[model]\nimage_tokens = 4\n[loop]\nlr = 0.1\nsteps = 7\n")
    config, made = read_config(Art2MusConfig, path, run="runs/x", steps=3)
    assert (config.image_tokens, made.lr, made.steps, made.run) == (4, 0.1, 3, "runs/x")
    for text, message in (
        ("[other]", "tables"), ("steps = 3", "tables"), ("loop = 3", "no table"), ("[model]\nx = 1", "'x' is not a setting"),
        ("[model]\nimage_token = 1", "did you mean 'image_tokens'"), ("[loop]\nschedule = 'steep'", "constant, linear"),
        ("[loop]\nlr = 'fast'", r"lr is 'fast'; give a number"), ("[loop]\ncpu = 1", "true or false"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_config(Art2MusConfig, path, run="x")
    with pytest.raises(InputError, match="no such config"):
        read_config(Art2MusConfig, tmp_path / "nothing.toml", run="x")


def test_a_picture_without_a_vector_is_named(items, tmp_path):
    with pytest.raises(InputError, match=r"p0\.png"):
        PairItems(items.pairs, {}, tmp_path)
