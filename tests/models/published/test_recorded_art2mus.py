"""Published Art2Mus against what `recorded_art2mus.py` makes of the same tiny networks, written down apart from our code."""

from __future__ import annotations

import pytest
import torch
from recorded_art2mus import GUIDANCE, N_STEPS, SHAPE, Recorder, record

from klangbild.errors import EXIT_FAILED, EXIT_OK
from klangbild.measure.parity import run_parity
from klangbild.models.published.art2mus.pipeline import Art2MusPipeline


def away(negative: torch.Tensor, positive: torch.Tensor, guidance: float) -> torch.Tensor:
    """Guidance with the wrong sign."""
    return negative - guidance * (positive - negative)


def compared(folder) -> tuple[int, list[str], list[str]]:
    """The exit code of `klangbild measure parity`, what was within tolerance and what was not, without the numbers."""
    lines: list[str] = []
    code = run_parity(folder, write=lines.append)
    names = {mark: [line[5:].split(":")[0] for line in lines if line.startswith(mark)] for mark in ("ok", "FAIL")}
    return code, names["ok"], names["FAIL"]


def test_every_recorded_array_is_ours(audioldm2_folder, tmp_path):
    code, within, failed = compared(record(audioldm2_folder, tmp_path))
    assert (code, failed) == (EXIT_OK, [])
    for case in ("n1_b2", "n4_b1"):
        for name in ("loa_uncond", "unet_text_stream", "final latents", "waveform", "train loss minsnr"):
            assert f"{case} {name}" in within
    assert {"n1__textonly loa", "n4__both loa", "projection tiny n4"} <= set(within)


def test_guidance_away_from_the_picture_is_found_in_latents_and_training(audioldm2_folder, tmp_path):
    folder = record(audioldm2_folder, tmp_path, guide=away)
    code, within, failed = compared(folder)
    assert code == EXIT_FAILED
    assert {"n1_b2 step 0 latents", "n1_b2 final latents", "n4_b1 final latents"} <= set(failed)
    assert {"n1_b2 train prediction", "n4_b1 train gradient minsnr projection2.weight"} <= set(failed)
    assert {"n1_b2 loa_cond", "n1_b2 step 0 unet"} <= set(within)  # what is heard is the same


@pytest.mark.parametrize("n_tokens", [1, 4])
def test_a_piece_is_denoised_as_recorded(audioldm2_folder, latents_of, n_tokens):
    """The pipeline that people use, which `parity.py` does not run: the same latents from the same noise and picture."""
    pipeline = Art2MusPipeline.from_pretrained(
        audioldm2_folder, image_tokens=n_tokens, device="cpu", announce=lambda line: None
    )
    recorder = Recorder(audioldm2_folder)
    width = recorder.projections[n_tokens]["projection1.weight"].shape[1]
    vector = torch.nn.functional.normalize(torch.randn(1, width, generator=torch.Generator().manual_seed(3)), dim=1)
    ours = latents_of(
        pipeline, image_vector=vector[0], guidance=GUIDANCE, steps=N_STEPS, seed=5, seconds=SHAPE[1] * 2 * 160 / 16000
    )
    noise = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        heard = recorder.of_picture(recorder.projections[n_tokens], vector)
        recorded = recorder.denoised(heard, noise)["final_latents"][0].double().numpy()
        flipped = Recorder(audioldm2_folder, guide=away).denoised(heard, noise)
    assert abs(ours - recorded).max() < 2e-4
    assert abs(ours - flipped["final_latents"][0].double().numpy()).max() > 1e-2
