"""The model over beats of a piano roll through the house's door, at tiny size: exact length, tempo and key, every control heard."""

from __future__ import annotations

import json
import shutil
import zipfile
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from tiny_roll_folder import write_tiny_roll

from klangbild.contract import Request
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, NotAvailableError, Stopped, UsageError
from klangbild.formats.table import FORMATS
from klangbild.models.engines import load_engine
from klangbild.models.roll.base import SoundRequest, installed_pictures, shipped_folder
from klangbild.models.roll.grid import FIRST_LANE, GROUPS, N_LANES, STEPS
from klangbild.models.roll.latent import (
    CHANNELS,
    CODE,
    FAMILIES_FROM,
    TEMPO,
    Decoded,
    RollLatent,
    notes_of,
    tempo_number,
)
from klangbild.models.roll.model import RollSound, ended, open_roll
from klangbild.models.roll.sampler import sample
from klangbild.models.window_plan import window_starts
from klangbild.music.midi import read_midi
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.record.facts import Record
from klangbild.record.requests import request_of
from klangbild.settings import Settings
from klangbild.sound.fonts import find_soundfont
from klangbild.sound.master import master
from klangbild.sound.synth import synthesize_stems


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_roll(tmp_path_factory.mktemp("roll-model"))


@pytest.fixture(scope="module")
def model(folder):
    return open_roll(folder)


def play(folder, *, seed=3, on_progress=None, **settings):
    wanted = Settings(
        **{"engine": "art2mus", "model": str(folder), "seconds": 6, "steps": 2, "text": "slow piano", **settings}
    )
    request = Request(wanted, seed, Emotion(0, 0), Emotion(0.6, -0.5), "text", (), None, None)
    return load_engine(wanted).play(request, on_progress=on_progress, on_bar=None)


def played(music):
    return master(synthesize_stems(music.piece, soundfont=find_soundfont()), length_s=music.length_s)


def sound_of(music):
    return played(music).audio.samples


def test_the_card_says_which_latent_it_is(model, folder, tmp_path):
    assert isinstance(model, RollSound) and (model.channels, model.grid) == (CHANNELS, 16)
    assert type(open_roll()) is RollSound and open_roll().folder == shipped_folder()
    assert installed_pictures(folder) == installed_pictures() == ["art2mus", "melfusion"]
    assert installed_pictures(tmp_path) == []
    missing = shutil.copytree(folder, tmp_path / "missing")
    (missing / "roll-latent.npz").unlink()
    with pytest.raises(NotAvailableError, match="roll-latent"):
        open_roll(missing)
    (missing / "roll-latent.npz").write_bytes(b"no arrays")
    with pytest.raises(InputError, match="roll latent"):
        open_roll(missing)


@pytest.mark.parametrize("seconds", [2.5, 6, 31])
def test_the_length_is_exact_and_its_end_faded(folder, seconds):
    music = play(folder, seconds=seconds)
    mixed = played(music)
    audio, facts = mixed.audio, music.facts
    assert audio.samples.shape == (2, round(seconds * 44100)) and audio.rate == 44100
    assert audio.samples.std() > 0 and abs(audio.samples[:, -1]).max() < 1e-3
    np.testing.assert_allclose(np.sum([stem.samples for _, stem in mixed.stems], axis=0), audio.samples, atol=1e-5)
    assert facts["bars"] * 4 * 60 / facts["tempo"] == pytest.approx(seconds, abs=0.01) and facts["seconds"] == seconds
    assert music.piece.seconds == pytest.approx(seconds) and music.piece.n_notes == facts["notes"]
    assert [name for name, _ in mixed.stems] == facts["instruments"]
    assert music.model["name"] == "klangbild-roll" and facts["meter"] == "4/4"


def test_tempo_and_key_hold_when_they_are_asked_for(folder):
    music = play(folder, tempo=90.0, key="Eb")
    assert music.facts["tempo"] == 90.0 and music.facts["key"].startswith(("Eb", "D#"))
    assert music.piece.seconds == music.length_s == 6 and music.facts["bars"] == 3  # two bars and a quarter, cut there
    said = play(folder, text="slow piano in E flat major")
    assert "key-e-flat" in said.facts["words_heard"] and said.facts["key"].split()[0] == "Eb"
    plain = play(folder)
    assert (sound_of(plain) != sound_of(play(folder, seed=4))).any()
    assert (sound_of(plain) == sound_of(play(folder))).all()


