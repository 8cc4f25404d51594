"""One bad MIDI file never ends what is done with a folder: it is told and passed over."""

import numpy as np
import pytest

from klangbild.metrics import wishes
from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes

BAD = {
    "division.mid": b"MThd\0\0\0\6\0\0\0\1\0\0MTrk\0\0\0\4\0\xff\x2f\0",
    "empty.mid": b"",
    "far.mid": bytes.fromhex("4d546864000000060000000101e04d54726b00000017" "00ff510307a120ffffff7f903c408360803c4000ff2f00"),
    "text.mid": b"no music at all",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(2)
    for number in range(4):
        at = np.arange(0, 64, 0.5)
        notes = make_notes(at, np.full(len(at), 0.5), rng.integers(50, 80, len(at)), rng.integers(40, 100, len(at)))
        piece = Piece((Track("piano", 0, notes), Track("bass", 33, notes[::4])))
        (tmp_path / f"good{number}.mid").write_bytes(to_midi_bytes(piece))
    for name, data in BAD.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "gone.mid").symlink_to(tmp_path / "nowhere.mid")
    (tmp_path / "worse.mid").write_bytes(to_midi_bytes(piece, record='{"settings": {"key": 5, "tempo": "x"}}'))
    return tmp_path


def test_a_folder_with_bad_files_is_measured(klangbild, folder):
    code, out, err = klangbild("measure", "notes", folder)
    assert code == 0 and "valid" in out and "Traceback" not in err
    for name in (*BAD, "gone.mid"):
        assert sum(name in line and line.startswith("passed over: ") for line in err.splitlines()) == 1, name


def test_a_folder_with_bad_files_is_prepared(klangbild, folder, tmp_path):
    code, _, err = klangbild("data", "prepare", "notes", folder, "-o", tmp_path / "out" / "notes.npz")
    assert code == 0 and "5 of 10 files" in err
    rows = (tmp_path / "out" / "notes-manifest.csv").read_text()
    assert all(any(name in row and "dropped" in row for row in rows.splitlines()) for name in BAD)


def test_a_damaged_record_is_one_line():
    from klangbild.errors import InputError

    for record in ('{"settings": {"key": 5}}', '{"settings": [1]}', "[]", "{", '{"settings": {"tempo": "x"}}'):
        with pytest.raises(InputError):
            wishes.evaluate(Piece((), record=record))
