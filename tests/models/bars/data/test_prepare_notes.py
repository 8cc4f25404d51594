"""Folders of MIDI become one prepared file: read, mended, split, labelled, and the same whenever it is made."""

import zipfile

import numpy as np
import pytest
from band_pieces import tune

from klangbild.errors import InputError
from klangbild.models.bars.data.choose_labels import relabelled
from klangbild.models.bars.data.emotion_labels import HUMAN, PSEUDO
from klangbild.models.bars.data.prepare import prepare_notes
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.data.split import choose_split
from klangbild.models.bars.language import BAR_0, TEMPO_0, BarsLanguage
from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.piece import Piece
from klangbild.music.section_features import FEATURES
from klangbild.training.manifest import read_manifest


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Two sets: a rated zip and a folder, with a near copy across them, an empty file and a broken one."""
    folder = tmp_path_factory.mktemp("raw")
    names = [f"r{i}.mid" for i in range(8)]
    with zipfile.ZipFile(folder / "rated.zip", "w") as archive:
        for i, name in enumerate(names):
            archive.writestr(name, to_midi_bytes(tune(i, bpm=80 + 10 * i)))
    lines = [f"{name},{0.1 * i - 0.4:.1f},{0.3 - 0.1 * i:.1f},MIT,test" for i, name in enumerate(names)]
    (folder / "rated.csv").write_text("file,valence,arousal,licence,split\n" + "\n".join(lines) + "\n")
    mine = folder / "mine"
    mine.mkdir()
    (mine / "copy.mid").write_bytes(to_midi_bytes(tune(0, bpm=90).transposed(2)))
    (mine / "own.mid").write_bytes(to_midi_bytes(tune(50)))
    (mine / "empty.mid").write_bytes(to_midi_bytes(Piece(())))
    (mine / "broken.mid").write_bytes(b"MThd no more")
    return folder


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "notes.npz"
    return prepare_notes(raw, out, progress=False), out


def test_sections_read_as_the_language_writes_them(prepared, raw):
    data, _ = prepared
    index = data.piece_name.tolist().index("mine/own.mid")
    language = BarsLanguage()
    expected = [s.ids for s in language.encode_sections(read_midi(raw / "mine" / "own.mid"))]
    own = np.flatnonzero(data.section_piece == index)
    for section, ids in zip(own, expected, strict=True):
        found = data.ids[data.section_start[section] : data.section_start[section + 1]]
        assert (found == ids).all()
        assert BAR_0 <= found[0] < TEMPO_0


def test_round_trip_on_disk_and_same_bytes(prepared, raw, tmp_path):
    data, out = prepared
    again = NoteData.load(out)
    assert (again.ids == data.ids).all()
    assert again.about == data.about
    prepare_notes(raw, tmp_path / "b.npz", progress=False)
    other = NoteData.load(tmp_path / "b.npz")
    assert (other.ids == again.ids).all() and (other.valence == again.valence).all()


def test_manifest_says_what_was_dropped_and_why(prepared):
    _, out = prepared
    rows = {row.file: row for row in read_manifest(out.with_name("notes-manifest.csv"))}
    assert rows["empty.mid"].split == "dropped" and "fewer than" in rows["empty.mid"].note
    assert rows["broken.mid"].split == "dropped" and "damaged" in rows["broken.mid"].note
    assert rows["r0.mid"].licence == "MIT" and rows["own.mid"].licence == "unstated"
    assert len(rows["own.mid"].sha256) == 64


def test_near_copies_stay_on_one_side(prepared):
    data, _ = prepared
    names = data.piece_name.tolist()
    original, copy = names.index("rated/r0.mid"), names.index("mine/copy.mid")
    assert data.piece_cluster[original] == data.piece_cluster[copy]
    assert data.piece_heldout[original] and data.piece_heldout[copy]  # the rated set is an official test part
    assert data.piece_cluster[names.index("mine/own.mid")] != data.piece_cluster[original]


def test_human_ratings_win_and_can_be_left_out(prepared):
    data, _ = prepared
    rated = data.piece_pool[data.section_piece] == data.about["pools"].index("rated")
    assert set(data.label_source[rated]) == {HUMAN}
    assert set(data.label_source[~rated]) == {PSEUDO}
    first, last = (data.piece_name.tolist().index(f"rated/r{i}.mid") for i in (0, 7))
    assert (data.valence[data.section_piece == first] < data.valence[data.section_piece == last].min()).all()
    with pytest.raises(InputError, match=r"no rated pieces .* columns valence"):
        relabelled(data, exclude_labels=["rated"])


def test_open_licences_only(raw, tmp_path):
    data = prepare_notes(raw, tmp_path / "open.npz", licence="open", progress=False)
    assert data.about["pools"] == ["rated"]
    rows = {row.file: row for row in read_manifest(tmp_path / "open-manifest.csv")}
    assert {rows[name].split for name in ("copy.mid", "own.mid", "empty.mid", "broken.mid")} == {"left out"}
    assert rows["own.mid"].note == "licence: unstated" and rows["r0.mid"].split == "heldout"


def test_what_is_left_out_is_told(raw, tmp_path, klangbild):
    code, _, err = klangbild("data", "prepare", "notes", raw, "--licence", "open", "-o", tmp_path / "n.npz")
    assert code == 0 and "left out: 4 files: 4 unstated (licence: unstated)" in err
    code, _, err = klangbild("data", "prepare", "notes", raw, "--without", "rated", "-o", tmp_path / "n.npz")
    assert code == 0 and "left out: 8 files: 8 MIT (its set was left out by wish)" in err
    code, _, err = klangbild(
        "data", "prepare", "notes", raw, "--licence", "open", "--without", "rated", "-o", tmp_path / "x.npz"
    )
    assert code == 1 and "holds no MIDI file of an open licence (left out: 12 files" in err and err.count("\n") == 1 + 1
    assert not (tmp_path / "x.npz").exists()


def test_several_folders_at_once(raw, tmp_path):
    other = tmp_path / "other"
    (other / "more").mkdir(parents=True)
    (other / "more" / "a.mid").write_bytes(to_midi_bytes(tune(70)))
    data = prepare_notes([raw, other], tmp_path / "n.npz", progress=False)
    assert data.about["pools"] == ["mine", "more", "rated"]
    (other / "mine").mkdir()
    (other / "mine" / "a.mid").write_bytes(to_midi_bytes(tune(71)))
    with pytest.raises(InputError, match=r"its set 'mine' is called as one of .*; rename"):
        prepare_notes([raw, other], tmp_path / "n.npz", progress=False)


def test_movements_of_a_work_stay_on_one_side(tmp_path):
    folder = tmp_path / "raw" / "songs"
    folder.mkdir(parents=True)
    lines = ["file,title,composer,licence"]
    for i in range(12):
        (folder / f"{i:02d}.mid").write_bytes(to_midi_bytes(tune(20 + i)))
        lines.append(f'{i:02d}.mid,Op. {i // 6 + 1} No. {i % 6},"Chopin, Fryderyk",CC0')
    (tmp_path / "raw" / "songs.csv").write_text("\n".join(lines) + "\n")
    data = prepare_notes(tmp_path / "raw", tmp_path / "n.npz", progress=False)
    assert len(set(data.piece_cluster[:6])) == len(set(data.piece_cluster[6:])) == 1
    assert len(set(data.piece_heldout[:6])) == len(set(data.piece_heldout[6:])) == 1


def test_loudness_by_rule_only_where_there_is_none(tmp_path):
    folder = tmp_path / "raw" / "flat"
    folder.mkdir(parents=True)
    flat = tune(3)
    for track in flat.tracks:
        track.notes["velocity"] = 80
    played = tune(4)
    for track in played.tracks:
        track.notes["velocity"] = 50 + np.arange(len(track.notes)) % 40
    (folder / "flat.mid").write_bytes(to_midi_bytes(flat))
    (folder / "played.mid").write_bytes(to_midi_bytes(played))
    velocity = FEATURES.index("velocity_sd")

    def spread(data, file):
        return data.features[data.section_piece == data.piece_name.tolist().index(f"flat/{file}"), velocity].mean()

    before = prepare_notes(tmp_path / "raw", tmp_path / "a.npz", progress=False)
    after = prepare_notes(tmp_path / "raw", tmp_path / "b.npz", dynamics=True, progress=False)
    assert spread(before, "flat.mid") == 0 and spread(after, "flat.mid") > 3
    assert spread(before, "played.mid") == spread(after, "played.mid")
    rows = {row.file: row.note for row in read_manifest(tmp_path / "b-manifest.csv")}
    assert "loudness by rule" in rows["flat.mid"] and "loudness by rule" not in rows["played.mid"]


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        prepare_notes(tmp_path / "none", tmp_path / "x.npz", progress=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no MIDI files"):
        prepare_notes(tmp_path / "empty", tmp_path / "x.npz", progress=False)
    assert not (tmp_path / "x.npz").exists()


def test_split_follows_the_fixed_list():
    names = ["a/1", "a/2", "a/3", "b/1"]
    heldout = choose_split(names, [None] * 4, np.array([0, 1, 1, 3]), {"a/3"})
    assert heldout[:3].tolist() == [False, True, True]  # 2 is a near copy of 3
    official = choose_split(names, ["train", "test", None, None], np.arange(4), set())
    assert not official[0] and official[1]


def test_a_large_set_has_something_held_out():
    names = [f"takes/{i:03d}" for i in range(120)]
    # three sessions of forty takes, and one of three
    cluster = np.repeat([0, 39, 78, 117], [39, 39, 39, 3])
    heldout = choose_split(names, [None] * 120, cluster, set())
    assert np.flatnonzero(heldout).tolist() == [117, 118, 119]
    assert not choose_split(names, [None] * 120, cluster, {"takes/none"}).any()  # listed sets stay as listed


def test_the_command(raw, tmp_path, klangbild):
    code, out, _ = klangbild("data", "prepare", "notes", raw, "-o", tmp_path / "n.npz")
    assert code == 0
    assert out.split() == [str(tmp_path / "n.npz"), str(tmp_path / "n-manifest.csv")]
    code, out, err = klangbild("data", "prepare", "notes", tmp_path / "nowhere")
    assert code == 1 and "there is no such folder" in err and out == ""
