"""`--hit`: a downbeat with an accent stands at the second asked for, in notes and in sound, together with every other wish about time."""

import numpy as np
import pytest

from klangbild.cli.main import main
from klangbild.composer import Composer, replay
from klangbild.errors import UsageError
from klangbild.music.length import MOST_TEMPO_CHANGE
from klangbild.music.midi import read_midi


@pytest.fixture(scope="module")
def composer():
    return Composer(text="hopeful", seconds=16, seed=3, drafts=0)


def bar_lines_s(piece) -> np.ndarray:
    return piece.beats_to_seconds(piece.bar_starts())


def off_s(piece, hit: float) -> float:
    return float(np.abs(bar_lines_s(piece) - hit).min())


@pytest.mark.parametrize(
    "wish",
    [
        {"hits": 7.3},
        {"hits": [4.1, 11.0], "exact": True},
        {"hits": "6.05", "loop": True},
        {"hits": [5.0, 12.5], "path": "0:-0.4,-0.6 8:0.7,0.5"},
        {"hits": 8.2, "path": "0:-0.4,-0.6 8:0.7,0.5", "exact": True},
        {"hits": 9.0, "tempo": 97.0, "meter": "3/4"},
        {"hits": 9.0, "seconds": None, "bars": 12},
        {"hits": 5.2, "instruments": ("piano",)},
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_downbeat_stands_at_the_second_and_is_the_loudest(composer, wish, seed, tmp_path):
    result = composer.compose(**{"seed": seed, **wish})
    hits = [float(hit) for hit in str(result.settings.hits).split(",")]
    (file,) = result.save(tmp_path / "x.mid", ("mid",)).values()
    written = read_midi(file)
    for hit in hits:
        assert off_s(written, hit) < 1e-3 and off_s(result.piece, hit) < 1e-6
        at = [np.abs(written.beats_to_seconds(t.notes["onset"]) - hit) < 5e-3 for t in written.tracks]
        struck = [track.notes["velocity"][here] for track, here in zip(written.tracks, at, strict=True) if here.any()]
        assert struck and min(v.min() for v in struck) >= 84
        kit = [track for track in written.tracks if track.plays_kit]
        if kit:
            here = np.abs(written.beats_to_seconds(kit[0].notes["onset"]) - hit) < 5e-3
            assert 49 in kit[0].notes["pitch"][here]
    if wish.get("exact"):
        assert written.seconds == pytest.approx(16.0, abs=0.003)
    if "tempo" in wish:
        bpms = np.array([bpm for _, bpm in result.piece.tempos])
        assert (np.abs(97.0 / bpms - 1.0) <= MOST_TEMPO_CHANGE + 1e-6).all() or any("--hit" in t for t in result.told)
    again = replay(file)
    assert again.midi == result.midi


def test_it_is_heard_there_in_the_sound(composer):
    """The level jumps within 10 ms of the second: nothing as loud begins in the tenth of a second before it."""
    result = composer.compose(hits=[6.37], instruments=("piano", "drums"), seed=5)
    samples, rate = result.audio.samples, result.audio.rate
    at = round(6.37 * rate)
    window = round(0.010 * rate)
    before = np.sqrt((samples[:, at - 5 * window : at - window] ** 2).mean())
    after = np.sqrt((samples[:, at : at + 2 * window] ** 2).mean())
    assert after > 1.3 * before
    steps = np.array([np.sqrt((samples[:, i : i + 441] ** 2).mean()) for i in range(at - 4410, at + 4410, 441)])
    assert abs(int(np.diff(steps).argmax()) - 9) <= 1  # the steepest rise is at the hit, to 10 ms


@pytest.mark.parametrize(
    ("wish", "what"),
    [
        (["--hit", "41", "--seconds", "30"], "--hit 41 lies beyond the end of the piece, which is 30 s long"),
        (["--hit", "8", "--hit", "8.1"], "8 and 8.1 are nearer to each other than a bar"),
        (["--hit", "0.1"], "lies in the first bar"),
        (["--hit", "soon"], "--hit 'soon' is not a second"),
        (["--hit", "8", "--gen-len", "200"], "--hit and --gen-len exclude each other"),
        (["--hit", "8", "--engine", "art2mus", "--model", "published"], "--hit is not heard by the model published"),
        (["--hit", "8", "--continue", "a.mid"], "--hit and --continue exclude each other"),
        (["--path", "0:0,0 40:0.5,0.5", "--seconds", "30"], "lies beyond the end of the piece"),
        (["--path", "0:0,0 400:0.5,0.5", "--bars", "8"], "lies beyond the end of 8 bars"),
    ],
)
def test_what_cannot_be_is_one_line_and_wrong_usage(wish, what, capsys, tmp_path):
    assert main(["compose", "--text", "calm", "-o", str(tmp_path), *wish]) == 2
    err = capsys.readouterr().err
    assert what in err and len(err.strip().splitlines()) == 1 and not list(tmp_path.iterdir())


def test_it_may_be_given_several_times(tmp_path):
    assert main(["compose", "--text", "calm", "-o", str(tmp_path / "x.mid"), "--hit", "4", "--hit", "9.5", "--seconds", "14", "--drafts", "0", "-q"]) == 0  # fmt: skip
    piece = read_midi(tmp_path / "x.mid")
    assert off_s(piece, 4.0) < 1e-3 and off_s(piece, 9.5) < 1e-3
    assert [text for _, text in piece.markers] == ["hit 4 s", "hit 9.5 s"]


def test_other_types_are_refused(composer):
    for wrong in (True, {"at": 3}, [True], ["a"]):
        with pytest.raises(UsageError, match="--hit"):
            composer.compose(hits=wrong)
