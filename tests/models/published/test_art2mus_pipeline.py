"""Art2Mus as a person uses it, with the published classes at tiny size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from klangbild.errors import NotAvailableError, Stopped, UsageError
from klangbild.models.published.art2mus.pipeline import Art2MusPipeline


@pytest.fixture(scope="module")
def load():
    def load(folder, **options):
        options = {"device": "cpu", "announce": lambda line: None} | options
        return Art2MusPipeline.from_pretrained(folder, **options)

    return load


@pytest.fixture(scope="module")
def pipeline(load, audioldm2_folder):
    return load(audioldm2_folder)


def samples(candidates):
    return [candidate.audio.samples for candidate in candidates]


def test_picture_words_and_both_are_heard(pipeline, picture, other_picture):
    options = {"seconds": 1.0, "steps": 3, "seed": 5}
    wishes = {
        "picture": pipeline(picture, **options),
        "other picture": pipeline(other_picture, **options),
        "words": pipeline(words="a calm piano", **options),
        "both": pipeline(picture, words="a calm piano", **options),
        "negative": pipeline(picture, negative="loud drums", **options),
    }
    made = {name: samples(result)[0] for name, result in wishes.items()}
    for sound in made.values():
        assert sound.shape == (1, 16000) and sound.dtype == np.float32
        assert np.isfinite(sound).all() and np.abs(sound).max() > 0
        assert abs(sound[0, -1]) < 1e-6  # the end is faded
    names = list(made)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            assert not np.array_equal(made[one], made[other]), (one, other)


def test_same_seed_same_samples_and_candidates_do_not_disturb_each_other(pipeline, picture):
    options = {"seconds": 0.5, "steps": 2}
    first = samples(pipeline(picture, seed=1, **options))[0]
    again = samples(pipeline(picture, seed=1, **options))[0]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, samples(pipeline(picture, seed=2, **options))[0])
    several = pipeline(picture, seed=1, candidates=3, **options)
    by_index = {candidate.index: candidate.audio.samples for candidate in several}
    np.testing.assert_allclose(by_index[0], first, atol=1e-5)


def test_candidates_come_best_first(pipeline, picture):
    by_picture = pipeline(picture, seconds=0.5, steps=2, candidates=3)
    scores = [candidate.score for candidate in by_picture]
    assert scores == sorted(scores, reverse=True) and all(-1 <= score <= 1 for score in scores)
    by_words = pipeline(words="calm", seconds=0.5, steps=2, candidates=2)
    assert all(candidate.score is not None for candidate in by_words)
    assert pipeline(picture, seconds=0.5, steps=2)[0].score is None


def test_four_tokens(load, audioldm2_folder, picture):
    four = load(audioldm2_folder, image_tokens=4)
    assert four.parts.encoder.projection.n_tokens == 4
    assert four(picture, seconds=0.5, steps=2)[0].audio.seconds == 0.5


def test_longer_than_the_window(pipeline, picture):
    # 32 latent frames of 2 x 10 ms are 0.64 s
    audio = pipeline(picture, seconds=2.0, steps=2)[0].audio
    assert audio.samples.shape == (1, 32000) and np.abs(audio.samples[0, -16000:-3200]).max() > 0


@pytest.mark.parametrize("solver", ["ddim", "dpm++"])
@pytest.mark.parametrize("guidance", [1.0, 3.5])
def test_solvers_and_guidance(pipeline, picture, solver, guidance):
    assert pipeline(picture, seconds=0.3, steps=4, solver=solver, guidance=guidance)[0].audio.seconds == 0.3


def test_half_precision_and_saving_memory_compute_nearly_the_same(load, audioldm2_folder, pipeline, picture):
    options = {"seconds": 0.5, "steps": 2, "seed": 3}
    reference = samples(pipeline(picture, **options))[0]
    half = samples(load(audioldm2_folder, precision="bfloat16")(picture, **options))[0]
    sliced = samples(load(audioldm2_folder, slicing=True, offload=True)(picture, **options))[0]
    np.testing.assert_allclose(sliced, reference, atol=1e-4)
    assert np.corrcoef(half[0], reference[0])[0, 1] > 0.9
    with pytest.raises(UsageError, match="float16"):
        load(audioldm2_folder, precision="float16")


def test_progress_and_stop(pipeline, picture):
    seen = []
    pipeline(picture, seconds=0.3, steps=3, on_progress=lambda done, n: seen.append((done, n)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(Stopped, match="step 1"):
        pipeline(picture, seconds=0.3, steps=3, on_progress=lambda done, n: False)


def test_a_kept_vector_is_as_good_as_the_picture(pipeline, picture):
    vector = pipeline.embed(picture)
    assert vector.norm().item() == pytest.approx(1, abs=1e-5)
    by_vector = samples(pipeline(image_vector=vector, seconds=0.3, steps=2))[0]
    assert np.array_equal(by_vector, samples(pipeline(picture, seconds=0.3, steps=2))[0])


def test_wishes_that_cannot_be_granted(load, audioldm2_folder, pipeline, picture, tmp_path):
    for options, message in (
        ({}, "nothing to compose"),
        ({"words": "a", "guidance": 0.5}, "guidance"),
        ({"words": "a", "steps": 5000}, "steps"),
        ({"words": "a", "seconds": 0}, "seconds"),
        ({"words": "a", "candidates": 0}, "candidates"),
        ({"words": "a", "solver": "euler"}, "solver"),
    ):
        with pytest.raises(UsageError, match=message):
            pipeline(**({"steps": 2, "seconds": 0.3} | options))
    with pytest.raises(NotAvailableError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(NotAvailableError, match="no such weight file"):
        load(audioldm2_folder, projection=tmp_path / "nothing.pt")
    with pytest.raises(NotAvailableError, match="fetch the whole model"):
        load(tmp_path)


def test_licences_are_shown_and_commercial_use_is_refused(load, audioldm2_folder):
    lines = []
    load(audioldm2_folder, announce=lines.append)
    assert len(lines) == 3 and any("imagebind_huge.pth: CC BY-NC-SA 4.0" in line for line in lines)
    with pytest.raises(UsageError, match="commercial use refused"):
        load(audioldm2_folder, commercial=True)
    with pytest.raises(UsageError, match="cvssp/audioldm2"):  # before anything is looked for
        load("cvssp/audioldm2", commercial=True)


def test_generators_are_not_global(pipeline, picture):
    torch.manual_seed(11)
    before = torch.get_rng_state()
    pipeline(picture, seconds=0.3, steps=2, seed=4)
    assert torch.equal(before, torch.get_rng_state())
