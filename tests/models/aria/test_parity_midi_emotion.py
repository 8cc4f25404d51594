from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from recorded_midi_emotion import record  # noqa: E402

from klangbild.errors import InputError  # noqa: E402
from klangbild.measure.parity import run_parity  # noqa: E402
from klangbild.models.aria.parity import _n_exchanged, _n_not_best  # noqa: E402

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden" / "midi-emotion"


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recorded data is not on this machine")
def test_everything_recorded_is_within_tolerance():
    lines: list[str] = []
    assert run_parity(GOLDEN, write=lines.append) == 0, [line for line in lines if line.startswith("FAIL")]
    assert len(lines) > 200


SIZES = [
    {"n_layer": 1, "n_head": 1, "d_model": 10, "d_inner": 9, "d_condition": 3, "batch": 1},
    {"n_layer": 3, "n_head": 4, "d_model": 20, "d_inner": 33, "batch": 3},
]


@pytest.mark.parametrize("conditioning", ["continuous_concat", "continuous_token", "discrete_token", "none"])
@pytest.mark.parametrize("sizes", SIZES)
def test_other_sizes_and_seeds_by_a_second_implementation(tmp_path, conditioning, sizes):
    record(tmp_path, conditioning=conditioning, seed=11, **sizes)
    lines: list[str] = []
    assert run_parity(tmp_path, write=lines.append) == 0, [line for line in lines if line.startswith("FAIL")]
    parts = ["logits through the cache", "hidden/layer0", "gradient norms", "onnxruntime", "window slides"]
    parts += ["chosen ids"] if conditioning != "discrete_token" else []
    assert all(any(part in line for line in lines) for part in parts)
    assert ("in the file" in "".join(lines)) == (sizes["batch"] > 1)


def test_a_changed_weight_is_found(tmp_path):
    record(tmp_path, conditioning="continuous_token", seed=4, **SIZES[1])
    path = tmp_path / "model" / "model.pt"
    state = torch.load(path, weights_only=True)
    state["enc_layers.2.rga.E"][-2] += 1.0  # the row of distance 1
    torch.save(state, path)
    lines: list[str] = []
    assert run_parity(tmp_path, write=lines.append) == 1
    failed = "".join(line for line in lines if line.startswith("FAIL"))
    assert "/logits" in failed and "hidden/layer2" in failed and "hidden/layer1" not in failed


def test_a_damaged_recording_is_one_line(tmp_path):
    record(tmp_path, conditioning="none", seed=4, trace=False, **SIZES[0])
    whole = (tmp_path / "model" / "io.npz").read_bytes()
    (tmp_path / "model" / "io.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="record the folder again"):
        run_parity(tmp_path, write=lambda _line: None)
    (tmp_path / "model" / "io.npz").write_bytes(whole)
    (tmp_path / "model" / "greedy.json").write_text("[1]")
    with pytest.raises(InputError, match="record the folder again"):
        run_parity(tmp_path, write=lambda _line: None)


def test_ids_of_equal_logits_are_no_difference():
    logits = np.array([[1.0, 1.00001, 0.5]])
    assert _n_not_best(logits, np.array([0]), 1e-4) == 0 and _n_not_best(logits, np.array([2]), 1e-4) == 1
    assert _n_not_best(logits, np.array([0, 0]), 1e-4) == np.inf
    assert _n_exchanged(logits, np.array([1]), np.array([0]), 1e-4) == 0
    assert _n_exchanged(logits, np.array([1]), np.array([2]), 1e-4) == 1
