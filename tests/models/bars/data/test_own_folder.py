"""A user's own MIDI folder works as it is, of whatever size, and what cannot work says so in one line."""

import json
import zipfile

import numpy as np
import pytest
from band_pieces import tune

from klangbild.errors import InputError
from klangbild.models.bars.data.batches import NoteBatches
from klangbild.models.bars.data.emotion_labels import HUMAN, NO_LABEL, PSEUDO
from klangbild.models.bars.data.labelling import WITH_DRUMS, Labelling, shipped_path
from klangbild.models.bars.data.prepare import prepare_notes, with_both_sides
from klangbild.models.bars.data.prepared import NoteData
from klangbild.music.midi import to_midi_bytes
from klangbild.music.section_features import FEATURES
from klangbild.training.manifest import read_manifest, sha256_of


def write(path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def prepare(folder, **wishes) -> tuple[NoteData, list]:
    out = folder.parent / f"{folder.name}-out" / "n.npz"
    data = prepare_notes(folder, out, progress=False, **wishes)
    return data, read_manifest(out.with_name("n-manifest.csv"))


def test_one_piece_is_labelled_by_what_ships_and_trained_on(tmp_path):
    write(tmp_path / "own" / "a.mid", to_midi_bytes(tune(1)))
    data, rows = prepare(tmp_path / "own")
    assert set(data.label_source) == {PSEUDO}
    assert np.abs(data.valence).max() <= 1.0 and np.abs(data.arousal).max() > 0.0
    assert data.about["labels"] == {"from": "labels-notes", "rated_pieces": 0}
    assert rows[0].split == "train" and "shipped labels-notes" in rows[0].labels
    assert not (tmp_path / "own-out" / "n-labels.npz").exists()
    with pytest.raises(InputError, match="no piece held out"):
        NoteBatches(data, mode="none", context=64, heldout=True)


def test_three_pieces_have_both_sides(tmp_path):
    for i in range(3):
        write(tmp_path / "own" / f"{i}.mid", to_midi_bytes(tune(7 * i)))
    data, rows = prepare(tmp_path / "own")
    assert sorted(row.split for row in rows) == ["heldout", "train", "train"]
    for heldout in (False, True):
        batches = NoteBatches(data, mode="continuous_concat", context=64, heldout=heldout)
        assert batches.batch(2, seed=0, step=0).ids.shape == (2, 64)


def test_a_nested_folder_is_one_set_and_other_files_are_passed_over(tmp_path):
    own = tmp_path / "own"
    write(own / "jazz" / "1950" / "slow" / "a.mid", to_midi_bytes(tune(1)))
    write(own / "jazz" / "b.MID", to_midi_bytes(tune(9)))
    write(own / "jazz" / "cover.txt", b"not music")
    write(own / "notes.txt", b"not music")
    data, rows = prepare(own)
    assert data.about["pools"] == ["jazz"]
    assert [row.file for row in rows] == ["1950/slow/a.mid", "b.MID"]


def test_a_file_that_is_no_midi_is_dropped_with_the_reason(tmp_path):
    write(tmp_path / "own" / "good.mid", to_midi_bytes(tune(1)))
    write(tmp_path / "own" / "bad.mid", b"words")
    _, rows = prepare(tmp_path / "own")
    assert rows[0].split == "dropped" and rows[0].note.startswith("is not a MIDI file") and rows[0].labels == ""


def bad_folders(root):
    """Folder, what its one line must say."""
    (root / "empty").mkdir(parents=True)
    yield root / "empty", "holds no MIDI files"
    write(root / "words" / "a.mid", b"words")
    yield root / "words", "a.mid: is not a MIDI file"
    write(root / "zip" / "a.zip", b"no zip")
    yield root / "zip", "not a whole zip file"
    for name, text, wrong in (
        ("number", "file,valence\na.mid,much\n", "valence 'much'; write a number from -1 to 1"),
        ("quadrant", "file,quadrant\na.mid,7\n", "quadrant '7'; write a number from 1 to 4"),
        ("missing", "file,licence\nb.mid,MIT\n", "lacks b.mid"),
        ("column", "name\na.mid\n", "no 'file' column"),
        ("bytes", "file\né.mid\n", "not a CSV in UTF-8"),
    ):
        write(root / name / "set" / "a.mid", to_midi_bytes(tune(1)))
        write(root / name / "set.csv", text.encode("latin-1"))
        yield root / name, wrong


def test_what_cannot_work_is_told_in_one_line(tmp_path, klangbild):
    for folder, wrong in bad_folders(tmp_path):
        code, out, err = klangbild("data", "prepare", "notes", folder, "-o", tmp_path / "out" / "n.npz")
        assert code == 1 and out == "" and err.count("\n") == 1
        assert wrong in err, err
    assert not (tmp_path / "out").exists()


def test_a_few_ratings_are_kept_as_they_are(tmp_path):
    own = tmp_path / "own"
    for i in range(3):
        write(own / f"{i}.mid", to_midi_bytes(tune(7 * i)))
    (own / "mine.csv").write_text("file,valence,arousal,quadrant\n0.mid,0.7,-0.3,\n1.mid,,,3\n")
    data, rows = prepare(own)
    by_piece = [data.section_piece == i for i in range(3)]
    assert np.allclose(data.valence[by_piece[0]], 0.7) and np.allclose(data.arousal[by_piece[0]], -0.3)
    assert np.allclose(data.valence[by_piece[1]], -0.6) and np.allclose(data.arousal[by_piece[1]], -0.6)
    assert set(data.label_source[by_piece[0]]) == {HUMAN} and set(data.label_source[by_piece[2]]) == {PSEUDO}
    assert [row.labels.split(":")[0] for row in rows] == ["rated by people", "rated by people", "pseudo"]


def test_open_licences_rest_on_no_closed_ratings(tmp_path):
    own = tmp_path / "own"
    for i in range(3):
        write(own / f"{i}.mid", to_midi_bytes(tune(7 * i)))
    (own / "mine.csv").write_text("file,licence\n0.mid,CC0\n1.mid,MIT\n2.mid,CC BY-NC 4.0\n")
    data, rows = prepare(own, licence="open")
    assert data.about["labels"]["from"] == "mode"
    assert [(row.licence, row.split == "left out") for row in rows] == [
        ("CC0", False),
        ("MIT", False),
        ("CC BY-NC 4.0", True),
    ]
    assert rows[2].note == "licence: non-commercial"
    assert all(row.labels == "pseudo: ranks and the mode, nothing fitted" for row in rows[:2])


def rated_zip(folder, n: int) -> None:
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "rated.zip", "w") as archive:
        for i in range(n):
            archive.writestr(f"{i}.mid", to_midi_bytes(tune(i, bpm=80 + 10 * i)))
    rows = [f"{i}.mid,{0.1 * i - 0.4:.1f},{0.3 - 0.1 * i:.1f}" for i in range(n)]
    (folder / "rated.csv").write_text("file,valence,arousal\n" + "\n".join(rows) + "\n")


