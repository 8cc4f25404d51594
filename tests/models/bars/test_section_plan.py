"""Plans: who plays and what sections are like, drawn near the asked emotion from training music, within what was wished."""

from __future__ import annotations

import shutil
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.models.bars import section_plan
from klangbild.models.bars.engine import compose_notes, with_plan
from klangbild.models.bars.runtime import load
from klangbild.models.bars.section_attributes import N_VALUES, NAMES
from klangbild.models.bars.section_plan import ContinuedPlan, SectionPlan, SectionTable
from klangbild.models.bars.weights import load_notes_model
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.rules import Rules
from klangbild.settings import Settings

WEIGHTS = Path(str(files("klangbild") / "weights"))
CALM, WILD = Emotion(0.0, -0.9), Emotion(0.0, 0.9)
DENSITY = NAMES.index("notes_per_beat")


def table() -> SectionTable:
    """Two sections of a piano piece that grows denser, then a section each of a band, drums alone, and drums with brass."""
    players = [("piano",), ("piano",), ("drums", "guitar", "bass"), ("drums",), ("drums", "brass")]
    values = np.zeros((5, N_VALUES), np.float32)
    values[:, : len(FAMILY_NAMES)] = [[1.0 if name in row else -1.0 for name in FAMILY_NAMES] for row in players]
    values[:, DENSITY] = [-0.9, -0.1, 0.6, 0.7, 0.8]
    arousal = np.array([-0.9, -0.9, 0.9, 0.9, 0.9], np.float32)
    knots = np.tile(np.linspace(0.0, 10.0, 33, dtype=np.float32), (N_VALUES, 1))
    bpm = np.array([60, 60, 160, 140, 120], np.float32)
    return SectionTable(values, np.zeros(5, np.float32), arousal, bpm, np.array([0, 0, 1, 2, 3]), knots)


def plan(emotion: Emotion | None, seed: int = 0, **wishes) -> SectionPlan:
    return SectionPlan(table(), np.random.default_rng(seed), emotion, **{"allowed": FAMILY_NAMES, **wishes})


def test_the_cast_is_one_of_music_that_feels_as_asked():
    assert plan(CALM).families == ("piano",)
    # never drums alone, nor with brass alone
    assert {plan(WILD, seed).families for seed in range(20)} == {("drums", "guitar", "bass")}


def test_wishes_come_first():
    assert plan(WILD, allowed=("drums",)).families == ("drums",)
    assert plan(WILD, allowed=("drums", "bass")).families == ("drums", "bass")
    assert plan(WILD, allowed=("drums", "bass", "guitar"), fewest=3).families == ("drums", "guitar", "bass")
    assert plan(WILD, allowed=("organ", "lead")).families == ("organ", "lead")  # the table knows neither
    assert plan(WILD, wished=("piano", "winds")).families == ("piano", "winds")
    ruled = with_plan(Rules(families=("piano", "bass"), bars=8), plan(CALM, allowed=("piano", "bass")))
    assert ruled.families == ("piano",) and ruled.min_instruments == 1
    assert with_plan(Rules(bars=2), plan(WILD)).min_instruments == 1  # too short to hear everybody
    assert with_plan(Rules(bars=8), plan(WILD)).min_instruments == 3


def test_sections_are_like_those_of_one_piece_with_noise():
    calm = plan(CALM, seed=1)
    first, second, third = (calm.section(number, CALM) for number in range(3))
    assert (first == calm.section(0, CALM)).all()  # asked again, the same
    assert abs(first[DENSITY] - second[DENSITY]) > 0.3  # from one section of the piece to the next,
    assert np.abs(first - third).max() < 1.0 and (first != third).any()  # and round again, a little other
    assert (first[: len(FAMILY_NAMES)] == np.where(np.array(FAMILY_NAMES) == "piano", 1.0, -1.0)).all()


def test_a_section_has_the_tempo_of_the_one_it_is_like():
    calm, wild = plan(CALM), plan(WILD)
    assert calm.section(0, CALM) is not None and calm.tempo(0) == calm.tempo(1) == 60.0
    assert wild.section(0, WILD) is not None and wild.tempo(0) == 160.0
    wild.section(1, CALM)
    assert wild.tempo(1) == 60.0
    two_tempi = replace(table(), bpm=np.array([50, 90, 160, 140, 120], np.float32))
    calm = SectionPlan(two_tempi, np.random.default_rng(1), CALM, allowed=FAMILY_NAMES)
    for number in range(4):  # the sparse one is the slow one; of what is not slow yet, calm takes some off
        sparse = calm.section(number, CALM)[DENSITY] < -0.5
        assert calm.tempo(number) == 50.0 if sparse else 60.0 <= calm.tempo(number) < 90.0


def test_of_sections_alike_the_slow_ones_are_for_calm():
    """Equal labels and attributes: tempo and onsets a second decide."""
    n = 200
    knots = np.tile(np.linspace(0.0, 10.0, 33, dtype=np.float32), (N_VALUES, 1))
    bpm = np.linspace(50, 170, n).astype(np.float32)
    zeros = np.zeros(n, np.float32)
    many = SectionTable(np.zeros((n, N_VALUES), np.float32), zeros, zeros - 0.7, bpm, np.arange(n), knots)
    assert np.all(np.diff(many.pace[:, 0]) > 0) and np.all(np.diff(many.pace[:, 1]) > 0)
    calm, lively = (np.average(bpm, weights=many.weights(Emotion(0.0, a))) for a in (-0.7, -0.4))
    assert calm < lively


