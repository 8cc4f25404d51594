import dataclasses
import json
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from scipy.sparse import csc_matrix  # noqa: E402

from klangbild.errors import InputError, NotAvailableError, UsageError  # noqa: E402
from klangbild.models.aria.data.chunks import EventsChunks, label_edges  # noqa: E402
from klangbild.models.aria.data.prepare import EventsData, clean_bars, prepare_events, read_labels, scaled_labels  # noqa: E402
from klangbild.models.aria.data.sources import Dropped, Song, read_pianoroll, read_songs  # noqa: E402
from klangbild.models.aria.decode_strict import TimedNote, decode_strict, encode_strict  # noqa: E402
from klangbild.models.aria.language import to_piece  # noqa: E402
from klangbild.models.aria.training.train import (  # noqa: E402
    EventsConfig,
    EventsTrainer,
    Score,
    evaluate_run,
    train,
    transfer,
)
from klangbild.models.aria.vocabulary import PAD, START, EventsVocabulary, is_note, with_emotion_tokens  # noqa: E402
from klangbild.models.device_torch import check_device  # noqa: E402
from klangbild.music.midi import to_midi_bytes  # noqa: E402

TINY = {
    "n_layer": 1, "n_head": 2, "d_model": 32, "d_inner": 48, "d_condition": 8, "length": 48, "rows": 4, "lr": 3e-3, "warmup": 1,
    "dropout": 0.1, "heldout_rows": 4,
}  # fmt: skip


def song_notes(seed, *, names=("drums", "bass", "piano"), seconds=24.0):
    rng = np.random.default_rng(seed)
    notes = []
    for name in names:
        for start in np.arange(0, seconds, 0.25 if name == "drums" else 0.5):
            pitch = 36 if name == "drums" else int(rng.choice([48, 52, 55, 60]))
            notes.append(TimedNote(name, pitch, float(start), float(start + 0.2 + 0.001 * seed)))
    return notes


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    raw = folder / "raw"
    (raw / "lmd_full" / "0").mkdir(parents=True)
    rows = ["file,valence"]
    for i in range(12):
        names = ("drums", "piano") if i == 3 else ("drums", "bass", "piano")
        piece = to_piece(song_notes(i, names=names, seconds=18.0 + i), tempo_bpm=120.0)
        (raw / "lmd_full" / "0" / f"{i:02d}.mid").write_bytes(to_midi_bytes(piece))
        if i != 5:
            rows.append(f"{i:02d}.mid,{0.1 + 0.05 * i}")
    (raw / "lmd_full" / "0" / "zz.mid").write_bytes(b"MThd nonsense")
    (folder / "labels.csv").write_text("\n".join(rows))
    return prepare_events(raw, folder / "events.npz", labels=read_labels(folder / "labels.csv")), folder / "events.npz"


def test_prepared_songs(data):
    data, path = data
    assert len(data.song_name) == 11 and data.about["dropped"] == 2
    assert data.song_heldout.sum() == 1 and data.song_heldout[-1]
    assert data.labelled.sum() == 10 and not data.labelled[4]
    known = data.valence[data.labelled]
    assert known.min() == -1 and known.max() == 1
    assert np.isclose(np.nanmin(data.arousal), -1) and np.isclose(np.nanmax(data.arousal), 1)
    again = EventsData.load(path)
    assert np.array_equal(again.ids, data.ids) and again.about == data.about
    first = decode_strict(data.bars(int(data.song_start[0]), int(data.song_start[1])))
    assert {note.instrument for note in first} == {"drums", "bass", "piano"}
    with pytest.raises(InputError):
        EventsData.load(path.with_name("nowhere.npz"))


