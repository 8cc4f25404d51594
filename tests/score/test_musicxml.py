"""A score opens in other programs with the notes that sound, and the record comes back out of it."""

import json
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest

import klangbild
from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.music.piece import Key, Piece, Track, make_notes
from klangbild.result import check_formats
from klangbild.score.engrave import engraved_svg
from klangbild.score.musicxml import to_musicxml
from klangbild.score.spelling import Accidentals, fifths_of, spelled

music21 = pytest.importorskip("music21")


def sounding(score, *, drums=False):
    """(onset in beats, MIDI pitch) of every note that begins, over a music21 part."""
    found = Counter()
    for element in score.flatten().notes:
        for note in getattr(element, "notes", (element,)):
            if note.tie and note.tie.type in ("stop", "continue"):
                continue
            found[round(float(element.offset) * 12), -1 if drums else int(note.pitch.ps)] += 1
    return found


def parts_of(score):
    """{part: what sounds in it}, the two staves of one part together."""
    found = {}
    for part in score.parts:
        name = part.id.split("-Staff")[0]
        drums = any("Unpitched" in element.classes for element in part.flatten().notes) or any(
            "PercussionChord" in element.classes for element in part.flatten().notes
        )
        found.setdefault(name, Counter()).update(sounding(part.toSoundingPitch(), drums=drums))
    return found


@pytest.mark.filterwarnings("ignore::music21.musicxml.xmlToM21.MusicXMLWarning")  # it knows no ride cymbal
@pytest.mark.parametrize("seed", [1, 2])
def test_the_notes_of_the_score_are_those_of_the_midi(picture_file, tmp_path, seed):
    result = klangbild.compose(picture_file, seconds=10, seed=seed)
    path = result.save(tmp_path, ("musicxml",))["musicxml"]
    assert path.read_bytes() == result.to_musicxml()
    score = music21.converter.parse(path)
    tracks = [track for track in result.piece.tracks if len(track.notes)]
    written = parts_of(score)
    assert len(written) == len(tracks)
    for track, found in zip(tracks, written.values(), strict=True):
        asked = sorted((-1 if track.plays_kit else int(n["pitch"]), float(n["onset"]) * 12) for n in track.notes)
        heard = sorted((pitch, onset) for (onset, pitch), count in found.items() for _ in range(count))
        assert [pitch for pitch, _ in heard] == [pitch for pitch, _ in asked], track.family
        assert np.abs(np.subtract(heard, asked)[:, 1]).max() <= 1.0, track.family
    assert score.metadata.title == result.name.replace("-", " ")


def test_instruments_are_written_as_their_players_read_them(tmp_path):
    notes = make_notes([0.0, 1.0], [1.0, 1.0], [60, 67], [64, 64])
    programs = {"winds": 71, "brass": 60, "bass": 33, "guitar": 24, "piano": 0}
    piece = Piece(tuple(Track(f, p, notes) for f, p in programs.items()), key=Key.parse("Eb"), length_beats=4.0)
    root = ElementTree.fromstring(to_musicxml(piece, title="a song"))
    parts = dict(zip(programs, root.iterfind("part"), strict=True))
    first = {
        family: (part.findtext(".//pitch/step"), part.findtext(".//pitch/octave"), part.findtext(".//fifths"))
        for family, part in parts.items()
    }
    # C4 sounds: a clarinet in B flat reads D, a horn in F G, a bass its C an octave higher; the guitar's clef says its octave
    assert first == {
        "winds": ("D", "4", "-1"), "brass": ("G", "4", "-2"), "bass": ("C", "5", "-3"), "guitar": ("C", "4", "-3"),
        "piano": ("C", "4", "-3"),
    }  # fmt: skip
    assert parts["guitar"].findtext(".//clef-octave-change") == "-1" and parts["piano"].findtext(".//staves") == "2"
    assert root.findtext("work/work-title") == "a song"


