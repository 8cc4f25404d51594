"""The measures compose with a model of others through the same door as everybody: they ended in AttributeError once."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnx")

from klangbild.cli.main import main
from klangbild.composer import Composer
from klangbild.emotion.space import Emotion
from klangbild.measure import nearness, steering
from klangbild.measure.composed import compose_into
from klangbild.models.aria.convert_torch import convert
from klangbild.models.aria.weights import load_foreign
from klangbild.music.midi import read_midi
from klangbild.settings import Settings

SECONDS = "2"


@pytest.fixture
def aria(checkpoint, models_home):
    convert(checkpoint("continuous_concat")[0], name="aria")
    return "aria"


def test_one_door(aria, tmp_path):
    """The loaded model knows its language: what it composes is what the engine composes, note for note."""
    settings = Settings(model=aria, seconds=3, valence=0.4, arousal=-0.2)
    engine = load_foreign(aria, "continuous_concat")
    theirs = Composer(model=aria).compose(np.zeros((8, 8, 3), np.uint8), seconds=3, seed=5, valence=0.4, arousal=-0.2)
    ours = engine.compose(Emotion(0.4, -0.2), settings, theirs.record.voice.keyed(5)).piece
    assert ours.n_notes > 0
    for a, b in zip(ours.tracks, theirs.piece.tracks, strict=True):
        assert a.program == b.program and np.array_equal(a.notes, b.notes)
    (path,) = compose_into(tmp_path / "work", [("x", Emotion(0.4, -0.2), 5)], settings, model=aria, mark="mark.json")
    assert read_midi(path).n_notes == engine.compose(Emotion(0.4, -0.2), settings, 5).piece.n_notes


def test_steering(aria, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(steering, "GRID", (-0.8, 0.8))
    call = ["measure", "steering", "--model", aria, "--seeds", "1", "--seconds", SECONDS, "--judge", "vgmidi", "--json"]
    assert main([*call, "--work", str(tmp_path / "steering")]) == 0
    assert "valence_spearman" in json.loads(capsys.readouterr().out)["sets"]["judge vgmidi"]


def test_fit(aria, tmp_path, capsys):
    rng = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for name in "ab":
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(tmp_path / "pictures" / f"{name}.png")
    call = ["measure", "fit", "--model", aria, "--seconds", "8", "--pictures", str(tmp_path / "pictures"), "--json"]
    assert main([*call, "--work", str(tmp_path / "fit")]) == 0
    assert "emotion_top1" in json.loads(capsys.readouterr().out)["sets"]["notes"]
    (tmp_path / "fit" / "fit.json").write_text("{")
    assert main([*call, "--work", str(tmp_path / "fit")]) == 1
    assert "damaged" in capsys.readouterr().err


def test_nearness(aria, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(nearness, "heldout_emotions", lambda *_args, **_kwargs: [Emotion(0.1, 0.2), Emotion(-0.4, 0)])
    monkeypatch.setattr(nearness.NoteData, "load", lambda _path: None)
    call = ["measure", "nearness", "--model", aria, "--pieces", "2", "--seconds", SECONDS, "--json"]
    assert main([*call, "--work", str(tmp_path / "nearness")]) == 0
    assert json.loads(capsys.readouterr().out)["sets"]["composed"]
