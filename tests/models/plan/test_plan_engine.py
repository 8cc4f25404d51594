"""The plan model through the house's door, at tiny size: every control is heard, what is asked by name holds, and the notes model plays."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from tiny_plan_folder import SIZES, tiny_model, tiny_projection, tiny_synapse, write_tiny_plan

from klangbild.contract import Request
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError, Stopped, UsageError
from klangbild.models.bars.weights import load_notes_model
from klangbild.models.plan.base import installed_pictures
from klangbild.models.plan.caption_words import MAX_WORDS
from klangbild.models.plan.channels import CHANNELS, MODE, TEMPO, bpm_of, tempo_number
from klangbild.models.plan.engine import DECODER, PlanEngine
from klangbild.models.plan.model import PlanRequest, open_plan
from klangbild.models.plan.network_torch import words_context
from klangbild.models.plan.projection import open_projection
from klangbild.models.plan.sampler import sample
from klangbild.models.plan.sections import FlowSections
from klangbild.models.plan.synapse import open_synapse
from klangbild.music.families import FAMILY_NAMES
from klangbild.picture.load import load_picture
from klangbild.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_plan(tmp_path_factory.mktemp("plan"))


@pytest.fixture(scope="module")
def model(folder):
    return open_plan(folder)


@pytest.fixture(scope="module")
def notes():
    return load_notes_model(None, DECODER)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return [load_picture(rng.integers(low, low + 100, (40, 50, 3), dtype=np.uint8)) for low in (0, 150)]


def request(picture=None, *, seed=3, source="picture", **settings):
    wanted = Settings(**{"engine": "art2mus", "seconds": None, "bars": 2, "steps": 2, **settings})
    return Request(wanted, seed, Emotion(0, 0), Emotion(0.6, -0.5), source, (), None, picture)


def rows_of(model, notes, *args, **kwargs):
    """The plan that a request comes to, and what was heard."""
    asked = request(*args, **kwargs)
    engine = PlanEngine(asked.settings, model, notes)
    wish = engine.wish(asked, engine.part(asked.settings) if asked.picture else None)
    made = []
    planner = engine.planner(asked, wish)
    make = model.make
    try:
        model.make = lambda *a, **k: made.append(make(*a, **k)) or made[-1]
        from klangbild.models.bars.engine import rules_of

        planner(0, rules_of(asked.settings))
    finally:
        del model.make
    return made[0], wish


def test_a_picture_becomes_notes_that_hold_what_is_asked(model, notes, pictures):
    seen = []
    asked = request(pictures[0], tempo=96.0, key="Eb", instruments=("piano", "strings"), meter="3/4")
    engine = PlanEngine(asked.settings, model, notes)
    music = engine.play(asked, on_progress=lambda done, total: seen.append(done), on_bar=None)
    assert music.piece.n_notes == music.facts["notes"] > 0 and seen
    assert set(music.piece.families) <= {"piano", "strings"} and str(music.piece.key) == "Eb major"
    assert music.piece.tempos[0][1] == 96 and music.piece.meters[0][1:] == (3, 4) and music.facts["bars"] == 2
    assert (
        music.model["name"] == "klangbild-plan"
        and music.facts["image_tokens"] == "4"
        and music.facts["solver"] == "euler"
    )
    again = engine.play(asked, on_progress=None, on_bar=None)
    assert [t.notes.tolist() for t in again.piece.tracks] == [t.notes.tolist() for t in music.piece.tracks]
    with pytest.raises(Stopped, match="planned"):
        engine.play(asked, on_progress=lambda done, total: False, on_bar=None)
    assert engine.play(asked, on_progress=lambda done, total: not done, on_bar=None).stopped


@pytest.mark.parametrize("given", [{"image_tokens": n} for n in (0, 1, 4)] + [{"engine": "melfusion"}])
def test_every_way_in_hears_the_picture_and_the_words_beside_it(model, notes, pictures, given):
    one, other = (rows_of(model, notes, p, **given)[0] for p in pictures)
    both, wish = rows_of(model, notes, pictures[0], text="hopeful, dense", **given)
    assert (one != other).any() and (both != one).any() and wish.words.known == ("hopeful", "dense")
    assert (one == rows_of(model, notes, pictures[0], **given)[0]).all()
    assert (one != rows_of(model, notes, pictures[0], seed=4, **given)[0]).any()


def test_melfusion_s_synapse_is_scaled_down_to_words_only(model, notes, pictures):
    given = {"engine": "melfusion", "text": "hopeful"}
    full, half, none = (rows_of(model, notes, pictures[0], synapse=s, **given)[0] for s in (1.0, 0.5, 0.0))
    assert (full != half).any() and (none == rows_of(model, notes, **given)[0]).all()


def test_words_negative_words_and_guidance(model, notes):
    plain, wish = rows_of(model, notes, text="hopeful, no drums, qwxz")
    assert wish.words.known == ("hopeful",) and wish.denied == ("drums",)
    for change in ({"negative": "fast"}, {"guidance": 1.0}, {"text": "sad"}, {"steps": 3}):
        assert (rows_of(model, notes, **{"text": "hopeful", **change})[0] != plain).any()
    with pytest.raises(UsageError, match="none of the words"):
        rows_of(model, notes, text="qwxz")
    assert rows_of(model, notes, text="qwxz", instruments=("organ",))[0] is not None  # a wish that is held is enough


def test_what_is_asked_by_name_is_held_in_the_plan(model, notes):
    rows, _ = rows_of(model, notes, text="sad", tempo=150.0, key="A minor", valence=0.5, bars=24, without=("drums",))
    assert rows.shape == (3, CHANNELS)
    np.testing.assert_allclose(bpm_of(rows[:, TEMPO]), 150, rtol=1e-4)
    np.testing.assert_allclose(rows[:, MODE], -1, atol=1e-5)
    np.testing.assert_allclose(rows[:, FAMILY_NAMES.index("drums")], -1, atol=1e-5)
    plan = model.plan(rows)
    assert (
        not plan.major
        and not plan.players[:, FAMILY_NAMES.index("drums")].any()
        and plan.emotion[:, 0] == pytest.approx(0.5)
    )


def test_a_length_in_seconds_has_sections_enough_at_the_tempo_drafted(model):
    none = model.words([0] * MAX_WORDS)
    for seconds in (5.0, 90.0):
        rows = model.make(none, none, np.random.default_rng(0), PlanRequest(seconds), steps=2, guidance=1.0)
        plan = model.plan(rows)
        section_s = 8 * 4 * plan.meter[0] / plan.meter[1] * 60 / plan.bpm[0]
        assert len(plan) == np.ceil(seconds / section_s + 0.25) and np.ptp(plan.bpm) < 1e-3


def test_a_cast_has_harmony_and_a_course_begins_another_plan():
    rows = np.full((3, CHANNELS), -1.0, np.float32)
    rows[:, FAMILY_NAMES.index("drums")] = 1.0
    rows[:, FAMILY_NAMES.index("guitar")] = -0.2
    drawn = []
    plan = FlowSections(
        lambda held: drawn.append(held) or rows, np.random.default_rng(0), course=Emotion(0, 0), allowed=FAMILY_NAMES
    )
    assert plan.families == ("drums", "guitar")
    assert FlowSections(lambda _: rows, np.random.default_rng(0), course=None, allowed=FAMILY_NAMES, fewest=4).families[
        :2
    ] == ("drums", "piano")
    first = plan.section(0, Emotion(0, 0))
    assert (plan.section(0, Emotion(0.05, 0)) == first).all() and len(drawn) == 1
    plan.section(1, Emotion(0.9, 0.5))
    assert [held.valence for held in drawn] == [0, 0.9]
    only = FlowSections(lambda _: rows, np.random.default_rng(0), course=None, allowed=FAMILY_NAMES, wished=("organ",))
    assert only.families == ("organ",) and only.section(0, None)[FAMILY_NAMES.index("organ")] == 1


def test_guidance_and_held_channels_in_numbers(model):
    one, none = model.words([1, *[0] * 11]), model.words([0] * MAX_WORDS)

    def drawn(positive, guidance, steps=1, **more):
        rng = np.random.default_rng(0)
        return sample(model, positive, none, rng, n_rows=8, channels=CHANNELS, steps=steps, guidance=guidance, **more)

    near, away, beyond = drawn(one, 1.0), drawn(none, 1.0), drawn(one, 3.0)
    np.testing.assert_allclose(
        beyond - near, 2 * (near - away), atol=1e-4
    )  # away from the negative side, on beyond the positive
    held = np.linspace(-1, 1, 8)
    rows = drawn(one, 2.0, steps=3, held={TEMPO: float(tempo_number(90)), MODE: held})
    np.testing.assert_allclose(rows[:, TEMPO], tempo_number(90), atol=1e-5)
    np.testing.assert_allclose(rows[:, MODE], held, atol=1e-5)


def test_numpy_and_onnx_say_what_torch_says(model, pictures):
    torch.set_num_threads(1)
    whole = tiny_model()
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((1, 5, CHANNELS)).astype(np.float32), np.array([0.3], np.float32)
    ids, axes = [3, 7, *[0] * 10], rng.uniform(-1, 1, 8).astype(np.float32)
    tokens, mask = (torch.from_numpy(a)[None] for a in model.tokens(ids))
    with torch.no_grad():
        told = whole(torch.from_numpy(x), torch.from_numpy(t), torch.tensor([ids]), mask, torch.from_numpy(axes)[None],
                     torch.tensor([[1.0, 0.0]]), torch.tensor([4])).numpy()  # fmt: skip
    from klangbild.models.plan.condition import stacked

    heard = model.velocity(x, t, stacked([model.numbers(ids, axes, (True, False))]))
    assert np.abs(heard - told).max() < 0.05 * np.abs(told).max()
    seen = rng.standard_normal(tiny_projection("4").mean.shape[0]).astype(np.float32)
    levels = [rng.standard_normal((2, w)).astype(np.float32) for w in (72, 88, 208, 1280)]
    parts = [
        open_projection(v, model.folder).heard(seen, tokens[0].numpy(), mask[0].numpy(), layers=SIZES.layers)
        for v in ("1", "4", "direct")
    ]
    parts += [
        open_synapse(f, model.folder).heard(levels, tokens[0].numpy(), mask[0].numpy(), layers=SIZES.layers)
        for f in ("gated", "paper", "released")
    ]
    for name, part in zip(("1", "4", "direct", "gated", "paper", "released"), parts, strict=True):
        with torch.no_grad():
            if name in ("1", "4", "direct"):
                given = tiny_projection(name)(torch.from_numpy(seen)[None], tokens, mask)
            else:
                given = tiny_synapse(name)([torch.from_numpy(x)[None] for x in levels], tokens, mask, torch.ones(1))
            wanted = whole.base(torch.from_numpy(x), torch.from_numpy(t), *given).numpy()
            silent = whole.base(torch.from_numpy(x), torch.from_numpy(t), *words_context(tokens, mask)).numpy()
        ours = model.velocity(x, t, stacked([part]))
        assert np.abs(ours - wanted).max() < 0.08 * np.abs(wanted).max(), name
        assert np.abs(wanted - silent).max() > 1e-4, name


def test_damaged_and_missing_files_are_told(folder, tmp_path):
    assert (
        installed_pictures(folder) == installed_pictures() == ["art2mus", "melfusion"]
        and installed_pictures(tmp_path) == []
    )
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "plan-axes.npz").write_bytes(b"no arrays")
    with pytest.raises(InputError, match="plan-axes"):
        open_plan(broken)
    (broken / "plan-axes.npz").unlink()
    with pytest.raises(NotAvailableError, match="plan-axes"):
        open_plan(broken)
    card = broken / "plan-art2mus-4.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "encoder_sha256": "0" * 64}))
    with pytest.raises(InputError, match="another picture encoder"):
        open_projection("4", broken)
    (broken / "plan-melfusion-paper.npz").write_bytes(b"x")
    with pytest.raises(InputError, match="not a synapse"):
        open_synapse("paper", broken)


def test_models_that_are_gone_are_told_in_one_line(klangbild, tmp_path):
    given = ("compose", "--engine", "art2mus", "--text", "slow", "-o", tmp_path / "out")
    old = tmp_path / "old"
    old.mkdir()
    (old / "sound-base.json").write_text("{}")
    for name in ("klangbild-small", "klangbild-roll"):
        code, _, err = klangbild(*given, "--model", name)
        assert code == 4 and len(err.strip().splitlines()) == 1 and "no longer part of klangbild" in err, err
    assert not (tmp_path / "out").exists()


def test_a_piece_from_words_replays_from_its_record(klangbild, tmp_path):
    given = (
        "--engine",
        "art2mus",
        "--text",
        "slow piano, hopeful, no bass",
        "--bars",
        2,
        "--seed",
        5,
        "--candidates",
        2,
    )
    code, out, err = klangbild(
        "compose", *given, "--negative", "tense", "-o", tmp_path / "one", "-f", "mid,json", "--json"
    )
    assert code == 0, err
    record = json.loads(out)
    assert record["music"]["words_heard"][:2] == ["slow", "piano"] and record["music"]["instruments"] == ["piano"]
    assert record["music"]["tempo"] < 90 and len(record["music"]["candidates"]) == 2
    code, _, err = klangbild("replay", tmp_path / "one" / "words-5.mid", "-o", tmp_path / "two", "-f", "mid")
    assert code == 0 and "not exact" not in err
    assert (tmp_path / "one" / "words-5.mid").read_bytes() == (tmp_path / "two" / "words-5.mid").read_bytes()
    more = (
        "--engine",
        "art2mus",
        "--text",
        "joyful",
        "--continue",
        tmp_path / "one" / "words-5.mid",
        "--bars",
        1,
        "--seed",
        1,
    )
    code, _, err = klangbild("compose", *more, "-o", tmp_path / "three", "-f", "mid")
    assert code == 0 and "by their feeling alone" in err
