"""render, replay and doctor: what they write, what they say, their exit codes."""

import json

import pytest
import soundfile


@pytest.fixture
def midi(klangbild, picture_file, tmp_path):
    code, _, _ = klangbild(picture_file, "-o", tmp_path / "made", "-f", "mid,wav,json", "--seconds", "2", "--seed", "1")
    assert code == 0
    return tmp_path / "made" / "dusk-1.mid"


def test_render(klangbild, midi, tmp_path):
    code, out, err = klangbild("render", midi, "-o", tmp_path / "song.flac")
    assert (code, err) == (0, "") and out.strip() == str(tmp_path / "song.flac")
    assert soundfile.info(tmp_path / "song.flac").duration > 1
    code, out, _ = klangbild("render", midi, "-o", tmp_path, "-f", "wav,ogg", "--loudness", "-20", "--json")
    assert code == 0 and abs(json.loads(out.splitlines()[0])["sound"]["lufs"] + 20) < 1


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (("nothere.mid",), 1, "there is no such file"),
        (("x.mid", "-f", "xyz"), 2, "is not a format that a MIDI file becomes"),
        (("x.mid", "--loudness", "3"), 2, "--loudness 3 is out of range"),
    ],
)
def test_render_refuses(klangbild, tmp_path, monkeypatch, flags, code, says):
    monkeypatch.chdir(tmp_path)
    got, out, err = klangbild("render", *flags)
    assert (got, out) == (code, "") and says in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_midi_file(klangbild, midi, tmp_path):
    broken = tmp_path / "broken.mid"
    broken.write_bytes(midi.read_bytes()[:20])
    code, _, err = klangbild("render", broken, "-o", tmp_path / "x.wav")
    assert code == 1 and "broken.mid" in err and err.count("\n") == 1
    assert not (tmp_path / "x.wav").exists()


def test_replay(klangbild, midi, tmp_path):
    for source in (midi, midi.with_suffix(".wav"), midi.with_suffix(".json")):
        code, _, err = klangbild("replay", source, "-o", tmp_path / "again", "-f", "mid,wav", "--overwrite")
        assert (code, err) == (0, "")
        assert (tmp_path / "again" / "dusk-1.mid").read_bytes() == midi.read_bytes()
        assert (tmp_path / "again" / "dusk-1.wav").read_bytes() == midi.with_suffix(".wav").read_bytes()
    code, _, err = klangbild("replay", tmp_path / "none.json")
    assert code == 1 and "there is no such file" in err


def test_doctor(klangbild):
    code, out, _ = klangbild("doctor", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["two-second piece"].startswith("made in")
    assert "notes-continuous_concat.onnx" in facts["models"]
