from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from klangbild.errors import OutputError, UsageError
from klangbild.show.bundle import bundle_bytes, write_bundle
from klangbild.show.spectrogram import draw_spectrogram, log_spectrogram
from klangbild.sound.audio import Audio
from klangbild.sound.files import encode_audio, read_audio, read_record

RATE = 44100


def tone(hz: float, seconds: float = 2.0) -> Audio:
    wave = 0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE).astype(np.float32)
    return Audio(np.stack([wave, wave]), RATE)


def test_a_bundle_opens_and_lines_up(tmp_path):
    files = {
        "storm.mid": b"MThd",
        "storm.wav": encode_audio(tone(220), "wav", record='{"seed": 7}'),
        "stems/piano.wav": encode_audio(tone(220), "wav"),
        "stems/bass.wav": encode_audio(tone(55), "wav"),
        "storm.png": b"\x89PNG",
    }
    path = write_bundle(tmp_path / "storm.zip", files)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(files)
        archive.extractall(tmp_path)
    lengths = {read_audio(p).samples.shape for p in tmp_path.rglob("*.wav")}
    assert lengths == {(2, 2 * RATE)}
    assert read_record(tmp_path / "storm.wav") == '{"seed": 7}'


def test_equal_files_make_equal_bundles():
    files = {"a.txt": b"a" * 1000, "b/c.png": b"p"}
    assert bundle_bytes(files) == bundle_bytes(dict(files))
    with zipfile.ZipFile(io.BytesIO(bundle_bytes(files))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "a\\b", ""])
def test_names_stay_inside(name):
    with pytest.raises(UsageError):
        bundle_bytes({name: b""})


def test_no_folder_no_bundle(tmp_path):
    with pytest.raises(OutputError):
        write_bundle(tmp_path / "no" / "x.zip", {"a": b"b"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("hz", [110.0, 1000.0, 6000.0])
def test_a_tone_lies_at_its_frequency(hz):
    levels = log_spectrogram(tone(hz), columns=40, rows=200)
    row = int(levels[:, 20].argmax())
    edges = np.geomspace(40.0, 16_000.0, 201)
    found = np.sqrt(edges[199 - row] * edges[200 - row])
    assert abs(12 * np.log2(found / hz)) < 1.0
    assert levels.max() == 0.0 and levels.min() >= -80


def test_spectrogram_sheets():
    for audio in (tone(440), Audio(np.zeros((2, RATE), np.float32), RATE), Audio(np.zeros((2, 0), np.float32), RATE)):
        image = draw_spectrogram(audio, title="x", width=500, height=300)
        assert image.size == (500, 300)