def test_parts_that_are_called_alike_are_numbered():
    notes = make_notes([0.0], [1.0], [60], [64])
    tracks = (Track("winds", 73, notes), Track("winds", 73, notes), Track("winds", 68, notes))
    root = ElementTree.fromstring(to_musicxml(Piece(tracks, length_beats=4.0), title="trio"))
    assert [name.text for name in root.iter("part-name")] == ["Flute 1", "Flute 2", "Oboe"]


def test_pitches_are_spelled_in_their_key_and_signs_stand_where_they_are_needed():
    assert fifths_of(Key.parse("g minor")) == -2 and spelled(66, -2) == ("F", 1, 4)  # the leading tone of G minor
    assert spelled(63, 4) == ("D", 1, 4) and spelled(63, -4) == ("E", -1, 4)
    printed = Accidentals(1)
    assert printed.needed("F", 1, 4, tied_from=False) is None  # the key has it
    assert printed.needed("F", 0, 4, tied_from=False) == 0
    assert printed.needed("F", 0, 4, tied_from=False) is None
    assert printed.needed("F", 1, 4, tied_from=False) == 1  # back again
    for key in range(-5, 7):
        for pitch in range(40, 90):
            step, alter, octave = spelled(pitch, key)
            assert 12 * (octave + 1) + {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[step] + alter == pitch


def test_a_score_replays(picture_file, tmp_path, klangbild):
    import klangbild as package

    result = package.compose(picture_file, seconds=4, seed=3)
    paths = result.save(tmp_path, ("musicxml", "mid"))
    code, _, err = klangbild("replay", paths["musicxml"], "-o", tmp_path / "again", "-f", "mid")
    assert code == 0, err
    assert next((tmp_path / "again").glob("*.mid")).read_bytes() == paths["mid"].read_bytes()
    assert json.loads(package.Result.load(paths["musicxml"]).to_json())["seed"] == 3
    broken = tmp_path / "broken.musicxml"
    broken.write_text("<score-partwise>")
    with pytest.raises(InputError, match="not a readable MusicXML"):
        package.Result.load(broken)


def test_it_is_engraved_the_same_each_time(tmp_path, picture_file, capfd):
    verovio = pytest.importorskip("verovio")
    result = klangbild.compose(picture_file, seconds=6, seed=2)
    paths = result.save(tmp_path, ("musicxml", "svg"))
    svg = paths["svg"].read_bytes()
    assert engraved_svg(paths["musicxml"].read_bytes()) == svg and ElementTree.fromstring(svg).tag.endswith("svg")
    verovio.enableLog(verovio.LOG_WARNING)
    toolkit = verovio.toolkit()
    capfd.readouterr()
    assert toolkit.loadData(paths["musicxml"].read_text()) and toolkit.renderToSVG(1)
    assert capfd.readouterr() == ("", "")  # no warning
    verovio.enableLog(verovio.LOG_OFF)


def test_a_pdf_has_the_pages(tmp_path, picture_file):
    pytest.importorskip("verovio")
    try:
        import cairosvg  # noqa: F401
    except (ImportError, OSError):
        pytest.skip("the library cairo is not installed")
    result = klangbild.compose(picture_file, seconds=3, seed=2)
    pdf = result.save(tmp_path / "a", ("pdf",))["pdf"].read_bytes()
    assert pdf.startswith(b"%PDF") and b"klangbild" in pdf
    assert result.save(tmp_path / "b", ("pdf",))["pdf"].read_bytes() == pdf


def test_what_is_not_installed_is_told_before_any_music_is_made(monkeypatch):
    monkeypatch.setattr("klangbild.formats.table.find_spec", lambda name: None)
    with pytest.raises(NotAvailableError, match=r"-f svg needs verovio, .* pip install 'klangbild\[score\]'"):
        check_formats(("svg",), "notes", notes=True)
    check_formats(("musicxml",), "notes", notes=True)  # needs nothing
    with pytest.raises(UsageError, match="makes sound, not notes"):
        check_formats(("musicxml",), "audioldm", notes=False)
