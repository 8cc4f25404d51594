"""A seeded slice of `benchmarks/fuzz.py`: about a minute of damaged inputs through every door."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[1] / "benchmarks" / "fuzz.py"
SLICE = {"pictures": 240, "midi": 60, "soundfonts": 60, "records": 40, "checkpoints": 20, "rest": 60}
NEEDS = {"checkpoints": "torch", "rest": "fastapi"}


@pytest.mark.parametrize("kind", SLICE)
def test_nothing_that_is_damaged_hurts(kind):
    if kind in NEEDS and importlib.util.find_spec(NEEDS[kind]) is None:
        pytest.skip(f"needs {NEEDS[kind]}, which is not here")
    command = [sys.executable, str(FUZZ), "--kinds", kind, "--cases", str(SLICE[kind]), "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
