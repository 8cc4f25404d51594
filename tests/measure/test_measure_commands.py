"""`klangbild measure ...` as a person uses it: tiny folders in, tables, JSON, reports and cards out, clear answers for mistakes."""

import json

import numpy as np
import pytest
from PIL import Image

from klangbild.cli.main import main
from klangbild.measure.nearness import heldout_emotions
from klangbild.measure.results import Results
from klangbild.measure.tables import layout, merged
from klangbild.metrics.intervals import Estimate
from klangbild.models.bars.data.prepared import NoteData
from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes


def some_piece(seed, *, bars=9):
    rng = np.random.default_rng(seed)
    steps = np.flatnonzero(rng.random(bars * 16) < 0.6)
    pitch = 60 + np.array([0, 2, 4, 5, 7, 9, 11])[rng.integers(0, 7, len(steps))]
    notes = make_notes(steps / 4, [0.5] * len(steps), pitch, rng.integers(50, 110, len(steps)))
    return Piece((Track("piano", 0, notes),), tempos=((0.0, 90.0 + 10 * seed),), length_beats=4.0 * bars)


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for i in range(5):
        (folder / f"p{i}.mid").write_bytes(to_midi_bytes(some_piece(i)))
    return folder


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(5):
        Image.new("RGB", (32, 24), (40 * i, 90, 200 - 30 * i)).save(folder / f"p{i}.png")
    return folder


