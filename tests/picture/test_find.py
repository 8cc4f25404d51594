"""One finder: `compose`, `emotion`, `measure` and `data` take the same files of a folder, and tell what they pass over."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klangbild.cli.main import main
from klangbild.errors import InputError
from klangbild.measure.fit import pictures_in
from klangbild.models.published.art2mus.data.vectors import list_pictures
from klangbild.picture import formats
from klangbild.picture.find import find_pictures, pictures_below

NAMES = ("a.png", "b.JPG", "c.jfif", "d.tif", "e.pgm", "f.tga", "g.jp2", "h.gif", "i.bmp", "j.webp", "k.jpe")


@pytest.fixture
def folder(tmp_path) -> Path:
    """Pictures of many endings, other files, hidden ones, sub-folders and a link that leads back up."""
    place = tmp_path / "pictures"
    (place / "below" / "deeper").mkdir(parents=True)
    (place / ".hidden").mkdir()
    for name in NAMES:
        (place / name).write_bytes(b"x")
    for name in (
        "notes.txt",
        "music.mid",
        ".DS_Store",
        "._a.png",
        "below/l.png",
        "below/deeper/m.png",
        ".hidden/n.png",
    ):
        (place / name).write_bytes(b"x")
    (place / "below" / "up").symlink_to(place, target_is_directory=True)
    return place


def names(found) -> list[str]:
    return [Path(label).name for label, _ in found.pictures]


def test_a_folder_gives_its_pictures_by_name_and_tells_the_rest(folder):
    found = find_pictures([str(folder)])
    assert names(found) == list(NAMES)
    (line,) = found.told()
    assert line == "3 files passed over: ._a.png, music.mid, notes.txt; 1 sub-folder not entered (-r enters them)"


def test_sub_folders_are_entered_when_asked_and_links_do_not_go_round(folder):
    found = find_pictures([str(folder)], recursive=True)
    assert names(found) == [*NAMES, "l.png", "m.png"] and found.not_entered == 0 and not found.twice


def test_everybody_finds_the_same(folder):
    direct = [folder / name for name in NAMES]
    assert pictures_in(folder) == direct and pictures_below(folder, recursive=False) == direct
    assert list_pictures(folder) == sorted([*direct, folder / "below" / "l.png", folder / "below" / "deeper" / "m.png"])


def test_patterns_that_the_shell_left_alone(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert names(find_pictures(["*.png", "?.JPG"])) == ["a.png", "b.JPG"]
    found = find_pictures(["*"])
    assert names(found) == list(NAMES) and "music.mid" in found.told()[0]
    assert names(find_pictures(["**/*.png"])) == ["a.png", "m.png", "l.png"]
    assert names(find_pictures(["*.mid"])) == ["music.mid"]  # asked for by name: it fails in its turn
    assert isinstance(find_pictures(["*.nothing"]).pictures[0][1], InputError)
    (folder / "x[1].png").write_bytes(b"x")
    assert names(find_pictures(["x[1].png"])) == ["x[1].png"]
    assert find_pictures(["https://a.example/b.jpg?c=d"]).pictures[0][1] == "https://a.example/b.jpg?c=d"


def test_given_twice_is_taken_once_and_told(folder):
    again = f"{folder}{os.sep}below{os.sep}..{os.sep}a.png"
    found = find_pictures([str(folder / "a.png"), again, str(folder)])
    assert names(found) == list(NAMES)
    assert [line for line in found.told() if "given twice, taken once" in line] == [
        f"{again}: given twice, taken once", f"{folder / 'a.png'}: given twice, taken once"
    ]  # fmt: skip


def test_what_is_missing_fails_in_its_turn(folder, tmp_path):
    (tmp_path / "none" / "below").mkdir(parents=True)
    stdin = io.BytesIO(b"")
    found = find_pictures(["gone.png", str(tmp_path / "none"), "-", str(folder / "a.png")], stdin=stdin)
    assert [label for label, _ in found.pictures] == ["gone.png", str(tmp_path / "none"), "-", str(folder / "a.png")]
    assert "this folder holds no pictures" in str(found.pictures[1][1]) and "-r" in str(found.pictures[1][1])
    assert found.pictures[2][1] is stdin


def test_heic_is_a_picture_where_it_can_be_read(tmp_path, monkeypatch):
    (tmp_path / "a.heic").write_bytes(b"x")
    (tmp_path / "b.png").write_bytes(b"x")
    monkeypatch.setattr("klangbild.picture.formats.can_read", lambda kind: True)
    assert names(find_pictures([str(tmp_path)])) == ["a.heic", "b.png"]
    monkeypatch.setattr("klangbild.picture.formats.can_read", lambda kind: False)
    found = find_pictures([str(tmp_path)])
    assert names(found) == ["b.png"] and "pip install 'klangbild[heif]'" in found.told()[1]
    (tmp_path / "b.png").unlink()
    assert "klangbild[heif]" in str(find_pictures([str(tmp_path)]).pictures[0][1])
    assert {".heic", ".avif"} <= set(formats.ACCEPT.split(","))


def test_compose_and_emotion_take_the_same_files(tmp_path, capfd):
    pictures = tmp_path / "in"
    (pictures / "below").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for number, name in enumerate(("a.png", "b.jfif", "below/c.tga")):
        Image.fromarray(np.full((40, 60, 3), 60 * number + 40, np.uint8)).save(
            pictures / name, {"b.jfif": "JPEG"}.get(name)
        )
    (pictures / "bad.bmp").write_bytes(b"BM")
    (pictures / "notes.txt").write_text("x")
    taken = {}
    for command in (["emotion"], ["compose", "-f", "json", "-o", str(tmp_path / "out"), "--bars", "1", "--seed", "1"]):
        code = main([*command, "--json", "-r", str(tmp_path / "empty"), str(pictures)])
        out, err = capfd.readouterr()
        lines = [json.loads(line) for line in out.splitlines()]
        assert code == 3 and len(lines) == 5 and "passed over: notes.txt" in err
        assert [sorted(line) for line in lines if "error" in line] == [["error", "picture"]] * 2
        taken[command[0]] = [None if "error" in line else line["picture"] for line in lines]
        taken[command[0]] = [Path(p).stem if isinstance(p, str) else p and p["name"] for p in taken[command[0]]]
    assert taken["compose"] == taken["emotion"] == [None, "a", "b", None, "c"]