def test_rated_sets_write_a_labelling_that_labels_others_alike(tmp_path, klangbild):
    rated_zip(tmp_path / "rated", 10)
    data, _ = prepare(tmp_path / "rated")
    beside = tmp_path / "rated-out" / "n-labels.npz"
    card = json.loads(beside.with_suffix(".json").read_text())
    assert card["rated_pieces"] == {"rated": 10} and card["sha256"] == sha256_of(beside.read_bytes())
    write(tmp_path / "own" / "a.mid", to_midi_bytes(tune(3, bpm=110)))
    own, rows = prepare(tmp_path / "own", labels=beside)
    same = Labelling.load(beside)
    features = data.features[data.section_piece == 3]
    valence, arousal = same.score(features, same.crowds.index(WITH_DRUMS))
    assert np.allclose(own.valence, valence, atol=1e-5) and np.allclose(own.arousal, arousal, atol=1e-5)
    assert "another labelling" in rows[0].labels
    code, out, _ = klangbild("data", "labels", tmp_path / "rated-out" / "n.npz", "-o", tmp_path / "again.npz")
    assert code == 0 and out.split()[0].endswith("again.npz")
    assert np.allclose(Labelling.load(tmp_path / "again.npz").coefficients, same.coefficients, atol=2e-3)
    code, _, err = klangbild("data", "labels", tmp_path / "own-out" / "n.npz", "-o", tmp_path / "none.npz")
    assert code == 1 and "no rated pieces" in err


def test_what_ships_is_what_its_card_says_and_small():
    path = shipped_path()
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == sha256_of(path.read_bytes())
    assert path.stat().st_size <= 30_000
    assert card["rated_pieces"]["emopia"] and card["rated_pieces"]["vgmidi"]


def test_what_ships_points_the_right_way():
    labelling = Labelling.load()
    crowd = labelling.crowds.index("without drums")
    middle = labelling.feature_quantiles[crowd][:, 16].astype(np.float32)
    rows = np.tile(middle, (4, 1))
    index = {name: i for i, name in enumerate(FEATURES)}
    rows[0, index["notes_per_s"]], rows[1, index["notes_per_s"]] = 1.0, 20.0
    rows[2, index["majorness"]], rows[3, index["majorness"]] = -0.3, 0.3
    valence, arousal = labelling.score(rows, crowd)
    assert arousal[0] < -0.3 and arousal[1] > 0.3
    assert valence[2] < valence[3] - 0.3
    short = labelling.label(rows, np.array([50, 50, 50, 5]), np.zeros(4, int), ["mine"])
    assert short[2].tolist() == [PSEUDO, PSEUDO, PSEUDO, NO_LABEL] and short[0][3] == 0.0


def test_a_damaged_labelling_is_told(tmp_path):
    (tmp_path / "l.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a fitted labelling"):
        Labelling.load(tmp_path / "l.npz")


def test_one_cluster_changes_sides_only_where_it_must():
    names, cluster, all_usable = ["s/a", "s/b", "s/c"], np.array([0, 1, 1]), np.ones(3, bool)
    split = with_both_sides(np.zeros(3, bool), names, cluster, all_usable)
    assert split.any() and not split.all() and split[1] == split[2]
    assert with_both_sides(np.ones(3, bool), names, cluster, all_usable).tolist().count(False) in (1, 2)
    kept = np.array([True, False, False])
    assert with_both_sides(kept, names, cluster, all_usable).tolist() == kept.tolist()
    assert not with_both_sides(np.array([True]), ["s/a"], np.array([0]), np.ones(1, bool)).any()