def test_notes(music, tmp_path, capsys):
    (music / "broken.mid").write_bytes(b"MThd nothing")
    out = tmp_path / "notes.json"
    assert main(["measure", "notes", str(music), "-o", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["sets"]) == {"mine", "real half"}
    assert found["sets"]["mine"]["valid"]["value"] == pytest.approx(5 / 6, abs=1e-6)
    assert found["sets"]["mine"]["overlap_mean"]["value"] < found["sets"]["real half"]["overlap_mean"]["value"]
    assert any("judge fitted on" in note for note in found["notes"])
    assert Results.load(out).sets["mine"].keys() == found["sets"]["mine"].keys()


def test_folders_of_one_name_stay_apart_and_one_piece_has_no_interval(music, tmp_path, capsys):
    for place in ("a", "b"):
        (tmp_path / place / "out").mkdir(parents=True)
    (tmp_path / "a" / "out" / "p.mid").write_bytes((music / "p0.mid").read_bytes())
    for name in ("p1", "p2"):
        (tmp_path / "b" / "out" / f"{name}.mid").write_bytes((music / f"{name}.mid").read_bytes())
    assert main(["measure", "notes", str(tmp_path / "a" / "out"), str(tmp_path / "b" / "out"), "--json"]) == 0
    sets = json.loads(capsys.readouterr().out)["sets"]
    assert set(sets) == {"a/out", "b/out", "real half"}
    for score, found in sets["a/out"].items():
        assert found["low"] is None and found["high"] is None, score
    assert main(["measure", "notes", str(music), str(music)]) == 2
    assert "given twice" in capsys.readouterr().err
    assert main(["measure", "notes", str(tmp_path / "nowhere")]) == 1
    assert "there is no such file or folder" in capsys.readouterr().err


def test_sounds_too_short_and_silent_are_counted_and_never_scored(tmp_path, capsys):
    import soundfile

    tone = 0.2 * np.sin(np.arange(16000 * 9) / 6)
    for name, samples in (("a", tone), ("click", tone[:100]), ("silent", 0 * tone)):
        soundfile.write(tmp_path / f"{name}.wav", samples, 16000)
    cache = ["--cache", str(tmp_path / "cache")]
    assert main(["measure", "sound", str(tmp_path), "--json", *cache]) == 0
    found = json.loads(capsys.readouterr().out)["sets"][tmp_path.name]
    assert found["damaged"]["value"] == found["silent"]["value"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["valence_read"]["n"] == 1
    (tmp_path / "clicks").mkdir()
    (tmp_path / "click.wav").rename(tmp_path / "clicks" / "click.wav")
    assert main(["measure", "sound", str(tmp_path / "clicks"), *cache]) == 1
    assert "clicks: no sound can be measured, of 1" in capsys.readouterr().err


def test_fit_says_how_many_pieces_could_not_be_read(pictures, tmp_path, capsys):
    import soundfile

    (tmp_path / "sounds").mkdir()
    for picture in pictures.iterdir():
        soundfile.write(tmp_path / "sounds" / f"{picture.stem}.wav", np.zeros(16000 * 9), 16000)
    assert main(["measure", "fit", "--pictures", str(pictures), "--music", str(tmp_path / "sounds")]) == 1
    assert "only 0 of 5 pieces could be read" in capsys.readouterr().err


def test_vectors_of_a_named_network_stand_in_the_tables(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name in ("mine", "real"):
        np.savez(tmp_path / f"{name}.npz", vectors=rng.normal(size=(40, 4)))
    out = tmp_path / "vectors.json"
    files = [str(tmp_path / "mine.npz"), str(tmp_path / "real.npz")]
    assert main(["measure", "vectors", *files, "--network", "vggish", "--name", "A", "-o", str(out)]) == 0
    capsys.readouterr()
    assert main(["measure", "table", "melfusion", str(out)]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| A"))
    assert row.split("|")[2].strip() not in ("", "-")


def test_fit_on_given_music_and_what_is_wrong(music, pictures, tmp_path, capsys):
    out = tmp_path / "fit.json"
    assert main(["measure", "fit", "--pictures", str(pictures), "--music", str(music), "-o", str(out)]) == 0
    assert "emotion_top1" in capsys.readouterr().out
    assert Results.load(out).sets["mine"]["emotion_mean_rank"].n == 5
    (music / "p3.mid").unlink()
    assert main(["measure", "fit", "--pictures", str(pictures), "--music", str(music)]) == 1
    assert "p3.mid" in capsys.readouterr().err
    assert main(["measure", "fit", "--pictures", str(music)]) == 1
    assert "0 pictures" in capsys.readouterr().err
    assert main(["measure", "fit", "--pictures", str(pictures), "--engine", "piano"]) == 2


def test_fit_composes_once_and_goes_on(pictures, tmp_path, capsys):
    work = tmp_path / "work"
    asked = [
        "measure",
        "fit",
        "--pictures",
        str(pictures),
        "--most",
        "3",
        "--seconds",
        "8",
        "--work",
        str(work),
        "--json",
    ]
    assert main(asked) == 0
    first = json.loads(capsys.readouterr().out)
    made = {f.name: f.read_bytes() for f in work.glob("*.mid")}
    assert len(made) == 3
    lost = sorted(made)[1]
    (work / lost).unlink()
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["sets"] == first["sets"]
    assert (work / lost).read_bytes() == made[lost]
    assert main([*asked, "--seed", "5"]) == 1
    assert "other settings" in capsys.readouterr().err


def test_steering(tmp_path, capsys, monkeypatch):
    from klangbild.measure import steering

    monkeypatch.setattr(steering, "GRID", (-0.8, 0.8))
    command = ["measure", "steering", "--seeds", "1", "--seconds", "6", "--work", str(tmp_path / "s"), "--json"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["sets"]) == {"judge emopia", "judge vgmidi"}
    assert any("labels used this corpus too" in note for note in found["notes"])
    assert "notes_per_second~arousal" in found["sets"]["judge emopia"]


def test_nearness_asks_for_the_emotions_of_heldout_music(tmp_path, capsys):
    data = _prepared(n_heldout=6)
    data.save(tmp_path / "notes.npz")
    asked = heldout_emotions(data, 6)
    labels = set(zip(data.valence.tolist(), data.arousal.tolist(), strict=True))
    assert {(e.valence, e.arousal) for e in asked} <= labels and len(set(asked)) == 6
    command = [
        "measure",
        "nearness",
        "--notes",
        str(tmp_path / "notes.npz"),
        "--seconds",
        "6",
        "--work",
        str(tmp_path / "n"),
    ]
    assert main([*command, "--pieces", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["sets"]) == {"composed", "real half"}
    assert found["sets"]["composed"]["valid"]["value"] == 1.0
    for other in (["--pieces", "2"], ["--pieces", "3", "--seed", "1"]):  # never scored together with those
        assert main([*command, *other]) == 1
        assert "other settings" in capsys.readouterr().err
    assert main([*command, "--pieces", "7"]) == 1
    assert "6 of pool band are held out" in capsys.readouterr().err


def _prepared(*, n_heldout: int) -> NoteData:
    """Two labelled sections a piece, as 'data prepare notes' writes them, without ids."""
    n, rng = 2 * n_heldout, np.random.default_rng(0)
    return NoteData(
        ids=np.zeros(0, np.uint16),
        section_start=np.zeros(2 * n + 1, np.int64),
        section_piece=np.repeat(np.arange(n), 2).astype(np.int32),
        section_seconds=np.full(2 * n, 16, np.float32),
        features=np.zeros((2 * n, 1), np.float32),
        valence=rng.uniform(-0.9, 0.9, 2 * n).astype(np.float32),
        arousal=rng.uniform(-0.9, 0.9, 2 * n).astype(np.float32),
        label_source=np.ones(2 * n, np.uint8),
        piece_name=np.array([f"set/{i}" for i in range(n)]),
        piece_pool=np.zeros(n, np.uint8),
        piece_heldout=np.arange(n) < n_heldout,
        piece_cluster=np.arange(n, dtype=np.int32),
        piece_rating=np.zeros((n, 3), np.float32),
        about={"pools": ["band"]},
    )


def test_sound(music, tmp_path, capsys):
    one = tmp_path / "one"
    one.mkdir()
    (one / "p0.mid").write_bytes((music / "p0.mid").read_bytes())
    command = ["measure", "sound", str(one), "--reference", str(music), "--cache", str(tmp_path / "cache"), "--json"]
    assert main(command) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["sets"]["one"]["spectral_kl"]["value"] == pytest.approx(0, abs=1e-9)
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["sets"] == first["sets"]
    assert main(["measure", "sound", str(tmp_path / "cache")]) == 1


def results_of(kind, **sets):
    return Results(kind, {n: {k: Estimate(v, v, v, 3) for k, v in s.items()} for n, s in sets.items()})


def test_tables_by_name():
    sets = merged([
        results_of("sound", ours={"fad_own": 3.0, "spectral_kl": 0.002}),
        results_of("listen", ours={"quality": 4.0, "preferred": 0.75}, all={"alpha_quality": 0.5}),
    ])  # fmt: skip
    art = layout("art2mus", sets)
    assert "| ours | 3 [3, 3] (own) | 0.002 [0.002, 0.002] | - | - |" in art
    assert "| ours | 4 [4, 4] | - | 0.75 [0.75, 0.75] |" in art and "| AudioLDM 2 (published) | 20 | 0.004107 |" in art
    assert "all" not in sets
    assert "| FAD ↓ | KL ↓ | FD ↓ | IMSM ↑ | OVL ↑ | REL ↑ |" in layout("melfusion", sets)


def test_report_opens_offline(music, tmp_path, capsys):
    result = results_of("fit", notes={"top1": 0.5, "fad_own": 2.0})
    result.details = {"asked": [[0.1, 0.2], [0.3, -0.4]], "read": [[0.1, 0.2], [None, None]]}
    result.save(tmp_path / "fit.json")
    out = tmp_path / "report.html"
    assert main(["measure", "report", str(tmp_path / "fit.json"), "--music", f"notes={music}", "-o", str(out)]) == 0
    page = out.read_text(encoding="utf-8")
    assert "http" not in page and page.count("<img alt=") >= 5 and "top1" in page
    assert out.with_suffix(".pdf").read_bytes()[:5] == b"%PDF-"
    assert main(["measure", "report", str(tmp_path / "none.json"), "-o", str(out)]) == 1
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    assert main(["measure", "report", str(tmp_path / "bad.json"), "-o", str(out)]) == 1


def test_cards_are_filled_and_know_when_they_are_old(tmp_path, capsys):
    (tmp_path / "m.json").write_text(json.dumps({"name": "m", "licence": "MIT"}), encoding="utf-8")
    (tmp_path / "m.onnx").write_bytes(b"weights")
    results_of("steering", judge={"arousal_spearman": 0.9}).save(tmp_path / "s.json")
    assert main(["measure", "card", str(tmp_path / "m.json"), str(tmp_path / "s.json"), "--markdown"]) == 0
    assert "| arousal_spearman | 0.9 [0.9, 0.9] |" in capsys.readouterr().out
    card = json.loads((tmp_path / "m.json").read_text(encoding="utf-8"))
    assert (
        card["measured"]["steering"]["sets"]["judge"]["arousal_spearman"]["value"] == 0.9 and card["licence"] == "MIT"
    )
    assert main(["measure", "card", str(tmp_path / "m.json"), "--check"]) == 0
    (tmp_path / "m.onnx").write_bytes(b"other weights")
    assert main(["measure", "card", str(tmp_path / "m.json"), "--check"]) == 1
    assert "measure again" in capsys.readouterr().out
    assert main(["measure", "card", str(tmp_path / "m.json")]) == 2
    assert main(["measure", "card", str(tmp_path / "x.json"), "--check"]) == 1


def test_ears_stand_beside_real_music_and_its_controls(music, tmp_path, capsys):
    (music / "broken.mid").write_bytes(b"MThd nothing")
    assert main(["measure", "ears", str(music), "--json"]) == 0
    told = capsys.readouterr()
    sets = json.loads(told.out)["sets"]
    assert set(sets) == {"mine", "real", "shuffled bars", "shuffled pitches"} and "broken.mid" in told.err
    assert len({tuple(scores) for scores in sets.values()}) == 1
    assert sets["mine"]["single_onsets"]["value"] == 1 and sets["mine"]["parts"]["value"] == 1
    value = {name: {k: v["value"] for k, v in scores.items()} for name, scores in sets.items()}
    for score, control in (
        ("chord_beats", "pitches"),
        ("motifs_return", "bars"),
        ("density_range", "bars"),
        ("steps", "pitches"),
    ):
        assert value["real"][score] > value[f"shuffled {control}"][score], score
    assert main(["measure", "ears"]) == 2 and main(["measure", "ears", str(music), "--keep"]) == 2
