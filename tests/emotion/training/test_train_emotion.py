"""Heads of one's own: a CSV of ratings becomes a model that reads pictures, by ridge or by ARIA's recipe."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from klangbild.emotion.heads import MlpEmotionHeads, load_heads
from klangbild.emotion.training.data.titled_paintings import artist_name, mood_of_title
from klangbild.emotion.training.fit_gate import KindPictures, fit_kind_gate, refiled
from klangbild.emotion.training.fit_heads import HeldOut, fit_values
from klangbild.emotion.training.fit_mlp import concordance_loss, fit_mlp
from klangbild.emotion.training.fit_reasons import fit_reasons
from klangbild.emotion.training.fit_titles import Titled, fit_titles
from klangbild.emotion.training.ridge import fit_ridge_heads
from klangbild.emotion.training.score import concordance, correlation
from klangbild.emotion.training.table import Table, fit_standard, measure_inputs
from klangbild.errors import InputError
from klangbild.picture.features import FEATURE_NAMES
from klangbild.picture.load import load_picture

FOLDS = ("--folds", "4", "--model", "features")


@pytest.fixture(scope="module")
def ratings(tmp_path_factory) -> Path:
    """A person who finds light pictures pleasant and rough ones exciting, on a scale of 1 to 7."""
    folder = tmp_path_factory.mktemp("mine")
    rng = np.random.default_rng(3)
    rows = []
    for index in range(36):
        light, rough = rng.uniform(40, 210), rng.uniform(2, 60)
        rgb = light + rng.normal(0, rough, (48, 64, 3)) + rng.uniform(-20, 20, 3)
        name = f"picture{index}.png"
        Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(folder / name)
        rows.append((name, round(1 + 6 * light / 255, 2), round(1 + 6 * rough / 64, 2)))
    with (folder / "mine.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "valence", "arousal"), *rows])
    return folder / "mine.csv"


def made(folder: Path, name: str, light: float, rough: float) -> Path:
    rng = np.random.default_rng(9)
    rgb = np.clip(light + rng.normal(0, rough, (48, 64, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(rgb).save(folder / name)
    return folder / name


@pytest.mark.parametrize("recipe", ["ridge", "aria"])
def test_own_ratings_become_a_model(ratings, recipe, klangbild, tmp_path):
    torch.set_num_threads(1)
    heads = tmp_path / "heads"
    code, out, err = klangbild(
        "train", "emotion", "--csv", ratings, "--scale", "1,7", "--recipe", recipe, *FOLDS, "--out", heads
    )
    assert code == 0, err
    assert "valence" in out and "photo" not in out and str(heads / "emotion.npz") in out
    card = json.loads((heads / "emotion.json").read_text())
    assert "36 pictures" in card["data"] and card["recipe"] == recipe
    if recipe == "ridge":
        assert card["metrics"]["photo valence"]["r"] > 0.8 and card["metrics"]["photo arousal"]["r"] > 0.8
    assert isinstance(load_heads(heads / "emotion.npz"), MlpEmotionHeads) == (recipe == "aria")
    pictures = [
        made(tmp_path, "dark.png", 60, 8),
        made(tmp_path, "light.png", 200, 8),
        made(tmp_path, "rough.png", 60, 50),
    ]
    code, out, err = klangbild("emotion", *pictures, "--emotion-model", heads, "--json")
    assert code == 0, err
    dark, light, rough = (json.loads(line)["emotion"] for line in out.splitlines())
    assert light["valence"] > dark["valence"]
    assert 0 < dark["valence_spread"] < 1.5
    if recipe == "ridge":
        assert rough["arousal"] > dark["arousal"]


def test_the_same_seed_gives_the_same_file(ratings, klangbild, tmp_path):
    for name in ("a", "b"):
        assert (
            klangbild("train", "emotion", "--csv", ratings, "--scale", "1,7", *FOLDS, "--out", tmp_path / name)[0] == 0
        )
    assert (tmp_path / "a/emotion.npz").read_bytes() == (tmp_path / "b/emotion.npz").read_bytes()


def test_what_is_wrong_with_a_table_is_said(ratings, klangbild, tmp_path):
    out = ("--out", tmp_path / "heads")
    code, _, err = klangbild("train", "emotion", "--csv", ratings, *FOLDS, *out)
    assert code == 2 and "--scale" in err
    code, _, err = klangbild("train", "emotion", "--csv", ratings, "--scale", "1-7", *FOLDS, *out)
    assert code == 2 and "LOW,HIGH" in err
    code, _, err = klangbild("train", "emotion", "--csv", ratings, "--scale", "1,7", *FOLDS)
    assert code == 2 and "--out" in err
    code, _, err = klangbild("train", "emotion", "--csv", tmp_path / "gone.csv", *FOLDS, *out)
    assert code == 1 and "gone.csv" in err
    lines = ratings.read_text().splitlines()
    for text, told in (
        ("\n".join(lines[:12]), "at least 20"),
        ("\n".join(["picture,valence,arousal", *lines[1:]]), "no column 'file'"),
        ("\n".join([*lines, "nowhere.png,3,3"]), "nowhere.png"),
        ("\n".join([*lines, "picture1.png,three,3"]), "no number"),
    ):
        table = ratings.parent / "wrong.csv"
        table.write_text(text + "\n")
        code, _, err = klangbild("train", "emotion", "--csv", table, "--scale", "1,7", *FOLDS, *out)
        assert code == 1 and told in err, err
    assert not (tmp_path / "heads").exists()


def test_concordance_loss_is_one_minus_lins_coefficient():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    expected = 0.5 * sum(1 - concordance(a[:, i], b[:, i]) for i in (0, 1))
    assert float(concordance_loss(torch.from_numpy(a), torch.from_numpy(b))) == pytest.approx(expected, abs=1e-6)
    assert float(concordance_loss(torch.from_numpy(a), torch.from_numpy(a))) == pytest.approx(0, abs=1e-6)


def test_arias_recipe_learns_what_a_line_cannot_say():
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    z = rng.normal(size=(600, 12))
    y = np.tanh(np.stack([np.abs(z[:, 0]) - 0.8, z[:, 1] * 0.8], axis=1))
    groups = np.array([f"g{i}" for i in range(600)])
    heads = fit_mlp(z[:480], y[:480], groups[:480], np.random.default_rng(0), rate=3e-3)
    predicted = heads.both(z[480:])
    assert np.array_equal(predicted[:, 0], predicted[:, 1])
    assert correlation(predicted[:, 0, 0], y[480:, 0]) > 0.6 and correlation(predicted[:, 0, 1], y[480:, 1]) > 0.8


def synthetic(n: int = 160, d: int = 60, *, seed: int = 0) -> Table:
    """51 "features" and an embedding; valence is in both, with opposite signs for the two kinds in input 0."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, d))
    kind = np.arange(n) % 2
    sign = np.where(kind == 1, 1, -1)
    y = 0.2 * np.stack([inputs[:, 55] + inputs[:, 2], sign * inputs[:, 0]], axis=1) + rng.normal(0, 0.1, (n, 2))
    return Table(inputs, y, kind, np.array([f"g{i // 4}" for i in range(n)]))


