"""The two measures of the sound model as commands, on a tiny model: every way, kept sound, both differences."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_triplets import write_model, write_notes, write_pairs, write_sound

from klangbild.errors import InputError
from klangbild.measure.roll import kept_sounds
from klangbild.measure.roll.fit import condition_of, part_of
from klangbild.measure.roll.held_pairs import choose, other_corpus
from klangbild.measure.roll.triplet_scores import Listener
from klangbild.measure.roll.word_reader import WordReader
from klangbild.models.roll.data.pairs import SoundPairs
from klangbild.models.roll.model import open_roll


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    notes = write_notes(folder)
    data = write_sound(folder, notes)
    write_pairs(folder, data)
    return folder, notes, data


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "roll")


def call(klangbild, prepared, model, work, *argv):
    folder, *_ = prepared
    found = klangbild(
        "measure", *argv, "--pairs", folder / "pairs.npz", "--notes", folder / "notes.npz", "--weights", model, "--work", work,
        "--steps", 2, "--guidance", 1.5, "--json",
    )  # fmt: skip
    assert found[0] == 0, found[2]
    return json.loads(found[1])


def test_synapse_hears_every_case(klangbild, prepared, model_folder, tmp_path):
    forms = ("gated", "released")
    argv = ("synapse", "--sound", prepared[0] / "sound.npz", "--n", 4, "--read-from", 24, "--form", *forms)
    found = call(klangbild, prepared, model_folder, tmp_path, *argv)
    cases = ("picture", "both", "wrong picture", "both - words", "both - wrong picture")
    one = found["sets"]
    assert list(one) == ["clips", "other clips", "words", *(f"{f}: {c}" for f in forms for c in cases)]
    assert one["clips"]["right_clip_top1"]["value"] == 1 and one["clips"]["frechet"]["value"] < 1e-6
    assert one["other clips"]["frechet"]["value"] > 0.01
    for score in ("emotion_error_emopia", "right_words_mean_rank", "frechet"):
        difference = one[f"{forms[0]}: both"][score]["value"] - one["words"][score]["value"]
        assert one[f"{forms[0]}: both - words"][score]["value"] == pytest.approx(difference, abs=1e-5)
    assert list(found["details"]["gates"]) == list(forms) and any("fewer than 8" in note for note in found["notes"])
    kept = [path for path in tmp_path.rglob("*.wav") if "triplet" in path.parent.name]
    assert len(kept) == 4 * (1 + 3 * len(forms))


def test_a_stopped_call_goes_on_with_what_is_there(prepared, model_folder, tmp_path):
    *_, data = prepared
    chosen = choose(SoundPairs.load(prepared[0] / "pairs.npz"), data, 4)
    model = open_roll(model_folder)
    asked = []

    def condition(row):
        asked.append(row)
        return condition_of(model, "4", chosen, row)

    given = {"part": part_of(model, "4"), "guidance": 1.5, "steps": 1, "seed": 0}
    first = kept_sounds.made(model, "4", chosen, condition, tmp_path, **given)
    gone = sorted(tmp_path.rglob("*.wav"))[2]
    gone.unlink()
    again = kept_sounds.made(model, "4", chosen, condition, tmp_path, **given)
    assert asked == [*chosen.rows.tolist(), chosen.rows[2]]
    assert all(np.array_equal(a.samples, b.samples) for (_, a), (_, b) in zip(first, again, strict=True))
    kept_sounds.made(model, "4", chosen, condition, tmp_path, **{**given, "part": "other weights"})
    assert len(asked) == 9 and len(list(tmp_path.iterdir())) == 2


def test_sound_fit_plays_parts_alone_and_with_words(klangbild, prepared, model_folder, tmp_path):
    ways = ("4+words", "released", "paper")
    argv = ("sound-fit", "--data", prepared[0] / "sound.npz", "--pictures", 4, "--other", "nottingham", "--ways", *ways)
    found = call(klangbild, prepared, model_folder, tmp_path, *argv)
    assert list(found["sets"]) == [*ways, "other corpus", "noise", "played"]
    assert found["sets"]["played"]["truth_top1"]["value"] == 1 and found["sets"][ways[0]]["fad_own"]["value"] > 0
    assert all(len(part) == (0 if way == "none" else 64) for way, part in found["details"]["part_sha256"].items())


def test_a_way_that_is_not_there_is_refused_before_any_work(klangbild, model_folder, tmp_path):
    code, _, told = klangbild("measure", "sound-fit", "--weights", model_folder, "--ways", "5", "--work", tmp_path)
    assert code == 2 and "--ways 5" in told
    code, _, told = klangbild(
        "measure", "synapse", "--weights", model_folder, "--form", "published", "--work", tmp_path
    )
    assert code == 2 and "published" in told and not list(tmp_path.iterdir())


def test_the_reference_and_the_other_corpus_share_nothing_with_the_pairs(prepared):
    folder, notes, data = prepared
    pairs = SoundPairs.load(folder / "pairs.npz")
    chosen = choose(pairs, data, 5, seed=1)
    assert data.clip_heldout[chosen.clips].all() and data.clip_heldout[chosen.others].all()
    assert not set(chosen.clips) & set(chosen.others) and len(set(chosen.others)) == 5
    wrong = chosen.wrong_rows()
    assert (wrong != chosen.rows).all() and sorted(wrong) == chosen.rows.tolist()
    assert np.array_equal(choose(pairs, data, 5, seed=1).rows, chosen.rows)
    plans = other_corpus(chosen, notes, 4, pool="nottingham")
    assert all(notes.pool_of(plan.piece) == "nottingham" and notes.piece_heldout[plan.piece] for plan in plans)
    assert len({plan.section for plan in plans}) == len(plans) >= 4 and len({plan.piece for plan in plans}) == 2
    with pytest.raises(InputError, match="--other band"):
        other_corpus(chosen, notes, 50, pool="band")


def test_a_silent_sound_is_counted_and_left_out_of_pairs(prepared):
    folder, _, data = prepared
    chosen = choose(SoundPairs.load(folder / "pairs.npz"), data, 5)
    time = np.arange(130_000) / 16_000
    sounds = [
        (str(row), kept_sounds.as_audio(0.2 * np.sin(900 * (i + 1) * time) * np.exp(-4 * (time % (0.2 * (i + 1))))))
        for i, row in enumerate(chosen.rows)
    ]
    reader = WordReader(("fast",), np.tile(np.linspace(0, 1, 5), (120, 1)), np.ones((1, 121)))
    listener = Listener(chosen, reader, sounds)
    silent = (sounds[1][0], kept_sounds.as_audio(np.zeros_like(time)))
    heard = listener.hear([sounds[0], silent, *sounds[2:]])
    assert heard.sounding.tolist() == [True, False, True, True, True] and np.isnan(
        heard.rows["right_clip_mean_rank"][1]
    )
    scores = listener.scores(heard)
    assert scores["silent"].value == pytest.approx(0.2)
    assert (scores["emotion_error_emopia"].n, scores["emotion_error_emopia"].missing) == (4, 1)
    assert scores["right_clip_top1"].value == 1 and scores["frechet"].missing == 1
    same = listener.differences(heard, listener.clips)
    assert same["frechet"].value == 0 and same["emotion_error_emopia"].value == 0 and same["frechet"].n == 4
    with pytest.raises(InputError, match="4 of 5 sounds are silent"):
        listener.hear([sounds[0], silent, silent, silent, silent])