def test_a_length_in_bars_is_a_whole_number_of_them(folder):
    music = play(folder, seconds=None, bars=9, tempo=120.0)
    assert music.facts["bars"] == 9 and music.length_s == music.piece.seconds == 18
    own = play(folder, seconds=None, bars=3)
    assert own.facts["bars"] == 3 and own.length_s == pytest.approx(12 * 60 / own.facts["tempo"], rel=1e-4)
    with pytest.raises(UsageError, match="gen-len"):
        play(folder, seconds=None, gen_len=512)


def test_instruments_play_or_do_not_by_construction(folder):
    everyone = set(play(folder).facts["instruments"])
    assert len(everyone) > 1
    for name in sorted(everyone):
        assert name not in play(folder, without=(name,)).facts["instruments"]
    for wish in (("organ", "lead"), ("drums",), ("guitar", "bass", "brass")):
        assert set(play(folder, instruments=wish).facts["instruments"]) == set(wish)
    with pytest.raises(UsageError, match=r"piano, organ .* one at a time"):
        play(folder, instruments=("piano", "organ"))


def test_a_group_that_must_be_heard_is_struck_where_it_is_likeliest():
    quiet = Decoded(
        *(np.full((8, STEPS, N_LANES), odds, np.float32) for odds in (0.001, 0.0)), np.zeros((8, len(GROUPS)))
    )
    quiet.onset[0, 2, FIRST_LANE[3] + 5] = quiet.onset[4, 0, FIRST_LANE[3] + 9] = 0.01
    assert len(notes_of(quiet)) == 0
    found = notes_of(quiet, heard=frozenset([3]))
    assert found.step.tolist() == [2, 16] and found.lane.tolist() == [FIRST_LANE[3] + 5, FIRST_LANE[3] + 9]
    assert (found.loud == pytest.approx(0.45)) and len(found) == 2


def test_notes_travel_as_midi_roll_and_bundle_and_the_piece_replays_from_each(folder, klangbild, tmp_path):
    """Through the command line: what the notes engine gives, and the same bytes again from any of the files."""
    given = ("--engine", "art2mus", "--model", folder, "--text", "slow piano", "--seconds", 6, "--seed", 5)
    more = ("--steps", 2, "--candidates", 2, "--negative", "drums", "--tempo", 100, "--without", "bass")
    code, out, err = klangbild("compose", *given, *more, "-o", tmp_path / "one", "-f", "all", "--json")
    assert code == 0, err
    record = json.loads(out)
    assert record["files"].keys() == set(FORMATS) and record["sound"]["seconds"] == 6
    piece = read_midi(tmp_path / "one" / "words-5.mid")
    assert piece.n_notes == record["music"]["notes"] and piece.tempos[0][1] == pytest.approx(100, abs=0.01)
    names = zipfile.ZipFile(tmp_path / "one" / "words-5.zip").namelist()
    stems = {f"stems/{family}.wav" for family in record["music"]["instruments"]}
    assert {"words-5.mid", "words-5.wav", "words-5.png", "words-5.json"} | stems == set(names)
    assert Image.open(tmp_path / "one" / "words-5.png").info["Title"]
    for kind in ("wav", "mid", "png", "json"):
        code, _, err = klangbild("replay", tmp_path / "one" / f"words-5.{kind}", "-o", tmp_path / kind)
        assert code == 0 and "not exact" not in err
        for same in ("wav", "mid", "png"):
            ours, theirs = ((tmp_path / part / f"words-5.{same}").read_bytes() for part in ("one", kind))
            assert ours == theirs, (kind, same)


