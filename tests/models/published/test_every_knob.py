"""Every field of `Settings`, turned for every player: the result changes, or the wish is refused, or the result tells of it.

A knob that is passed over in silence fails here; so does one that is new and was given no value to be turned to.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klangbild.composer import Composer
from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.aria.convert_torch import convert
from klangbild.models.published.melfusion.parts import save_synapses
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline
from klangbild.settings import Settings, flag_of
from klangbild.sound.fonts import find_soundfont

PLAYERS = ("notes", "aria", "art2mus", "melfusion", "published art2mus", "published melfusion")
TURNED = {
    "model": "no-such-model", "seconds": 9, "exact": True, "loop": True, "hits": "1.1", "drafts": 0, "bars": 2, "gen_len": 64, "seed": 2, "valence": 0.9,
    "arousal": 0.9, "text": "furious", "negative": "drums, sad", "conditioning": "none", "note_temperature": 2.0,
    "rest_temperature": 0.2, "top_p": 0.1, "top_k": 1, "repetition_penalty": 2.0, "min_instruments": 5,
    "instruments": ("bass", "guitar"), "key": "F# minor", "tempo": 77, "meter": "3/4", "candidates": 2, "guidance": 6.0,
    "picture_weight": 0.0, "gaze": True, "steps": 3, "path": "0:-0.9,-0.9 2:0.9,0.9", "loudness": -30, "emotion_model": "features",
    "synapse": 0.25, "sampler": "midi-emotion", "commercial": True, "device": "cuda", "precision": "bfloat16", "offload": True, "video": "upright",
}  # fmt: skip
"""The rest (`engine`, `image_tokens`, `without`, `continue_from`, `soundfont`, `kind`) depends on the result that it is to change, or is a file."""
REFUSED = {
    "aria": {"loop", "hits", "drafts", "picture_weight", "guidance", "device", "negative", "steps", "image_tokens", "synapse", "conditioning", "precision", "offload"},
    "notes": {"sampler", "device", "negative", "steps", "image_tokens", "synapse", "commercial", "precision", "offload"},
    "published art2mus": {"valence", "arousal", "key", "tempo", "bars", "gen_len", "meter", "path", "synapse", "device"},
    "published melfusion": {"valence", "arousal", "key", "soundfont", "instruments", "candidates", "image_tokens", "device"},
    "art2mus": {"drafts", "picture_weight", "synapse", "conditioning", "sampler", "device", "commercial", "precision", "offload"},
    "melfusion": {"drafts", "picture_weight", "image_tokens", "conditioning", "sampler", "device", "commercial", "precision", "offload"},
}  # fmt: skip
"""What must be refused, whatever else is."""


@pytest.fixture(scope="module")
def bases(tmp_path_factory, audioldm2_folder, melfusion_folders):
    """Player -> the settings that its walk starts from."""
    home = tmp_path_factory.mktemp("players")
    published = home / "melfusion"
    for folder, name in zip(melfusion_folders, ("music", "image"), strict=True):
        shutil.copytree(folder, published / name)
    fresh = MelfusionPipeline.from_pretrained(
        melfusion_folders[0], image=melfusion_folders[1], device="cpu", announce=lambda line: None
    )
    fresh.set_gates(0.5)
    save_synapses(fresh.parts.music, published / "synapses")
    path = Path(__file__).parents[1] / "aria" / "published_checkpoints.py"
    spec = importlib.util.spec_from_file_location("published_checkpoints", path)
    checkpoints = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checkpoints)
    checkpoints.write_checkpoint(home / "source", "continuous_concat", seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KLANGBILD_HOME", str(home))
        aria = convert(home / "source", name="tiny").path
    models = {
        "notes": None, "aria": aria, "published art2mus": audioldm2_folder,
        "published melfusion": published,
    }  # fmt: skip
    found = {}
    for player in PLAYERS:
        engine = "notes" if player in ("notes", "aria") else player.split()[-1]
        given = {"engine": engine, "seconds": 2, "seed": 1, "text": "calm, slow piano" if engine != "notes" else "calm"}
        if models.get(player):
            given["model"] = str(models[player])
        if player == "aria":
            given["seconds"] = 3  # in two nothing comes twice
        if engine != "notes":
            given["steps"] = 6 if player in ("art2mus", "melfusion") else 2
        found[player] = given
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory, bases):
    """A MIDI file to go on from, another SoundFont, a picture."""
    home = tmp_path_factory.mktemp("files")
    Composer().compose(**bases["notes"]).save(home, ("mid",), filename="before")
    (home / "other.sf2").write_bytes(find_soundfont().read_bytes() + bytes(8))
    sky = np.linspace([40, 70, 140], [240, 190, 120], 48)[:, None, :] * np.ones((1, 64, 1))
    sky += np.random.default_rng(5).normal(0, 8, sky.shape)
    Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8)).save(home / "dusk.png")
    return home


def facts_of(result, *, sound: bool) -> str:
    """All that a result is, without the echo of its settings."""
    if sound or result.piece is None:
        heard = str(hash(result.audio.samples.tobytes()))
    else:
        heard = str([(track.program, track.notes.tolist()) for track in result.piece.tracks])
        heard += f"{result.piece.tempos} {result.piece.meters} {result.piece.key}"
    left_out = ("settings", "told", "timings_s", "files")
    return json.dumps({k: v for k, v in result.record.items() if k not in left_out}, sort_keys=True) + heard


def turned(name: str, base: dict, result, files: Path) -> dict:
    """The settings with one knob turned."""
    if name == "engine":
        value = "melfusion" if base["engine"] == "notes" else "notes"
    elif name == "image_tokens":
        value = 1 if "klangbild" in base.get("model", "klangbild") else 4  # where the published system has 1 by itself
    elif name == "without":
        value = (result.piece.families[0],) if result.piece else ("piano",)
    elif name == "continue_from":
        value = str(files / "before.mid")
    elif name == "soundfont":
        value = str(files / "other.sf2")
    elif name == "kind":
        value = "photo" if "painting" in str(result.reasons) else "painting"
    else:
        value = TURNED[name]
    lengths = ("seconds", "bars", "gen_len")
    kept = {k: v for k, v in base.items() if not (name in lengths and k in lengths)}
    return {**kept, name: value}


@pytest.fixture(scope="module")
def composer():
    return Composer()


def outcomes_of(composer: Composer, base: dict, picture: Path | None, files: Path, names: tuple[str, ...]) -> dict:
    """What turning each knob comes to: {name: "changed" | "refused" | "told" | "passed over"}."""
    first = composer.compose(picture, **base)
    plain = {sound: facts_of(first, sound=sound) for sound in (False, True)}
    first.record = replace(first.record, sound=None)
    outcomes, defaults = {}, Settings()
    for name in names:
        given = turned(name, base, first, files)
        assert given[name] != base.get(name, getattr(defaults, name)), f"{name} needs another value to be turned to"
        try:
            result = composer.compose(picture, **given)
        except (UsageError, NotAvailableError) as error:
            assert flag_of(name) in str(error) or name in ("engine", "model"), f"{name}: {error}"
            assert "\n" not in str(error)
            outcomes[name] = "refused"
            continue
        sound = name in ("soundfont", "loudness", "exact")
        if facts_of(result, sound=sound) != plain[sound]:
            outcomes[name] = "changed"
        elif set(result.told) - set(first.told):
            outcomes[name] = "told"
        else:
            # a promise that cost nothing, drafts that nobody needed, and the shape of a film that nobody asked for yet
            outcomes[name] = "kept" if name in ("commercial", "drafts", "video") else "passed over"
    return outcomes


@pytest.mark.parametrize("player", PLAYERS)
def test_every_knob_changes_the_result_or_is_refused_or_told(player, composer, bases, files):
    names = tuple(knob.name for knob in fields(Settings))
    outcomes = outcomes_of(composer, bases[player], files / "dusk.png", files, names)
    assert [name for name, outcome in outcomes.items() if outcome == "passed over"] == []
    refused = {name for name, outcome in outcomes.items() if outcome == "refused"}
    assert refused >= REFUSED[player]


@pytest.mark.parametrize("player", PLAYERS)
def test_without_a_picture_no_knob_of_pictures_is_passed_over(player, composer, bases, files):
    names = ("text", "valence", "emotion_model", "kind", "picture_weight", "gaze", "image_tokens", "synapse")
    outcomes = outcomes_of(composer, bases[player], None, files, names)
    assert [name for name, outcome in outcomes.items() if outcome == "passed over"] == []