def test_sections_are_chosen_by_what_their_attributes_tell_too():
    """Of two sections of one label, the one whose attributes say the same comes far more often."""
    rng = np.random.default_rng(0)
    arousal = rng.uniform(-1, 1, 400).astype(np.float32)
    values = np.zeros((400, N_VALUES), np.float32)
    values[:, DENSITY] = arousal
    arousal[:2], values[:2, DENSITY] = 0.8, (0.8, -0.8)
    knots = np.tile(np.linspace(0.0, 10.0, 33, dtype=np.float32), (N_VALUES, 1))
    many = SectionTable(
        values, np.zeros(400, np.float32), arousal, np.full(400, 120, np.float32), np.arange(400), knots
    )
    assert np.corrcoef(many.told[:, 1], values[:, DENSITY])[0, 1] > 0.99
    weights = many.weights(Emotion(0.0, 0.8))
    assert weights[0] > 100 * weights[1]


def test_another_emotion_starts_another_run_for_the_same_players():
    playing = plan(CALM)
    assert playing.section(0, CALM)[DENSITY] < 0.3
    wild = playing.section(1, WILD)
    assert wild[DENSITY] > 0.3 and wild[FAMILY_NAMES.index("piano")] == 1.0 and wild[0] == -1.0


def test_a_piece_that_goes_on_is_told_what_its_primer_is_like():
    model = load_notes_model(None, "continuous_concat")
    piece = compose_notes(CALM, Settings(bars=17), 3, model=model.model).piece
    ids = model.language.encode(piece)[1:-1]
    told = ContinuedPlan(model.model.sections, ids)
    assert (told.section(2, CALM) == told.section(9, WILD)).all() and (
        told.section(0, CALM) != told.section(1, CALM)
    ).any()
    heard = [told.section(0, CALM)[i] > 0 for i in range(len(FAMILY_NAMES))]
    assert 0 < sum(heard) <= len(piece.families)


def test_a_table_reads_back_and_a_damaged_one_says_so(tmp_path):
    made = table()
    made.save(tmp_path / "table.npz")
    back = SectionTable.load(tmp_path / "table.npz")
    assert (back.families == made.families).all() and np.abs(back.values - made.values).max() < 0.01
    assert (back.run(1) == [1, 0]).all() and (back.bpm == made.bpm).all()
    (tmp_path / "bad.npz").write_bytes(b"no table")
    with pytest.raises(InputError, match=r"bad\.npz"):
        SectionTable.load(tmp_path / "bad.npz")


@pytest.mark.parametrize("seed", range(4))
def test_a_piece_plays_with_its_whole_cast_and_nobody_else(seed):
    model = load_notes_model(None, "continuous_concat").model
    asked = Emotion(0.4, 0.5)
    drawn = SectionPlan(model.sections, np.random.default_rng([seed, 0, 2]), asked, allowed=FAMILY_NAMES)
    assert set(compose_notes(asked, Settings(bars=8, drafts=0), seed, model=model).piece.families) == set(
        drawn.families
    )


def test_calm_music_has_fewer_players_and_rarer_drums():
    shipped = SectionTable.load(WEIGHTS / section_plan.FILE)
    calm, wild = (
        [SectionPlan(shipped, np.random.default_rng(seed), e, allowed=FAMILY_NAMES).families for seed in range(200)]
        for e in (CALM, WILD)
    )
    assert np.mean([len(e) for e in calm]) < np.mean([len(e) for e in wild])
    assert np.mean(["drums" in e for e in calm]) < np.mean(["drums" in e for e in wild]) - 0.1


def test_every_emotion_meets_many_bands():
    """One picture, composed again and again, is not always played by the same players in the manner of the same piece."""
    shipped = SectionTable.load(WEIGHTS / section_plan.FILE)
    for asked in (Emotion(v, a) for v in (-0.8, 0.0, 0.8) for a in (-0.8, 0.0, 0.8)):
        weights = shipped.weights(asked)
        by_piece = np.bincount(shipped.piece, weights)
        assert by_piece.max() < 0.2 * weights.sum()
        drawn = {
            SectionPlan(shipped, np.random.default_rng(seed), asked, allowed=FAMILY_NAMES).families
            for seed in range(40)
        }
        assert len(drawn) >= 10


def test_a_folder_of_ones_own_is_a_model(tmp_path):
    for name in ("notes-continuous_concat.onnx", "notes-continuous_concat.json"):
        shutil.copy(WEIGHTS / name, tmp_path)
    own = load_notes_model(str(tmp_path), "continuous_concat")
    shipped = load_notes_model(None, "continuous_concat")
    assert own.model.sections is None and own.facts["sha256"] == shipped.facts["sha256"]
    assert compose_notes(CALM, Settings(bars=2), 1, model=own.model).piece.n_notes > 0  # plays with whom it likes
    with pytest.raises(NotAvailableError, match="continuous_concat"):
        load_notes_model(str(tmp_path), "none")
    with pytest.raises(UsageError, match="commercial"):
        load_notes_model(str(tmp_path), "continuous_concat", commercial=True)
    shutil.copy(WEIGHTS / section_plan.FILE, tmp_path)
    assert load(tmp_path / "notes-continuous_concat.onnx").sections is not None
