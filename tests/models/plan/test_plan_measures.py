"""`measure ways` and `measure synapse` at tiny size, and that their readings tell right from wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_plan_folder import write_tiny_plan
from tiny_plans import tiny_pairs, tiny_plans

from klangbild.cli.main import main
from klangbild.measure.plan.readings import Readings, cells, rank_in_cell, right_words, scores, true_words, word_scores
from klangbild.music.piece import Key, Piece, Track, make_notes


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    tiny_pairs(folder / "pairs.npz", tiny_plans(folder / "plan.npz", clips=36))
    write_tiny_plan(folder / "weights")
    found = {"--pairs": "pairs.npz", "--plans": "plan.npz", "--weights": "weights", "--work": "work"}
    more = ["--pictures", "4", "--bars", "1", "--steps", "2", "--json"]
    return [*(str(part) for name, file in found.items() for part in (name, folder / file)), *more]


def test_every_way_in_is_measured(given, capsys):
    ways = ["numbers", "own numbers", "1", "direct", "paper", "words", "none"]
    assert main(["measure", "ways", "--ways", *ways, *given]) == 0
    found = json.loads(capsys.readouterr().out)["sets"]
    assert list(found) == ways and all(0 <= way["traits_in_cell"]["value"] <= 1 for way in found.values())
    assert main(["measure", "ways", "--ways", "5", *given]) == 2


def test_synapse_cases_and_their_differences(given, capsys):
    assert main(["measure", "synapse", "--form", "gated", *given]) == 0
    found = json.loads(capsys.readouterr().out)["sets"]
    assert list(found) == [
        "words",
        *(f"gated: {c}" for c in ("picture", "both", "wrong picture", "both - words", "both - wrong picture")),
    ]
    assert {"emotion_error_emopia", "traits_error", "right_words"} <= set(found["words"])


def test_readings_that_follow_the_picture_score_and_others_do_not():
    rng = np.random.default_rng(0)
    asked = rng.uniform(-1, 1, (36, 8))
    right = Readings({"emopia": asked[:, :2], "vgmidi": asked[:, :2]}, asked[:, 2:], ())
    wrong = Readings({"emopia": asked[::-1, :2], "vgmidi": asked[::-1, :2]}, rng.permutation(asked[:, 2:]), ())
    good, bad = scores(asked, right), scores(asked, wrong)
    assert good["valence_emopia"].value > 0.99 and good["emotion_vgmidi_advantage_p"].value < 0.001
    assert good["traits_in_cell"].value == 0 and good["traits_in_cell_p"].value < 0.001
    assert bad["traits_in_cell_p"].value > 0.01 and bad["emotion_emopia_mean_rank"].value > 5
    assert sorted(np.bincount(cells(asked[:, :2])).tolist()) == [6] * 6
    place, p = rank_in_cell(np.ones((36, 36)), cells(asked[:, :2]), shuffles=50)
    assert place == pytest.approx(0.5) and p == 1


def test_words_that_are_true_of_a_piece():
    notes = make_notes(np.arange(8.0), np.ones(8), np.full(8, 60), np.full(8, 80))
    piece = Piece((Track("strings", 48, notes),), tempos=((0.0, 70.0),), key=Key(9, "minor"))
    own = true_words(piece)
    assert {"slow", "minor", "strings", "sparse"} <= own
    fast = frozenset({"presto", "major", "drums", "dense"})
    captions = ["slow strings in minor", "presto drums in major"]
    assert (word_scores(captions, [own, fast]).argmax(axis=1) == [0, 1]).all()
    assert right_words(captions, Readings({}, np.zeros((2, 6)), (own, fast))).tolist() == [1, 1]
