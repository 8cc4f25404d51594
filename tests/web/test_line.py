"""The line and its worker: a worker that dies or stops moving costs nobody else's piece."""

import os
import signal
import time

import pytest

from klangbild.web.pictures import KeptPictures
from klangbild.web.queue import Runs
from klangbild.web.temporary_folders import TemporaryFolders

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals, which are not here")


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    folder = tmp_path_factory.mktemp("line")
    runs = Runs(TemporaryFolders(folder / "runs"))
    runs.start(warm=True)
    yield runs
    runs.close()
    assert runs.composer.pid is None and runs.player.pid is None and runs.filmer.pid is None


@pytest.fixture(scope="module")
def kept(tmp_path_factory, paintings):
    kept_pictures = KeptPictures(TemporaryFolders(tmp_path_factory.mktemp("kept_pictures")))
    return kept_pictures.take(paintings[0].name, paintings[0].read_bytes())


def wait_for_notes(run) -> None:
    deadline = time.monotonic() + 60
    while not run.roll_version and not run.over.is_set() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert run.roll_version and not run.over.is_set()


def finish(run, patience_s: float = 120.0):
    assert run.over.wait(patience_s)
    return run


@needs_signals
def test_a_piece_whose_worker_is_killed_is_begun_anew_and_comes_out_the_same(line, kept):
    wish = {"seconds": 12, "seed": 5}
    undisturbed = finish(line.submit(wish, kept=kept))
    disturbed = line.submit(wish, kept=kept)
    behind = line.submit({"seconds": 4, "seed": 6}, kept=kept)
    wait_for_notes(disturbed)
    os.kill(line.composer.pid, signal.SIGKILL)
    assert [finish(run).status for run in (disturbed, behind)] == ["done", "done"]
    assert (disturbed.beginnings, behind.beginnings) == (2, 1)
    for kind in ("mid", "mp3"):
        name = undisturbed.files.names[kind]
        assert disturbed.files.path(name).read_bytes() == undisturbed.files.path(name).read_bytes()


@needs_signals
def test_a_piece_that_kills_every_worker_is_given_up_and_says_so(line, kept):
    run = line.submit({"seconds": 200, "seed": 5}, kept=kept)
    for _ in range(2):
        run.roll_version = 0
        wait_for_notes(run)
        os.kill(line.composer.pid, signal.SIGKILL)
    assert finish(run).status == "failed"
    assert "ended twice" in run.error
    assert finish(line.submit({"seconds": 4}, kept=kept)).status == "done"


@needs_signals
def test_a_piece_that_does_not_move_is_ended_and_says_so(line, kept, monkeypatch):
    monkeypatch.setattr(line, "stall_s", 1.5)
    run = line.submit({"seconds": 200, "seed": 5}, kept=kept)
    behind = line.submit({"seconds": 4, "seed": 6}, kept=kept)
    wait_for_notes(run)
    os.kill(line.composer.pid, signal.SIGSTOP)
    monkeypatch.setattr(line, "stall_s", 60.0)
    assert finish(run).status == "failed"
    assert "made no progress for 2 seconds" in run.error
    assert finish(behind).status == "done"


@needs_signals
def test_a_large_file_is_made_by_another_process_and_again_after_it_died(line, kept):
    run = finish(line.submit({"seconds": 4, "seed": 6}, kept=kept))
    first = run.files.path(run.files.names["wav"]).read_bytes()
    os.kill(line.player.pid, signal.SIGKILL)
    (run.folder / "files" / run.files.names["wav"]).unlink()
    deadline = time.monotonic() + 10
    while line.player.pid is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert run.files.path(run.files.names["wav"]).read_bytes() == first


def test_stopping_before_the_worker_has_begun_takes_the_piece_out(line, kept):
    running = line.submit({"seconds": 200, "seed": 5}, kept=kept)
    waiting = line.submit({"seconds": 4, "seed": 6}, kept=kept)
    line.stop(waiting)
    assert waiting.status == "cancelled"
    wait_for_notes(running)
    line.stop(running)
    assert finish(running).status == "stopped"
    assert running.record["music"]["seconds"] < 100


def test_a_film_is_made_beside_the_others_files(line, kept):
    """By a process of its own, which lets the others go first: lanes and sound of other pieces do not wait for it."""
    import threading

    pytest.importorskip("av")
    run = finish(line.submit({"seconds": 1, "seed": 5, "tempo": 200}, kept=kept))
    film = threading.Thread(target=lambda: run.files.path(run.files.names["mp4"]))
    film.start()
    other = finish(line.submit({"seconds": 1, "seed": 6}, kept=kept))
    page = other.files.path(other.files.names["html"])
    assert page.read_bytes().startswith(b"<!doctype html>")
    film.join(120)
    path = run.files.written(run.files.names["mp4"])
    assert path is not None and path.read_bytes()[4:8] == b"ftyp"
    if hasattr(os, "getpriority"):
        assert os.getpriority(os.PRIO_PROCESS, line.filmer.pid) - os.getpriority(os.PRIO_PROCESS, line.player.pid) == 10


def test_a_piece_that_is_stopped_frees_the_line_before_its_sound_is_made(line, kept):
    stopped = line.submit({"seconds": 300, "seed": 5, "drafts": 0}, kept=kept)
    behind = line.submit({"seconds": 4, "seed": 6, "drafts": 0}, kept=kept)
    wait_for_notes(stopped)
    line.stop(stopped)
    deadline = time.monotonic() + 60
    while behind.status == "queued" and time.monotonic() < deadline:
        time.sleep(0.005)
    assert behind.status == "running" and not stopped.over.is_set() and not stopped.files.ready()
    assert finish(stopped).status == "stopped" and stopped.files.ready()["mp3"]
    assert stopped.record["sound"]["seconds"] > 1
    assert finish(behind).status == "done"
