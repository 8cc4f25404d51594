"""Ensembles: drawn near the asked emotion from what the training music had, within what was wished; rests end."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.notes import bars, ensemble
from klangbild.notes.engine import compose_notes, with_ensemble
from klangbild.notes.ensemble import Ensembles, Rests
from klangbild.notes.families import FAMILY_NAMES
from klangbild.notes.models import load_notes_model
from klangbild.notes.rules import Rules
from klangbild.notes.runtime import load
from klangbild.settings import Settings

WEIGHTS = Path(str(files("klangbild") / "weights"))
CALM, WILD = Emotion(0.0, -0.9), Emotion(0.0, 0.9)
PIANO, DRUMS_GUITAR_BASS, DRUMS, DRUMS_BRASS = 0b10, 0b110001, 0b1, 0b10000001
TABLE = Ensembles(
    np.array([PIANO, DRUMS_GUITAR_BASS, DRUMS, DRUMS_BRASS], np.uint16),
    np.zeros(4, np.float32),
    np.array([-0.9, 0.9, 0.9, 0.9], np.float32),
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_ensemble_is_one_of_music_that_feels_as_asked():
    assert TABLE.draw(rng(), CALM, allowed=FAMILY_NAMES) == ("piano",)
    # never drums alone, nor with brass alone
    drawn = {TABLE.draw(rng(seed), WILD, allowed=FAMILY_NAMES) for seed in range(20)}
    assert drawn == {("drums", "guitar", "bass")}


def test_wishes_come_first():
    assert TABLE.draw(rng(), WILD, allowed=("drums",)) == ("drums",)
    assert TABLE.draw(rng(), WILD, allowed=("drums", "bass")) == ("drums", "bass")
    assert TABLE.draw(rng(), WILD, allowed=("drums", "bass", "guitar"), fewest=3) == ("drums", "guitar", "bass")
    assert TABLE.draw(rng(), WILD, allowed=("organ", "lead")) == ("organ", "lead")  # the table knows neither
    ruled = with_ensemble(Rules(families=("piano", "bass"), bars=8), TABLE, CALM, rng())
    assert ruled.families == ("piano",) and ruled.min_instruments == 1
    assert with_ensemble(Rules(bars=2), TABLE, WILD, rng()).min_instruments == 1  # too short to hear everybody
    assert with_ensemble(Rules(bars=8), TABLE, WILD, rng()).min_instruments >= 3


def test_the_longer_a_rest_the_more_likely_its_end():
    piano, bass = (FAMILY_NAMES.index(name) for name in ("piano", "bass"))
    rests = Rests(("piano", "bass"))
    for _ in range(2):
        rests.read(bars.BAR_0)
        rests.read(bars.note_id(piano, 60))
    rests.read(bars.BAR_0)
    lean = rests.lean()
    assert lean[bars.note_id(piano, 60)] == 0
    assert lean[bars.note_id(bass, 40)] == 3 * ensemble.REST_LEAN
    assert lean[bars.note_id(FAMILY_NAMES.index("organ"), 60)] == 0  # not one of them
    for _ in range(20):
        rests.read(bars.BAR_0)
    assert rests.lean().max() == ensemble.LONGEST_LEAN
    rests.read(bars.note_id(bass, 40))
    assert rests.lean()[bars.note_id(bass, 40)] == 0


def test_a_table_reads_back_and_a_damaged_one_says_so(tmp_path):
    TABLE.save(tmp_path / "table.npz")
    back = Ensembles.load(tmp_path / "table.npz")
    assert (back.families == TABLE.families).all() and np.abs(back.arousal - TABLE.arousal).max() < 0.01
    (tmp_path / "bad.npz").write_bytes(b"no table")
    with pytest.raises(InputError, match=r"bad\.npz"):
        Ensembles.load(tmp_path / "bad.npz")


@pytest.mark.parametrize("seed", range(4))
def test_a_piece_plays_with_its_whole_ensemble_and_nobody_else(seed):
    model = load_notes_model(None, "continuous_concat").model
    asked = Emotion(0.4, 0.5)
    drawn = model.ensembles.draw(np.random.default_rng([seed, 0, 2]), asked, allowed=FAMILY_NAMES)
    assert set(compose_notes(asked, Settings(bars=8), seed, model=model).piece.families) == set(drawn)


def test_calm_music_has_fewer_players_and_rarer_drums():
    table = Ensembles.load(WEIGHTS / ensemble.FILE)
    calm, wild = ([table.draw(rng(seed), e, allowed=FAMILY_NAMES) for seed in range(300)] for e in (CALM, WILD))
    assert np.mean([len(e) for e in calm]) < np.mean([len(e) for e in wild])
    assert np.mean(["drums" in e for e in calm]) < np.mean(["drums" in e for e in wild]) - 0.1


def test_a_folder_of_ones_own_is_a_model(tmp_path):
    for name in ("notes-continuous_concat.onnx", "notes-continuous_concat.json"):
        shutil.copy(WEIGHTS / name, tmp_path)
    own = load_notes_model(str(tmp_path), "continuous_concat")
    assert (
        own.model.ensembles is None
        and own.facts["sha256"] == load_notes_model(None, "continuous_concat").facts["sha256"]
    )
    assert compose_notes(CALM, Settings(bars=2), 1, model=own.model).piece.n_notes > 0  # plays with whom it likes
    with pytest.raises(NotAvailableError, match="continuous_concat"):
        load_notes_model(str(tmp_path), "none")
    with pytest.raises(UsageError, match="commercial"):
        load_notes_model(str(tmp_path), "continuous_concat", commercial=True)
    shutil.copy(WEIGHTS / ensemble.FILE, tmp_path)
    assert load(tmp_path / "notes-continuous_concat.onnx").ensembles is not None
