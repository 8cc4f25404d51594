"""The command line as a process: signals, streams that are closed or full, odd names, an ASCII terminal, too little memory."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mido
import pytest

from klangbild.record.carriers import read_record

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and descriptors as POSIX has them")
FAST = ["--seconds", "2", "--seed", "1"]
RUN = [sys.executable, "-m", "klangbild"]


def start(*arguments, **more) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **more.pop("env", {})}
    return subprocess.Popen([*RUN, *map(str, arguments)], env=environment, **more)


def finished(*arguments, **more) -> tuple[int, bytes, bytes]:
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    process = start(*arguments, **more)
    out, err = process.communicate(timeout=120)
    return process.returncode, out or b"", err or b""


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_at_any_moment_of_rendering_leaves_whole_files_or_none(tmp_path, number, code):
    midi = mido.MidiFile()
    track = midi.add_track("piano")
    for pitch in range(48, 72):
        track += [mido.Message("note_on", note=pitch), mido.Message("note_off", note=pitch, time=480)]
    midi.save(tmp_path / "scale.mid")
    for try_, after in enumerate((0.4, 0.7, 1.0, 1.5)):
        out = tmp_path / f"out{try_}"
        process = start("render", tmp_path / "scale.mid", "-o", out, "-f", "mp3,ogg", stderr=subprocess.PIPE)
        time.sleep(after)
        process.send_signal(number)
        sent = time.monotonic()
        _, err = process.communicate(timeout=60)
        assert time.monotonic() - sent < 5
        python_was_starting = process.returncode != code and b"klangbild" not in err
        if process.returncode != 0 and not python_was_starting:  # 0: done before the signal came
            assert process.returncode == code, err
            assert b"Traceback" not in err and err.startswith(b"Interrupted"), err
        for name in left_in(out):
            assert name in ("scale.mp3", "scale.ogg")


def test_ctrl_c_while_files_are_written_keeps_the_notes(picture_file, tmp_path):
    process = start(
        picture_file, "-o", tmp_path, "--seconds", 60, "--seed", 1, "-f", "mid,wav,mp3", stderr=subprocess.PIPE
    )
    # the first sound comes long after the notes, and takes a while
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 130) and b"Traceback" not in err, err
    if "dusk-1.mp3" not in left_in(tmp_path):
        assert process.returncode == 130
        assert set(left_in(tmp_path)) <= {"dusk-1.mid", "dusk-1.wav"}


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full", "2>/dev/full", "<&- >&- 2>&-"])
def test_streams_that_are_closed_or_full(picture_file, tmp_path, redirect):
    line = f'exec "$0" -m klangbild "$1" -o "$2" {" ".join(FAST)} -f mid,json {redirect}'
    run = subprocess.run(["bash", "-c", line, sys.executable, picture_file, tmp_path / "out"], capture_output=True)
    full = ">/dev/full" in redirect and "2>" not in redirect
    assert run.returncode == (1 if full else 0), run.stderr
    assert b"Traceback" not in run.stderr
    if full:
        assert run.stderr.splitlines()[-1].startswith(b"Error: standard output cannot be written (No space left")
    assert left_in(tmp_path / "out") == ["dusk-1.json", "dusk-1.mid"]
    record = json.loads((tmp_path / "out" / "dusk-1.json").read_text())
    assert record["seed"] == 1 and mido.MidiFile(tmp_path / "out" / "dusk-1.mid").length > 1


def test_a_reader_that_went_away_ends_it_in_silence(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    code, _, err = finished("--help", stdout=writing)
    os.close(writing)
    assert (code, err) == (1, b"")


ODD = {
    b"\xff\xfe.png": "ÿþ",
    b"caf\xe9.png": "café",
    "Klänge 音.png".encode(): "Klänge 音",
    b"two\nlines.png": "two_lines",
    b"n" * 251 + b".png": "n" * 251,
    "é".encode() * 125 + b".png": "é" * 125,
    b" .png": " ",
}


@pytest.mark.parametrize(
    "environment",
    [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}],
)
def test_odd_names_end_no_batch_on_any_terminal(picture_file, tmp_path, environment):
    folder = os.fsencode(tmp_path) + b"/in"
    os.mkdir(folder)  # noqa: PTH102 - bytes
    for number, name in enumerate(ODD):
        with open(folder + b"/" + name, "wb") as file:  # noqa: PTH123 - bytes
            file.write(picture_file.read_bytes() + bytes(number))  # of equal files only one would be made
    wanted = ["-f", "mid,json,png" if not environment else "json"]
    code, out, err = finished(tmp_path / "in", "-o", tmp_path / "out", *FAST, *wanted, "--json", env=environment)
    assert code == 0, err
    told = [json.loads(line) for line in out.decode("ascii" if environment else "utf-8").splitlines()]
    assert sorted(record["picture"]["name"] for record in told) == sorted(ODD.values())
    for record in told:
        for path in record["files"].values():
            assert Path(path).exists() and len(os.fsencode(Path(path).name)) <= 255
        written = json.loads(Path(record["files"]["json"]).read_bytes().decode("utf-8"))
        assert written["picture"]["name"] in ODD.values()
        if "png" in record["files"]:
            assert read_record(record["files"]["png"])["picture"] == record["picture"]
    assert len(left_in(tmp_path / "out")) == len(ODD) * len(wanted[1].split(",")) + 1  # the journal


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of address space as Linux has them")
@pytest.mark.parametrize("kib", [100_000, 300_000])
def test_too_little_memory_is_one_line(picture_file, tmp_path, kib):
    line = f'ulimit -v {kib}; exec "$0" -m klangbild "$1" -o "$2" {" ".join(FAST)} -f mid,wav'
    run = subprocess.run(
        ["bash", "-c", line, sys.executable, picture_file, tmp_path / "out"], capture_output=True, timeout=100
    )
    if run.returncode or kib < 500_000:
        assert run.returncode == 1 and run.stderr.count(b"\n") == 1, run.stderr
        assert run.stderr.startswith(b"Error: ") and b"too little memory" in run.stderr
    for name in left_in(tmp_path / "out"):
        assert name in ("dusk-1.mid", "dusk-1.wav")
