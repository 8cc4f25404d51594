"""The notes model learns on a tiny real run, resumes as if it had never stopped, decays, and exports."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from klangbild.errors import InputError, UsageError
from klangbild.models.bars.data.batches import NoteBatches
from klangbild.models.bars.data.choose_labels import relabelled
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import SIZE, BarsLanguage
from klangbild.models.bars.runtime import load
from klangbild.models.bars.training.export import averaged_network, export_notes, export_weights
from klangbild.models.bars.training.tensors import opening_ids
from klangbild.models.bars.training.train import NotesConfig, train
from klangbild.models.bars.training.weights_torch import load_network
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.music.section_features import FEATURES
from klangbild.training.checkpoint import load_checkpoint
from klangbild.training.curves import draw_curves


def simple_data(path: Path, *, pieces: int = 10) -> NoteData:
    """Scales up and down in C, encoded by the real language; the last two are held out."""
    language = BarsLanguage()
    ids, section_piece = [], []
    for i in range(pieces):
        pitches = 48 + np.resize([0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2], 128) + 12 * (i % 3)
        notes = make_notes(np.arange(128) / 2, [0.5] * 128, pitches, [80] * 128)
        piece = Piece((Track("piano", 0, notes),), tempos=((0.0, 90.0 + 10 * i),))
        sections = [s.ids for s in language.encode_sections(piece)]
        ids += sections
        section_piece += [i] * len(sections)
    n = len(ids)
    features = np.zeros((n, len(FEATURES)), np.float32)
    features[:, FEATURES.index("bpm")] = 90.0 + 10.0 * np.array(section_piece)
    heldout = np.arange(pieces) >= pieces - 2
    data = NoteData(
        ids=np.concatenate(ids).astype(np.uint16),
        section_start=np.concatenate([[0], np.cumsum([len(s) for s in ids])]),
        section_piece=np.array(section_piece, np.int32),
        section_seconds=np.full(n, 16.0, np.float32),
        features=features,
        valence=np.linspace(-1, 1, n, dtype=np.float32),
        arousal=np.linspace(1, -1, n, dtype=np.float32),
        label_source=np.ones(n, np.uint8),
        piece_name=np.array([f"scales/{i}" for i in range(pieces)]),
        piece_pool=np.zeros(pieces, np.uint8),
        piece_heldout=heldout,
        piece_cluster=np.arange(pieces, dtype=np.int32),
        piece_rating=np.tile(np.array([np.nan, np.nan, 0.0], np.float32), (pieces, 1)),
        about={
            "language": "bars",
            "language_version": 1,
            "vocabulary": SIZE,
            "pools": ["scales"],
            "licences": {"scales": ["CC0"]},
        },
    )
    data.save(path)
    return data


@pytest.fixture
def config(tmp_path) -> NotesConfig:
    simple_data(tmp_path / "notes.npz")
    return NotesConfig(
        data=str(tmp_path / "notes.npz"),
        run=str(tmp_path / "run"),
        width=32,
        layers=2,
        heads=2,
        hidden=64,
        condition_width=8,
        context=64,
        rows=2,
        warmup=5,
        average=0.9,
        heldout_chunks=2,
        heldout_every=20,
    )


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_it_learns_and_says_so(config, tmp_path):
    train(config, steps=60)
    with Path(config.run, "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["loss"]) < 0.6 * np.log(SIZE)
    assert float(rows[-1]["heldout"]) < 0.6 * np.log(SIZE)
    draw_curves({"tiny": Path(config.run, "log.csv")}, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"


def test_openings_are_the_first_bar_and_its_tempo(config):
    chunks = NoteBatches(NoteData.load(Path(config.data)), mode="continuous_concat", context=16, opened_share=1.0)
    batch = chunks.batch(16, seed=0, step=0)
    chosen = opening_ids(batch)
    assert (chosen[:, 0] == 1).all() and (chosen[:, 2:] == 0).all()
    assert 0 < chosen[:, 1].mean() < 1  # bars inside a section have no tempo


def test_resuming_is_the_same_as_going_on(config, tmp_path):
    config = dataclasses.replace(config, dropout=0.1)
    whole = train(config, steps=12)
    parts = dataclasses.replace(config, run=str(tmp_path / "parts"))
    train(parts, steps=5)
    resumed = train(parts, steps=7, resume=True)
    assert resumed.step == whole.step == 12 and resumed.ids_seen == whole.ids_seen
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name
    assert torch.equal(whole.average.weights["head.weight"], resumed.average.weights["head.weight"])


def test_decay_branches_off_and_leaves_the_run_alone(config):
    train(config, steps=6)
    before = Path(config.run, "last.pt").read_bytes()
    branch = train(config, decay_steps=4)
    assert branch.step == 10
    assert load_checkpoint(Path(config.run, "decayed.pt"))["step"] == 10
    assert Path(config.run, "last.pt").read_bytes() == before


def test_a_run_is_not_overwritten_by_mistake(config):
    train(config, steps=1)
    with pytest.raises(UsageError, match="--resume"):
        train(config, steps=1)
    with pytest.raises(UsageError, match="other sizes"):
        train(dataclasses.replace(config, layers=1), steps=1, resume=True)


@pytest.mark.parametrize("mode", ["continuous_token", "discrete_token", "none"])
def test_other_modes_start_from_the_best_weights(config, tmp_path, mode):
    base = train(config, steps=2)
    other = dataclasses.replace(config, mode=mode, run=str(tmp_path / mode))
    started = train(other, steps=1, start_weights=base.average.weights)
    assert started.step == 1
    fresh = [n for n, w in started.model.state_dict().items() if base.average.weights.get(n, w[:0]).shape != w.shape]
    assert "blocks.0.up.weight" not in fresh and "embedding.weight" in fresh


def test_export_writes_a_model_the_runtime_loads(config, tmp_path):
    train(config, steps=10)
    network, card_path = export_notes(config, out_dir=tmp_path / "weights", weights_dir=tmp_path / "checkpoints")
    card = json.loads(card_path.read_text())
    assert card["training"]["steps"] == 10 and card["data"]["sets"] == {"scales": ["CC0"]}
    runtime = load(card_path.with_suffix(".onnx"))
    ids = np.arange(30)[None] + 5
    condition = np.array([[0.5, -0.5, 1.0]], np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(ids), torch.from_numpy(condition)[:, None].expand(1, 30, 3))[0, -1].numpy()
    found = runtime.step(ids, condition)[0]
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()  # int8
    again, header = load_network(tmp_path / "checkpoints" / "notes-continuous_concat.safetensors")
    assert header["mode"] == "continuous_concat"
    assert torch.allclose(again.head.weight, network.head.weight, atol=1e-3)


def test_a_named_model_of_open_music_says_so_and_overwrites_nothing(config, tmp_path, klangbild):
    relabelled(NoteData.load(Path(config.data)), open_only=True).save(tmp_path / "open.npz")
    named = dataclasses.replace(config, name="notes-free", data=str(tmp_path / "open.npz"))
    train(named, steps=2)
    path = export_weights(named, weights_dir=tmp_path / "checkpoints")
    assert path.name == "notes-free.safetensors"
    assert [file.name for file in (tmp_path / "checkpoints").iterdir()] == [path.name]
    _, header = load_network(path)
    assert header["name"] == "notes-free" and header["licence"] == "CC BY 4.0"
    _, card_path = export_notes(named, out_dir=tmp_path / "weights")
    card = json.loads(card_path.read_text())
    assert card["licence"] == "CC BY 4.0" and "nobody's ratings" in card["data"]["labels"]
    written = {file.name for file in (tmp_path / "weights").iterdir()}
    assert {"notes-free.onnx", "notes-free.json"} <= written and "notes-sections.npz" not in written
    # the same music, labelled with what the shipped labelling learnt from others' ratings
    _, closed = export_notes(dataclasses.replace(named, data=config.data), out_dir=tmp_path / "closed")
    assert json.loads(closed.read_text())["licence"] == "CC BY-NC-SA 4.0"
    code, _, err = klangbild("train", "export", "notes", "--weights-only", "--config", "configs/notes-open.toml")
    assert code == 2 and "--weights-out" in err


def test_a_mean_with_earlier_weights_can_be_exported(config, tmp_path):
    trainer = train(config, steps=2)
    earlier = {name: torch.zeros_like(w) for name, w in trainer.average.weights.items() if not name.startswith("bar.")}
    network, card_path = export_notes(config, mix=earlier, out_dir=tmp_path)
    assert torch.allclose(network.head.weight, trainer.average.weights["head.weight"] / 2)
    assert "0.5 of others" in json.loads(card_path.read_text())["training"]["mixed"]
    with pytest.raises(UsageError, match="--mix"):
        export_notes(config, mix={"head.weight": torch.zeros(1, 1)}, out_dir=tmp_path)


def test_checkpoints_with_code_are_refused(tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "bad.pt").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError, match="not a training checkpoint"):
        averaged_network(tmp_path / "bad.pt")
    assert not (tmp_path / "ran").exists()


def test_config_errors_name_the_setting(tmp_path):
    (tmp_path / "c.toml").write_text("widht = 3\n")
    with pytest.raises(InputError, match="widht"):
        NotesConfig.load(tmp_path / "c.toml")
    (tmp_path / "d.toml").write_text("width = \n")
    with pytest.raises(InputError, match="not TOML"):
        NotesConfig.load(tmp_path / "d.toml")


def test_what_given_weights_lose_is_told(config, tmp_path, capsys):
    """Both directions: what of the network stays new, and what of the file has no place in it."""
    given = train(config, steps=1).average.weights
    given = {**given, "lost.weight": torch.zeros(3, 2), "embedding.weight": torch.zeros(5, 7)}
    capsys.readouterr()
    train(dataclasses.replace(config, run=str(tmp_path / "other")), steps=1, start_weights=given)
    err = capsys.readouterr().err
    assert "new: embedding.weight\n" in err
    assert "left aside of them: embedding.weight (5, 7) (here (" in err and "lost.weight (3, 2)" in err
    with pytest.raises(InputError, match="no weight of these fits"):
        train(dataclasses.replace(config, run=str(tmp_path / "third")), steps=1, start_weights={"a": torch.zeros(1)})