def test_labels_that_label_nothing_are_refused(data, tmp_path):
    bad = tmp_path / "bad.csv"
    for text in ("a,b\n1,2\n", "file\nx.mid\n", "file,valence\nx.mid,high\n", ""):
        bad.write_text(text)
        with pytest.raises(InputError, match=r"bad\.csv: is not a CSV"):
            read_labels(bad)
    bad.write_text("\ufefffile,valence\nother.mid,0.5\n", encoding="utf-8")
    labels = read_labels(bad)
    with pytest.raises(InputError, match=r"bad\.csv: labels no song"):
        prepare_events(data[1].parent / "raw", tmp_path / "x.npz", labels=labels, labels_from="bad.csv")
    assert not (tmp_path / "x.npz").exists()
    unlabelled = dataclasses.replace(data[0], valence=np.full(11, np.nan, np.float32))
    with pytest.raises(InputError, match="no labelled song"):
        EventsTrainer(EventsConfig(conditioning="continuous_concat", **TINY), unlabelled)


def test_devices_that_are_not_here():
    with pytest.raises(UsageError, match="no device"):
        check_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(NotAvailableError, match="CUDA"):
            check_device("cuda:0")
    check_device("cpu")


def test_scaling_of_labels():
    values = np.array([0.0, 1, 2, 3, 4, 100, np.nan])
    scaled = scaled_labels(values)
    assert np.isnan(scaled[5:]).all() and scaled[:5].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert np.isnan(scaled_labels(np.array([1.0, np.nan]))).all()


def test_clean_bars_lose_nothing():
    notes = song_notes(1, seconds=6.0)
    bars = clean_bars(Song("x", notes, [0.0, 2.0, 4.0]))
    strict = encode_strict(notes, [0.0, 2.0, 4.0])
    assert len(bars) >= 3 and sum(map(len, bars)) > sum(map(len, strict))
    assert sum(is_note(int(i)) for i in np.concatenate(bars)) == 2 * len(notes)


def write_pianoroll(path, rolls, *, old, tempo=120.0):
    arrays, info = {"tempo": np.full(next(iter(rolls.values())).shape[0], tempo)}, {"name": "x"}
    info["beat_resolution" if old else "resolution"] = 24
    for key, (name, roll) in enumerate(rolls.items()):
        sparse = csc_matrix(roll)
        for part in ("data", "indices", "indptr"):
            arrays[f"pianoroll_{key}_csc_{part}"] = getattr(sparse, part)
        arrays[f"pianoroll_{key}_csc_shape"] = np.array(sparse.shape)
        info[str(key)] = {"name": name, "program": 0, "is_drum": name == "Drums"}
    np.savez_compressed(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("info.json", json.dumps(info))


@pytest.mark.parametrize("old", [True, False])
def test_lakh_pianoroll(tmp_path, old):
    roll, drums = np.zeros((96 * 2, 128), np.uint8), np.zeros((96 * 2, 128), np.uint8)
    roll[0:48, 60] = 100
    roll[60:72, 64] = 90
    drums[::24, 36] = 1
    write_pianoroll(tmp_path / "a.npz", {"Drums": drums, "Piano": roll, "Bass": roll}, old=old)
    song = read_pianoroll(tmp_path / "a.npz")
    piano = [(n.pitch, n.start_s, n.end_s) for n in song.notes if n.instrument == "piano"]
    assert np.allclose(piano, [(60, 0.0, 1.0), (64, 1.25, 1.5)])
    assert song.downbeats_s == pytest.approx([0.0, 2.0]) and song.n_instruments == 3
    (tmp_path / "b.npz").write_bytes(b"no")
    read = {s.name: s for s in read_songs(tmp_path)}
    assert isinstance(read["b.npz"], Dropped) and read["a.npz"].notes


def test_windows(data):
    data, _ = data
    rng = np.random.default_rng(0)
    chunks = EventsChunks(
        data, with_emotion_tokens(), conditioning="discrete_token", length=40, bin_edges=label_edges(data)
    )
    batch = chunks.batch(64, rng)
    assert batch.inputs.shape == batch.targets.shape and batch.inputs.shape[1] <= 40
    assert np.array_equal(batch.inputs[:, 1:], batch.targets[:, :-1])
    starts = (batch.inputs == START).any(axis=1)
    assert 0.3 < starts.mean() < 0.8
    for row, has_start in zip(batch.inputs, starts, strict=True):
        emotion = row[row >= 1007]
        assert len(emotion) == (2 if has_start else 0)
        if has_start:
            assert row[2] == START and 1012 <= row[0] < 1017 and 1007 <= row[1] < 1012
    assert not np.isnan(batch.condition).any()
    plain = EventsChunks(data, EventsVocabulary(), conditioning="continuous_token", length=40)
    assert plain.length == 38
    assert EventsChunks(data, EventsVocabulary(), conditioning="none", length=40).songs.size == 10
    fixed = plain.fixed(3)
    assert (fixed.inputs[:, 0] == START).all()
    pieces = plain.exhaustive()
    assert pieces and all(len(ids) == 39 for ids, _ in pieces)
    short = plain.stack([(np.array([START, 5, 6]), 0), (np.array([START, 5]), 1)])
    assert short.targets[1, -1] == PAD


@pytest.mark.parametrize("conditioning", ["none", "discrete_token", "continuous_token", "continuous_concat"])
def test_the_loss_falls(data, conditioning):
    trainer = EventsTrainer(EventsConfig(conditioning=conditioning, **TINY), data[0])
    losses = [trainer.train_step().item() for _ in range(25)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:3])
    score = trainer.evaluate()
    assert score.top1 <= score.top5 and score.perplexity == pytest.approx(np.exp(score.nll))


