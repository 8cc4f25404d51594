"""ATTRIBUTION.md names every piece that was prepared, its maker, its source and its licence; and none that was left out."""

import gzip

from klangbild.models.bars.data.attribution import attribution_text
from klangbild.training.manifest import Row, read_manifest, write_manifest


def row(file, split, licence="CC BY 4.0", title="Noc", composer="Moniuszko, Stanisław", origin="o/scores@12:a/noc.krn"):
    return Row(file, "songs", licence, origin, "0" * 64, split, title=title, composer=composer)


ROWS = [
    row("a.mid", "train"),
    row("b.mid", "heldout", title="Dumka", origin="o/scores@12:a/b.krn"),
    row("c.mid", "dropped", title="Too short"),
    row("d.mid", "left out", licence="CC BY-NC 4.0", title="Not free"),
    row("e.mid", "train", licence="CC0-1.0", title="Old", composer="", origin="elsewhere"),
]


def test_who_what_where():
    text = attribution_text(ROWS, model="notes-open")
    assert text.startswith("# Attribution of notes-open\n")
    assert "3 files (CC BY 4.0 2, CC0-1.0 1)" in text
    assert "## songs: CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)" in text
    assert "Source: o/scores@12. Files: 2." in text
    assert "* Moniuszko, Stanisław: Dumka [a/b.krn]; Noc [a/noc.krn]" in text
    assert "* composer not stated: Old [e.mid]" in text
    assert "Too short" not in text and "Not free" not in text
    assert text == attribution_text(reversed(ROWS), model="notes-open")


def test_licences_that_are_not_open_are_told():
    assert "1 are not of an open licence" in attribution_text([row("a.mid", "train", licence="unstated")])


def test_the_command(tmp_path, klangbild):
    write_manifest(tmp_path / "m.csv", ROWS)
    assert {r.title for r in read_manifest(tmp_path / "m.csv")} >= {"Noc", "Dumka"}
    code, out, _ = klangbild("data", "attribution", tmp_path / "m.csv", "-o", tmp_path / "x" / "ATTRIBUTION.md")
    assert code == 0 and out.strip() == str(tmp_path / "x" / "ATTRIBUTION.md")
    assert (tmp_path / "x" / "ATTRIBUTION.md").read_text(encoding="utf-8") == attribution_text(ROWS)
    assert klangbild("data", "attribution", tmp_path / "m.csv", "-o", tmp_path / "A.md.gz")[0] == 0
    assert gzip.decompress((tmp_path / "A.md.gz").read_bytes()).decode() == attribution_text(ROWS)
    code, _, err = klangbild("data", "attribution", tmp_path / "none.csv")
    assert code == 1 and "there is no such manifest" in err


def test_a_manifest_of_before_still_reads(tmp_path):
    header = "file,set,licence,origin,sha256,split,note,labels\n"
    (tmp_path / "old.csv").write_text(header + "a.mid,s,MIT,s,00,train,,\n", encoding="utf-8")
    assert read_manifest(tmp_path / "old.csv")[0].title == ""
