"""`klangbild watch`: every picture once, when it is whole; its own files never; an end and a new beginning lose nothing."""

import shutil

import pytest
from PIL import Image

from klangbild.batch import watching
from klangbild.batch.watching import PATIENCE_S, QUIET_S, Watched
from klangbild.cli import watch
from klangbild.cli.main import _parser

FAST = ("-f", "mid,png", "--bars", "1", "--drafts", "0")


@pytest.fixture
def watched(tmp_path, monkeypatch, capsys):
    """Watch a folder while something happens in it: each step is done at one of the pauses between two looks, then comes Ctrl-C."""
    monkeypatch.setattr(watching, "QUIET_S", 0.0)  # seen twice alike is whole enough
    folder = tmp_path / "in"
    folder.mkdir()

    def run(*steps, flags=()):
        waiting = [step for step in steps for step in (step, None, None)] + [None, None]

        def pause(seconds):
            if not waiting:
                raise KeyboardInterrupt
            if step := waiting.pop(0):
                step()

        code = watch.run(_parser("watch").parse_args([str(folder), *FAST, *map(str, flags)]), pause=pause)
        captured = capsys.readouterr()
        return code, captured.out.split(), captured.err

    return folder, run


def paint(path, color="red"):
    Image.new("RGB", (40, 30), color).save(path)


def made(folder):
    return sorted(path.name for path in folder.rglob("*.mid"))


def test_each_picture_once_and_again_when_it_changes(watched):
    folder, run = watched
    paint(folder / "a.png")
    steps = (
        lambda: paint(folder / "b.png", "blue"),
        lambda: shutil.copy(folder / "b.png", folder / "copy.png"),  # the same bytes are made once
        lambda: paint(folder / "a.png", "green"),
        lambda: (folder / "notes.txt").write_text("no picture"),
    )
    code, out, err = run(*steps, flags=("--seed", "5"))
    assert code == 130 and err.endswith("stopped watching; 3 pieces made. The same command goes on.\n"), err
    assert made(folder) == ["a-5-2.mid", "a-5.mid", "b-5.mid"] and len(out) == 6
    assert "copy.png is b.png" in err and "Error" not in err
    # again: nothing is left to do, and its seed is the one of before
    code, out, err = run()
    assert (code, out) == (130, []) and "0 pieces made" in err
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.png", "copy.png", "music", "notes.txt"]


def test_its_own_rolls_are_no_pictures_wherever_they_lie(watched):
    folder, run = watched
    paint(folder / "a.png")
    run(flags=("--seed", "5", "-o", folder, "-r"))
    assert made(folder) == ["a-5.mid"] and (folder / "a-5.png").exists()
    (folder / "sub").mkdir()
    code, _, _ = run(lambda: paint(folder / "sub" / "c.png", "blue"), flags=("--seed", "5", "-o", folder, "-r"))
    assert code == 130 and made(folder) == ["a-5.mid", "c-5.mid"]


def test_a_half_written_file_is_waited_for_and_a_damaged_one_told_once(tmp_path):
    clock, folder = [0.0], tmp_path / "in"
    folder.mkdir()
    paint(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    seen = Watched(folder, folder / "music", now=lambda: clock[0])

    def after(seconds):
        clock[0] += seconds
        return [path.rsplit("/", 1)[1] for path in seen.look()]

    (folder / "a.png").write_bytes(data[:-30])
    assert (
        after(0) == after(QUIET_S / 2) == after(QUIET_S) == after(QUIET_S) == []
    )  # it has stopped growing, but is no picture yet
    (folder / "a.png").write_bytes(data)
    assert after(0) == after(QUIET_S / 2) == [] and after(QUIET_S) == ["a.png"] and after(100) == []
    (folder / "b.png").write_bytes(b"")
    assert after(0) == after(QUIET_S) == [] and after(PATIENCE_S) == ["b.png"] and after(100) == []
    shutil.rmtree(folder)  # a stick is pulled out
    assert after(1) == []
    folder.mkdir()
    (folder / "a.png").write_bytes(data)
    assert after(0) == [] and after(QUIET_S) == ["a.png"]


def test_a_picture_that_fails_stops_nothing(watched, monkeypatch):
    monkeypatch.setattr(watching, "PATIENCE_S", 0.0)
    folder, run = watched
    (folder / "a.png").write_text("no picture at all")
    code, _, err = run(lambda: paint(folder / "b.png"), flags=("--seed", "5", "--json"))
    assert code == 130 and made(folder) == ["b-5.mid"] and err.count("Error: ") == 1
    code, _, err = run(lambda: paint(folder / "a.png", "blue"), flags=("--seed", "5"))
    assert made(folder) == ["a-5.mid", "b-5.mid"], err


def test_what_cannot_be_watched_is_refused_before_any_work(klangbild, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "in").mkdir()
    for flags, code, says in (
        (["nowhere"], 1, "there is no such folder"),
        (["file"], 1, "is a file, not a folder"),
        (["in", "-o", "x.mid"], 2, "is one file"),
        (["in", "--seconds", "0"], 2, "--seconds"),
        (["in", "-f", "xyz"], 2, "'xyz'"),
        ([], 2, "FOLDER"),
    ):
        words = [str(tmp_path / word) if i == 0 else word for i, word in enumerate(flags)]
        got, out, err = klangbild("watch", *words)
        assert (got, out, err.count("\n")) == (code, "", 1) and says in err, err
    assert not (tmp_path / "in" / "music").exists()


def test_other_settings_do_not_mix_into_the_folder(watched, klangbild):
    folder, run = watched
    paint(folder / "a.png")
    paint(folder / "b.png", "blue")
    run(flags=("--seed", "5"))
    code, out, err = klangbild("watch", folder, "-f", "mid,png", "--bars", "2", "--drafts", "0")
    assert (code, out) == (2, "") and "was composed with bars 1 (now 2)" in err
    code, out, err = klangbild(
        "compose", folder, "-o", folder / "music", *FAST, "--seed", "5"
    )  # which knows what is done
    assert code == 0 and out == "" and "2 done before" in err