def test_the_judge_learns(data):
    trainer = EventsTrainer(EventsConfig(regression=True, **{**TINY, "dropout": 0.0}), data[0])
    losses = []
    for _ in range(40):
        trainer.step = 0  # the same windows again
        losses.append(trainer.train_step().item())
    assert losses[-1] < 0.7 * losses[0]
    assert trainer.evaluate().l1 < 1.5


def test_a_run_goes_on_exactly_and_is_written_as_published(data, tmp_path):
    config = EventsConfig(data=str(data[1]), run=str(tmp_path / "a"), conditioning="discrete_token", **TINY)
    straight = train(config, steps=6)
    other = dataclasses.replace(config, run=str(tmp_path / "b"))
    train(other, steps=3)
    with pytest.raises(UsageError, match="--resume"):
        train(other, steps=1)
    resumed = train(other, steps=3, resume=True)
    for (name, a), b in zip(straight.network.state_dict().items(), resumed.network.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert {"nll", "top1", "perplexity"} <= evaluate_run(config).keys()
    from klangbild.models.aria.convert_torch import read_checkpoint

    read = read_checkpoint(tmp_path / "a")
    assert read.vocabulary == with_emotion_tokens() and read.sizes == straight.sizes
    assert read.bin_edges is not None and len(read.bin_edges["valence"]) == 6


def test_transfer_from_a_model_without_condition(data):
    plain = EventsTrainer(EventsConfig(conditioning="none", **TINY), data[0])
    weights = plain.network.state_dict()
    for conditioning, fresh in (
        ("continuous_concat", ["fc_condition.bias", "fc_condition.weight"]),
        ("discrete_token", []),
    ):
        trainer = EventsTrainer(EventsConfig(conditioning=conditioning, **TINY), data[0])
        assert sorted(transfer(trainer.network, weights)[0]) == fresh
        own = trainer.network.state_dict()
        columns = own["embedding.weight"].shape[1]
        assert torch.equal(own["embedding.weight"][:1007], weights["embedding.weight"][:, :columns])
        assert torch.equal(own["fc.weight"][:1007], weights["fc.weight"])


def test_configs(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("lr = 0.1\nn_layers = 3\n")
    with pytest.raises(InputError, match="n_layers"):
        EventsConfig.load(path)
    with pytest.raises(UsageError):
        EventsConfig(bins="odd")
    assert np.isnan(Score().l1)
