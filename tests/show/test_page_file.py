"""The page in one file: whole by itself, in any browser, for everybody; its record; names of any kind."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from klangbild.composer import compose, replay
from klangbild.formats.played import Played
from klangbild.formats.table import OF_OTHERS, format_named
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.picture.load import load_picture
from klangbild.record.carriers import read_record
from klangbild.settings import Settings
from klangbild.show.page_file import PageWords, page_bytes, record_in_page

HOSTILE = '</title></script><script>alert(1)</script>"><img src=x onerror=alert(2)> & ü 東京'


@pytest.fixture(scope="module")
def saved(picture_file, tmp_path_factory):
    result = compose(picture_file, seconds=2, seed=4, path="0:-0.5,0.3 1:0.6,0.6")
    return result, result.save(tmp_path_factory.mktemp("page") / "piece.html")["html"]


def test_it_asks_nothing_of_any_other_place_and_says_what_it_is(saved):
    result, path = saved
    page = path.read_text()
    assert not re.search(
        r"""(?:src|href|url\()\s*=?\s*["']?(?!data:)(?:https?:|//|[\w./]+\.(?:js|css|png|mp3))""", page
    )
    assert set(re.findall(r'src="([a-z]+:[a-z/]+)', page)) == {"data:image/jpeg", "data:audio/mpeg"}
    assert "default-src 'none'" in page and page.startswith('<!doctype html>\n<html lang="en">')
    assert "<title>dusk</title>" in page and 'alt="dusk: the picture' in page and result.record.music.words in page
    assert "AI generated" in page and "CC BY-NC-SA 4.0" in page
    drawn = sum(len(re.findall(r"M[\d.]+ [\d.]+h", line)) for line in re.findall(r' d="([^"]*)"', page))
    assert drawn == result.piece.n_notes
    assert len(page) < 60_000 + 4 / 3 * 260_000 * result.audio.seconds / 10


def test_replayed_from_it_byte_for_byte(saved, picture_file, tmp_path):
    result, path = saved
    assert read_record(path).settings == result.settings
    again = replay(path, picture=picture_file).save(tmp_path / "other name.html")["html"]
    assert again.read_bytes() == path.read_bytes()


def test_no_name_and_no_word_breaks_it():
    record = json.dumps({"name": HOSTILE})
    piece = Piece((Track("piano", 0, make_notes([0], [1], [60], [80])),), markers=((0.0, HOSTILE),))
    words = PageWords(HOSTILE, HOSTILE, HOSTILE, [("key", HOSTILE)], [HOSTILE], HOSTILE)
    picture = load_picture(Image.new("RGB", (3000, 2)))
    for piece_or_none in (piece, replace(piece, tracks=()), None):
        drawn = None if piece_or_none else Image.new("RGB", (4, 4))
        page = page_bytes(
            words, sound=b"x", seconds=0.0, piece=piece_or_none, picture=picture, spectrogram=drawn, record=record
        )
        text = page.decode()
        assert json.loads(record_in_page(page)) == {"name": HOSTILE}
        assert text.count("<script") == text.count("</script>") == 2 and "<img src=x" not in text
    assert record_in_page(b"<html>") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_it_plays_and_everybody_can_use_it(chromium, saved, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    page = chromium.new_page(color_scheme=scheme, viewport={"width": 390, "height": 844})
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(saved[1].as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate("() => { const a = document.querySelector('audio'); a.muted = true; return a.play(); }")
    lit = "document.querySelector('audio').currentTime > 0.1 && document.querySelector('.lit[d*=M]') !== null"
    assert any(page.evaluate(lit) or page.wait_for_timeout(50) for _ in range(200))
    at, cursor = page.evaluate(
        "[document.querySelector('audio').currentTime, document.querySelector('.cursor').getAttribute('d')]"
    )
    assert float(re.match(r"M([\d.]+) ", cursor)[1]) == pytest.approx(40 * at, abs=12)
    page.click("svg", position={"x": 4, "y": 20})  # to the beginning
    assert page.evaluate("document.querySelector('audio').currentTime") < 0.3
    assert [url for url in asked if not url.startswith("data:")] == [saved[1].as_uri()] and said == []
    page.evaluate("document.querySelector('meta[http-equiv]').remove()")
    assert axe.Axe().run(page).response["violations"] == []
    page.close()


@pytest.mark.parametrize("name", OF_OTHERS)
def test_of_anybodys_midi_there_is_each_format(name, tmp_path, small_films, picture_file):
    """And it says nothing of a model or a seed that it does not have."""
    row = format_named(name)
    if row.missing:
        pytest.skip(f"needs {row.missing}")
    piece = Piece((Track("piano", 0, make_notes([0, 1], [1, 1], [60, 64], [80, 80])),), length_beats=2.0)
    played = Played(tmp_path / "my song.mid", piece, Settings(), load_picture(picture_file))
    path = tmp_path / row.file_name("out")
    row.write(played, path)
    assert path.exists() and ("master" in vars(played)) == row.needs_sound(notes=True)
    if name == "html":
        page = path.read_text()
        assert (
            "AI generated from" not in page
            and "<title>my song</title>" in page
            and record_in_page(path.read_bytes()) is None
        )
    if name in ("png", "mp4", "flac", "musicxml"):
        from klangbild.errors import InputError

        with pytest.raises(InputError, match="no klangbild record"):
            read_record(path)


def test_what_render_is_asked_and_cannot_do_is_told(klangbild, tmp_path, picture_file):
    from klangbild.music.midi import to_midi_bytes

    midi = tmp_path / "a.mid"
    midi.write_bytes(to_midi_bytes(Piece((Track("piano", 0, make_notes([0], [1], [60], [80])),))))
    code, out, err = klangbild("render", midi, "-f", "mp4,wav", "--trim", "-o", tmp_path / "x")
    assert (code, out) == (2, "") and "--trim" in err and not (tmp_path / "x").exists()
    asked = ("--trim", "--video", "wide", "--loudness", "-20", "--soundfont", "TimGM6mb", "--picture", picture_file)
    code, out, err = klangbild("render", midi, "-f", "musicxml", "-o", tmp_path / "x", *asked)
    assert code == 0 and err.count("is of no effect") == 5 == err.count("\n") and out.endswith("a.musicxml\n")
    code, out, err = klangbild("render", midi, "-f", "musicxml", "-o", tmp_path / "x", "--json")
    assert json.loads(out)["sound"] is None and json.loads(out)["files"]["musicxml"].endswith("a-2.musicxml")
    for flags, says in (("-f zip", "'zip'"), ("-o a.json", "'json'"), ("-f mid", "'mid'")):
        code, out, err = klangbild("render", midi, *flags.split())
        assert (code, out) == (2, "") and says in err


@pytest.mark.parametrize(("name", "library"), [("mp4", "av"), ("svg", "verovio")])
def test_what_is_not_installed_is_named_before_any_work(name, library, klangbild, picture_file, tmp_path, monkeypatch):
    import klangbild.formats.table as table

    found = table.find_spec
    monkeypatch.setattr(table, "find_spec", lambda wanted: None if wanted == library else found(wanted))
    for command in (("compose", picture_file), ("render", tmp_path / "none.mid")):
        code, out, err = klangbild(*command, "-f", name, "-o", tmp_path / "out")
        assert (code, out, err.count("\n")) == (4, "", 1) and "pip install 'klangbild[" in err, err
    assert not (tmp_path / "out").exists()


def test_the_lit_lines_are_where_the_notes_are():
    """A drawing of any range and loudness lies within its frame."""
    rng = np.random.default_rng(0)
    notes = make_notes(
        np.sort(rng.uniform(0, 30, 200)), np.full(200, 0.3), rng.integers(0, 128, 200), rng.integers(1, 128, 200)
    )
    tracks = (Track("piano", 0, notes), Track("drums", 0, notes), Track("bass", 33, notes))
    page = page_bytes(PageWords("x"), sound=b"", seconds=20.0, piece=Piece(tracks), picture=None).decode()
    wide, high = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', page).groups())
    places = np.array(re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)", page), float)
    assert len(places) == 600 and (places[:, 1] < high).all() and (places[:, 0] + places[:, 2] <= wide).all()
