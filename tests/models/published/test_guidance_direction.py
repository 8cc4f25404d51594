"""Guidance goes from what is not wanted towards what is: exact after one step, where the latents are linear in the prediction."""

from __future__ import annotations

import numpy as np
import pytest

from klangbild.models.published.art2mus.pipeline import Art2MusPipeline
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline


def check(free: np.ndarray, wanted: np.ndarray, guided: np.ndarray, guidance: float) -> None:
    assert np.abs(wanted - free).max() > 1e-3  # the words are heard at all
    expected = free + guidance * (wanted - free)
    np.testing.assert_allclose(guided, expected, atol=2e-3 * np.abs(wanted - free).max() * guidance + 1e-5)


@pytest.mark.parametrize("guidance", [1.5, 3.0, 6.0])
def test_melfusion_is_guided_from_the_negative_words_to_the_words(melfusion_folders, latents_of, guidance):
    pipeline = MelfusionPipeline.from_pretrained(
        melfusion_folders[0], image=melfusion_folders[1], device="cpu", announce=lambda line: None
    )
    wanted = latents_of(pipeline, words="slow piano", guidance=1)
    free = latents_of(pipeline, words="loud drums", guidance=1)
    check(free, wanted, latents_of(pipeline, words="slow piano", negative="loud drums", guidance=guidance), guidance)


@pytest.mark.parametrize("form", ["paper", "gated"])
def test_melfusions_picture_stands_on_the_wanted_side_only(melfusion_folders, picture, latents_of, form):
    pipeline = MelfusionPipeline.from_pretrained(
        melfusion_folders[0], image=melfusion_folders[1], device="cpu", announce=lambda line: None, form=form
    )
    pipeline.set_gates(0.15)
    wanted = latents_of(pipeline, picture, words="slow piano", guidance=1)
    free = latents_of(pipeline, words="loud drums", guidance=1)
    guided = latents_of(pipeline, picture, words="slow piano", negative="loud drums", guidance=3)
    check(free, wanted, guided, 3.0)


@pytest.mark.parametrize("guidance", [1.5, 3.5])
def test_art2mus_is_guided_from_the_negative_words_to_the_words(audioldm2_folder, latents_of, guidance):
    # sentences of one length: the released code cuts the negative one to the other's tokens
    pipeline = Art2MusPipeline.from_pretrained(audioldm2_folder, device="cpu", announce=lambda line: None)
    wanted = latents_of(pipeline, words="calm piano", guidance=1)
    free = latents_of(pipeline, words="loud drums", guidance=1)
    guided = latents_of(pipeline, words="calm piano", negative="loud drums", guidance=guidance)
    check(free, wanted, guided, guidance)
