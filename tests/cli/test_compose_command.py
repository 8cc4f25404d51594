"""The command line: what it writes, what it prints where, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mido
import pytest
import soundfile

FAST = ("--seconds", "2", "--seed", "1")


def test_default_formats_names_and_stdout(klangbild, picture_file, tmp_path):
    code, out, err = klangbild(picture_file, "-o", tmp_path, *FAST)
    assert code == 0
    names = [f"dusk-1.{f}" for f in ("mid", "wav", "json", "png")]
    assert out.split() == [str(tmp_path / n) for n in names]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    assert err == ""
    record = json.loads((tmp_path / "dusk-1.json").read_text())
    assert record["seed"] == 1 and record["ai_generated"] is True and record["emotion"]["source"] == "picture"
    assert record["sound"]["true_peak_dbtp"] <= -1.0
    assert mido.MidiFile(tmp_path / "dusk-1.mid").length > 0.5
    info = soundfile.info(tmp_path / "dusk-1.wav")
    assert info.subtype == "PCM_24" and info.channels == 2


def test_never_overwrites_unless_asked(klangbild, picture_file, tmp_path):
    for expected in ("dusk-1", "dusk-1-2", "dusk-1-3"):
        _, out, _ = klangbild("compose", picture_file, "-o", tmp_path, "-f", "mid", *FAST)
        assert out.strip() == str(tmp_path / f"{expected}.mid")
    _, out, _ = klangbild("compose", picture_file, "-o", tmp_path, "-f", "mid", "--overwrite", *FAST)
    assert out.strip() == str(tmp_path / "dusk-1.mid")


def test_output_file_by_suffix(klangbild, picture_file, tmp_path):
    code, out, _ = klangbild("compose", picture_file, "-o", tmp_path / "new" / "song.flac", *FAST)
    assert code == 0 and out.strip().endswith("song.flac")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["song.flac"]


def test_seed_is_told_when_none_was_given(klangbild, picture_file, tmp_path):
    code, out, err = klangbild(picture_file, "-o", tmp_path, "-f", "json", "--seconds", "2")
    assert code == 0 and err.startswith("seed ")
    assert json.loads(Path(out.strip()).read_text())["seed"] == int(err.split()[1])


def test_json_lines_in_order_with_an_error_among_them(klangbild, picture_file, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    code, out, err = klangbild(picture_file, broken, "-o", tmp_path, "-f", "mid", "--json", *FAST)
    assert code == 3
    first, second = (json.loads(line) for line in out.splitlines())
    assert first["picture"]["name"] == "dusk" and first["files"]["mid"].endswith("dusk-1.mid")
    assert second["picture"] == str(broken) and "broken.png" in second["error"]
    assert "1 of 2 pictures done, 1 failed" in err


def test_folder_and_stdin(klangbild, picture_file, tmp_path, monkeypatch):
    code, out, _ = klangbild(picture_file.parent, "-o", tmp_path, "-f", "mid", *FAST)
    assert code == 0 and out.strip() == str(tmp_path / "dusk-1.mid")
    done = subprocess.run(
        [sys.executable, "-m", "klangbild.cli.main", "-", "-o", str(tmp_path), "-f", "mid", *FAST],
        input=picture_file.read_bytes(), capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0 and b"picture-1.mid" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--seconds", "0"), "--seconds 0 is out of range; give a number from 1 to 600"),
        (("--seconds", "x"), "--seconds 'x' is not a number"),
        (("--seconds", "5", "--bars", "4"), "--seconds and --bars exclude each other"),
        (("--valence", "2"), "--valence 2 is out of range; give a number from -1 to 1"),
        (("--instruments", "pianno"), "did you mean 'piano'?"),
        (("--instruments", "piano", "--min-instruments", "3"), "--min-instruments 3 is more than the 1"),
        (("--instruments", "piano", "--without", "piano"), "both name piano"),
        (("--meter", "3/7"), "--meter '3/7' is not known"),
        (("--key", "H"), "--key 'H' is not a key"),
        (("--path", "0:2,0"), "valence 2.0 is out of range"),
        (("--path", "zero"), "does not read as SECONDS:VALENCE,AROUSAL"),
        (("--loudness", "loud"), "--loudness 'loud' is not a number"),
        (("--engine", "note"), "did you mean 'notes'?"),
        (("-f", "midi"), "'midi' is not a format"),
        (
            ("--engine", "art2mus", "--model", "published", "-f", "mid"),
            "the model published makes sound, not notes",
        ),
        (("--engine", "art2mus", "--model", "published", "--key", "C"), "--key is not heard by the model"),
        (("--engine", "melfusion", "--drafts", "2"), "--drafts is not heard by --engine melfusion"),
        (
            ("--steps", "10"),
            "--steps is not heard by --engine notes; leave it out, or use --engine art2mus or melfusion",
        ),
        (("--sampler", "midi-emotion"), "fits ARIA's models only"),
        (("--filename", "{pictur}"), "has a field we do not know"),
        (("--filename", "../x"), "leaves the output folder"),
        (("-o", "a.xyz"), "'.xyz' is not a format we write"),
        (("--no-such-flag",), "--no-such-flag is not an option of 'klangbild compose'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(klangbild, picture_file, tmp_path, flags, says, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = klangbild("compose", picture_file, "-q", "--seed", "1", *flags)
    assert (code, out) == (2, "")
    assert says in err and err.startswith("Error: ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_no_picture_at_all(klangbild, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = klangbild("compose")
    assert code == 2 and "there is no picture" in err
    code, _, err = klangbild("compose", tmp_path)
    assert code == 1 and "holds no pictures" in err


def test_missing_soundfont_and_model_are_exit_4_or_1(klangbild, picture_file, tmp_path):
    code, _, err = klangbild(picture_file, "-o", tmp_path, *FAST, "--soundfont", tmp_path / "no.sf2")
    assert code in (1, 4) and "no.sf2" in err and err.count("\n") == 1
    code, _, err = klangbild(picture_file, "-o", tmp_path, *FAST, "--model", "no-such-model")
    assert code == 4 and "no-such-model" in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_commercial_refuses_our_own_weights(klangbild, picture_file, tmp_path):
    code, _, err = klangbild(picture_file, "-o", tmp_path, *FAST, "--commercial")
    assert code == 2 and "CC BY-NC-SA 4.0" in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder(klangbild, picture_file, tmp_path):
    tmp_path.chmod(0o500)
    code, _, err = klangbild(picture_file, "-o", tmp_path, *FAST)
    assert code == 1 and "not writable" in err


def test_output_below_a_file(klangbild, picture_file):
    code, _, err = klangbild(picture_file, "-o", picture_file / "out", *FAST)
    assert code == 1 and "is a file, not a folder" in err


def test_ctrl_c_keeps_what_exists(picture_file, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "klangbild.cli.main", str(picture_file), "-o", str(tmp_path), "--seconds", "600",
         "--seed", "1", "-f", "mid,json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert not [p for p in tmp_path.iterdir() if ".part" in p.name]
    if out:  # the first bar was there
        assert 0 < mido.MidiFile(tmp_path / "dusk-1.mid").length < 590


def test_words_alone(klangbild, tmp_path):
    code, out, _ = klangbild("compose", "--text", "stormy, heroic", "-o", tmp_path, "-f", "json", *FAST)
    assert code == 0
    record = json.loads(Path(out.strip()).read_text())
    assert record["picture"] is None and record["emotion"]["source"] == "text"


def test_a_mistyped_command_is_told(klangbild):
    code, out, err = klangbild("compos", "lake.jpg")
    assert (code, out) == (2, "") and "did you mean 'klangbild compose'?" in err


def test_version_and_help(klangbild):
    assert klangbild("--version")[1].startswith("klangbild 0.")
    code, out, _ = klangbild("--help")
    assert code == 0 and "klangbild lake.jpg" in out
    code, out, _ = klangbild("compose", "--help")
    assert code == 0 and "--note-temperature" in out and "0.1 to 2.0" in out
