"""Finished pieces are read: asked and heard stand in the record, what misses is written again, and the nearest is kept."""

import numpy as np
import pytest

from klangbild.composer import Composer, replay
from klangbild.emotion.space import Emotion
from klangbild.errors import Stopped, UsageError
from klangbild.metrics.emotion_judge import hear, own_error
from klangbild.models.drafts import MOST_IDS, called_wrongly, heard_in, judged, miss
from klangbild.music.piece import Piece, Track, make_notes


def tune(bpm: float, velocity: int, *, minor: bool = False, bars: int = 8, each: float = 0.5) -> Piece:
    """Broken triads: the faster, louder and shorter the more excited; major or minor."""
    onset = np.arange(0, 4.0 * bars, each)
    pitch = [60 + (0, 3 if minor else 4, 7, 12)[i % 4] + (0, 5, 7, 0)[int(at // 4) % 4] for i, at in enumerate(onset)]
    notes = make_notes(onset, [each] * len(onset), pitch, [velocity] * len(onset))
    return Piece((Track("piano", 0, notes),), tempos=((0.0, bpm),), length_beats=4.0 * bars)


CALM_PIECE, EXCITED_PIECE = tune(60, 40, each=1.0), tune(180, 115)


def whole(emotion: Emotion):
    return lambda _piece: [(0.0, emotion)]


def run(pieces: list[Piece], asked: Emotion, *, drafts: int = 3, ids=None, go_on=lambda: None):
    drawn = []

    def draw(number, tell, most):
        if tell() is False:
            raise Stopped("told to")
        drawn.append(number)
        return pieces[number + 1]

    found = judged(
        pieces[0], draw, whole(asked), piece_of=lambda p: p, drafts=drafts, ids=ids or (lambda: 100), go_on=go_on
    )
    return (*found, drawn)


def test_the_judges_know_calm_from_excited_and_say_how_far_they_are_off():
    assert hear(EXCITED_PIECE).arousal - hear(CALM_PIECE).arousal > 0.5
    assert 0.1 < own_error().arousal < own_error().valence < 0.5  # blind answers: .5


def test_what_misses_is_written_again_and_the_nearest_is_kept():
    asked = hear(EXCITED_PIECE)
    kept, heard, stopped, drawn = run([CALM_PIECE, CALM_PIECE, EXCITED_PIECE, CALM_PIECE], asked)
    assert kept is EXCITED_PIECE and drawn == [0, 1] and heard.drafts == 3 and not stopped
    assert heard.emotion == asked


def test_what_fits_is_kept_and_nothing_else_is_drawn():
    kept, heard, _, drawn = run([CALM_PIECE, EXCITED_PIECE], hear(CALM_PIECE))
    assert kept is CALM_PIECE and heard.drafts == 1 and not drawn


@pytest.mark.parametrize("drafts", [0, 1, 2, 3])
def test_no_more_than_asked_and_of_equals_the_first(drafts):
    same = [tune(60, 40, each=1.0) for _ in range(5)]
    kept, heard, _, drawn = run(same, hear(EXCITED_PIECE), drafts=drafts)
    assert kept is same[0] and len(drawn) == drafts == heard.drafts - 1


def test_there_is_an_end_to_patience_and_a_stop_keeps_the_best():
    asked = hear(EXCITED_PIECE)
    assert run([CALM_PIECE, EXCITED_PIECE], asked, ids=lambda: MOST_IDS)[3] == []
    kept, heard, stopped, drawn = run([CALM_PIECE, EXCITED_PIECE], asked, go_on=lambda: False)
    assert kept is CALM_PIECE and stopped and not drawn and heard.drafts == 1


def test_calm_is_not_called_lively_nor_excited_slow():
    lively, slow = tune(110, 60), tune(60, 60, each=1.0)
    assert called_wrongly(lively, Emotion(0.5, -0.7)) and not called_wrongly(lively, Emotion(0.5, -0.5))
    assert called_wrongly(slow, Emotion(0.5, 0.7)) and not called_wrongly(slow, Emotion(0.5, -0.7))
    asked = hear(lively)
    worse = miss(lively, heard_in(lively, [(0.0, asked)]), [(0.0, Emotion(asked.valence, -0.7))])
    assert worse[0] and worse[1] >= 10.0


def test_each_stretch_of_a_course_is_read_against_its_own_wish():
    calm, excited = CALM_PIECE.tracks[0].notes, EXCITED_PIECE.tracks[0].notes.copy()
    excited["onset"] += 32.0
    both = Piece(
        (Track("piano", 0, np.concatenate([calm, excited])),), tempos=((0.0, 60.0), (32.0, 180.0)), length_beats=64.0
    )
    asked = [(0.0, hear(CALM_PIECE)), (32.0, hear(EXCITED_PIECE))]
    heard = heard_in(both, asked)
    assert [one.start_s for one in heard.stretches] == [0.0, 32.0] and not miss(both, heard, asked)[0]
    assert miss(both, heard_in(both, asked[::-1]), [(0.0, asked[1][1]), (32.0, asked[0][1])])[0]
    assert both.between(32.0, 64.0).tempos == ((0.0, 180.0),)


def test_too_few_notes_are_not_read():
    assert heard_in(tune(60, 40, bars=1, each=2.0), [(0.0, Emotion(0.9, 0.9))]) is None


@pytest.fixture(scope="module")
def composer():
    return Composer(seconds=8, text="piano")


def test_asked_and_heard_stand_in_the_record_and_it_replays(composer, tmp_path):
    result = composer.compose(valence=0.9, arousal=0.9, seed=11)
    heard = result.record["heard"]
    assert heard["drafts"] == result.record.heard.drafts >= 1
    assert heard["words"] == f"asked for {result.asked.name}, heard as {heard['name']}"
    (file,) = result.save(tmp_path / "x.mid", ("mid",)).values()
    again = replay(file)
    assert again.midi == result.midi and again.record["heard"] == heard


def test_drafts_0_is_the_first_piece_and_more_are_never_further(composer):
    wish = {"valence": -0.9, "arousal": 0.9}
    for seed in (1, 2):
        first = composer.compose(**wish, seed=seed, drafts=0)
        best = composer.compose(**wish, seed=seed)
        assert first.record.heard.drafts == 1
        asked = [(0.0, best.asked)]
        assert miss(best.piece, best.record.heard, asked)[1] <= miss(first.piece, first.record.heard, asked)[1]
        if best.record.heard.drafts == 1:
            assert best.midi.count(b"MTrk") == first.midi.count(b"MTrk")


@pytest.mark.parametrize("wrong", [-1, 4, 1.5, "many"])
def test_wrong_numbers_of_drafts_are_told_in_one_line(wrong):
    with pytest.raises(UsageError, match=r"^--drafts .* 0 to 3$"):
        Composer(drafts=wrong)