def test_kinds_may_disagree():
    table = synthetic()
    heads = fit_ridge_heads(table.inputs, table.y, table.kind, table.group, np.random.default_rng(0))
    assert heads.coef[0, 1, 0] < 0 < heads.coef[1, 1, 0]
    predicted = heads.predict(table.inputs, table.kind)
    assert all(correlation(predicted[:, a], table.y[:, a]) > 0.7 for a in (0, 1))


def test_titles_say_moods_and_lend_them_to_the_heads():
    assert mood_of_title("Storm at sea")[1] > 0.2 > mood_of_title("Lake in winter, evening")[1]
    assert mood_of_title("Still life with pears") is None and mood_of_title("Composition VII") is None
    assert artist_name("Vinci da, Leonardo") == artist_name("leonardo-da-vinci")
    rng = np.random.default_rng(0)
    d = len(FEATURE_NAMES) + 20
    seen = rng.normal(size=(400, d))
    titled = Titled(3 + seen, 0.3 * seen[:, [60, 61]], np.where(np.arange(400) < 40, "one", "other"))
    directions = fit_titles(titled, np.ones(d))
    assert directions[60, 0] > 3 * np.abs(np.delete(directions[:, 0], 60)).max()
    assert directions[61, 1] > 3 * np.abs(np.delete(directions[:, 1], 61)).max()
    assert len(titled.without(np.array(["painting:One", "photo:other"])).mood) == 360
    # few ratings, which go the way that the titles do: with titles they are read better
    inputs, kind = rng.normal(size=(60, d)), np.repeat([0, 1], 30)
    y = 0.3 * inputs[:, [60, 61]] + rng.normal(0, 0.3, (60, 2))
    table = Table(inputs, y, kind, np.arange(60).astype(str))
    fresh = rng.normal(size=(300, d))
    r = []
    for lends in (None, titled):
        standard = fit_standard(table.inputs, kind)
        both = fit_values(table, standard, "ridge", np.random.default_rng(1), lends).both(standard(fresh))
        r.append([correlation(both[:, k, axis], fresh[:, 60 + axis]) for k in (0, 1) for axis in (0, 1)])
    assert all(lent > alone + 0.05 for alone, lent in zip(*r, strict=True)) and min(r[1]) > 0.8, r


