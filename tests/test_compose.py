"""The Python door: settings in, a `Result` out; equal seeds, equal bytes; every wish of every kind holds."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
from PIL import Image

import klangbild
from klangbild import Composer, Emotion, compose
from klangbild.errors import InputError, UsageError
from klangbild.formats.table import FORMATS
from klangbild.music.describe import main_tempo
from klangbild.music.midi import read_continued, read_midi


@pytest.fixture(scope="module")
def composer():
    return Composer(seconds=4, seed=3, drafts=0)


@pytest.fixture(scope="module")
def result(composer, picture_file):
    return composer.compose(picture_file)


def test_a_result_knows_everything(result):
    assert result.name == "dusk" and result.seed == 3
    assert result.piece.n_notes > 0 and result.audio.rate == 44100
    assert -1 <= result.emotion.valence <= 1 and result.emotion.valence_spread > 0
    assert result.reasons and result.record["music"]["words"]
    assert abs(result.record["sound"]["lufs"] + 14) < 1.5
    assert result.record["sound"]["true_peak_dbtp"] <= -1.0
    html = result._repr_html_()
    assert "<audio" in html and "alt='" in html


def test_sound_is_made_when_it_is_asked_for(composer, picture_file, tmp_path, small_films):
    result = composer.compose(picture_file)
    notes = result.save(tmp_path / "notes", ("mid", "png", "json"))
    assert "master" not in vars(result) and result.record["sound"] is None
    assert json.loads(notes["json"].read_text())["sound"] is None
    assert not {"synthesis", "mix"} & set(result.record["timings_s"])
    paths = result.save(tmp_path / "all", FORMATS)
    assert {"synthesis", "mix"} <= set(result.record["timings_s"])
    facts = json.loads(paths["json"].read_text())["sound"]
    assert facts["soundfont"]["name"] == "TimGM6mb.sf2" and facts["lufs"] == pytest.approx(-14, abs=1.5)
    # what else is made changes no byte of notes and roll, and the notes no byte of the sound
    assert (
        paths["mid"].read_bytes() == notes["mid"].read_bytes()
        and paths["png"].read_bytes() == notes["png"].read_bytes()
    )
    alone = composer.compose(picture_file).save(tmp_path / "alone", ("wav",))["wav"]
    assert alone.read_bytes() == paths["wav"].read_bytes()
    assert "sound" not in klangbild.Result.load(notes["mid"]) and klangbild.Result.load(alone)["sound"] == facts
    with zipfile.ZipFile(paths["zip"]) as archive:
        assert archive.read("dusk-3.mid") == notes["mid"].read_bytes()
        assert archive.read("dusk-3.wav") == alone.read_bytes()


def test_every_kind_of_source_gives_the_same_music(composer, picture_file, result):
    image = Image.open(picture_file)
    sources = [
        picture_file.read_bytes(),
        io.BytesIO(picture_file.read_bytes()),
        image,
        np.asarray(image.convert("RGB")),
    ]
    for source in sources:
        again = composer.compose(source)
        assert [t.notes.tolist() for t in again.piece.tracks] == [t.notes.tolist() for t in result.piece.tracks]


def test_equal_seeds_give_equal_bytes_in_two_processes(picture_file, tmp_path):
    code = (
        "import sys; from klangbild import compose;"
        "compose(sys.argv[1], seconds=4, seed=9).save(sys.argv[2], 'mid,wav,flac,ogg,mp3,png')"
    )
    for name in ("one", "two"):
        subprocess.run([sys.executable, "-c", code, str(picture_file), str(tmp_path / name)], check=True)
    for suffix in ("mid", "wav", "flac", "ogg", "mp3", "png"):
        one, two = ((tmp_path / n / f"dusk-9.{suffix}").read_bytes() for n in ("one", "two"))
        assert one == two, suffix


@pytest.mark.parametrize("suffix", ["json", "mid", "wav", "flac", "mp3", "ogg", "png"])
def test_replay_from_any_file(result, tmp_path, suffix):
    paths = result.save(tmp_path, ("mid", "wav", suffix) if suffix not in ("mid", "wav") else ("mid", "wav"))
    again = klangbild.replay(paths[suffix])
    fresh = again.save(tmp_path / "again", ("mid", "wav"))
    assert fresh["mid"].read_bytes() == paths["mid"].read_bytes()
    assert fresh["wav"].read_bytes() == paths["wav"].read_bytes()


def test_replay_refuses_what_is_not_ours(tmp_path, picture_file, result):
    plain = tmp_path / "plain.mid"
    midi = mido.MidiFile()
    midi.tracks.append(mido.MidiTrack([mido.Message("note_on", note=60, velocity=64, time=0)]))
    midi.save(plain)
    with pytest.raises(InputError, match="carries no klangbild record"):
        klangbild.replay(plain)
    with pytest.raises(InputError, match="there is no such file"):
        klangbild.replay(tmp_path / "no.json")
    other = tmp_path / "other.png"
    Image.new("RGB", (9, 9)).save(other)
    with pytest.raises(InputError, match="not the picture this piece was made from"):
        result.replay(picture=other)


def test_replay_says_when_it_cannot_be_exact(result, tmp_path, capsys):
    from klangbild.cli.main import main

    path = result.save(tmp_path, ("json",))["json"]
    record = json.loads(path.read_text())
    record["versions"]["onnxruntime"] = "0.0.1"
    path.write_text(json.dumps(record))
    assert main(["replay", str(path), "-o", str(tmp_path), "-f", "mid"]) == 0
    assert "not exact: onnxruntime was 0.0.1" in capsys.readouterr().err


def test_replay_tells_of_another_soundfont_where_it_is_known(result, tmp_path, capsys, monkeypatch):
    from klangbild.cli.main import main
    from klangbild.sound.fonts import find_soundfont

    paths = result.save(tmp_path, ("mid", "wav"))
    other = tmp_path / "other.sf2"
    other.write_bytes(find_soundfont().read_bytes() + bytes(8))
    monkeypatch.setenv("KLANGBILD_SOUNDFONT", str(other))
    for suffix, told in (("wav", True), ("mid", False)):  # notes do not know what played them
        assert main(["replay", str(paths[suffix]), "-o", str(tmp_path / "again"), "-f", "wav"]) == 0
        err = capsys.readouterr().err
        assert ("the SoundFont was TimGM6mb.sf2, here it is other.sf2" in err) is told
    assert main(["replay", str(paths["wav"]), "-o", str(tmp_path / "again"), "-f", "mid"]) == 0
    assert "SoundFont" not in capsys.readouterr().err  # the same notes, and nothing played them


def test_a_replay_without_the_font_that_was_named_plays_another_and_says_so(tmp_path, capsys):
    from klangbild.cli.main import main
    from klangbild.sound.fonts import find_soundfont

    mine = tmp_path / "mine.sf2"
    mine.write_bytes(find_soundfont().read_bytes() + bytes(8))
    paths = compose(text="calm", seconds=4, seed=1, soundfont=str(mine), drafts=0).save(tmp_path, ("wav", "mid"))
    mine.unlink()
    assert main(["replay", str(paths["wav"]), "-o", str(tmp_path / "again"), "-f", "wav"]) == 0
    assert "the SoundFont was mine.sf2, here it is TimGM6mb.sf2" in capsys.readouterr().err
    assert main(["replay", str(paths["mid"]), "-o", str(tmp_path / "again"), "-f", "wav"]) == 0
    assert "mine.sf2 is not here, TimGM6mb.sf2 played" in capsys.readouterr().err


def test_a_replay_by_another_player_says_so(result, tmp_path, capsys):
    from klangbild.cli.main import main

    path = result.save(tmp_path, ("json", "wav"))["json"]
    record = json.loads(path.read_text())
    del record["versions"]["playing"]
    path.write_text(json.dumps(record))
    assert main(["replay", str(path), "-o", str(tmp_path), "-f", "wav"]) == 0
    assert "played by other rules" in capsys.readouterr().err
    assert main(["replay", str(path), "-o", str(tmp_path), "-f", "mid"]) == 0
    assert "other rules" not in capsys.readouterr().err


def test_the_front_gives_functions():
    import klangbild.composer as module

    assert (klangbild.compose, klangbild.replay) == (module.compose, module.replay)
    assert klangbild.Composer is module.Composer is Composer


def test_emotion_overrides_and_paths(composer, picture_file):
    moved = composer.compose(picture_file, emotion=Emotion(0.5, -0.5))
    assert moved.record["emotion"]["source"] == "override"
    assert moved.record["emotion"]["asked"] == {"valence": 0.5, "arousal": -0.5}
    assert moved.emotion == composer.compose(picture_file).emotion
    path = composer.compose(picture_file, path=[Emotion(-0.6, -0.6), Emotion(0.7, 0.8)], seconds=20)
    assert path.record["emotion"]["source"] == "path" and path.settings.path == "0:-0.6,-0.6 20:0.7,0.8"


def test_candidates_keep_the_best(composer, picture_file):
    result = composer.compose(picture_file, candidates=3)
    scores = result.record["music"]["candidates"]
    assert len(scores) == 3
    assert scores[result.record["music"]["chosen"]]["total"] == max(s["total"] for s in scores)
    # the first candidate is what one would have got alone
    if result.record["music"]["chosen"] == 0:
        assert result.midi


def test_continue_goes_on_from_a_file(composer, picture_file, result, tmp_path):
    start = result.save(tmp_path, ("mid",))["mid"]
    longer = composer.compose(picture_file, continue_from=str(start), seconds=4, seed=4)
    assert longer.piece.seconds > result.piece.seconds + 2
    given = read_midi(start)
    end = given.bar_starts()[-1] + 4.0 * given.meters[-1][1] / given.meters[-1][2]
    for before, after in zip(given.tracks, longer.piece.tracks, strict=False):  # every note, by its own player
        assert (before.family, before.program) == (after.family, after.program)
        assert np.array_equal(after.notes[after.notes["onset"] < end - 1e-6], before.notes)
    assert longer.piece.tempos == given.tempos and longer.piece.key == given.key
    assert {track.family for track in longer.piece.tracks} == {track.family for track in result.piece.tracks}


@pytest.mark.parametrize("name", ["minor-declared-c-major", "violin-and-cello", "long-notes", "tempo-30"])
def test_files_of_others_are_kept_note_for_note(composer, picture_file, name):
    path = Path(__file__).resolve().parents[2] / "shared" / "cases" / "midi" / f"{name}.mid"
    if not path.is_file():
        pytest.skip(f"{path}: is not here")
    given = read_continued(path)
    result = composer.compose(picture_file, continue_from=str(path))
    for before, after in zip(given.tracks, result.piece.tracks, strict=False):
        assert (before.family, before.program) == (after.family, after.program)
        assert set(before.notes.tolist()) <= set(after.notes.tolist())
    before = tuple(change for change in result.piece.tempos if change[0] < given.end_beats - 1e-6)
    assert before == given.tempos and result.told == ()
    assert result.piece.seconds > given.seconds


def test_what_is_not_quite_kept_of_the_file_gone_on_from_is_told(composer, picture_file, tmp_path):
    midi = mido.MidiFile()
    midi.tracks.append(mido.MidiTrack([mido.MetaMessage("time_signature", numerator=11, denominator=8, time=0)]))
    for pitch in (60, 64, 67, 72):
        midi.tracks[0] += [mido.Message("note_on", note=pitch, time=0), mido.Message("note_off", note=pitch, time=480)]
    midi.save(tmp_path / "odd.mid")
    result = composer.compose(picture_file, continue_from=str(tmp_path / "odd.mid"), seconds=2)
    assert "odd.mid: its 11/8 is counted as 4/4" in result.told and str(tmp_path) not in str(result.told)


def test_progress_and_stop(composer, picture_file):
    seen = []

    def stop_after_three(done: float, total: float) -> bool:
        seen.append(done / total)
        return len(seen) < 3

    result = composer.compose(picture_file, seconds=60, on_progress=stop_after_three)
    assert result.stopped and 0 < result.piece.seconds < 30
    assert seen == sorted(seen)


def test_on_bar_shows_the_piece_growing(composer, picture_file):
    sizes = []
    composer.compose(picture_file, seconds=25, on_bar=lambda piece: sizes.append(piece.n_notes))
    assert len(sizes) >= 3 and sizes == sorted(sizes)


def test_unknown_settings_are_told(picture_file):
    with pytest.raises(UsageError, match="'tempi' is not a setting; did you mean 'tempo'"):
        compose(picture_file, tempi=3)
    with pytest.raises(UsageError, match="is no emotion; give Emotion"):
        compose(picture_file, emotion="happy")
    with pytest.raises(UsageError, match="path holds what is no emotion"):
        compose(picture_file, path=[(0.1, 0.2)])
    with pytest.raises(UsageError, match="--seed 5000000000 is out of range"):
        compose(picture_file, seed=np.int64(5_000_000_000))
    with pytest.raises(UsageError, match="neither a picture nor --text"):
        compose()


@pytest.mark.parametrize("seed", range(10))
def test_every_wish_holds(composer, picture_file, seed):
    rng = np.random.default_rng(seed)
    families = list(rng.permutation(klangbild.settings.INSTRUMENTS)[: rng.integers(1, 6)])
    wishes = {
        "instruments": families,
        "tempo": float(rng.integers(50, 200)),
        "meter": str(rng.choice(["3/4", "4/4", "6/8", "5/4"])),
        "key": str(rng.choice(["C", "F# minor", "Bb", "Em"])),
        "seconds": float(rng.integers(3, 15)),
        "valence": float(rng.uniform(-1, 1)),
        "arousal": float(rng.uniform(-1, 1)),
        "note_temperature": float(rng.uniform(0.5, 1.5)),
        "top_k": int(rng.integers(0, 50)),
        "repetition_penalty": float(rng.uniform(1, 1.5)),
        "guidance": float(rng.uniform(1, 3)),
        "seed": seed,
    }
    piece = read_midi(composer.compose(picture_file, **wishes).midi)
    assert set(piece.families) == set(families)
    assert abs(main_tempo(piece) - wishes["tempo"]) < 0.01 and piece.tempos[0][1] == max(bpm for _, bpm in piece.tempos)
    assert f"{piece.meters[0][1]}/{piece.meters[0][2]}" == wishes["meter"] and len(piece.meters) == 1
    from klangbild.music.piece import Key

    assert piece.key == Key.parse(wishes["key"])
    beats = 4 * piece.meters[0][1] / piece.meters[0][2]
    assert abs(piece.seconds - wishes["seconds"]) <= beats * 60 / wishes["tempo"] + 0.01
    assert piece.n_notes > 0
