"""The published systems through the house's one door."""

from __future__ import annotations

import shutil

import pytest
import torch

from klangbild.composer import Composer
from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.published.engine import folder_hash
from klangbild.models.published.melfusion.parts import save_synapses
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline
from klangbild.settings import Settings


def test_art2mus(audioldm2_folder, picture):
    composer = Composer(engine="art2mus", model=str(audioldm2_folder))
    result = composer.compose(picture.rgb, seconds=1, steps=2, seed=4, candidates=2)
    music = result.record["music"]
    assert music["seconds"] == 1.0 and music["solver"] == "dpm++"
    assert len(music["candidates"]) == 2 and music["candidates"][music["chosen"]] == max(music["candidates"])
    assert result.record["model"]["licence"] == "mit" and len(result.record["model"]["sha256"]) == 64
    four = composer.compose(picture.rgb, seconds=1, steps=100, seed=4, image_tokens=4)
    assert four.record["music"]["solver"] == "ddim"
    coarse = composer.compose(picture.rgb, seconds=1, steps=2, seed=4, precision="bfloat16", offload=True)
    assert coarse.record["model"] == result.record["model"] and coarse.record.settings.precision == "bfloat16"
    assert any("--offload" in line for line in coarse.record.told)
    (engine,) = composer._engines.values()
    _, held = engine._loaded  # one at a time: each is gigabytes
    assert held.placement.dtype == torch.bfloat16 and held.placement.slicing
    with pytest.raises(UsageError, match=r"--precision float16 does not work on cpu; choose float32, bfloat16"):
        composer.compose(picture.rgb, seconds=1, precision="float16")
    with pytest.raises(UsageError, match="--bars is not heard"):
        composer.compose(picture.rgb, bars=4)


def test_melfusion(melfusion_folders, picture, tmp_path):
    for folder, name in zip(melfusion_folders, ("music", "image"), strict=True):
        shutil.copytree(folder, tmp_path / "model" / name)
    fresh = MelfusionPipeline.from_pretrained(
        melfusion_folders[0], image=melfusion_folders[1], device="cpu", announce=lambda line: None
    )
    fresh.set_gates(0.5)
    save_synapses(fresh.parts.music, tmp_path / "model" / "synapses")
    options = {"engine": "melfusion", "model": str(tmp_path / "model"), "seconds": 1, "steps": 2, "seed": 4}
    result = Composer(**options).compose(picture.rgb, text="slow piano, hopeful", synapse=0.5)
    assert set(result.record["music"]["gates"].values()) == {0.5}
    shutil.rmtree(tmp_path / "model" / "music")
    with pytest.raises(NotAvailableError, match="music"):
        Composer(**options).compose(picture.rgb, text="slow")


def test_a_model_is_needed():
    with pytest.raises(NotAvailableError):
        Composer(engine="melfusion", model="nowhere").perform(
            Composer().read(None, Settings(engine="melfusion", model="nowhere", text="calm"))
        )


def test_the_hash_follows_the_content(tmp_path):
    (tmp_path / "a").write_text("1")
    first = folder_hash(tmp_path)
    (tmp_path / "a").write_text("2")
    assert folder_hash(tmp_path) != first
