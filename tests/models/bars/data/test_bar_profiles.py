"""Where in the bar things happen, counted from files; and the reading of a pulse that the counts choose."""

import json

import numpy as np
import pytest
from band_pieces import tune

from klangbild.cli.main import main
from klangbild.models.bars.data import bar_profiles
from klangbild.models.bars.data.bar_profiles import CHANNELS, best_reading, note_channels
from klangbild.models.bars.data.count_positions import count_positions
from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes


def waltz(bars: int = 20) -> Piece:
    """Bass on one, chords on two and three."""
    bass = [(3.0 * bar, 1.0, 36, 90) for bar in range(bars)]
    chords = [(3.0 * bar + beat, 1.0, pitch, 70) for bar in range(bars) for beat in (1, 2) for pitch in (60, 64, 67)]
    tracks = [Track(f, p, make_notes(*zip(*n, strict=True))) for f, p, n in (("bass", 32, bass), ("piano", 0, chords))]
    return Piece(tuple(tracks), meters=((0.0, 3, 4),))


def test_each_channel_is_counted_where_it_plays():
    table = count_positions([tune(1), waltz()])
    assert table[4].shape == (5, 48) and table[3].shape == (5, 36)
    for rows in table.values():
        np.testing.assert_allclose(rows.sum(axis=1), 1)
    kick, low = CHANNELS.index("kick"), CHANNELS.index("low")
    assert np.flatnonzero(table[4][kick] > 0.1).tolist() == [0, 24]  # the first and the third beat
    assert table[3][low].argmax() == 0 and table[3][low][0] > 0.9
    assert np.flatnonzero(table[3][CHANNELS.index("high")] > 0.1).tolist() == [12, 24]


def test_a_long_piece_weighs_as_much_as_a_short_one():
    alike = count_positions([tune(1, bars=20), waltz(20)])[3]
    np.testing.assert_allclose(count_positions([tune(1, bars=20), waltz(200)])[3], alike)


def test_the_command_writes_a_table_that_can_be_used(tmp_path, capsys, monkeypatch):
    raw = tmp_path / "raw" / "mine"
    raw.mkdir(parents=True)
    for seed in range(3):
        (raw / f"{seed}.mid").write_bytes(to_midi_bytes(tune(seed)))
    (raw / "waltz.mid").write_bytes(to_midi_bytes(waltz()))
    (raw / "broken.mid").write_bytes(b"MThd no more")
    out = tmp_path / "made" / "profiles.json"
    assert main(["data", "bar-profiles", str(tmp_path / "raw"), "-o", str(out)]) == 0
    assert "counted in 4 pieces" in capsys.readouterr().out
    made = {int(beats): np.array(rows) for beats, rows in json.loads(out.read_text()).items()}
    assert made[4].shape == (5, 48) and made[3].shape == (5, 36)
    monkeypatch.setattr(bar_profiles, "_table", lambda: {beats: np.maximum(rows, 2e-4) for beats, rows in made.items()})
    onsets, channels = note_channels(waltz())
    reading = best_reading(np.rint(onsets * 4).astype(int) + 4, channels, 8.0)
    assert (reading.beats_per_bar, reading.pulses_per_beat, reading.phase) == (3, 4, 4)


@pytest.mark.parametrize("content", [None, b"MThd no more"])
def test_nothing_to_count_is_one_line(tmp_path, capsys, content):
    if content:
        (tmp_path / "broken.mid").write_bytes(content)
    assert main(["data", "bar-profiles", str(tmp_path), "-o", str(tmp_path / "out.json")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(tmp_path) in said
    assert not (tmp_path / "out.json").exists()
