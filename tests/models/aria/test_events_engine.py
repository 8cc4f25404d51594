import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from klangbild.emotion.space import Emotion  # noqa: E402
from klangbild.errors import UsageError  # noqa: E402
from klangbild.models.aria.convert_torch import convert  # noqa: E402
from klangbild.models.aria.engine import compose_events, sampling_of  # noqa: E402
from klangbild.models.aria.weights import load_foreign  # noqa: E402
from klangbild.music.midi import to_midi_bytes  # noqa: E402
from klangbild.settings import Settings  # noqa: E402

ASKED = Emotion(0.4, 0.2)


@pytest.fixture
def loaded(checkpoint, models_home):
    convert(checkpoint("continuous_concat", seed=3)[0], name="mine")
    return lambda **kwargs: load_foreign("mine", "continuous_concat", **kwargs)


def play(loaded, settings, seed=1, **kwargs):
    made = loaded(sampler=settings.sampler)
    return compose_events(ASKED, settings, seed, model=made.model, language=made.language, **kwargs)


@pytest.mark.parametrize("sampler", ["klangbild", "midi-emotion"])
def test_same_seed_same_bytes_and_wishes_hold(loaded, sampler):
    settings = Settings(seconds=4, instruments=("piano", "bass"), sampler=sampler, tempo=90, meter="3/4", key="D minor")
    first, again = play(loaded, settings), play(loaded, settings)
    assert to_midi_bytes(first.piece) == to_midi_bytes(again.piece)
    assert set(first.piece.families) <= {"piano", "bass"}
    assert first.piece.tempos == ((0.0, 90.0),) and first.piece.meters == ((0.0, 3, 4),)
    assert str(first.piece.key) == "D minor" and first.n_tokens > 0
    if sampler == "klangbild":
        assert set(first.piece.families) == {"piano", "bass"}
        assert first.piece.seconds == pytest.approx(4.0)


@pytest.mark.parametrize("sampler", ["klangbild", "midi-emotion"])
def test_min_instruments_and_gen_len_hold(loaded, sampler):
    for seed in range(4):
        made = play(loaded, Settings(gen_len=64, min_instruments=5, sampler=sampler), seed=seed)
        assert made.n_tokens <= 63 and len(made.piece.families) == 5
    short = play(loaded, Settings(seconds=2, min_instruments=4, sampler=sampler))
    assert len(short.piece.families) >= 4 and short.piece.seconds < 4
    few = Settings(seconds=2, min_instruments=2, instruments=("drums", "bass"), sampler=sampler)
    assert set(play(loaded, few).piece.families) == {"drums", "bass"}


def test_candidates_progress_stop_and_path(loaded):
    seen, pieces = [], []
    settings = Settings(seconds=3, candidates=2, path="0:-0.8,-0.8 3:0.8,0.8")
    made = play(loaded, settings, on_progress=lambda d, t: seen.append((d, t)), on_bar=pieces.append)
    assert seen[-1] == (2, 2) and [d for d, _ in seen] == sorted(d for d, _ in seen)
    assert len(made.scores) == 2 and pieces
    heard: list = []
    stopped = play(loaded, settings, on_bar=heard.append, on_progress=lambda d, t: heard[-1].n_notes == 0)
    assert stopped.stopped and stopped.piece.n_notes


def test_goes_on_from_a_file(loaded, tmp_path):
    first = play(loaded, Settings(seconds=3)).piece
    (tmp_path / "a.mid").write_bytes(to_midi_bytes(first))
    longer = play(loaded, Settings(seconds=3, continue_from=str(tmp_path / "a.mid")), seed=2).piece
    assert longer.seconds > first.seconds + 2
    start = {round(float(x), 3) for t in first.tracks for x in t.notes["onset"]}
    assert start <= {round(float(x), 3) for t in longer.tracks for x in t.notes["onset"]}


def test_what_cannot_be_played_is_said(loaded):
    for sampler in ("klangbild", "midi-emotion"):
        with pytest.raises(UsageError, match="plays only"):
            play(loaded, Settings(instruments=("brass",), sampler=sampler))


def test_their_knobs_are_the_default_of_their_sampler():
    theirs = sampling_of(Settings(sampler="midi-emotion"))
    assert (theirs.after_shift, theirs.otherwise, theirs.top_p, theirs.repeat_penalty) == (1.2, 1.2, 0.7, 0.5)
    assert sampling_of(Settings(note_temperature=0.9, top_k=5, gen_len=100)).after_shift == 0.9
    assert np.isclose(sampling_of(Settings(repetition_penalty=1.3)).repeat_penalty, 0.3)
