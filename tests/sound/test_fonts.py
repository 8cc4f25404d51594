from __future__ import annotations

import subprocess
import sys

import pytest

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
