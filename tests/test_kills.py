"""A few kills at random moments, of what `benchmarks/kills.py` does by the hundred: nothing half, nothing in the way."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def kills():
    spec = importlib.util.spec_from_file_location("kills", ROOT / "benchmarks" / "kills.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["kills"] = module  # its dataclasses look for their module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX has them")
def test_what_a_killed_process_leaves_is_whole_and_in_nobodys_way(kills):
    tallies = kills.try_all(5, seed=3, only=("batch", "data prepare"))
    assert [tally.kills for tally in tallies.values()] == [3, 2]
    assert not [fault for tally in tallies.values() for fault in tally.faults]


def test_the_check_complains(kills, tmp_path):
    case = kills.Case("compose", lambda folder: [], lambda folder: None, whole={"a.mid": b"whole", "a.json": b"{}"})
    (tmp_path / "a.mid").write_bytes(b"who")
    (tmp_path / "a.json").write_bytes(b"{")
    (tmp_path / ".klangbild-0-1-2.part").write_bytes(b"hidden")
    assert kills.faults_in(case, tmp_path) == ["a.json", "a.mid"]
