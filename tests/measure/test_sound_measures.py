"""Levels and the embedding of sound against closed forms, and what they do with silence, noise and broken numbers."""

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.measure.control_music import SOUND_CONTROLS
from klangbild.measure.judges.sound_judge import load_sound_judge
from klangbild.measure.sound import distances, evaluate, sound_set
from klangbild.measure.vectors import evaluate as evaluate_vectors
from klangbild.measure.vectors import imsm_of, load_vectors
from klangbild.metrics import levels
from klangbild.metrics.sound_embedding import N_RAW, embed, raw_features
from klangbild.sound.audio import Audio

RATE = 16000


def tone(hz=440.0, seconds=9.0, level=0.5, rate=RATE):
    t = np.arange(int(seconds * rate)) / rate
    return Audio((level * np.sin(2 * np.pi * hz * t))[None].astype(np.float32), rate)


def tune(root, seconds=17.0):
    """Half-second tones of a scale: something with pitch, pulse and change."""
    steps = np.array([0, 4, 7, 12, 7, 4, 2, 5])
    t = np.arange(int(0.5 * RATE)) / RATE
    parts = [np.sin(2 * np.pi * root * 2 ** (steps[i % 8] / 12) * t) * np.exp(-4 * t) for i in range(int(seconds * 2))]
    return Audio(np.concatenate(parts)[None].astype(np.float32) * 0.5, RATE)


def test_levels_by_hand():
    # 0.5 s of sound, 0.2 s of nothing, 0.3 s of sound
    samples = np.concatenate([tone(seconds=0.5).samples, np.zeros((1, 3200)), tone(seconds=0.3).samples], axis=1)
    found = levels.evaluate(Audio(samples.astype(np.float32), RATE))
    assert found["silent_share"] == pytest.approx(0.2, abs=1e-9) and found["longest_gap_s"] == pytest.approx(
        0.2, abs=1e-9
    )
    assert found["clipped_share"] == 0.0 and found["is_silent"] == 0.0
    # a sine of 997 Hz at 0.5 (-6.02 dBFS) in one channel reads -9.03 LUFS (BS.1770: 0 dBFS sine = -3.01)
    loud = levels.evaluate(tone(997.0, level=0.5, rate=48000))
    assert loud["loudness_lufs"] == pytest.approx(-9.03, abs=0.03) and loud["true_peak_dbtp"] == pytest.approx(
        -6.02, abs=0.05
    )


def test_clipping_counts_runs_of_three():
    samples = np.zeros((1, 100), np.float32)
    samples[0, 10:12] = 1.0  # two: a peak, not clipping
    samples[0, 20:25] = -1.0
    assert levels.clipped_share(Audio(samples, RATE)) == pytest.approx(0.05, abs=1e-9)


def test_silence_and_broken_numbers_are_told():
    silent = Audio(np.zeros((2, RATE), np.float32), RATE)
    found = levels.evaluate(silent)
    assert np.isnan(found["longest_gap_s"])
    assert found["is_silent"] == 1.0 and found["silent_share"] == 1.0 and np.isnan(found["loudness_lufs"])
    with pytest.raises(InputError, match="silent"):
        raw_features(silent)
    for bad in (np.full((1, RATE), np.nan, np.float32), np.zeros((1, 0), np.float32)):
        with pytest.raises(InputError):
            levels.evaluate(Audio(bad, RATE))
        with pytest.raises(InputError):
            raw_features(Audio(bad, RATE))
    mixed = sound_set([("a", silent), ("b", Audio(np.full((1, 9), np.nan, np.float32), RATE)), ("c", tune(220))])
    assert (mixed.silent, mixed.damaged, len(mixed.raw)) == (1, 1, 1)
    scores = evaluate(mixed, None)
    assert scores["silent"].value == pytest.approx(1 / 3) and scores["damaged"].value == pytest.approx(1 / 3)
    nothing = sound_set([("a", silent)])
    assert np.isnan(distances(nothing, mixed)["fad_own"].value)
    with pytest.raises(InputError, match="no sound"):
        evaluate(sound_set([]), None)


def test_embedding():
    sound = tune(220.0)
    vectors = embed(sound)
    assert vectors.shape == (3, 48) and np.isfinite(vectors).all()  # clips at 0, 4 and 8 of 17 s
    assert raw_features(tone(seconds=0.1)).shape == (1, N_RAW)
    # loudness and rate are no part of it
    louder = embed(Audio(sound.samples * 0.1, RATE))
    np.testing.assert_allclose(louder, vectors, atol=1e-5)
    twice = embed(Audio(np.repeat(sound.samples, 2, axis=0), RATE))
    np.testing.assert_allclose(twice, vectors, atol=1e-9)


