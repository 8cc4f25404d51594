"""The benchmark of wishes finds what is broken: a check that never complains proves nothing."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Key, Piece, Track, make_notes

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wishes_benchmark():
    pytest.importorskip("mido")
    spec = importlib.util.spec_from_file_location("wishes_benchmark", ROOT / "benchmarks" / "wishes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def piece(*, bars: int = 4) -> Piece:
    """Piano and bass, D major, 90 bpm, 3/4."""
    onsets = np.arange(3.0 * bars)
    tracks = tuple(
        Track(
            family, program, make_notes(onsets, np.ones(len(onsets)), np.full(len(onsets), pitch), [80] * len(onsets))
        )
        for family, program, pitch in (("piano", 0, 62), ("bass", 32, 38))
    )
    return Piece(tracks, tempos=((0.0, 90.0),), meters=((0.0, 3, 4),), key=Key.parse("D"), length_beats=3.0 * bars)


GRANTED = {
    "instruments": ("piano", "bass"), "min_instruments": 2, "key": "D", "tempo": 90.0, "meter": "3/4", "bars": 4
}  # fmt: skip


def test_a_piece_as_wished_is_not_complained_about(wishes_benchmark, tmp_path):
    (tmp_path / "a.mid").write_bytes(to_midi_bytes(piece()))
    assert wishes_benchmark.complaints_about_notes(tmp_path / "a.mid", piece(), GRANTED) == []


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"instruments": ("piano",)}, "instruments"),
        ({"without": ("bass",)}, "excluded"),
        ({"min_instruments": 3}, "at least 3"),
        ({"key": "Dm"}, "key"),
        ({"tempo": 91.0}, "tempo"),
        ({"meter": "6/8"}, "meter"),
        ({"bars": 5}, "4 bars for 5"),
        ({"seconds": 12.0, "bars": 4}, "8.0 s for 12.0"),
    ],
)
def test_each_broken_wish_is_found(wishes_benchmark, tmp_path, wish, words):
    (tmp_path / "a.mid").write_bytes(to_midi_bytes(piece()))
    found = wishes_benchmark.complaints_about_notes(tmp_path / "a.mid", piece(), GRANTED | wish)
    assert len(found) == 1 and words in found[0]


def test_lost_notes_are_found(wishes_benchmark, tmp_path):
    short = replace(piece(), tracks=piece().tracks[:1])
    (tmp_path / "a.mid").write_bytes(to_midi_bytes(short))
    found = wishes_benchmark.complaints_about_notes(tmp_path / "a.mid", piece(), {})
    assert found == ["12 notes read, 24 written"]
