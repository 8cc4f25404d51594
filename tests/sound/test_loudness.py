from __future__ import annotations

import warnings

import numpy as np
import pytest

from klangbild.sound.audio import Audio
from klangbild.sound.loudness import measure_loudness, normalize, true_peaks

RATE = 44100


def sine(hz: float, seconds: float, *, db: float, rate: int = 48000, phase: float = 0.0) -> Audio:
    time = np.arange(round(seconds * rate)) / rate
    wave = (10 ** (db / 20) * np.sin(2 * np.pi * hz * time + phase)).astype(np.float32)
    return Audio(np.stack([wave, wave]), rate)


def bursts(seconds: float, *, seed: int = 0, level: float = 0.1) -> Audio:
    """Noise with hard peaks, stereo: what a limiter has to hold."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, round(seconds * RATE))) * level
    for at in rng.integers(0, x.shape[1] - 400, int(4 * seconds)):
        x[:, at : at + 300] *= np.linspace(9, 1, 300)
    return Audio(x.astype(np.float32), RATE)


def test_the_standards_own_example():
    # EBU Tech 3341, case 1: a 1 kHz stereo sine at -23 dBFS reads -23 LUFS
    assert measure_loudness(sine(1000, 20, db=-23)).lufs == pytest.approx(-23.0, abs=0.1)
    # and 3341 case 3: quieter parts before and after are gated away
    quiet, loud = sine(1000, 10, db=-36), sine(1000, 60, db=-23)
    together = Audio(np.concatenate([quiet.samples, loud.samples, quiet.samples], axis=1), 48000)
    assert measure_loudness(together).lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_as_pyloudnorm_measures(rate):
    pyloudnorm = pytest.importorskip("pyloudnorm")
    rng = np.random.default_rng(5)
    x = np.cumsum(rng.standard_normal((2, 8 * rate)), axis=1)
    x = (x - x.mean(axis=1, keepdims=True)) * np.repeat(rng.uniform(0.001, 0.02, 80), rate // 10)
    x = np.diff(x, axis=1, prepend=0).astype(np.float32)
    theirs = pyloudnorm.Meter(rate).integrated_loudness(x.T.astype(float))
    # theirs scales the high-pass to unity at high frequencies (0.05 to 0.1 dB); the standard's own coefficients do not
    assert measure_loudness(Audio(x, rate)).lufs == pytest.approx(theirs, abs=0.12)


def test_true_peak_sees_between_the_samples():
    # a sine at a quarter of the rate, sampled 45 degrees off its peaks: samples reach 0.707, the wave 1
    for amplitude_db in (0.0, -6.0):
        audio = sine(12000, 1, db=amplitude_db, phase=np.pi / 4)
        inside = Audio(audio.samples * np.hanning(audio.samples.shape[1]).astype(np.float32), 48000)
        assert np.abs(inside.samples).max() < 0.72 * 10 ** (amplitude_db / 20)
        assert measure_loudness(inside).true_peak_dbtp == pytest.approx(amplitude_db, abs=0.1)


def test_true_peaks_are_never_under_a_finer_look():
    from scipy.signal import resample_poly

    audio = bursts(2.0)
    finer = np.abs(resample_poly(audio.samples.astype(float), 16, 1, axis=1)).max()
    assert true_peaks(audio.samples).max() >= finer * 10 ** (-0.15 / 20)


@pytest.mark.parametrize("target", [-23.0, -16.0, -14.0, -9.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_ceiling_holds_whatever_is_asked(target, seed):
    from scipy.signal import resample_poly

    audio, done = normalize(bursts(5.0, seed=seed), target_lufs=target)
    assert done.loudness.true_peak_dbtp <= -1.0
    assert 20 * np.log10(np.abs(resample_poly(audio.samples.astype(float), 16, 1, axis=1)).max()) <= -1.0 + 0.05
    quantised = np.rint(audio.samples.astype(float) * 8388607) / 8388607
    assert 20 * np.log10(true_peaks(quantised.astype(np.float32)).max()) <= -1.0
    assert done.limiter_reduction_db <= 12.5
    assert done.loudness.lufs <= target + 0.2
    if done.limiter_reduction_db == 0:
        assert done.loudness.lufs == pytest.approx(target, abs=0.01)


def test_the_limiter_is_gentle_and_linked():
    audio = bursts(4.0)
    out, done = normalize(audio, target_lufs=-14.0)
    assert done.curve is not None
    curve = done.curve.read(0, audio.frames)
    assert curve.max() <= 1.0
    # no sudden gain: less than 1.5 dB in a millisecond
    per_ms = np.abs(np.diff(20 * np.log10(curve[::44])))
    assert per_ms.max() < 3.0
    gain = 10 ** (done.gain_db / 20) * curve
    np.testing.assert_allclose(out.samples, audio.samples * gain.astype(np.float32), rtol=1e-5, atol=1e-7)


def test_silence_short_and_odd_sound():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent = Audio(np.zeros((2, RATE), np.float32), RATE)
        out, done = normalize(silent)
        assert not out.samples.any() and done.loudness.lufs is None
        assert normalize(Audio(np.zeros((2, 0), np.float32), RATE))[0].samples.shape == (2, 0)
        for n in (1, 17, 4410, 17_000, 17_640, 17_641):
            rng = np.random.default_rng(n)
            audio = Audio((rng.standard_normal((2, n)) * 0.2).astype(np.float32), RATE)
            out, done = normalize(audio)
            assert out.samples.shape == (2, n) and np.isfinite(out.samples).all()
            assert done.loudness.true_peak_dbtp is None or done.loudness.true_peak_dbtp <= -1.0
        faint = Audio(np.full((2, RATE), 1e-6, np.float32), RATE)
        assert np.isfinite(normalize(faint)[0].samples).all()


def test_mono_is_measured_too():
    mono = Audio(sine(1000, 3, db=-20).samples[:1], 48000)
    assert measure_loudness(mono).lufs == pytest.approx(-23.0, abs=0.1)
