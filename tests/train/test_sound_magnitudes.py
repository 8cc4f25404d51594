"""The vocoder's net learns on a tiny real run, goes on, and is read back averaged, with its latent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from klangbild.data.vocoder_clips import VocoderClips
from klangbild.errors import UsageError
from klangbild.train.checkpoint import load_checkpoint
from klangbild.train.curves import read_log
from klangbild.train.export_magnitudes import load_net
from klangbild.train.sound_magnitudes import LOG_COLUMNS, MagnitudesConfig, train_magnitudes

SAMPLES = 163_840


@pytest.fixture
def config(tmp_path) -> MagnitudesConfig:
    """Four clips of struck tones, one of them held out, rendered already; no prepared latent, so one is fitted on them."""
    time = np.arange(SAMPLES) / 16_000
    clips = [np.sin(2 * np.pi * hz * time) * np.exp(-3 * (time % 1)) for hz in (220, 330, 440, 550)]
    noise = np.random.default_rng(0).standard_normal((4, SAMPLES))
    sounds = (8000 * np.stack(clips) + 300 * noise).astype(np.int16)
    for run in ("whole", "parts"):
        VocoderClips(sounds, np.array([False, False, False, True])).save(tmp_path / run / "clips.npz")
    return MagnitudesConfig(
        latent=str(tmp_path / "none.npz"), run=str(tmp_path / "whole"), crops=2, crop_frames=16, width=16, blocks=1,
        warmup=2, heldout_every=100, average=0.5,
    )  # fmt: skip


def test_it_learns_goes_on_and_is_read_back(config, tmp_path):
    torch.set_num_threads(1)
    whole = train_magnitudes(config, steps=60)
    log = read_log(tmp_path / "whole" / "log.csv")
    assert tuple(log) == LOG_COLUMNS and list(log["step"]) == [50, 60] and log["rate"][-1] == 1
    assert log["loss_db"][1] < log["loss_db"][0] and np.isfinite(log["heldout_true_mel_db"][-1])
    parts = replace(config, run=str(tmp_path / "parts"))
    train_magnitudes(parts, steps=1)
    with pytest.raises(UsageError, match="--resume"):
        train_magnitudes(parts, steps=2)
    with pytest.raises(UsageError, match="other sizes"):
        train_magnitudes(replace(parts, width=24), steps=2, resume=True)
    # a rate that falls with the share of the steps is another one after one step of one: only state and count are compared
    state = load_checkpoint(train_magnitudes(parts, steps=3, resume=True))
    assert state["step"] == 3 and state["average"]["steps"] == 3
    net, latent, read = load_net(whole)
    assert read["step"] == 60 and latent.axes.shape == (320, 64)
    kept = load_checkpoint(Path(whole))
    assert all(torch.equal(weight, kept["average"]["weights"][name]) for name, weight in net.named_parameters())
