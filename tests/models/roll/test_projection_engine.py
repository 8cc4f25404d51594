"""Our sound model through the house's door, at tiny size: no torch at run time, every control does something."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from tiny_roll_folder import SIZES, tiny_model, tiny_projection, write_tiny_roll

from klangbild.contract import Request
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError, Stopped, UsageError
from klangbild.models.roll.engine import RollEngine
from klangbild.models.roll.latent import CHANNELS
from klangbild.models.roll.model import open_roll
from klangbild.models.roll.network_torch import words_context
from klangbild.models.roll.projection import open_projection
from klangbild.models.roll.sampler import fit, sample
from klangbild.models.window_plan import window_starts
from klangbild.picture.load import load_picture
from klangbild.record.facts import Record
from klangbild.record.requests import differences
from klangbild.settings import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_roll(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def model(folder):
    return open_roll(folder)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return [load_picture(rng.integers(low, low + 100, (40, 50, 3), dtype=np.uint8)) for low in (0, 150)]


def request(picture=None, *, seed=3, source="picture", **settings):
    wanted = Settings(**{"engine": "art2mus", "seconds": 6, "steps": 2, **settings})
    return Request(wanted, seed, Emotion(0, 0), Emotion(0.6, -0.5), source, (), None, picture)


def play(model, *args, on_progress=None, **kwargs):
    asked = request(*args, **kwargs)
    return RollEngine(asked.settings, model).play(asked, on_progress=on_progress, on_bar=None)


def notes_of(music):
    """All that is heard: who plays, which notes, how fast."""
    return [(track.family, track.notes.tolist()) for track in music.piece.tracks], music.piece.tempos


def test_a_picture_becomes_notes_of_the_asked_length(model, pictures):
    seen = []
    music = play(model, pictures[0], on_progress=lambda done, total: seen.append((done, total)))
    assert music.stems is None and music.length_s == 6 and music.piece.seconds == pytest.approx(6)
    assert music.piece.n_notes == music.facts["notes"] > 0
    assert seen == [(0, 2), (1, 2), (2, 2)]  # the draft counts nothing
    assert music.model["name"] == "klangbild-roll" and len(music.model["sha256"]) == 64
    assert music.facts["image_tokens"] == "4" and music.facts["solver"] == "euler"


def test_the_same_seed_gives_the_same_notes(model, pictures):
    first, again, other = (notes_of(play(model, pictures[0], seed=s)) for s in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize("tokens", [0, 1, 4])
def test_every_variant_hears_the_picture(model, pictures, tokens):
    one, other = (play(model, p, image_tokens=tokens) for p in pictures)
    assert notes_of(one) != notes_of(other)
    words = play(model, pictures[0], image_tokens=tokens, text="slow, sad")
    assert words.facts["words_heard"] == ["slow", "sad"] and notes_of(words) != notes_of(one)


def test_melfusion_s_synapse_is_scaled_down_to_words_only(model, pictures):
    given = {"engine": "melfusion", "text": "slow, sad"}
    full, half, none = (play(model, pictures[0], synapse=s, **given) for s in (1.0, 0.5, 0.0))
    other = play(model, pictures[1], **given)
    assert notes_of(full) != notes_of(half) and notes_of(full) != notes_of(other)
    assert notes_of(none) == notes_of(play(model, **given))
    assert full.facts["synapse_form"] == "gated" and len(full.facts["gates"]) == SIZES.layers


def test_words_alone_negative_words_and_guidance(model):
    plain = play(model, text="slow piano, no drums, qwxz")
    assert plain.facts["words_heard"] == ["slow", "piano"] and plain.facts["words_avoided"] == ["drums"]
    assert plain.facts["words_unknown"] == ["qwxz"]
    changed = [play(model, text="slow piano", negative="fast"), play(model, text="slow piano", guidance=1.0)]
    assert all(notes_of(plain) != notes_of(music) for music in changed)
    with pytest.raises(UsageError, match="none of the words"):
        play(model, text="qwxz")


def test_the_user_sees_what_an_unknown_word_was_heard_as(folder, sentence_encoder, klangbild, tmp_path, monkeypatch):
    given = ("--engine", "art2mus", "--model", folder, "--seconds", "6", "--seed", "1", "-o", tmp_path, "-f", "json")
    code, _, err = klangbild("compose", "--text", "bossa, blorp, oud", "--negative", "qualm", "--steps", "2", *given)
    assert code == 0 and 'words: "oud" is heard as "guitar"' in err and '"qualm" is heard as "serene"' in err
    assert "not understood, left aside: blorp" in err
    record = json.loads((tmp_path / "words-1.json").read_text())
    assert record["music"]["words_heard_as"] == {"bossa": "samba", "qualm": "serene"}
    assert record["music"]["words_translated"] == {"oud": "guitar"}  # our own table needs no encoder
    assert record["music"]["words_heard"] == ["guitar", "samba"] and record["music"]["words_avoided"] == ["serene"]
    assert record["music"]["words_unknown"] == ["blorp"]
    monkeypatch.setenv("KLANGBILD_HOME", str(tmp_path / "nobody"))
    code, _, err = klangbild("compose", "--text", "bossa", *given)
    assert code == 2 and "none of the words" in err
    changed = differences(Record.from_dict(record), Record.from_dict({**record, "music": {}}))
    assert '"bossa" was heard as "samba"' in changed and '"oud" was heard as "guitar"' in changed


def test_asking_for_a_feeling_says_it_in_words(model, pictures):
    music = play(model, pictures[0], source="override", image_tokens=4)
    assert len(music.facts["words_heard"]) == 2


def test_a_picture_alone_is_described_in_words_as_well_unless_a_form_is_asked_for(model, pictures):
    assert play(model, pictures[0]).facts["words_heard"][2:] == ["andante", "flowing", "major"]
    assert play(model, pictures[0], text="piano").facts["words_heard"] == ["piano"]
    assert play(model, pictures[0], image_tokens=4).facts["words_heard"] == []


def test_candidates_are_ranked_by_fit(model, pictures):
    music = play(model, pictures[0], candidates=3)
    scores = music.facts["candidates"]
    assert len(scores) == 3 and scores[music.facts["chosen"]] == max(scores)


def test_stopping_keeps_what_is_whole(model, pictures):
    with pytest.raises(Stopped):
        play(model, pictures[0], on_progress=lambda done, total: False)
    music = play(model, pictures[0], candidates=3, on_progress=lambda done, total: done < 4)
    assert music.stopped and music.piece.n_notes


def test_a_longer_piece_is_one_piece(model):
    """Over windows as in one, where the network looks at each latent alone; and every window starts where the plan says."""

    class Alone:
        window, fewest, grid = 160, 80, 1

        def velocity(self, x, t, conditions):
            assert x.shape[1] == 160
            return np.tanh(x) * conditions["context"].mean(axis=(1, 2))[:, None, None]

    one, none = model.words([1, *[0] * 11]), model.words([0] * 12)
    given = {"channels": 4, "steps": 3, "guidance": 2.0}
    whole = sample(Alone(), one, none, np.random.default_rng(0), n_latents=400, **given)
    by_hand = np.random.default_rng(0).standard_normal((400, 4)).astype(np.float32)
    strength = [c.context.mean() for c in (one, none)]
    for _ in range(3):
        by_hand = by_hand + np.tanh(by_hand) * (strength[1] + 2 * (strength[0] - strength[1])) / 3
    np.testing.assert_allclose(whole, by_hand, atol=1e-4)
    assert window_starts(400, 160) == [0, 120, 240]


def test_what_a_flow_was_made_of_fits_best(model):
    """A network that knows the wish points straight at the music; one that does not points elsewhere."""
    music = np.random.default_rng(1).standard_normal((160, 4)).astype(np.float32)

    class Knowing:
        window, fewest, grid = 160, 80, 1

        def velocity(self, x, t, conditions):
            told = conditions["context"][:, 0, 0][:, None, None]
            return (music[None] * told - x) / (1 - t[:, None, None] + 1e-3)

    right, wrong = model.words([1, *[0] * 11]), model.words([0] * 12)
    right.context[0, 0], wrong.context[0, 0] = 1.0, -1.0
    assert fit(Knowing(), music, right, wrong, np.random.default_rng(0)) > 0.5
    assert fit(Knowing(), music, wrong, right, np.random.default_rng(0)) < 0


@pytest.mark.parametrize("variant", ["1", "4", "direct"])
def test_numpy_and_torch_hear_the_same(model, folder, variant):
    """The projection of a file and the network that was trained, up to the rounding of int8."""
    embedding = np.random.default_rng(2).standard_normal(384).astype(np.float32)
    tokens, mask = model.tokens([3, 5, *[0] * 10])
    projection = open_projection(variant, folder)
    mine = projection.heard(embedding, tokens, mask, layers=SIZES.layers)
    x, t = np.random.default_rng(3).standard_normal((1, 48, CHANNELS)).astype(np.float32), np.full(1, 0.4, np.float32)
    from klangbild.models.roll.condition import stacked

    ours = model.velocity(x, t, stacked([mine]))
    with torch.no_grad():
        twin, net = tiny_model(), tiny_projection(variant)
        words = twin.words(torch.tensor([[3, 5, *[0] * 10]]))
        heard = net(torch.from_numpy(embedding)[None], words, torch.from_numpy(mask)[None], torch.ones(1))
        theirs = twin.base(torch.from_numpy(x), torch.from_numpy(t), *heard).numpy()
        plain = twin.base(torch.from_numpy(x), torch.from_numpy(t), *words_context(words, torch.from_numpy(mask)[None]))
    assert np.abs(ours - theirs).mean() < 0.05 * np.abs(theirs).mean()
    assert np.abs(theirs - plain.numpy()).mean() > 0.2 * np.abs(ours - theirs).mean()
    silent = projection.heard(embedding, tokens, mask, layers=SIZES.layers, strength=0)
    words = stacked([model.words([3, 5, *[0] * 10])])
    assert (model.velocity(x, t, stacked([silent])) == model.velocity(x, t, words)).all()


def test_what_is_missing_or_another_s_is_said(folder, model, tmp_path, pictures):
    with pytest.raises(NotAvailableError, match="sound model"):
        open_roll(tmp_path)
    with pytest.raises(NotAvailableError):
        open_projection("4", tmp_path)
    other = tmp_path / "encoder.onnx"
    other.write_bytes(b"another")
    with pytest.raises(InputError, match="another picture encoder"):
        open_projection("4", folder, other)
    with pytest.raises(UsageError, match="commercial"):
        RollEngine(Settings(engine="art2mus", commercial=True), model)


def test_no_torch_at_run_time(folder):
    code = (
        "import sys; from pathlib import Path; from klangbild.models.roll import engine;"
        "from klangbild.models.roll.model import RollSound;"
        f"m = RollSound(Path({str(folder)!r})); m.words([0] * 12);"
        "print([n for n in ('torch', 'diffusers', 'transformers', 'onnx') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_through_the_house_s_door(folder, tmp_path):
    """compose -> record -> replay, the same bytes; with loudness, tags and notes."""
    from PIL import Image

    from klangbild.composer import compose, replay

    picture = tmp_path / "p.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(picture)
    given = {"engine": "art2mus", "model": str(folder), "seconds": 6, "steps": 2, "seed": 5}
    result = compose(picture, text="solo piano, slow", image_tokens=0, **given)
    sound = result.master.facts
    assert sound["lufs"] == pytest.approx(-14, abs=0.5) or sound["true_peak_dbtp"] > -1.6
    assert sound.items() < result.record["sound"].items() and result.record["sound"]["soundfont"]["name"]
    assert (
        result.record["music"]["words_heard"] == ["solo", "piano", "slow"] and len(result.record["music"]["gates"]) == 2
    )
    assert not any("not known" in reason for reason in result.reasons)
    paths = result.save(tmp_path / "out", ("wav", "mid", "json", "png"))
    assert set(paths) == {"wav", "mid", "json", "png"}
    again = replay(paths["wav"], picture=picture)
    assert (again.audio.samples == result.audio.samples).all()
    with pytest.raises(UsageError, match="picture again"):
        replay(paths["json"])
    words = compose(None, text="solo piano", **given)
    assert words.record["picture"] is None and words.record["music"]["words_heard"] == ["solo", "piano"]


def test_a_model_without_the_picture_part_that_is_asked_for_says_what_to_leave_out(folder, tmp_path):
    from klangbild.models.roll.engine import load

    bare = shutil.copytree(folder, tmp_path / "bare", ignore=shutil.ignore_patterns("*melfusion*", "*art2mus-1*"))
    for wish in ({"engine": "melfusion"}, {"engine": "art2mus", "image_tokens": 1}):
        settings = Settings(model=str(bare), **wish)
        with pytest.raises(NotAvailableError, match=f"leave --model {bare} out"):
            load(settings).part(settings)
        default = dataclasses.replace(settings, model=None)
        assert load(default).part(default) is not None
