"""MeLFusion as a person uses it, with the published classes at tiny size."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.models.published.melfusion.parts import save_synapses
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline
from klangbild.models.published.melfusion.synapse import FORMS

OPTIONS = {"seconds": 0.5, "steps": 3, "seed": 2}


def load(folders, **options):
    options = {"device": "cpu", "announce": lambda line: None} | options
    return MelfusionPipeline.from_pretrained(folders[0], image=folders[1], **options)


def made(pipeline, *args, **options):
    return pipeline(*args, **(OPTIONS | options))[0].audio.samples


@pytest.mark.parametrize("form", FORMS)
def test_the_picture_is_heard_as_far_as_the_gates_are_open(melfusion_folders, picture, other_picture, form):
    pipeline = load(melfusion_folders, form=form)
    words_only = made(pipeline, words="slow piano")
    assert words_only.shape == (1, 8000) and np.isfinite(words_only).all() and np.abs(words_only).max() > 0
    # closed gates: words only, bit for bit
    assert np.array_equal(made(pipeline, picture, words="slow piano"), words_only)
    with pytest.raises(UsageError, match="no trained synapses"):
        pipeline(picture, **OPTIONS)
    pipeline.set_gates(0.15)
    assert set(np.round(list(pipeline.gates().values()), 6)) == {0.15}
    open_gates = made(pipeline, picture, words="slow piano")
    assert not np.array_equal(open_gates, words_only)
    assert not np.array_equal(open_gates, made(pipeline, other_picture, words="slow piano"))
    assert np.array_equal(made(pipeline, picture, words="slow piano", synapse=0), words_only)
    half = made(pipeline, picture, words="slow piano", synapse=0.5)
    assert not np.array_equal(half, open_gates) and not np.array_equal(half, words_only)
    assert not np.array_equal(made(pipeline, picture), words_only)  # the picture alone


def test_one_gate_a_level_or_a_layer(melfusion_folders):
    assert list(load(melfusion_folders, form="paper").gates()) == ["up_blocks.1", "up_blocks.2"]
    assert len(load(melfusion_folders, form="released").gates()) == 4


def test_the_released_start_does_not_see_the_picture(melfusion_folders, picture, other_picture):
    pipeline = load(melfusion_folders, form="released")
    pipeline.set_gates(0.15)
    one, other = (made(pipeline, p, words="slow", image_start="noise") for p in (picture, other_picture))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, made(pipeline, words="slow"))


def test_candidates_solver_length_and_seed(melfusion_folders, picture):
    pipeline = load(melfusion_folders)
    pipeline.set_gates(0.5)
    several = pipeline(picture, words="slow", candidates=2, solver="dpm++", **(OPTIONS | {"seconds": 1.5}))
    assert [candidate.audio.seconds for candidate in several] == [1.5, 1.5]
    assert np.array_equal(made(pipeline, picture), made(pipeline, picture))
    assert not np.array_equal(made(pipeline, picture), made(pipeline, picture, seed=3))
    assert not np.array_equal(made(pipeline, picture, guidance=1), made(pipeline, picture))


def test_synapses_are_saved_and_found_again(melfusion_folders, picture, tmp_path):
    pipeline = load(melfusion_folders, form="gated")
    pipeline.set_gates(0.4)
    save_synapses(pipeline.parts.music, tmp_path / "synapses", with_unet=True)
    again = load(melfusion_folders, synapses=tmp_path / "synapses")
    assert again.parts.music.form == "gated"
    assert np.array_equal(made(again, picture, words="slow"), made(pipeline, picture, words="slow"))
    (tmp_path / "synapses" / "synapse.json").write_text(json.dumps({"form": "other"}))
    with pytest.raises(InputError, match="unknown synapse form"):
        load(melfusion_folders, synapses=tmp_path / "synapses")


def test_half_precision_offload_and_slicing(melfusion_folders, picture):
    reference = load(melfusion_folders, form="released")
    half = load(melfusion_folders, form="released", precision="bfloat16", offload=True, slicing=True)
    for pipeline in (reference, half):
        pipeline.set_gates(0.15)
    one, other = (made(pipeline, picture, words="slow") for pipeline in (reference, half))
    assert np.corrcoef(one[0], other[0])[0, 1] > 0.9


def test_wishes_that_cannot_be_granted(melfusion_folders, picture):
    words_only = MelfusionPipeline.from_pretrained(
        melfusion_folders[0], image=None, device="cpu", announce=lambda line: None
    )
    words_only.set_gates(0.2)
    with pytest.raises(NotAvailableError, match="no image model"):
        words_only(picture, **OPTIONS)
    with pytest.raises(UsageError, match="nothing to compose"):
        words_only(**OPTIONS)
    with pytest.raises(UsageError, match="synapse 2"):
        words_only(words="slow", synapse=2, **OPTIONS)
    with pytest.raises(UsageError, match="there is no gate"):
        words_only.set_gates({"up_blocks.9": 0.1})
    with pytest.raises(UsageError, match="commercial use refused"):
        load(melfusion_folders, commercial=True)


def test_generators_are_not_global(melfusion_folders, picture):
    pipeline = load(melfusion_folders)
    pipeline.set_gates(0.5)
    before = torch.get_rng_state()
    made(pipeline, picture)
    assert torch.equal(before, torch.get_rng_state())
