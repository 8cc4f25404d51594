"""The vocoder: phases that fit, and the net's graph against the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from klangbild.diffusion.small_latent import log_mel, magnitudes, mel_bank
from klangbild.diffusion.small_magnitudes_torch import MagnitudeNet, MagnitudeSizes, interpolation
from klangbild.diffusion.small_vocoder import MagnitudeModel, griffin_lim
from klangbild.errors import KlangbildError, NotAvailableError
from klangbild.train.export_magnitudes import build_graph, pseudo_inverse, stft_error_db
from klangbild.train.onnx_graph import stored


@pytest.fixture(scope="module")
def chord():
    time = np.arange(2 * 16000) / 16000
    tones = sum(np.sin(2 * np.pi * hz * time) * np.exp(-time) for hz in (220, 277.2, 329.6, 1760))
    return (0.1 * tones).astype(np.float32)


def test_griffin_lim_finds_phases(chord):
    wanted = magnitudes(chord)
    made = {n: griffin_lim(wanted, np.random.default_rng(0), iterations=n) for n in (1, 48)}
    assert len(made[48]) == len(wanted) * 256 and made[48].dtype == np.float32
    errors = {n: stft_error_db(sound, chord) for n, sound in made.items()}
    assert errors[48] < 0.5 * errors[1]
    assert (griffin_lim(wanted, np.random.default_rng(0)) == made[48]).all()
    assert (griffin_lim(wanted, np.random.default_rng(1)) != made[48]).any()


def test_silence_stays_silent_and_nan_is_refused():
    assert not griffin_lim(np.zeros((20, 513), np.float32), np.random.default_rng(0)).any()
    with pytest.raises(KlangbildError, match="not finite"):
        griffin_lim(np.full((20, 513), np.nan, np.float32), np.random.default_rng(0))


def test_interpolation_reads_the_bands_back():
    flat = interpolation() @ np.full(80, -3.0)
    np.testing.assert_allclose(flat, -3.0, atol=1e-5)
    assert np.allclose(mel_bank() @ np.exp(flat), np.exp(-3.0), rtol=1e-5)


@pytest.mark.parametrize(("kind", "most"), [("float32", 1e-4), ("float16", 0.01), ("int8", 0.1)])
def test_the_graph_says_what_the_network_says(tmp_path, chord, kind, most):
    net = MagnitudeNet(MagnitudeSizes(width=24, blocks=2), generator=torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        net.leave.weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))
    graph = build_graph(net)
    path = tmp_path / "net.onnx"
    path.write_bytes((graph if kind == "float32" else stored(graph, kind)).SerializeToString())
    mel = log_mel(magnitudes(chord))
    with torch.no_grad():
        theirs = np.exp(net(torch.from_numpy(mel)[None])[0].numpy())
    ours = MagnitudeModel(path).magnitudes(mel)
    loud = theirs > 1e-4
    assert np.abs(np.log(ours[loud] / theirs[loud])).mean() < most
    with pytest.raises(NotAvailableError):
        MagnitudeModel(tmp_path / "no.onnx")


def test_the_error_is_in_decibels(chord):
    assert stft_error_db(chord, chord) == 0
    noise = np.random.default_rng(0).standard_normal(len(chord)).astype(np.float32) * 0.1
    assert stft_error_db(noise, chord) > 10
    assert pseudo_inverse(log_mel(magnitudes(chord))).shape == magnitudes(chord).shape
