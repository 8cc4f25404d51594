from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from klangbild.measure.parity import run_parity

GOLDEN = Path(__file__).parents[2].parent / "shared" / "golden" / "midi-emotion"


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recorded data is not on this machine")
def test_everything_recorded_is_within_tolerance():
    lines: list[str] = []
    assert run_parity(GOLDEN, write=lines.append) == 0, [line for line in lines if line.startswith("FAIL")]
    assert len(lines) > 200