def test_a_model_that_is_gone_is_told_in_one_line(folder, klangbild, tmp_path):
    """By its name, in a folder of its files, and in the record of a piece that it made; with no file begun."""
    old = shutil.copytree(folder, tmp_path / "old")
    (old / "sound-base.json").write_text(json.dumps({"name": "klangbild-small", "vocabulary": []}))
    given = ("compose", "--engine", "art2mus", "--text", "slow", "-o", tmp_path / "out")
    for model in ("klangbild-small", old):
        for flags in ((), ("--key", "C"), ("-f", "mid"), ("--device", "cuda")):
            if model == old and flags[:1] == ("--device",):
                continue  # refused whatever the model
            code, _, err = klangbild(*given, "--model", model, *flags)
            assert code == 4 and len(err.strip().splitlines()) == 1 and "no longer part of klangbild" in err, err
    plane = {"valence": 0.1, "arousal": 0.2}
    for model in (None, "klangbild-small"):
        record = {
            "klangbild": "0.1.0", "schema": 1, "engine": "art2mus",
            "settings": Settings(engine="art2mus", text="slow", model=model).as_dict(), "model": {"name": "klangbild-small"},
            "seed": 3, "reasons": [],
            "emotion": {**plane, "valence_spread": 0, "arousal_spread": 0, "source": "text", "asked": plane},
        }  # fmt: skip
        with pytest.raises(NotAvailableError, match="record: the model klangbild-small"):
            request_of(Record.from_dict(record))
    record["settings"] = Settings(engine="art2mus", text="slow").as_dict()
    for name in ("klangbild-roll", "somebody-else"):
        assert request_of(Record.from_dict({**record, "model": {"name": name}})).settings.model is None
    assert not (tmp_path / "out").exists()


def test_what_a_model_does_not_hear_is_refused_in_one_line(folder, klangbild, tmp_path):
    def refused(*flags, model=folder):
        given = ("--engine", "art2mus", "--model", model, "--text", "slow", "-o", tmp_path)
        code, _, err = klangbild("compose", *given, *flags)
        assert code == 2 and len(err.strip().splitlines()) == 1 and not list(tmp_path.iterdir())
        return err

    assert "--meter is not heard by --engine art2mus" in refused("--meter", "3/4")
    assert "one at a time" in refused("--instruments", "piano,mallet")
    assert "use --engine melfusion" in refused("--synapse", "0.5")


def test_words_guidance_and_candidates_are_heard(folder):
    plain = sound_of(play(folder))
    for change in ({"text": "fast brass"}, {"guidance": 1.0}, {"negative": "drums"}):
        assert (sound_of(play(folder, **change)) != plain).any()
    seen = []
    facts = play(folder, candidates=2, on_progress=lambda done, total: seen.append((done, total))).facts
    assert len(facts["candidates"]) == 2 and facts["candidates"][facts["chosen"]] == max(facts["candidates"])
    assert seen == [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]  # drafts count nothing


def test_stopping_is_noticed_in_the_draft_and_after_it(folder):
    with pytest.raises(Stopped, match="draft"):
        play(folder, on_progress=lambda done, total: False)
    with pytest.raises(Stopped, match="step 1"):
        play(folder, on_progress=lambda done, total: done < 1)
    kept = play(folder, candidates=3, on_progress=lambda done, total: done < 3)
    assert kept.stopped and kept.piece.n_notes and len(kept.facts.get("candidates", [0])) == 1


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
    asked = SoundRequest(5.0, Emotion(0, 0))
    one, none = model.words([1, *[0] * 11]), model.words([0] * 12)
    latents = model.make(one, none, np.random.default_rng(0), asked, steps=2, guidance=2.0)
    sound = model.sound(latents, np.random.default_rng(0))
    assert sound.shape == (5 * 16000,) and sound.dtype == np.float32
    assert -26 < 20 * np.log10(np.sqrt((sound**2).mean())) < -6  # -20 dB as the ear hears it, without the deep bass
    moved = [model.sound(latents, np.random.default_rng(seed)) for seed in range(1, 5)]
    assert any((sound != other).any() for other in moved)  # by other semitones
    latents[:, :CODE] = 0  # next to no onset is likely here
    assert model.sound(latents, np.random.default_rng(0)).shape == (5 * 16000,)
