"""From folders to a trained projection and trained synapses, through the commands a person types."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from klangbild.cli import data, train
from klangbild.errors import NotAvailableError, UsageError


def run(*words):
    parser = argparse.ArgumentParser()
    groups = parser.add_subparsers(required=True)
    data.register(groups)
    train.register(groups)
    args = parser.parse_args([str(word) for word in words])
    return args.run(args)


@pytest.fixture
def folders(tmp_path, monkeypatch, audioldm2_folder):
    """Ten pictures and tracks."""
    for name in ("pictures", "music"):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(0)
    for i in range(10):
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(tmp_path / "pictures" / f"p{i}.png")
        time = np.arange(16000 * 11) / 16000
        tone = 0.3 * np.sin(2 * np.pi * 100 * (i + 1) * time)
        soundfile.write(tmp_path / "music" / f"{i:06d}.wav", tone, 16000)
    monkeypatch.chdir(tmp_path)
    return audioldm2_folder


def test_from_folders_to_trained_parts(folders, melfusion_folders, tmp_path, capsys):
    pair = ("data", "pair", "--pictures", "pictures", "--music", "music", "--validation", 1)
    assert run(*pair, "--imagebind", folders / "imagebind_huge.pth") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["pairs.csv"] and "10 pairs, cosine" in err

    (tmp_path / "captions.json").write_text(json.dumps({f"{i:06d}": f"tone {i}" for i in range(10)}))
    build = ("data", "triplets", "--pairs", "pairs.csv", "--pictures", "pictures", "--music", "music")
    assert run(*build, "--music-captions", "captions.json", "-o", "set") == 0
    assert run("data", "triplets", "--check", "set/train.jsonl") == 0
    assert "8 of 8 items can be used" in capsys.readouterr().out

    tiny = "[loop]\nbatch = 2\naccumulation = 1\nvalidate_every = 0\n[model]\nn_frames = 32\nn_clips = 0\n"
    (tmp_path / "a.toml").write_text(tiny + "hidden_dim = 8\n")
    (tmp_path / "m.toml").write_text(tiny)
    train = ("train", "art2mus", "--model", folders, "--pairs", "pairs.csv", "--music", "music", "--image-tokens", 4)
    assert run(*train, "--config", "a.toml", "--steps", 2, "--cpu") == 0
    trained = capsys.readouterr().out.strip()
    assert trained == str(Path("runs", "art2mus", "art2mus_4_img_proj_layer.pt"))
    assert torch.load(trained, weights_only=True)["projection2.weight"].shape == (64, 8)

    train = ("train", "melfusion", "--music-model", melfusion_folders[0], "--image-model", melfusion_folders[1])
    assert run(*train, "--triplets", "set", "--config", "m.toml", "--steps", 2, "--cpu", "--gates-only") == 0
    synapses = tmp_path / capsys.readouterr().out.strip()
    assert sorted(path.name for path in synapses.iterdir()) == ["synapse.json", "synapses.safetensors"]


def test_what_is_missing_is_said(folders):
    with pytest.raises(NotAvailableError, match="--imagebind"):
        run("data", "pair", "--pictures", "pictures", "--music", "music")
    with pytest.raises(UsageError, match="--pairs"):
        run("data", "triplets")


def test_a_damaged_set_fails_its_check(folders, tmp_path, capsys):
    (tmp_path / "bad.jsonl").write_text("{}\n")
    assert run("data", "triplets", "--check", "bad.jsonl") == 1
    assert "line 1" in capsys.readouterr().err
