"""`--exact`: sound and notes last as long as asked, to the sample, in every format that can."""

import numpy as np
import pytest
import soundfile

from klangbild.cli.main import main
from klangbild.composer import Composer, compose, replay
from klangbild.errors import UsageError
from klangbild.music.length import MOST_TEMPO_CHANGE
from klangbild.music.midi import read_midi
from klangbild.settings import Settings


@pytest.fixture(scope="module")
def composer():
    return Composer(text="hopeful", seed=3, seconds=10, exact=True, drafts=0)


@pytest.mark.parametrize("seconds", [7.0, 13.37])
def test_the_sound_is_exact_to_the_sample_and_so_are_the_notes(composer, seconds, tmp_path):
    result = composer.compose(seconds=seconds)
    paths = result.save(tmp_path, ("mid", "wav", "flac"))
    for kind in ("wav", "flac"):
        assert soundfile.info(paths[kind]).frames == round(seconds * 44100)
    assert read_midi(paths["mid"]).seconds == pytest.approx(seconds, abs=0.002)
    assert result.record.music.facts["seconds"] == seconds == result.record.sound.seconds
    samples = result.audio.samples
    assert np.abs(samples[:, -64:]).max() < 1e-3 < np.abs(samples[:, -44100 : -44100 // 2]).max()  # faded, not cut
    again = replay(paths["wav"])
    assert again.save(tmp_path / "again", ("wav",))["wav"].read_bytes() == paths["wav"].read_bytes()


@pytest.mark.parametrize("seed", range(4))
def test_bars_are_whole_where_the_tempo_is_free(composer, seed):
    piece = composer.compose(seconds=11.0, seed=seed).piece
    _, numerator, denominator = piece.meters[0]
    bars = float(piece.seconds_to_beats(11.0)) / (4 * numerator / denominator)
    assert bars == pytest.approx(round(bars), abs=1e-4) and piece.seconds == pytest.approx(11.0, abs=1e-4)


def test_an_asked_tempo_moves_by_no_more_than_three_percent_and_it_is_told(composer):
    result = composer.compose(seconds=31.0, tempo=120, meter="4/4")  # 15.5 bars
    bpm = result.piece.tempos[0][1]
    assert 0 < abs(bpm / 120 - 1) <= MOST_TEMPO_CHANGE + 0.01 or bpm == 120
    assert any(line.startswith("--exact: ") for line in result.told)
    free = composer.compose(seconds=32.0, tempo=120, meter="4/4")
    assert free.piece.tempos[0][1] == 120 and not any("--exact" in line for line in free.told)


def test_a_sound_engine_is_exact_as_well(tmp_path):
    result = compose(text="calm piano", engine="art2mus", seconds=5.5, seed=1, steps=2, exact=True)
    paths = result.save(tmp_path, ("wav", "mid"))
    assert soundfile.info(paths["wav"]).frames == round(5.5 * 44100)
    assert read_midi(paths["mid"]).seconds == pytest.approx(5.5, abs=0.002)


def test_without_seconds_it_is_refused():
    for given in ({}, {"bars": 8}, {"gen_len": 256}, {"seconds": 9, "continue_from": "a.mid"}):
        with pytest.raises(UsageError, match="--exact"):
            Settings(exact=True, **given)
    assert main(["compose", "--text", "calm", "--exact"]) == 2
