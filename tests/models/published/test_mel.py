"""The mel scale and the log-mel that the published systems see: worked numbers of Slaney's scale, and which way is up."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from klangbild.models.published.log_mel import FLOOR, HOP, N_BANDS, RATE, WINDOW, log_mel
from klangbild.sound.mel_bank import slaney_mel_bank


def centres_of(n_bands: int) -> np.ndarray:
    """Centres of bands from 0 to 8 kHz, Hz, from the scale's definition: 200/3 Hz a mel up to 1 kHz (mel 15), from there 27 mels
    for a factor of 6.4; 8 kHz is mel 45.245."""
    mels = np.linspace(0, 45.2453, n_bands + 2)[1:-1]
    return np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))


@pytest.mark.parametrize("n_bands", [64, 80])
def test_bands_lie_where_slaneys_scale_says(n_bands):
    bank = slaney_mel_bank(RATE, 65_536, n_bands, low_hz=0.0, high_hz=RATE / 2)  # bins of a quarter of a hertz
    bins = np.linspace(0, RATE / 2, bank.shape[1])
    np.testing.assert_allclose(bins[bank.argmax(axis=1)], centres_of(n_bands), atol=0.3)
    area = bank.sum(axis=1) * (bins[1] - bins[0])
    np.testing.assert_allclose(area, 1, rtol=1e-3)
    assert bank.dtype == np.float32 and (bank >= 0).all()


@pytest.mark.parametrize("hz", [200.0, 1000.0, 3000.0])
def test_a_sine_is_loudest_in_the_band_that_it_lies_in(hz):
    time = torch.arange(RATE) / RATE
    mel = log_mel(torch.sin(2 * np.pi * hz * time)[None] * 0.5)
    assert mel.shape == (1, RATE // HOP + 1, N_BANDS)
    band = int(mel[0, 10:-10].mean(dim=0).argmax())
    centres = centres_of(N_BANDS)
    assert abs(band - int(np.abs(centres - hz).argmin())) <= 1


def test_level_is_the_natural_logarithm_of_a_magnitude_and_has_a_floor():
    time = torch.arange(RATE) / RATE
    tone = torch.sin(2 * np.pi * 1000 * time)[None]
    loud, soft = (log_mel(tone * level)[0, 50].max() for level in (0.5, 0.05))
    assert float(loud - soft) == pytest.approx(np.log(10), abs=1e-3)
    assert torch.allclose(log_mel(torch.zeros(1, WINDOW * 2)), torch.tensor(np.log(FLOOR)).float())
