"""Every engine and every notes model that ships or can be added keeps `klangbild.contract`; every row of the registry is one.

The published sound systems at tiny size: tests/models/published/test_published_contract.py.
"""

import importlib.util
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from kept_contract import check_engine, check_note_model

from klangbild.contract import Request
from klangbild.emotion.space import Emotion
from klangbild.errors import NotAvailableError
from klangbild.models.aria.weights import load_foreign
from klangbild.models.bars.weights import load_notes_model, shipped_conditionings
from klangbild.models.engines import load_engine, player_of
from klangbild.models.registry import ENGINES, PARITY, PLAYERS, deaf, engines_hearing, named
from klangbild.picture.load import load_picture
from klangbild.settings import CONDITIONINGS, Settings

WORDS = {"text": "slow piano", "steps": 2}


def request(settings: Settings, *, picture: bool = False) -> Request:
    rgb = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    seen = load_picture(rgb) if picture else None
    return Request(settings, 5, Emotion(0.1, 0.2), Emotion(0.5, 0.6), "picture", (), None, seen)


@pytest.fixture(scope="module")
def aria(tmp_path_factory):
    """A tiny model in ARIA's layout with all four conditionings, converted: its folder."""
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from klangbild.models.aria.convert_torch import convert

    file = Path(__file__).parent / "models" / "aria" / "published_checkpoints.py"
    spec = importlib.util.spec_from_file_location("published_checkpoints", file)
    checkpoints = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checkpoints)
    home = tmp_path_factory.mktemp("aria")
    for conditioning in CONDITIONINGS:
        checkpoints.write_checkpoint(home / "source" / conditioning, conditioning, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLANGBILD_HOME", str(home))
        return convert(home / "source", name="tiny").path


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_our_notes_models(conditioning):
    if conditioning not in shipped_conditionings():
        pytest.skip("not shipped")
    engine = load_notes_model(None, conditioning)
    check_note_model(engine.model, engine.language, rounding=0.8)  # a quarter of the logits' own spread


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("way", ["", ":int8", "torch"])
def test_aria_s_models(aria, conditioning, way):
    """onnxruntime in both precisions, and torch; all of them behind the window that slides."""
    if way == "torch":
        from klangbild import hub
        from klangbild.models.aria.language import EventsLanguage
        from klangbild.models.aria.runtime_torch import open_in_torch
        from klangbild.models.aria.weights import read_part

        sizes, vocabulary, folder = read_part(hub.from_pretrained(str(aria)), conditioning)
        model = open_in_torch(folder / "model.safetensors", sizes, vocabulary, precision="float32", device="cpu")
        return check_note_model(model, EventsLanguage(vocabulary))
    engine = load_foreign(f"{aria}{way}", conditioning)
    check_note_model(engine.model, engine.language)


def test_the_notes_engine():
    settings = Settings(bars=2, seed=5, candidates=2)
    check_engine(load_engine(settings), request(settings), writes_notes=True)


@pytest.mark.parametrize("sampler", ["klangbild", "midi-emotion"])
def test_aria_s_engine(aria, sampler):
    settings = Settings(model=str(aria), seconds=3, candidates=2, sampler=sampler)
    check_engine(load_engine(settings), request(settings), writes_notes=True)


@pytest.mark.parametrize("engine", ["art2mus", "melfusion"])
def test_our_plan_model(engine):
    settings = Settings(engine=engine, seconds=6, candidates=2, **WORDS)
    check_engine(load_engine(settings), request(settings, picture=True), writes_notes=True)


def test_who_plays(aria, tmp_path):
    for settings, name, notes in (
        (Settings(), "bars", True),
        (Settings(model=str(aria)), "aria", True),
        (Settings(engine="art2mus"), "plan", True),
        (Settings(engine="melfusion", model="klangbild-plan"), "plan", True),
        (Settings(engine="art2mus", model=str(tmp_path)), "art2mus", False),
        (Settings(engine="melfusion", model=str(tmp_path)), "melfusion", False),
    ):
        player = player_of(settings)
        assert (player.name, player.engine, player.writes_notes) == (name, settings.engine, notes)
    with pytest.raises(NotAvailableError, match="no longer part"):
        player_of(Settings(engine="art2mus", model="klangbild-small"))


def test_the_table_is_whole():
    """Every row names what is there, every setting is heard by somebody, and who is deaf to one says why or writes no notes."""
    knobs = {knob.name for knob in fields(Settings)}
    assert ENGINES == ("notes", "art2mus", "melfusion") and Settings.engine == ENGINES[0]
    for player in PLAYERS:
        assert player.hears | set(player.why_not) <= knobs and not player.hears & set(player.why_not)
        for place in (player.load, player.plays, player.refuses):
            if place and player.needs is None:
                assert callable(named(place)), place
            elif place:  # its libraries take long to load: tests/diffusion does
                assert re.search(rf"\n(class|def) {place.partition(':')[2]}\(", source_of(place.partition(":")[0]))
    for engine in ENGINES:  # the last row of an engine plays whatever no other does
        rows = [player for player in PLAYERS if player.engine == engine]
        assert [player.plays is None for player in rows] == [False] * (len(rows) - 1) + [True]
    for knob in knobs:
        assert engines_hearing(knob)
        for player in deaf(knob):
            assert knob in player.why_not or not player.writes_notes
    for module in PARITY.values():
        assert "\ndef compare(" in source_of(module)


def source_of(module: str) -> str:
    return (Path(__file__).resolve().parents[1] / "src" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def test_a_missing_library_is_told(monkeypatch, tmp_path):
    import klangbild.models.engines as engines

    row = replace(next(p for p in PLAYERS if p.name == "melfusion"), load="klangbild.no_such_module:Engine")
    monkeypatch.setattr(engines, "player_of", lambda settings: row)
    with pytest.raises(NotAvailableError, match=r"klangbild\[diffusion\]"):
        load_engine(Settings(engine="melfusion", model=str(tmp_path)))
