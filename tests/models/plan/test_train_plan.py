"""Training the plan model and its picture parts at tiny size: it learns, goes on to the same bytes, and what is exported is what was trained."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_plans import tiny_pairs, tiny_plans

from klangbild.errors import InputError, UsageError
from klangbild.models.plan.channels import CHANNELS, MODE, from_int8, to_int8, to_plan
from klangbild.models.plan.data.batches import PlanBatches, heldout_batches
from klangbild.models.plan.data.captions import caption
from klangbild.models.plan.data.pairs import PicturePairs, held_out, manifest_text
from klangbild.models.plan.data.prepared import PlanClips
from klangbild.models.plan.model import open_plan
from klangbild.models.plan.training.export import export_plan, load_model
from klangbild.models.plan.training.export_part import export_part
from klangbild.models.plan.training.train import PlanConfig, train_plan
from klangbild.models.plan.training.train_part import PartConfig, PartTrainer, train_part
from klangbild.models.plan.traits_of_music import AXES, fit_knots, places, raw_traits
from klangbild.music.families import FAMILY_NAMES
from klangbild.training.checkpoint import load_checkpoint

TINY = {
    "width": 32,
    "layers": 2,
    "heads": 2,
    "hidden": 48,
    "words_hidden": 32,
    "rows": 8,
    "heldout_clips": 4,
    "warmup": 2,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A trained base, exported, with pairs beside it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("plans")
    plans = tiny_plans(folder / "plan.npz")
    tiny_pairs(folder / "pairs.npz", plans)
    config = PlanConfig(data=str(folder / "plan.npz"), run=str(folder / "run"), heldout_every=1000, **TINY)
    train_plan(config, steps=40)
    export_plan(config, out_dir=folder / "weights")
    return folder, config


def test_it_learns_and_goes_on_to_the_same_bytes(base, tmp_path):
    folder, config = base
    whole = load_checkpoint(folder / "run" / "last.pt")
    log = list(csv.DictReader((folder / "run" / "log.csv").open()))
    assert whole["step"] == 40 and float(log[-1]["loss"]) < 1.9
    half = replace(config, run=str(tmp_path / "half"))
    train_plan(half, steps=25)
    train_plan(half, steps=15, resume=True)
    again = load_checkpoint(tmp_path / "half" / "last.pt")
    assert all(torch.equal(again["model"][name], weight) for name, weight in whole["model"].items())
    with pytest.raises(UsageError, match="another network"):
        train_plan(replace(half, width=64), steps=1, resume=True)


def test_what_is_exported_is_what_was_trained_and_can_be_trained_on_from(base):
    folder, _ = base
    model, vocabulary, card = load_model(folder / "weights" / "plan-base.onnx")
    kept = load_checkpoint(folder / "run" / "last.pt")["average"]["weights"]
    for name, weight in model.state_dict().items():
        if name in kept and not name.startswith("words."):
            assert (weight - kept[name]).abs().max() < 0.02 * kept[name].abs().max() + 1e-6, name
    assert (
        card["metrics"]["own_words"][0] < card["metrics"]["untrained"][0]
        and len(vocabulary) == card["sizes"]["vocabulary"]
    )
    runtime = open_plan(folder / "weights")
    axes = np.linspace(-0.8, 0.8, 8).astype(np.float32)
    told = runtime.numbers([0] * 12, axes, (True, True)).context[-4:]
    with torch.no_grad():
        wanted = model.axes(torch.from_numpy(axes)[None], torch.ones(1, 2))[0].numpy()
    np.testing.assert_allclose(told, wanted, atol=1e-5)


@pytest.mark.parametrize("part", ["1", "4", "direct", "gated", "paper", "released"])
def test_a_picture_part_learns_with_the_model_frozen_and_is_exported(base, tmp_path, part):
    folder, _ = base
    config = PartConfig(
        pairs=str(folder / "pairs.npz"), data=str(folder / "plan.npz"), base=str(folder / "weights" / "plan-base.onnx"),
        run=str(tmp_path / part), part=part, hidden=8, aim_steps=20, steps=6, rows=8, heldout_pairs=8, heldout_every=6,
    )  # fmt: skip
    trainer = train_part(config)
    assert trainer.step == 6 and not any(p.requires_grad for p in trainer.model.parameters())
    stopped = replace(config, run=str(tmp_path / "stopped"))
    train_part(stopped, steps=6, minutes=None)
    path = export_part(stopped, out_dir=tmp_path / "out", pairs=8)
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["data"]["pairs"] == trainer.pairs.about["pairs"] and set(card["data"]["axes"]) == set(AXES)
    assert len(card["held_out"]["none_minus_right"]) == 3 and (card.get("form") or card["variant"]) == part
    same, other = (load_checkpoint(tmp_path / run / "last.pt")["model"] for run in (part, "stopped"))
    assert all(torch.equal(same[name], other[name]) for name in same)
    with pytest.raises(UsageError, match="not known"):
        PartTrainer(replace(config, part="5"))


def test_plans_travel_as_whole_numbers_and_back(base):
    folder, _ = base
    plans = PlanClips.load(folder / "plan.npz")
    rows = plans.rows(np.array([1]))[0]
    assert rows.shape == (6, CHANNELS) and (from_int8(to_int8(rows)) == rows).all()
    plan = to_plan(rows)
    assert plan.major and plan.meter == (4, 4) and plan.bpm == pytest.approx(170, rel=0.02)
    assert [FAMILY_NAMES[i] for i in np.flatnonzero(plan.players[0])] == ["brass"]
    rows[:, MODE] = -1
    rows[:, : len(FAMILY_NAMES)] = -1
    assert not to_plan(rows).major and to_plan(rows).players.sum() == 6  # somebody plays in each
    with pytest.raises(InputError, match="no prepared plans"):
        PlanClips.load(folder / "none.npz")


def test_words_say_what_is_known_of_a_clip(base):
    plans = PlanClips.load(base[0] / "plan.npz")
    rng = np.random.default_rng(0)
    said = [caption(plans, 1, rng, full=True, feelings=0.0) for _ in range(20)]
    assert all("major" in text and ("brass" in text or "trumpet" in text or "horns" in text) for text in said)
    assert (
        any("presto" in text for text in said)
        and any("17" in text for text in said)
        and not any("minor" in text for text in said)
    )


def test_a_batch_tells_words_and_numbers_in_some_draws_and_is_the_step_s_own(base):
    from klangbild.models.plan.caption_words import Vocabulary

    plans = PlanClips.load(base[0] / "plan.npz")
    batches = PlanBatches(plans, Vocabulary(), rows=64)
    one, again = batches.batch(3), batches.batch(3)
    assert (
        (one.noisy == again.noisy).all()
        and (one.words == again.words).all()
        and not plans.clip_heldout[one.clips].any()
    )
    assert (
        0.2 < (one.words == 0).all(axis=1).mean() < 0.6 and 0.2 < one.known.mean() < 0.7 and set(one.places) == {1, 4}
    )
    held = heldout_batches(plans, Vocabulary(), clips=6)
    assert all(plans.clip_heldout[b.clips].all() and not b.known.any() for b in held)


def test_pairs_are_near_held_out_apart_and_said(base):
    folder, _ = base
    plans, pairs = PlanClips.load(folder / "plan.npz"), PicturePairs.load(folder / "pairs.npz")
    assert (plans.clip_heldout[pairs.clip] == pairs.heldout).all() and (
        held_out(pairs.views)[pairs.picture] == pairs.heldout
    ).all()
    asked, heard = pairs.axes[pairs.picture], plans.axes()[pairs.clip]
    train = ~pairs.heldout
    assert np.corrcoef(asked[train, 1], heard[train, 1])[0, 1] > 0.6
    rows = list(csv.DictReader(io.StringIO(manifest_text(pairs, plans))))
    assert (
        len(rows) == len(pairs)
        and {row["split"] for row in rows} == {"train", "heldout"}
        and rows[0]["music_licence"] == "MIT"
    )


def test_what_goes_with_a_trait_of_a_picture():
    from klangbild.models.bars.section_attributes import N_VALUES, NAMES

    high, dense = np.zeros((2, N_VALUES))
    high[NAMES.index("pitch")] = high[NAMES.index("top_pitch")] = 1.0
    dense[NAMES.index("notes_per_beat")] = dense[NAMES.index("onsets_per_beat")] = 1.0
    raw = raw_traits(np.stack([np.zeros(N_VALUES), high, dense]))
    assert raw[1].argmax() == 0 and raw[2].argmax() == 1  # height is register, fineness density
    knots = fit_knots(np.random.default_rng(0).normal(0, 1, (500, 6)))
    found = places(np.array([[-9.0] * 6, [0.0] * 6, [9.0] * 6]), knots)
    assert found[0] == pytest.approx(-1) and np.abs(found[1]).max() < 0.2 and found[2] == pytest.approx(1)
