from __future__ import annotations

import json
import subprocess
import sys

import pytest

from klangbild.cli.main import main
from klangbild.errors import InputError, NotAvailableError
from klangbild.sound import fonts
from klangbild.sound.fonts import find_soundfont, list_soundfonts


def test_the_default_is_timgm6mb_found_without_importing_its_package(monkeypatch):
    monkeypatch.delenv(fonts.ENVIRONMENT_VARIABLE, raising=False)
    assert find_soundfont().name == "TimGM6mb.sf2"
    assert list_soundfonts()[0] == find_soundfont()
    code = "import sys; from klangbild.sound.fonts import find_soundfont; find_soundfont(); print('pretty_midi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_given_before_environment_before_default(tmp_path, monkeypatch):
    default = find_soundfont()
    mine, theirs = tmp_path / "mine.sf2", tmp_path / "theirs.sf2"
    for path in (mine, theirs):
        path.symlink_to(default)
    monkeypatch.setenv(fonts.ENVIRONMENT_VARIABLE, str(theirs))
    assert find_soundfont() == theirs
    assert find_soundfont(mine) == mine


def test_a_font_that_is_missing_or_none(tmp_path, monkeypatch):
    with pytest.raises(NotAvailableError, match="no such SoundFont"):
        find_soundfont(tmp_path / "gone.sf2")
    (tmp_path / "text.sf2").write_text("hello")
    with pytest.raises(InputError, match="not a SoundFont"):
        find_soundfont(tmp_path / "text.sf2")
    monkeypatch.setenv(fonts.ENVIRONMENT_VARIABLE, str(tmp_path / "gone.sf2"))
    with pytest.raises(NotAvailableError, match=fonts.ENVIRONMENT_VARIABLE):
        find_soundfont()


def test_fonts_of_the_system_are_listed_and_used(tmp_path, monkeypatch):
    default = find_soundfont()
    (tmp_path / "b.SF2").symlink_to(default)
    (tmp_path / "broken.sf2").write_text("no")
    monkeypatch.delenv(fonts.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(fonts, "_bundled", lambda: None)
    monkeypatch.setattr(fonts, "_system_folders", lambda: [tmp_path / "none", tmp_path])
    assert list_soundfonts() == [tmp_path / "b.SF2"] and find_soundfont() == tmp_path / "b.SF2"
    monkeypatch.setattr(fonts, "_system_folders", list)
    with pytest.raises(NotAvailableError, match="pip install pretty_midi"):
        find_soundfont()


def test_a_font_goes_by_its_name_with_and_without_its_ending(tmp_path, monkeypatch):
    (tmp_path / "Fine_GM.sf2").write_bytes(find_soundfont().read_bytes() + bytes(8))
    (tmp_path / "default-GM.sf2").symlink_to(tmp_path / "Fine_GM.sf2")
    monkeypatch.setattr(fonts, "_system_folders", lambda: [tmp_path])
    for name in ("Fine_GM.sf2", "Fine_GM", "fine_gm"):
        assert find_soundfont(name) == tmp_path / "Fine_GM.sf2"
    assert [font.name for font in list_soundfonts()[1:]] == ["Fine_GM.sf2"]  # once, and not by the name of the link
    with pytest.raises(NotAvailableError, match="klangbild fonts"):
        find_soundfont("Finest_GM")


@pytest.mark.parametrize(
    ("name", "texts", "licence"),
    [
        ("a.sf2", {"comment": "Licensed under the MIT License."}, "MIT"),
        ("a.sf2", {"copyright": "Public domain"}, "public domain"),
        ("a.sf2", {"comment": "Creative Commons Attribution-ShareAlike 3.0"}, "CC BY-SA"),
        ("a.sf2", {"comment": "for non-commercial use"}, "not for commercial use"),
        ("TimGM6mb.sf2", {}, "GPL-2"),
        ("a.sf2", {"comment": "submitted with limits"}, "not stated"),
    ],
)
def test_licences_are_what_a_font_says_or_what_is_known_of_it(name, texts, licence):
    assert fonts.licence_of(name, texts) == licence


def test_fonts_are_listed_and_a_better_one_is_named_until_it_is_here(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fonts, "_system_folders", lambda: [tmp_path])
    (tmp_path / "damaged.sf2").write_bytes(b"RIFF\0\0\0\0sfbk")
    assert main(["fonts"]) == 0
    out, err = capsys.readouterr()
    assert "TimGM6mb.sf2" in out and "6.0 MB  GPL-2" in out and "128 instruments" in out
    assert "damaged.sf2: is not a whole SoundFont" in err and "MuseScore General, MIT, 40 MB" in err
    (tmp_path / "MuseScore_General_Lite.sf3").write_bytes(find_soundfont().read_bytes())
    assert main(["fonts", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [font["name"] for font in listed] == ["TimGM6mb.sf2", "MuseScore_General_Lite.sf3"]
    assert fonts.better_font() == "" and listed[0]["kits"] == 8


def test_a_records_font_is_found_again_by_its_name_or_its_content(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "_system_folders", lambda: [tmp_path])
    other = tmp_path / "other.sf2"
    other.write_bytes(find_soundfont().read_bytes() + bytes(8))
    about = fonts.about_soundfont(other)
    assert fonts.find_again(str(other), about) == str(other)
    assert fonts.find_again("/elsewhere/other.sf2", about) == "other.sf2"
    assert fonts.find_again("/elsewhere/renamed.sf2", about) == "other.sf2"
    assert fonts.find_again("/elsewhere/gone.sf2", {**about, "sha256": "0"}) is None
    assert fonts.find_again("gone.sf2", None) is None and fonts.find_again(None, about) is None
