"""The table of formats: every row is written, read again and offered as it says."""

import json
import zipfile
from dataclasses import replace

import pytest

from klangbild.composer import compose
from klangbild.formats.table import DRAWING, FORMATS, NEAREST, NOTES, SOUND, TABLE, format_named, that_can_be_made
from klangbild.models.registry import named
from klangbild.record.carriers import read_record


@pytest.fixture(scope="module")
def result(picture_file):
    return compose(picture_file, seconds=2, seed=4)


@pytest.mark.parametrize("row", TABLE, ids=FORMATS)
def test_every_row_is_written_as_it_says(row, result, tmp_path, small_films):
    for page in (False, True):
        path = tmp_path / row.file_name("piece", page=page)
        row.write(result, path, page=page)
        assert path.exists() and not (page and path.is_dir())  # a page cannot hand out a folder
    assert row.needs <= {NOTES, SOUND, DRAWING} and named(row.writer)
    suffixes = (row.name, *row.read_as) if row.reader else ()
    for suffix in suffixes:
        carrier = tmp_path / f"carrier.{suffix}"
        carrier.write_bytes((tmp_path / row.file_name("piece")).read_bytes())
        assert read_record(carrier).seed == 4


def test_what_needs_no_sound_makes_none(picture_file, tmp_path, small_films):
    """Nor does what is quick; what needs it has it made."""
    composed = compose(picture_file, seconds=1, seed=4)
    for row in TABLE:
        result = replace(composed, files={})
        result.save(tmp_path, (row.name,))
        assert ("master" in vars(result)) == row.needs_sound(notes=True), row.name
        assert not (row.is_quick and row.needs_sound(notes=True))
    without_notes = {row.name for row in TABLE if row.needs_sound(notes=False)}
    assert without_notes >= {"wav", "png", "zip"} and not without_notes & {"mid", "json"}
    assert "mid" not in that_can_be_made(FORMATS, notes=False) and that_can_be_made(FORMATS, notes=True) == FORMATS


def test_no_two_rows_claim_one_name():
    claimed = [name for row in TABLE for name in (row.name, *row.also, *row.nearest_of)]
    assert len(claimed) == len(set(claimed)) and set(NEAREST.values()) <= set(FORMATS)
    names = [row.file_name("piece", page=page) for page in (False, True) for row in TABLE]
    assert len(set(names)) == len(TABLE) + 1  # stems: a folder, and the page's zip


def test_the_page_zips_the_stems_as_the_folder_holds_them(result, tmp_path):
    row = format_named("stems")
    row.write(result, tmp_path / "piece-stems")
    row.write(result, tmp_path / "piece-stems.zip", page=True)
    with zipfile.ZipFile(tmp_path / "piece-stems.zip") as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    folder = {f"piece-stems/{path.name}": path.read_bytes() for path in (tmp_path / "piece-stems").iterdir()}
    assert inside == folder and len(folder) == len(result.stems)


def test_the_page_offers_what_the_table_says():
    from klangbild.web.page import page_html

    html = page_html()
    data = json.loads(html.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    assert data["files"] == {
        row.name: [row.page.title, row.page.words] for row in TABLE if row.page and not row.missing
    }
