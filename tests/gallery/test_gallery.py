"""A folder of pieces becomes a site: every piece once, whatever it is called, and nothing of somebody else is lost."""

import csv
import io
import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image

import klangbild as package
from klangbild.gallery import pages
from klangbild.gallery.build import build_gallery
from klangbild.gallery.exhibits import find_exhibits
from klangbild.gallery.pages import MARK


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three pieces, one without sound, one in a sub-folder, of pictures with unpleasant names."""
    place = tmp_path_factory.mktemp("out")
    pictures = tmp_path_factory.mktemp("pictures")
    for name, colour in (("a <b>&'\"", "red"), ("=SUM(1)", "blue"), ("плюс 100%", "green")):
        Image.new("RGB", (64, 48), colour).save(pictures / f"{name}.png")
    composer = package.Composer(seconds=1, seed=4)
    first, second, third = sorted(pictures.iterdir())
    composer.compose(first).save(place, ("mp3", "json", "png", "mid"))
    composer.compose(second).save(place / "in a folder", ("json", "wav"))
    composer.compose(third).save(place, ("json",))
    return place, pictures


def links_of(page: bytes) -> list[str]:
    return [unescape(link) for link in re.findall(r'(?:href|src)="([^"]+)"', page.decode())]


def test_every_piece_stands_on_a_page_and_every_link_leads_to_a_file(folder):
    place, pictures = folder
    (place / "notes.json").write_text('{"no": "record"}')
    first, found = build_gallery(place, pictures=[pictures], title="Works & <days>")
    assert len(found.exhibits) == 3 and found.passed_over == ("notes.json",)
    page = first.read_bytes()
    assert page.count(b"<li id=") == 3 and page.count(b"<audio") == 2 and page.count(b"AI generated; model") == 3
    assert b"<b>&'" not in page and b"Works &amp; &lt;days&gt;" in page and b"CC BY-NC-SA" in page
    for html in place.glob("*.html"):
        for link in links_of(html.read_bytes()):
            assert (place / unquote(link)).is_file(), link
    assert len(list((place / "gallery").glob("*.jpg"))) == 3  # the thumbnails, found by their hash
    rows = list(csv.DictReader(io.StringIO((place / "pieces.csv").read_text(encoding="utf-8-sig"))))
    assert len(rows) == 3 and {row["seed"] for row in rows} == {"4"} and "'=SUM(1)" in {row["name"] for row in rows}
    lines = (place / "playlist.m3u8").read_text().splitlines()
    assert lines[0] == "#EXTM3U" and all((place / unquote(line)).is_file() for line in lines[2::2]) and len(lines) == 5
    known = (place / "gallery" / "pieces.js").read_text()
    assert len(json.loads(known.removeprefix("const PIECES = ").removesuffix(";\n").replace("<\\/", "</"))) == 3


def test_without_pictures_the_piano_roll_stands_in_and_a_second_call_gives_the_same(folder, tmp_path):
    place, _ = folder
    build_gallery(place)
    before = {path: path.read_bytes() for path in place.glob("*.*")}
    build_gallery(place)
    assert {path: path.read_bytes() for path in place.glob("*.*")} == before
    assert any(link.endswith(".png") for link in links_of((place / "index.html").read_bytes()))


def test_many_pieces_are_turned_like_pages(folder, monkeypatch):
    place, _ = folder
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    build_gallery(place)
    assert b'rel="next"' in (place / "index.html").read_bytes()
    assert (place / "page-0002.html").read_bytes().count(b"<li id=") == 1
    monkeypatch.setattr(pages, "PAGE_SIZE", 100)
    build_gallery(place)
    assert not (place / "page-0002.html").exists()  # a page that is no more


def test_a_table_for_programs(folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    place, _ = folder
    build_gallery(place, parquet=True)
    table = parquet.read_table(place / "pieces.parquet").to_pylist()
    assert len(table) == 3 and all(isinstance(row["valence"], float) and row["ai_generated"] for row in table)
    assert [row["name"] for row in table] == [exhibit.record.name for exhibit in find_exhibits(place).exhibits]


def test_the_command(folder, tmp_path, klangbild):
    place, pictures = folder
    code, out, err = klangbild("gallery", place, "--pictures", pictures)
    assert (code, Path(out.strip())) == (0, place / "index.html") and "3 pieces, 1 of them without sound" in err
    code, out, err = klangbild("gallery", tmp_path / "none")
    assert code == 1 and "none: is no folder" in err and len(err.splitlines()) == 1
    code, out, err = klangbild("gallery", tmp_path)
    assert code == 1 and "holds no record (.json) of a piece" in err
    code, out, err = klangbild("gallery", place, "--pictures", tmp_path / "gone")
    assert code == 1 and "gone: is not there" in err


def test_a_page_of_somebody_else_is_not_overwritten(folder, klangbild):
    place, _ = folder
    page = place / "index.html"
    page.write_text("<h1>my own</h1>")
    code, _, err = klangbild("gallery", place)
    assert code == 1 and "is not a page of ours" in err and page.read_text() == "<h1>my own</h1>"
    page.write_text(f"<html>{MARK}")
    assert klangbild("gallery", place)[0] == 0