def kind_set(n: int = 240, *, seed: int = 3) -> KindPictures:
    """Half of it rated; paintings differ from photographs in surface 0, rated ones from unrated ones in surface 1."""
    rng = np.random.default_rng(seed)
    painting, rated = np.arange(n) % 2, np.where(np.arange(n) < n // 2, np.arange(n), -1)
    surface = rng.normal(size=(n, 5))
    surface[:, 0] += 2.5 * painting
    surface[:, 1] += 3 * (rated >= 0)
    return KindPictures(surface, painting, rated)


def test_the_gate_learns_paint_and_leaves_out_what_is_measured():
    pictures = kind_set()
    gate = fit_kind_gate(pictures, np.zeros(0, np.int64))
    assert ((gate.painting(pictures.surface) >= 0.5) == pictures.painting).mean() > 0.85
    assert abs(gate.coef[1]) < 0.3 * abs(gate.coef[0])
    # rows of the wrong label must not matter when they are left out
    wrong = KindPictures(
        pictures.surface, np.where(np.arange(240) < 20, 1 - pictures.painting, pictures.painting), pictures.rated
    )
    left_out = np.arange(20)
    assert np.allclose(fit_kind_gate(wrong, left_out).coef, fit_kind_gate(pictures, left_out).coef)
    assert not np.allclose(fit_kind_gate(wrong, left_out[:0]).coef, gate.coef)


def test_a_refiled_picture_is_another_file_of_the_same():
    picture = load_picture(np.random.default_rng(0).integers(0, 256, (200, 300, 3)).astype(np.uint8))
    for seed in range(6):
        other = refiled(picture, (60, 100), np.random.default_rng(seed))
        assert 60 <= min(other.width, other.height) <= 101 and other.rgb.dtype == np.uint8


def test_held_out_kinds_are_told_with_an_interval():
    table = synthetic(80)
    painting = np.where(np.arange(80) < 60, table.kind, 1 - table.kind).astype(float)
    found = HeldOut(table.y, table.y, painting).recognized(table, seed=0)
    for share, low, high in found.values():
        assert share == pytest.approx(0.75) and low < share < high


def test_the_surrogate_keeps_the_signs():
    table = synthetic(300)
    values = np.repeat(table.y[:, None], 2, axis=1)
    found = fit_reasons(values, table.inputs, table.kind, np.random.default_rng(0))
    from klangbild.emotion.reasons import sign_table

    for k in (0, 1):
        for axis in (0, 1):
            assert (found["reason_coef"][k, axis] * sign_table(k, axis) >= 0).all()
            assert (found["reason_coef"][k, axis][sign_table(k, axis) == 0] == 0).all()


def test_a_cache_of_another_version_is_told(tmp_path):
    data, cache = tmp_path / "sets", tmp_path / "old.npz"
    data.mkdir()
    for name, group in (("oasis", "theme"), ("paintings_rated", "artist")):
        (data / f"{name}.csv").write_text(f"file,{group},valence,arousal\na.jpg,x,4,4\n")
    np.savez(cache, inputs=np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"old\.npz: was kept by another version"):
        measure_inputs(data, "features", cache=cache)
