"""The model over beats of a piano roll through the house's door, at tiny size: exact length, tempo and key, every control heard."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise

import numpy as np
import pytest
import torch

from klangbild.brief import Brief
from klangbild.diffusion import engine
from klangbild.diffusion.roll import FIRST_LANE, GROUPS, N_LANES, STEPS
from klangbild.diffusion.roll_latent import (
    CHANNELS,
    CODE,
    FAMILIES_FROM,
    TEMPO,
    Decoded,
    RollLatent,
    notes_of,
    tempo_number,
)
from klangbild.diffusion.roll_latent_torch import RollAutoencoder, RollSizes
from klangbild.diffusion.roll_model import RollSound, ended
from klangbild.diffusion.small_model import (
    Asked,
    SmallSound,
    default_model,
    installed_pictures,
    open_small_sound,
    weights_folder,
)
from klangbild.diffusion.small_network_torch import SoundModel, SoundSizes
from klangbild.diffusion.small_projection import packed
from klangbild.diffusion.small_sampler import sample
from klangbild.diffusion.small_words import Vocabulary
from klangbild.diffusion.window_plan import window_starts
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError, Stopped
from klangbild.notes.piece import Piece, Track, make_notes
from klangbild.settings import Settings
from klangbild.train.sound_graph import base_graph, words_graph

SIZES = SoundSizes(
    vocabulary=len(Vocabulary()), channels=CHANNELS, width=32, layers=2, heads=2, hidden=48, words_hidden=32, period=16
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of the model, random, with lanes that are struck often enough to be heard."""
    path = tmp_path_factory.mktemp("roll-model")
    model = SoundModel(SIZES, Vocabulary())
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.15)
    for name, graph, part in (("base", base_graph, model.base), ("words", words_graph, model.words)):
        weights = {n: w.detach().numpy() for n, w in part.state_dict().items()}
        (path / f"sound-{name}.onnx").write_bytes(graph(SIZES, weights).SerializeToString())
    latent = RollAutoencoder(RollSizes(8, 8), seed=1)
    with torch.no_grad():
        for lanes in latent.lanes:
            lanes.weight.mul_(2.0)
    with (path / "roll-latent.npz").open("wb") as file:
        np.savez(file, **packed(latent.arrays()))
    card = {
        "name": "klangbild-roll",
        "latent": "roll",
        "licence": "CC BY-NC-SA 4.0",
        "vocabulary": list(Vocabulary().words),
    }
    (path / "sound-base.json").write_text(json.dumps(card))
    return path


@pytest.fixture(scope="module")
def model(folder):
    return open_small_sound(folder)


def play(folder, *, seed=3, on_progress=None, **settings):
    wanted = Settings(
        **{"engine": "art2mus", "model": str(folder), "seconds": 6, "steps": 2, "text": "slow piano", **settings}
    )
    brief = Brief(wanted, seed, Emotion(0, 0), Emotion(0.6, -0.5), "text", (), None, None)
    return engine.load(wanted).play(brief, on_progress=on_progress, on_bar=None)


def sound_of(music):
    return music.stems[0][1].samples


def test_the_card_says_which_latent_it_is(model, folder, tmp_path):
    assert isinstance(model, RollSound) and (model.channels, model.grid) == (CHANNELS, 16)
    assert isinstance(open_small_sound(weights_folder()), SmallSound)
    assert installed_pictures(folder) == []
    missing = shutil.copytree(folder, tmp_path / "missing")
    (missing / "roll-latent.npz").unlink()
    with pytest.raises(NotAvailableError, match="roll-latent"):
        open_small_sound(missing)
    (missing / "roll-latent.npz").write_bytes(b"no arrays")
    with pytest.raises(InputError, match="roll latent"):
        open_small_sound(missing)


@pytest.mark.parametrize("seconds", [2.5, 6, 31])
def test_the_length_is_exact_and_its_end_faded(folder, seconds):
    music = play(folder, seconds=seconds)
    audio = music.stems[0][1]
    assert audio.samples.shape == (2, round(seconds * 44100)) and audio.rate == 44100
    assert audio.samples.std() > 0 and abs(audio.samples[:, -1]).max() < 1e-3
    facts = music.facts
    assert facts["bars"] * 4 * 60 / facts["tempo"] == pytest.approx(seconds, abs=0.01) and facts["seconds"] == seconds
    assert music.model["name"] == "klangbild-roll" and facts["meter"] == "4/4"


def test_tempo_and_key_hold_when_they_are_asked_for(folder):
    music = play(folder, tempo=90.0, key="Eb")
    assert music.facts["tempo"] == 90.0 and music.facts["key"].startswith(("Eb", "D#"))
    said = play(folder, text="slow piano in E flat major")
    assert "key-e-flat" in said.facts["words_heard"] and said.facts["key"].split()[0] == "Eb"
    plain = play(folder)
    assert (sound_of(plain) != sound_of(play(folder, seed=4))).any()
    assert (sound_of(plain) == sound_of(play(folder))).all()


