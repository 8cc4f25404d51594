"""The recorded data of ImageBind, Art2Mus and MeLFusion through our code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("diffusers", reason="needs the extra 'diffusion'")

from klangbild.errors import EXIT_FAILED, EXIT_OK
from klangbild.measure.parity import run_parity

GOLDEN = Path(__file__).parents[4] / "shared" / "golden"


@pytest.mark.parametrize("kind", ["imagebind", "art2mus", "melfusion"])
def test_recorded_data(kind, one_thread):
    folder = GOLDEN / kind
    if not folder.is_dir():
        pytest.skip(f"the recorded data of {kind} is not beside the repository")
    lines: list[str] = []
    code = run_parity(folder, write=lines.append)
    assert code == EXIT_OK, [line for line in lines if not line.startswith("ok")]
    assert len(lines) > 40


def test_a_changed_number_is_found(tmp_path, one_thread):
    """The comparison can fail: one weight of the recorded towers is moved."""
    if not (GOLDEN / "imagebind").is_dir():
        pytest.skip("the recorded data of imagebind is not beside the repository")
    import torch

    folder = tmp_path / "imagebind"
    shutil.copytree(GOLDEN / "imagebind", folder)
    folder.chmod(0o755)
    path = folder / "state_dict.pt"
    state = torch.load(path, weights_only=True)
    key = next(key for key in state if key.endswith("audio.blocks.0.attn.bias_k"))
    state[key] = state[key] + 0.1
    path.chmod(0o644)
    torch.save(state, path)
    lines: list[str] = []
    assert run_parity(folder, write=lines.append) == EXIT_FAILED
    failed = [line for line in lines if line.startswith("FAIL")]
    assert failed and all("audio" in line for line in failed)
    assert json.loads((folder / "parity.json").read_text())["kind"] == "imagebind"


@pytest.mark.parametrize("guidance", [1.0, 2.25, 7.5])
def test_the_guidance_of_a_recording_is_read_off_its_first_step(guidance):
    import numpy as np
    import torch
    from diffusers import DDIMScheduler

    from klangbild.models.published.art2mus.parity_parts import recorded_guidance

    config = {"clip_sample": False, "set_alpha_to_one": False, "beta_schedule": "scaled_linear", "steps_offset": 1}
    dice = torch.Generator().manual_seed(5)
    latents, without, alone = (torch.randn(3, 2, 4, 5, generator=dice) for _ in range(3))
    solver = DDIMScheduler(**config)
    solver.set_timesteps(4)
    after = solver.step(without + guidance * (alone - without), solver.timesteps[0], latents, return_dict=False)[0]
    recorded = {
        "n9_b3__step0_unet_in": torch.cat([latents, latents]).numpy(),
        "n9_b3__step0_unet_out": torch.cat([without, alone]).numpy(),
        "n9_b3__step0_latents": after.numpy(),
        "n9_b3__timesteps": np.array(solver.timesteps),
    }
    assert recorded_guidance(recorded, config) == guidance


@pytest.fixture
def one_thread():
    import torch

    torch.set_num_threads(1)
