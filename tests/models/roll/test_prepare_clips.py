"""Prepared notes become played clips, with what each clip is; the same whenever it is made."""

import zipfile

import numpy as np
import pytest
from band_pieces import tune

from klangbild.errors import InputError
from klangbild.models.bars.data.prepare import prepare_notes
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.roll.data.clip_table import SoundData
from klangbild.models.roll.data.clips import CLIP_SAMPLES, mean_band, plan_clips, render_clip
from klangbild.models.roll.data.prepare_clips import prepare_sound, summary
from klangbild.music.families import FAMILY_INDEX
from klangbild.music.midi import to_midi_bytes
from klangbild.sound.fonts import find_soundfont


@pytest.fixture(scope="module")
def notes_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    names = [f"{seed}.mid" for seed in range(6)]
    with zipfile.ZipFile(folder / "rated.zip", "w") as archive:
        for seed, name in enumerate(names):
            archive.writestr(name, to_midi_bytes(tune(seed, bpm=80 + 15 * seed, bars=24)))
    lines = [f"{name},{0.2 * i - 0.5:.1f},{0.5 - 0.2 * i:.1f},MIT" for i, name in enumerate(names)]
    (folder / "rated.csv").write_text("file,valence,arousal,licence\n" + "\n".join(lines) + "\n")
    out = tmp_path_factory.mktemp("prepared") / "notes.npz"
    prepare_notes(folder, out, progress=False)
    return out


@pytest.fixture(scope="module")
def prepared(notes_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("sound") / "sound.npz"
    return prepare_sound(notes_file, out, n_clips=4, progress=False), out


def test_the_file_holds_what_was_made(prepared):
    data, out = prepared
    again = SoundData.load(out)
    assert len(data) == 4 and again.about == data.about
    assert all(
        np.array_equal(getattr(data, n), getattr(again, n)) for n in ("valence", "families", "clip_bar", "centroid")
    )
    band = sum(1 << FAMILY_INDEX[name] for name in ("piano", "bass", "drums"))
    assert (data.families == band).all() and (data.meter == 44).all()
    assert "4 clips" in summary(data)


def test_a_clip_is_rendered_again_from_its_plan(prepared, notes_file):
    data, _ = prepared
    clip = render_clip(NoteData.load(notes_file), data.plan(2), find_soundfont(None))
    assert clip is not None and clip.sound.shape == (CLIP_SAMPLES,)
    assert clip.facts["tempo"] == pytest.approx(float(data.tempo[2])) and -1 <= clip.facts["valence"] <= 1
    assert mean_band(clip.sound) == pytest.approx(float(data.height()[2])) and 5 < data.height()[2] < 75


def test_a_higher_sound_lies_in_higher_bands():
    """Where on Slaney's scale a sine lies: 80 bands from 0 to 8 kHz, their centres 45.25 / 81 mels apart."""
    time = np.arange(16_000) / 16_000
    for hz, band in ((440.0, 10.8), (1000.0, 25.9), (4000.0, 61.9)):
        assert mean_band(0.5 * np.sin(2 * np.pi * hz * time)) == pytest.approx(band, abs=1.5)


def test_plans_follow_from_the_seed_and_never_cross_the_split(notes_file):
    notes = NoteData.load(notes_file)
    one, same, other = (list(plan_clips(notes, 6, seed=seed)) for seed in (1, 1, 2))
    assert one == same and one != other
    assert all(plan.heldout == bool(notes.piece_heldout[plan.piece]) and abs(plan.shift) <= 2 for plan in one)


def test_too_little_music_is_one_line(notes_file, tmp_path, klangbild):
    code, _, error = klangbild("data", "prepare", "sound", tmp_path / "none.npz")
    assert code and "none.npz" in error and len(error.strip().splitlines()) == 1
    code, _, error = klangbild("data", "prepare", "sound", notes_file, "--clips", 0)
    assert code == 2 and "--clips 0" in error
    with pytest.raises(InputError, match="there is no prepared sound"):
        SoundData.load(tmp_path / "none.npz")
    np.savez(tmp_path / "old.npz", about=np.array("{}"), latents=np.zeros((2, 160, 64), np.int8))
    with pytest.raises(InputError, match=r"old\.npz: .*spectrograms.*prepare it again"):
        SoundData.load(tmp_path / "old.npz")