def test_frechet_distance_tells_noise_from_music():
    rng = np.random.default_rng(0)
    roots = rng.uniform(150, 400, 16)
    music = [(str(i), tune(r)) for i, r in enumerate(roots[:8])]
    other = sound_set([(str(i), tune(r)) for i, r in enumerate(roots[8:])])
    real = distances(sound_set(music), other)["fad_own"].value
    for name, broken in SOUND_CONTROLS.items():
        worse = distances(sound_set([(n, broken(a, rng)) for n, a in music]), other)["fad_own"].value
        assert worse > 1.5 * real, name
    assert distances(sound_set(music), sound_set(music))["fad_own"].value == pytest.approx(0, abs=1e-6)


def test_the_sound_judge_says_how_good_it_is():
    judge = load_sound_judge()
    assert "auc" in judge.accuracy
    valence, arousal = judge.read(raw_features(tune(220.0)))
    assert -1 <= valence <= 1 and -1 <= arousal <= 1


def test_stored_vectors(tmp_path):
    rng = np.random.default_rng(0)
    logits, names = rng.normal(size=(12, 5)), np.array([f"f{i}" for i in range(12)])
    np.savez(tmp_path / "a.npz", vectors=rng.normal(size=(12, 4)), logits=logits, names=names)
    a = load_vectors(tmp_path / "a.npz")
    scores = evaluate_vectors(a, a)
    assert scores["frechet_distance"].value == pytest.approx(0, abs=1e-9)
    assert scores["kl_softmax"].value == pytest.approx(0, abs=1e-4)
    with pytest.raises(InputError, match="names"):
        evaluate_vectors({"logits": logits}, {"logits": logits})
    other = {"logits": logits, "names": np.array([f"g{i}" for i in range(12)])}
    unmatched = evaluate_vectors(other, a)["kl_softmax"]  # no file has a partner
    assert str(unmatched) == "not defined" and unmatched.as_dict()["value"] is None
    paired = {"vectors": np.array([[1.0, 0.0], [0.0, 2.0]]), "names": np.array(["x", "y"])}
    turned = {"vectors": np.array([[0.0, 1.0], [1.0, 1.0]]), "names": np.array(["y", "x"])}
    # x: (1, 0) and (1, 1): 1 / sqrt 2; y: (0, 2) and (0, 1): 1
    assert evaluate_vectors(paired, turned)["cosine"].value == pytest.approx((1 + np.sqrt(0.5)) / 2)
    # two pictures that each choose their own text for certain, and sounds that do too: M is the unit matrix
    sure = {"logits": np.eye(2) * 50, "names": np.array(["x", "y"])}
    assert imsm_of(sure, sure)["imsm_before_softmax"].value == pytest.approx(1.0)
    assert imsm_of(sure, sure)["imsm"].value == pytest.approx(np.e / (np.e + 1))
    with pytest.raises(InputError, match="share a name"):
        imsm_of(sure, {**sure, "names": np.array(["u", "v"])})
    np.savez(tmp_path / "b.npz", x=np.zeros(3))
    (tmp_path / "c.npz").write_bytes(b"no")
    for name in ("b.npz", "c.npz", "none.npz"):
        with pytest.raises(InputError):
            load_vectors(tmp_path / name)


def test_clap_from_a_folder(tmp_path):
    """The loader on a real CLAP at tiny size: one vector a file, equal for equal sound, and a clear answer without one."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    from klangbild.errors import NotAvailableError
    from klangbild.measure.sound import clap_vectors
    from klangbild.sound.files import write_audio

    torch.manual_seed(0)
    model = transformers.ClapModel(
        transformers.ClapConfig(
            text_config={"hidden_size": 12, "intermediate_size": 24, "num_attention_heads": 2, "num_hidden_layers": 1,
                         "vocab_size": 50, "max_position_embeddings": 40, "projection_dim": 16},
            audio_config={"spec_size": 128, "num_mel_bins": 64, "window_size": 4, "patch_size": 4, "patch_stride": [4, 4],
                          "hidden_size": 32, "patch_embeds_hidden_size": 16, "depths": [1, 1],
                          "num_attention_heads": [2, 2], "num_hidden_layers": 2, "projection_dim": 16},
            projection_dim=16,
        )
    )  # fmt: skip
    model.save_pretrained(tmp_path / "clap")
    transformers.ClapFeatureExtractor(feature_size=64, max_length_s=1, truncation="rand_trunc").save_pretrained(
        tmp_path / "clap"
    )
    for name, hz in (("a", 220.0), ("b", 220.0), ("c", 1500.0)):
        write_audio(tmp_path / f"{name}.wav", tone(hz, seconds=1.5))
    vectors = clap_vectors([tmp_path / f"{n}.wav" for n in "abc"], tmp_path / "clap")
    assert vectors.shape == (3, 16) and np.isfinite(vectors).all()
    with pytest.raises(NotAvailableError, match="no CLAP"):
        clap_vectors([tmp_path / "a.wav"], tmp_path)
