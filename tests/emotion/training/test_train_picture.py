"""The picture encoder learns on a tiny real run, goes on as if it had never stopped, and exports to what run time reads."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from klangbild.emotion.training.data.pictures_prepare import TARGET_SCALE, PictureData, load_picture_data
from klangbild.emotion.training.export_encoder import export_checkpoint, load_student
from klangbild.emotion.training.train_encoder import PictureConfig, train
from klangbild.errors import InputError, UsageError
from klangbild.picture.encoder import LEVELS, PictureEncoder
from klangbild.picture.load import load_picture

TINY = PictureConfig(
    widths=(8, 8, 8, 8), blocks=(0, 0, 1, 1), steps=40, batch=8, warmup=5, average=0.9, log_every=10, held_every=40
)


def made_pictures(path: Path, *, count: int = 45, seed: int = 0) -> Path:
    """Pictures of two colored halves; the "teacher" is a random linear view of their colors, so it can be learnt."""
    rng = np.random.default_rng(seed)
    view = rng.normal(0, 1, (6, 256)).astype(np.float32)
    webp, pooled, quadrants, sets = [], [], [], []
    for index in range(count):
        left, right = rng.integers(0, 256, (2, 3))
        side = (128, 128, 64)[index % 3]
        rgb = np.zeros((side, side, 3), np.uint8)
        rgb[:, : side // 2], rgb[:, side // 2 :] = left, right
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "WEBP", quality=90)
        webp.append(np.frombuffer(file.getvalue(), np.uint8))
        colors = (np.concatenate([(left + right) / 2, np.abs(left - right)]) - 128) / 128
        pooled.append(colors @ view)
        halves = [(np.concatenate([half, half * 0]) - 128) / 128 @ view[:, :96] for half in (left, right)]
        quadrants.append([halves[0], halves[1], halves[0], halves[1]])
        sets.append(index % 3)

    def coded(values: list) -> np.ndarray:
        return np.clip(np.round(np.array(values) * TARGET_SCALE), -127, 127).astype(np.int8)

    data = PictureData(
        webp=np.concatenate(webp), offsets=np.cumsum([0] + [len(w) for w in webp]), quadrants=coded(quadrants),
        sets=np.array(["wikiart", "photos", "photos64"]), set_index=np.array(sets, np.int8), pooled=coded(pooled),
        held=np.arange(count) >= count - 9, logit_matrix=rng.normal(0, 0.1, (257, 1001)).astype(np.float16),
        rated_pooled=coded(pooled)[:40], rated=rng.uniform(-1, 1, (40, 2)).astype(np.float32),
        rated_painting=np.arange(40) % 2, rated_group=np.array([f"g{i // 4}" for i in range(40)]),
    )  # fmt: skip
    np.savez_compressed(path, **{field.name: getattr(data, field.name) for field in dataclasses.fields(data)})
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> PictureConfig:
    folder = tmp_path_factory.mktemp("picture-run")
    return dataclasses.replace(TINY, data=str(made_pictures(folder / "pictures.npz")), run=str(folder / "run"))


@pytest.fixture(scope="module")
def trained(config):
    torch.set_num_threads(1)
    return train(config)


def test_prepared_pictures_read_back(config):
    data = load_picture_data(config.data)
    assert data.picture(0).shape == (128, 128, 3) and data.picture(2).shape == (64, 64, 3)


def test_loss_falls(config, trained):
    with (Path(config.run) / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(r["step"]) for r in rows] == list(range(10, 41, 10))
    assert float(rows[-1]["loss"]) < 0.7 * float(rows[0]["loss"])
    assert rows[-1]["art_r2"] and rows[-1]["photo_r2"]


def test_resuming_equals_going_on(config, trained, tmp_path):
    parted = dataclasses.replace(config, run=str(tmp_path / "parted"))
    train(parted, steps=15)
    second = train(parted)
    assert second.step == trained.step == 40
    for name, weight in trained.model.state_dict().items():
        assert torch.equal(weight, second.model.state_dict()[name]), name
    assert all(torch.equal(w, second.average.weights[n]) for n, w in trained.average.weights.items())


def test_other_sizes_are_refused(config, trained):
    with pytest.raises(UsageError, match="other sizes"):
        train(dataclasses.replace(config, widths=(8, 8, 8, 16)))


def test_exported_encoder_agrees_with_the_network(config, trained, tmp_path):
    written = export_checkpoint(Path(config.run) / "last.pt", tmp_path, weights_out=tmp_path)
    assert [p.name for p in written] == ["picture-encoder.onnx", "picture-encoder.json", "picture.safetensors"]
    rgb = np.random.default_rng(1).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    seen = PictureEncoder(tmp_path / "picture-encoder.onnx").maps([load_picture(rgb)])
    with torch.no_grad():
        embedding, maps, _ = trained.averaged().encoder(torch.from_numpy(rgb).permute(2, 0, 1)[None].float())
        again = load_student(tmp_path / "picture.safetensors").encoder(
            torch.from_numpy(rgb).permute(2, 0, 1)[None].float()
        )[0]
    spread = float(embedding.std())
    assert np.abs(seen["embedding"] - embedding.numpy()).max() < 0.1 * spread  # int8 weights
    assert float((again - embedding).abs().max()) < 0.02 * spread  # float16 weights
    assert [seen[name].shape[2] for name in LEVELS] == [32, 16, 8, 4]
    assert np.abs(seen["level1"] - maps[0].numpy()).max() < 0.1 * float(maps[0].std())


def test_the_runtime_graph_computes_in_floats(config, trained, tmp_path):
    """Products of int8 numbers saturate on some processors; ours are stored as int8 and multiplied as float32."""
    import onnx

    path = export_checkpoint(Path(config.run) / "last.pt", tmp_path)[0]
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert "Conv" in kinds and not {
        kind for kind in kinds if "Integer" in kind or "QLinear" in kind or "Quantize" in kind
    }


def test_the_surface_is_means_and_deviations_of_the_finer_levels(config, trained, tmp_path):
    encoder = PictureEncoder(export_checkpoint(Path(config.run) / "last.pt", tmp_path)[0])
    rgb = np.random.default_rng(2).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    picture, mirrored = load_picture(rgb), load_picture(np.ascontiguousarray(rgb[:, ::-1]))
    embedding, surface = encoder.look([picture])
    assert np.allclose(embedding, encoder.embed([picture])) and surface.shape == (1, 2 * (8 + 8 + 8))
    assert np.allclose(surface, encoder.look([mirrored])[1], atol=1e-5)
    maps = [encoder.maps([p])["level1"] for p in (picture, mirrored)]
    assert np.allclose(surface[0, :8], np.mean([m.mean(axis=(2, 3))[0] for m in maps], axis=0), atol=1e-4)
    assert np.allclose(surface[0, 8:16], np.mean([m.std(axis=(2, 3))[0] for m in maps], axis=0), atol=1e-4)


def test_the_command(config, trained, klangbild, tmp_path):
    toml = tmp_path / "tiny.toml"
    toml.write_text(
        f'data = "{config.data}"\nrun = "{tmp_path / "run"}"\nwidths = [8, 8, 8, 8]\nblocks = [0, 0, 1, 1]\nbatch = 8\n'
        "steps = 4\n"
    )
    code, out, _ = klangbild("train", "picture", "--config", toml)
    assert code == 0 and Path(out.strip()).is_file()
    code, out, _ = klangbild("train", "export", "picture", "--config", toml, "--out", tmp_path / "exported")
    assert code == 0 and (tmp_path / "exported" / "picture-encoder.onnx").is_file()
    for command in (["train", "picture"], ["train", "emotion"], ["data", "prepare", "pictures"]):
        code, out, _ = klangbild(*command, "--help")
        assert code == 0 and " ".join(command) in out


def test_a_config_with_a_slip_is_named(tmp_path):
    path = tmp_path / "slip.toml"
    path.write_text("stepps = 3\n")
    with pytest.raises(InputError, match="stepps"):
        PictureConfig.load(path)
    with pytest.raises(InputError):
        PictureConfig.load(tmp_path / "gone.toml")


def test_training_goes_on_from_weights_and_keeps_copies_for_the_table_of_minutes(config, trained, tmp_path):
    export_checkpoint(Path(config.run) / "last.pt", tmp_path / "out", weights_out=tmp_path / "weights")
    weights = tmp_path / "weights" / "picture.safetensors"
    more = dataclasses.replace(config, run=str(tmp_path / "more"), keep_minutes=(1e-6,), log_every=1)
    trainer = train(more, steps=2, weights=weights)
    assert trainer.before["steps"] == trained.step and trainer.before["pictures"] == trained.step * TINY.batch
    assert (tmp_path / "more" / "minutes-1e-06.pt").is_file()
    export_checkpoint(tmp_path / "more" / "last.pt", tmp_path / "out", weights_out=tmp_path / "weights")
    card = json.loads((tmp_path / "out" / "picture-encoder.json").read_text(encoding="utf-8"))
    assert card["steps"] == trained.step + 2
    # the weights it started from are where it starts
    first = train(dataclasses.replace(more, run=str(tmp_path / "first"), warmup=10**9), steps=1, weights=weights)
    assert torch.allclose(first.model.pooled.weight, load_student(weights).pooled.weight, atol=1e-2)
    with pytest.raises(UsageError, match="other sizes"):
        train(dataclasses.replace(more, run=str(tmp_path / "other"), widths=(8, 8, 8, 16)), weights=weights)