def test_words_guidance_and_candidates_are_heard(folder):
    plain = sound_of(play(folder))
    for change in ({"text": "fast brass"}, {"guidance": 1.0}, {"negative": "drums"}):
        assert (sound_of(play(folder, **change)) != plain).any()
    facts = play(folder, candidates=2).facts
    assert len(facts["candidates"]) == 2 and facts["candidates"][facts["chosen"]] == max(facts["candidates"])


def test_stopping_is_noticed_in_the_draft_and_after_it(folder):
    with pytest.raises(Stopped, match="draft"):
        play(folder, on_progress=lambda done, total: False)
    with pytest.raises(Stopped, match="step 1"):
        play(folder, on_progress=lambda done, total: done < 1)


def test_a_held_channel_comes_out_at_its_number_in_every_window(model):
    one, none = model.words([1, *[0] * 11]), model.words([0] * 12)
    latents = sample(
        model, one, none, np.random.default_rng(0), n_latents=100, channels=CHANNELS, steps=3, guidance=2.0,
        held={TEMPO: float(tempo_number(90))},
    )  # fmt: skip
    assert latents.shape == (100, CHANNELS)
    np.testing.assert_allclose(latents[:, TEMPO], tempo_number(90), atol=1e-5)


def test_windows_start_at_the_first_of_four_bars():
    starts = window_starts(176, 64, grid=16)
    assert starts[0] == 0 and starts[-1] == 112 and all(start % 16 == 0 for start in starts)
    assert all(b - a <= 48 for a, b in pairwise(starts))


def test_as_many_notes_are_kept_as_their_probabilities_add_up_to():
    onset = np.zeros((1, STEPS, N_LANES), np.float32)
    keys = FIRST_LANE[2]
    onset[0, 0, [keys, keys + 4, keys + 7]] = (0.9, 0.45, 0.4)  # 1.75: two of the three
    onset[0, 2, keys + 9] = 0.1
    sounding = np.zeros_like(onset)
    sounding[0, 1, keys] = 0.9
    found = notes_of(Decoded(onset, sounding, np.full((1, len(GROUPS)), 0.5, np.float32)))
    assert found.lane.tolist() == [keys, keys + 4] and found.length.tolist() == [2, 1] and (found.loud == 0.5).all()


def test_the_family_of_a_group_is_the_one_that_is_said_most(model):
    latents = np.random.default_rng(0).standard_normal((16, CHANNELS)).astype(np.float32)
    latents[:, FAMILIES_FROM:] = -1
    for place in (1, 6, 8):  # piano, strings, winds
        latents[:, FAMILIES_FROM + place] = 1
    names = {track.family for track in model.latent.piece(latents).tracks}
    assert names <= {"drums", "bass", "piano", "guitar", "strings", "winds"} and len(names) > 2
    with pytest.raises(ValueError, match="roll latents"):
        RollLatent(model.latent.arrays).decode(latents[:, :CODE])


def test_a_last_bar_comes_to_rest():
    onsets = np.arange(0, 32, 0.5)
    piano = Track("piano", 0, make_notes(onsets, np.full(64, 0.5), np.full(64, 60), np.full(64, 80)))
    piece = ended(Piece((piano,), length_beats=32.0))
    last = piece.tracks[0].notes[-1]
    assert last["onset"] == 28 and last["duration"] == 4 and piece.n_notes == 57


def test_measures_hear_it_dry_and_as_loud_as_the_clips(model):
    asked = Asked(5.0, Emotion(0, 0))
    one, none = model.words([1, *[0] * 11]), model.words([0] * 12)
    latents = model.make(one, none, np.random.default_rng(0), asked, steps=2, guidance=2.0)
    sound = model.sound(latents, np.random.default_rng(0))
    assert sound.shape == (5 * 16000,) and sound.dtype == np.float32
    assert -26 < 20 * np.log10(np.sqrt((sound**2).mean())) < -6  # -20 dB as the ear hears it, without the deep bass
    moved = [model.sound(latents, np.random.default_rng(seed)) for seed in range(1, 5)]
    assert any((sound != other).any() for other in moved)  # by other semitones
    latents[:, :CODE] = 0  # next to no onset is likely here
    assert model.sound(latents, np.random.default_rng(0)).shape == (5 * 16000,)


def test_the_default_is_the_first_model_that_has_the_picture_part():
    assert default_model("art2mus", 0) == "klangbild-small"  # the one that ships a direct form
    assert default_model("melfusion") in ("klangbild-small", "klangbild-roll")
    assert default_model("art2mus") == default_model("art2mus", 4)
